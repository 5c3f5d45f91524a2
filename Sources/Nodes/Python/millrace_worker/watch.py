"""Tells the daemon when one coroutine keeps the loop from all others, and which: their time stands still meanwhile."""

import asyncio
import contextvars
import threading
import time

# A turn of the loop that takes longer is told. Between two looks nothing is known, so both are short.
BLOCKED_SECONDS = 0.1
PAUSE_SECONDS = 0.05


class LoopWatch:
    """A thread that asks the loop for a sign of life for as long as several calls share it."""

    def __init__(self, replies):
        self.replies = replies
        self.loop = None
        self.is_shared = threading.Event()
        self.loading = None  # the call whose module is being loaded, between two turns of the loop

    def calls_changed(self, loop):
        """On the main thread: a call has begun, or ended."""
        if len(self.replies.running) < 2:
            self.is_shared.clear()
        elif not self.is_shared.is_set():
            if self.loop is None:
                self.loop = loop
                thread = threading.Thread(target=self.run, name="millrace-watch", daemon=True)
                # It belongs to no call.
                contextvars.Context().run(thread.start)
            self.is_shared.set()

    def run(self):
        while True:
            self.is_shared.wait()
            sign = threading.Event()
            try:
                self.loop.call_soon_threadsafe(sign.set)
            except RuntimeError:
                return  # the loop is closed
            if not sign.wait(BLOCKED_SECONDS):
                self.tell(sign)
            time.sleep(PAUSE_SECONDS)

    def tell(self, sign):
        call = self.blocker()
        if call is None:
            sign.wait()
            return
        self.replies.send('{"blocked":%d}\n' % call.number)
        sign.wait()
        self.replies.send('{"unblocked":%d}\n' % call.number)

    def blocker(self):
        if self.loading is not None:
            return self.loading
        task = asyncio.current_task(self.loop)
        if task is None:
            return None
        for call in list(self.replies.running.values()):
            if call.task is task or call.tasks and task in call.tasks:
                return call
        return None

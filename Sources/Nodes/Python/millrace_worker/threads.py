"""Threads know the call of the node that has started them, or has handed them work."""

import _thread
import concurrent.futures.thread as pool
import contextvars
import threading
import time

from .calls import current

FUTURES_MAX = 64  # beyond it, those that are done are let go of
LAST_MOMENT_SECONDS = 0.05  # a thread that is just about to end needs no word


def install():
    start, submit, start_raw = threading.Thread.start, pool.ThreadPoolExecutor.submit, _thread.start_new_thread

    def start_in_context(thread):
        call = current.get()
        if call is None:
            return start(thread)
        context, run = contextvars.copy_context(), thread.run

        def run_in_context():
            del thread.run
            context.run(run)

        thread.run = run_in_context
        start(thread)
        # Threads of a pool live as long as it does; what counts is the work that they are given.
        if getattr(thread, "_target", None) is not pool._worker:
            call.threads.append(thread)

    def submit_in_context(executor, function, /, *arguments, **named):
        call = current.get()
        if call is None:
            return submit(executor, function, *arguments, **named)
        future = submit(executor, contextvars.copy_context().run, function, *arguments, **named)
        if len(call.futures) >= FUTURES_MAX:
            call.futures = [other for other in call.futures if not other.done()]
        call.futures.append(future)
        return future

    def start_raw_in_context(function, arguments, named={}):
        if current.get() is None:
            return start_raw(function, arguments, named)
        return start_raw(contextvars.copy_context().run, (function, *arguments), named)

    threading.Thread.start = start_in_context
    pool.ThreadPoolExecutor.submit = submit_in_context
    _thread.start_new_thread = _thread.start_new = start_raw_in_context


def outliving(call):
    """What of a call's threads and work still runs at its end, by name."""
    if not call.threads and not call.futures:
        return []
    deadline = time.monotonic() + LAST_MOMENT_SECONDS
    names = []
    for thread in call.threads:
        if thread is not threading.current_thread() and thread.is_alive():
            thread.join(max(0, deadline - time.monotonic()))
            if thread.is_alive():
                names.append("the thread %s" % thread.name)
    running = sum(not future.done() for future in call.futures)
    if running:
        names.append("work that was handed to an executor" + (" (%d times)" % running if running > 1 else ""))
    call.threads, call.futures = [], []
    return names

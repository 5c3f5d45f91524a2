"""The conversation with the daemon.

One JSON object per line, both ways. Requests come on stdin:

    {"call":7,"node":"classify","target":{"file":"triage.py","function":"classify"},"reducers":{"log":"append"},"state":{...}}
    {"cancel":7}                                    an async call should end

Replies go to what was stdout. `call` and the name that tells the kind of reply stand first, in this order:

    {"call":7,"begun":"async"}                      once per target: whether it is async def or a plain function
    {"call":7,"output":"stdout","data":...}         a node_output event
    {"call":7,"update":{...}}                       the end: what changed
    {"call":7,"error":{"message":...,"details":{...}}}
    {"call":7,"cancelled":true}

The protocol has descriptors of its own: 0 is /dev/null and 1 is a copy of 2, so nothing that code of a node, C code or a
subprocess reads or writes gets into it.

Plain functions run one at a time on the main thread, with no event loop running, so that asyncio.run and signal handlers
work in them. Coroutines share one event loop, which stops only while a plain function runs or a module is loaded.
"""

import asyncio
import asyncio.events
import collections
import contextvars
import os
import signal
import threading

from .bodies import awaited, result_of
from .calls import Call, current
from .errors import error_bytes
from .json_text import decode, encode
from .process_state import ProcessState
from .replies import Replies
from .targets import Targets
from .updates import update_bytes

set_mask = signal.pthread_sigmask

READ_BYTES = 1 << 16  # what a pipe holds
EARLY_CANCELS_MAX = 1024


class Worker:
    def __init__(self, sources, requests, replies):
        self.descriptor = requests
        self.process = ProcessState((requests, replies))
        self.replies = Replies(replies)
        self.targets = Targets(sources)
        self.requests = collections.deque()
        self.parts = []  # of a line that has not ended yet
        self.early_cancels = collections.OrderedDict()
        self.loop = None
        self.is_over = False
        self.is_spent = False  # of no more use
        self.is_terminating = False
        signal.signal(signal.SIGTERM, self.terminate)
        self.held = threading.local()  # the signals that a thread has held before it forks
        os.register_at_fork(
            before=self.hold_signals, after_in_parent=self.release_signals, after_in_child=self.leave_terminate)

    def terminate(self, *_):
        # As an exception, so that `finally` and atexit have their chance.
        self.is_terminating = True
        raise SystemExit(128 + signal.SIGTERM)

    def hold_signals(self):
        # Python forgets in a fork what has come since it began, and a pool that ends its processes at once would wait for
        # ever for one that has missed it.
        self.held.mask = set_mask(signal.SIG_BLOCK, (signal.SIGTERM,))

    def release_signals(self):
        set_mask(signal.SIG_SETMASK, self.held.mask)

    def leave_terminate(self):
        # A handler in Python may not run while a fork waits in C, as those of a multiprocessing.Pool do for a lock: their
        # pool would wait for them forever.
        if signal.getsignal(signal.SIGTERM) == self.terminate:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self.release_signals()

    def run(self):
        while True:
            call = self.next_call()
            if call is None:
                return
            self.serve(call)
            if self.is_spent:
                return

    def next_call(self):
        """Waits for a call that is not for the event loop; meanwhile the loop runs, if there is one."""
        while not self.requests:
            if self.is_over or self.is_spent:
                return None
            if self.loop is None:
                self.read()
                continue
            try:
                self.loop.run_forever()
            except (SystemExit, KeyboardInterrupt):
                # A task that a node left behind has no say in this.
                if self.is_terminating:
                    raise
        return self.requests.popleft()

    # Requests

    def read(self):
        data = os.read(self.descriptor, READ_BYTES)
        self.is_over = not data
        end = data.rfind(b"\n") + 1
        if end == 0:
            self.parts.append(data)
            return
        lines = b"".join(self.parts + [data[:end]]).split(b"\n")
        self.parts = [data[end:]]
        for line in lines:
            if line:
                self.take(line.decode())

    def take(self, line):
        try:
            request = decode(line)
        except ValueError as error:
            # The daemon sends valid JSON; but Python refuses integers of thousands of digits.
            number = int(line[len('{"call":'):].split(",", 1)[0])
            text = encode({"message": "Python cannot read the state: %s" % error, "details": {}})
            self.replies.send('{"call":%d,"error":%s}' % (number, text))
            return
        if "cancel" in request:
            self.cancel(request["cancel"])
        else:
            self.requests.append(Call(request))

    def cancel(self, number):
        call = self.replies.running.get(number)
        if call is not None and call.task is not None:
            call.cancelled = True
            call.task.cancel()
            return
        # It may have overtaken its call.
        self.early_cancels[number] = None
        if len(self.early_cancels) > EARLY_CANCELS_MAX:
            self.early_cancels.popitem(last=False)

    def readable(self):
        """The loop's: what is async starts at once, for anything else the loop stops."""
        self.read()
        while self.requests and self.targets.is_known_async(self.requests[0]):
            self.serve(self.requests.popleft())
        if self.requests or self.is_over:
            self.loop.stop()

    # Calls

    def serve(self, call):
        # What modules set in the context while they are loaded holds for all calls; each of them runs in a copy of it.
        token = current.set(call)
        try:
            self.replies.running[call.number] = call
            if call.number in self.early_cancels:
                del self.early_cancels[call.number]
                self.replies.end(call, b'"cancelled":true')
                return
            try:
                function, is_coroutine, is_new = self.load(call)
            except BaseException as error:
                self.fail(call, error)
                return
            if is_new:
                self.replies.begun(call, "async" if is_coroutine else "plain")
            contextvars.copy_context().run(self.start if is_coroutine else self.call, call, function)
        finally:
            current.reset(token)

    def load(self, call):
        changes = self.process.changes
        changes.is_loading = True
        try:
            known = self.targets.function(call)
        finally:
            changes.is_loading = False
        if known[2]:
            self.process.keep()
        return known

    def call(self, call, function):
        self.process.begin()
        try:
            result = result_of(function, call.state, self.replies.output, self.run_coroutine)
            update = update_bytes(call, result, self.replies.log)
        except BaseException as error:
            self.put_back()
            self.fail(call, error)
        else:
            self.put_back()
            self.replies.end(call, b'"update":' + update)

    def put_back(self):
        """The next call finds the process as this one did; if that cannot be, there is none."""
        if self.is_terminating or len(self.replies.running) > 1:
            return
        try:
            is_fine = self.process.put_back(self.replies.log)
        except BaseException:
            if self.is_terminating:
                raise
            is_fine = False
        if not is_fine:
            self.is_spent = True
            if self.loop is not None:
                self.loop.stop()

    def start(self, call, function):
        call.task = self.event_loop().create_task(self.call_async(call, function))
        # A task that is cancelled before its first step never gets into its function.
        call.task.add_done_callback(lambda _: None if call.ended else self.replies.end(call, b'"cancelled":true'))

    async def call_async(self, call, function):
        self.process.begin()
        try:
            result = await awaited(function(call.state), self.replies.output)
            update = update_bytes(call, result, self.replies.log)
        except BaseException as error:
            self.put_back()
            if isinstance(error, asyncio.CancelledError) and call.cancelled:
                self.replies.end(call, b'"cancelled":true')
            else:
                self.fail(call, error)
        else:
            self.put_back()
            self.replies.end(call, b'"update":' + update)

    def fail(self, call, error):
        if self.is_terminating:
            raise error
        self.replies.end(call, b'"error":' + error_bytes(error))
        # What a traceback holds on to can be as large as a state.
        error.__traceback__ = None

    def run_coroutine(self, coroutine):
        return self.event_loop().run_until_complete(coroutine)

    def event_loop(self):
        if self.loop is None:
            policy = asyncio.events._event_loop_policy
            self.loop = asyncio.new_event_loop()
            # To make one is no reason for a node to find another policy.
            asyncio.events._event_loop_policy = policy
            self.process.changes.protect(self.loop)
            self.loop.add_reader(self.descriptor, self.readable)
        return self.loop

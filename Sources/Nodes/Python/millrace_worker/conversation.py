"""The conversation with the daemon, as millrace-worker(7) describes it.

The protocol has descriptors of its own: 0 is /dev/null, 1 a pipe that the daemon hands over, and 2 its other one, so nothing
that code of a node, C code or a subprocess reads or writes gets into it.

Plain functions run one at a time on the main thread, with no event loop running, so that asyncio.run and signal handlers
work in them. Coroutines share one event loop, which stops only while a plain function runs or a module is loaded.
"""

import asyncio
import asyncio.events
import collections
import contextvars
import os
import platform
import select
import signal
import sys
import threading

from . import tasks
from .bodies import awaited, result_of
from .calls import Call, current
from .errors import Drained, error_bytes
from .json_text import decode, encode
from .process_state import ProcessState
from .replies import Replies
from .states import STATES_MAX, KeptStates, StateSource
from .targets import Targets
from .typed_states import TypedState, members
from .updates import update_bytes
from .watch import LoopWatch

set_mask = signal.pthread_sigmask

READ_BYTES = 1 << 16  # what a pipe holds
EARLY_CANCELS_MAX = 1024
VERSION = 1  # of the protocol


class Worker:
    def __init__(self, sources, requests, replies):
        self.descriptor = requests
        self.process = ProcessState((requests, replies))
        self.replies = Replies(replies)
        self.watch = LoopWatch(self.replies)
        self.targets = Targets(sources, self.replies)
        self.states = KeptStates()
        self.requests = collections.deque()
        self.parts = []  # of a line that has not ended yet
        self.early_cancels = collections.OrderedDict()
        self.loop = None
        self.is_flush_due = False
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
        name = encode("Python %s" % platform.python_version())
        self.replies.send('{"hello":%d,"name":%s,"began":true,"keeps":%d}\n' % (VERSION, name, STATES_MAX))
        while True:
            call = self.next_call()
            if call is None:
                return
            # What coroutines have said in the turn of the loop that has just ended.
            self.replies.flush_if_due()
            self.serve(call)
            self.replies.flush_if_due()
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
            text = encode("Python cannot read the state: %s" % error)
            self.replies.send('{"error":%d,"message":%s}\n' % (number, text))
            return
        if "call" in request:
            self.take_call(request, line)
        elif "cancel" in request:
            self.cancel(request["cancel"])
        elif "drain" in request:
            self.drain(request["drain"])
        elif "hello" in request:
            self.greet(request)

    def greet(self, hello):
        if hello["hello"] != VERSION:
            sys.exit("Millrace speaks version %s of the worker protocol, and its Python worker version %d"
                     % (hello["hello"], VERSION))
        if "stdout" in hello:
            self.process.changes.take_output(hello["stdout"])

    def take_call(self, request, line):
        if "state" in request:
            source, state = StateSource(line), request["state"]
            if request.get("keep"):
                self.states.keep("state_of", request["call"], source)
        else:
            source = self.states.find(request)
            if source is None:
                self.replies.send('{"forgotten":%d}\n' % request["call"])
                return
            state = source.load()
        is_kept = request.get("keep") or "state" not in request
        self.requests.append(Call(request, source, state, is_kept))

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

    def drain(self, number):
        """The daemon is about to stop: a graph ends at a place where it can go on later, if its LangGraph knows how."""
        call = self.replies.running.get(number)
        if call is not None and call.control is not None:
            call.control.request_drain("the daemon stops")

    def readable(self):
        """The loop's: what is async starts at once, for anything else the loop stops."""
        self.read()
        while self.requests and self.targets.is_known_async(self.requests[0]):
            self.serve(self.requests.popleft())
        # All that begin now say so in one go, before the first of them runs.
        self.replies.flush_if_due()
        if self.requests or self.is_over:
            self.loop.stop()

    # Calls

    def serve(self, call):
        # What modules set in the context while they are loaded holds for all calls; each of them runs in a copy of it.
        token = current.set(call)
        try:
            self.replies.running[call.number] = call
            try:
                function, is_coroutine, is_new = self.load(call)
            except BaseException as error:
                self.fail(call, error)
                return
            if is_new:
                self.read_what_came()
            if self.early_cancels and call.number in self.early_cancels:
                del self.early_cancels[call.number]
                self.replies.end(call, b"cancelled")
                return
            if is_new and not is_coroutine:
                self.replies.began(call, False)
                self.replies.flush()
            contextvars.copy_context().run(self.start if is_coroutine else self.call, call, function)
        finally:
            current.reset(token)

    def load(self, call):
        changes = self.process.changes
        changes.is_loading = True
        self.watch.loading = call
        try:
            known = self.targets.function(call)
        finally:
            changes.is_loading = False
            self.watch.loading = None
        if known[2]:
            (self.process.keep if len(self.replies.running) == 1 else self.process.keep_lists)()
        return known

    def read_what_came(self):
        """After an import, which may have taken long: the call may not be wanted any more."""
        while not self.is_over and select.select([self.descriptor], [], [], 0)[0]:
            self.read()

    def call(self, call, function):
        self.process.begin()
        try:
            typed = TypedState(call.state_type, call.state) if call.state_type else None
            state = typed.value if typed else call.state
            result = result_of(function, state, self.replies.output, self.run_coroutine)
            update = self.update(call, typed, result)
        except Drained:
            self.put_back()
            self.replies.end(call, b"drained")
        except BaseException as error:
            self.put_back()
            self.fail(call, error)
        else:
            self.put_back()
            self.succeed(call, update)

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
            # Before the end of its call, so that no other is given to it.
            self.replies.send(b'{"leaving":%d}\n' % os.getpid())
            if self.loop is not None:
                self.loop.stop()

    def start(self, call, function):
        if not call.is_begun:
            self.replies.began(call, True)
        loop = self.event_loop()
        call.task = loop.create_task(self.call_async(call, function))
        self.watch.calls_changed(loop)
        call.task.add_done_callback(lambda _: self.task_ended(call))

    def task_ended(self, call):
        # A task that is cancelled before its first step never gets into its function.
        if not call.ended:
            self.replies.end(call, b"cancelled")
        self.watch.calls_changed(self.loop)

    async def call_async(self, call, function):
        self.process.begin()
        try:
            try:
                typed = TypedState(call.state_type, call.state) if call.state_type else None
                result = await awaited(function(typed.value if typed else call.state), self.replies.output)
            finally:
                left = tasks.left_by(call)
                if left:
                    await tasks.end(left, self.replies.log)
            update = self.update(call, typed, result)
        except BaseException as error:
            self.put_back()
            if isinstance(error, asyncio.CancelledError) and call.cancelled:
                self.replies.end(call, b"cancelled")
            else:
                self.fail(call, error)
        else:
            self.put_back()
            self.succeed(call, update, is_later=True)

    def update(self, call, typed, result):
        """The update, and the name of the node that goes on, if the function has returned one."""
        if typed is None and (result is None or type(result) is dict):
            return update_bytes(call, result, self.replies.log), None
        if typed is not None:
            result = typed.settle(result)
        name = result if isinstance(result, str) else None
        said = members(result)
        result = None if name is not None else result if said is None else said
        return update_bytes(call, result, self.replies.log), name

    def flush_later(self):
        """What coroutines say of themselves goes out once a turn of the loop."""
        if not self.is_flush_due:
            self.is_flush_due = True
            self.loop.call_soon(self.flush)

    def flush(self):
        self.is_flush_due = False
        self.replies.flush()

    def succeed(self, call, result, is_later=False):
        update, name = result
        if call.is_kept and not call.reducers:
            self.states.keep("state_after", call.number, call.source.after(update))
        if is_later:
            self.flush_later()
        said = b"" if name is None else b',"next":' + encode(name).encode("utf-8", "replace")
        self.replies.end(call, b"update", said + b',"value":' + update, is_later)

    def fail(self, call, error):
        if self.is_terminating:
            raise error
        self.replies.end(call, b"error", b"," + error_bytes(error)[1:-1])
        # What a traceback holds on to can be as large as a state.
        error.__traceback__ = None

    def run_coroutine(self, coroutine):
        """Of a plain function."""
        loop, call = self.event_loop(), current.get()
        try:
            return loop.run_until_complete(coroutine)
        finally:
            left = tasks.left_by(call)
            if left:
                loop.run_until_complete(tasks.end(left, self.replies.log))

    def event_loop(self):
        if self.loop is None:
            policy = asyncio.events._event_loop_policy
            self.loop = asyncio.new_event_loop()
            # To make one is no reason for a node to find another policy.
            asyncio.events._event_loop_policy = policy
            self.loop.set_task_factory(tasks.make_task)
            self.process.changes.protect(self.loop)
            self.loop.add_reader(self.descriptor, self.readable)
        return self.loop

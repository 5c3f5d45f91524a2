"""Runs the Python nodes of one graph revision, call after call, for the daemon.

    worker.py FILES_FOLDER GRAPH_FOLDER

One JSON object per line, both ways. Requests come on stdin:

    {"call":7,"node":"classify","target":{"file":"triage.py","function":"classify"},"always":[],"state":{...}}
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
import collections
import contextvars
import fcntl
import faulthandler
import importlib.machinery
import importlib.util
import inspect
import io
import json
import linecache
import os
import signal
import struct
import sys
import termios
import threading
import time
import traceback
import types
from collections.abc import Mapping

import millrace

READ_BYTES = 1 << 16  # what a pipe holds
TEXT_LINE_MAX = 1 << 16  # characters of one stdout or stderr event
OUTPUT_BYTES_MAX = 8 << 20  # one millrace.emit
MESSAGE_MAX = 8 << 10
TRACEBACK_MAX = 64 << 10
CODE_MODULES_MAX = 256  # inline codes that are kept loaded
EARLY_CANCELS_MAX = 1024
RAW_DRAIN_SECONDS = 1.0  # the daemon reads at once, unless it is very busy

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_encode_loosely = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_current = contextvars.ContextVar("millrace_call", default=None)


class NodeError(Exception):
    """A failure that is told in its own words, without a traceback."""


class Call:
    """One attempt of one node, from its request to its end."""

    __slots__ = ("number", "node", "key", "trace", "target", "always", "line", "state", "keys", "text", "task", "cancelled", "ended")

    def __init__(self, request, line):
        self.number = request["call"]
        self.node = request["node"]
        self.key = request.get("key", "")
        self.trace = request.get("trace", "")
        self.target = request["target"]
        self.always = request.get("always") or ()
        self.state = request["state"]
        self.keys = frozenset(self.state)
        self.line = line
        self.text = {}  # channel -> the beginning of a line that print has not ended yet
        self.task = None
        self.cancelled = False
        self.ended = False

    def pristine(self):
        """The state as it came, however the function has changed the one that it was given."""
        return json.loads(self.line)["state"]


# --- What goes out -----------------------------------------------------------------------------------------------------


class Replies:
    """Writes lines to the daemon, from any thread."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.lock = threading.RLock()
        self.running = {}  # number -> Call
        self.is_fork = False
        os.register_at_fork(after_in_child=self.become_fork)

    def become_fork(self):
        # A fork shares the pipe, but has no part in the conversation.
        self.is_fork = True
        self.lock = threading.RLock()

    def send(self, text):
        self.send_bytes((text + "\n").encode("utf-8", "replace"))

    def send_bytes(self, data):
        data = memoryview(data)
        with self.lock:
            while data:
                data = data[os.write(self.descriptor, data):]

    def call_of_output(self):
        """The call that is putting something out. A thread that a node has started carries no context: then it is
        clear only if there is just one call."""
        call = _current.get()
        if call is None and len(self.running) == 1:
            call = next(iter(self.running.values()), None)
        return None if call is None or call.ended or self.is_fork else call

    def idempotency_key(self):
        call = self.call_of_output()
        return call.key if call else ""

    def traceparent(self):
        call = self.call_of_output()
        return call.trace if call else ""

    def output(self, channel, data):
        call = self.call_of_output()
        if call is None:
            write_raw("%s: %s\n" % (channel, data))
            return
        text = _encode(data)
        if len(text) > OUTPUT_BYTES_MAX:
            raise ValueError("an output of %d characters is over the limit of %d" % (len(text), OUTPUT_BYTES_MAX))
        self.send('{"call":%d,"output":%s,"data":%s}' % (call.number, _encode(channel), text))

    def print(self, channel, text):
        """Text comes in pieces; it goes out by lines."""
        call = self.call_of_output()
        if call is None:
            write_raw(text)
            return
        with self.lock:
            text = call.text.pop(channel, "") + text
            lines = text.split("\n")
            rest = lines.pop()
            while len(rest) > TEXT_LINE_MAX:
                lines.append(rest[:TEXT_LINE_MAX])
                rest = rest[TEXT_LINE_MAX:]
            if rest:
                call.text[channel] = rest
            for line in lines:
                self.send_text(call, channel, line)

    def send_text(self, call, channel, line):
        for start in range(0, len(line) or 1, TEXT_LINE_MAX):
            part = _encode(line[start:start + TEXT_LINE_MAX])
            self.send('{"call":%d,"output":"%s","data":%s}' % (call.number, channel, part))

    def begun(self, call, nature):
        self.send('{"call":%d,"begun":"%s"}' % (call.number, nature))

    def end(self, call, text):
        """The last line of a call, in UTF-8; what it had printed without a newline comes before."""
        if self.is_fork:
            # A fork came back from the node's function: the original does the talking.
            os._exit(0)
        with self.lock:
            for channel, rest in call.text.items():
                self.send_text(call, channel, rest)
            call.ended = True
        if len(self.running) == 1:
            await_raw_output()
        with self.lock:
            self.running.pop(call.number, None)
            self.send_bytes(b'{"call":%d,%b}\n' % (call.number, text))


class Printer(io.TextIOBase):
    """sys.stdout and sys.stderr: text by lines, as outputs of the call that writes it."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, replies, channel, descriptor):
        self.replies = replies
        self.channel = channel
        self.descriptor = descriptor
        self.buffer = PrinterBuffer(self)
        self.name = "<%s>" % channel
        self.mode = "w"

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not " + type(text).__name__)
        if text:
            self.replies.print(self.channel, text)
        return len(text)

    def writable(self):
        return True

    def fileno(self):
        return self.descriptor

    def isatty(self):
        return False

    def close(self):
        # Who closes it (as some libraries do with stdout) would take it from all calls to come.
        pass


class PrinterBuffer(io.RawIOBase):
    def __init__(self, printer):
        self.printer = printer

    def writable(self):
        return True

    def write(self, data):
        data = bytes(data)
        self.printer.write(data.decode("utf-8", "replace"))
        return len(data)

    def close(self):
        pass


def write_raw(text):
    data = text.encode("utf-8", "replace")
    while data:
        data = data[os.write(2, data):]


def await_raw_output():
    """Waits until the daemon has read what was written to descriptors 1 and 2 directly, so that it comes before the end
    of the call that wrote it."""
    deadline = None
    unread = bytearray(4)
    while True:
        try:
            fcntl.ioctl(2, termios.FIONREAD, unread)
        except OSError:
            return
        if struct.unpack("i", unread)[0] == 0:
            return
        now = time.monotonic()
        if deadline is None:
            deadline = now + RAW_DRAIN_SECONDS
        elif now > deadline:
            return
        time.sleep(0.0002)


# --- Targets: the functions that documents name -------------------------------------------------------------------------


class Targets:
    """Finds and keeps the functions; a module is loaded once per worker."""

    def __init__(self, folder):
        self.folder = folder
        self.functions = {}  # target as text -> (function, whether it is async)
        self.modules = {}  # file -> module
        self.codes = collections.OrderedDict()  # the keys in `functions` that are inline code, the oldest first
        self.objects = {}  # (file, class) -> its one object

    def function(self, call):
        """The function of a call, whether it is async, and whether it is used for the first time. Raises what loading
        it raises."""
        key = self.key(call)
        known = self.functions.get(key)
        if known is not None:
            return known[0], known[1], False
        function = self.resolve(call)
        known = self.functions[key] = (function, is_async(function))
        if "code" in call.target:
            self.codes[key] = None
            if len(self.codes) > CODE_MODULES_MAX:
                del self.functions[self.codes.popitem(last=False)[0]]
        return known[0], known[1], True

    def key(self, call):
        text = _encode(call.target)
        return call.node + "\0" + text if "code" in call.target else text

    def is_known_async(self, call):
        known = self.functions.get(self.key(call))
        return known is not None and known[1]

    def resolve(self, call):
        target = call.target
        if "code" in target:
            return self.member(self.load_code(call.node, target["code"]), "execute", "the code")
        file = target["file"]
        module = self.modules.get(file)
        if module is None:
            module = self.modules[file] = self.load_file(file)
        if "function" in target:
            return self.member(module, target["function"], file)
        if "object" in target:
            holder = self.find(module, target["object"], file)
            return self.member(holder, "execute", "%s of %s" % (target["object"], file))
        key = (file, target["class"])
        if key not in self.objects:
            self.objects[key] = self.member(module, target["class"], file)()
        return self.member(self.objects[key], "execute", "%s of %s" % (target["class"], file))

    def find(self, holder, name, place):
        try:
            return getattr(holder, name)
        except AttributeError:
            raise NodeError("%s has no %s" % (place, name)) from None

    def member(self, holder, name, place):
        found = self.find(holder, name, place)
        if not callable(found):
            raise NodeError("%s of %s is of type %s and cannot be called" % (name, place, type(found).__name__))
        return found

    def load_file(self, file):
        path = os.path.join(self.folder, *file.split("/"))
        name = self.module_name(file)
        if name in sys.modules and getattr(sys.modules[name], "__file__", None) == path:
            return sys.modules[name]
        if name in sys.modules:
            # A node's json.py is not the json of everyone else.
            name = "millrace_file_" + "".join(c if c.isalnum() else "_" for c in file)
        spec = importlib.util.spec_from_file_location(
            name, path, loader=importlib.machinery.SourceFileLoader(name, path))
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            sys.modules.pop(name, None)
            raise
        return module

    def module_name(self, file):
        parts = file.split("/")
        parts[-1] = os.path.splitext(parts[-1])[0]
        if all(part.isidentifier() for part in parts):
            return ".".join(parts)
        return "millrace_file_" + "".join(c if c.isalnum() else "_" for c in file)

    def load_code(self, node, code):
        file = "<code of %s>" % node
        # A traceback shows lines of what is in this cache, and asks no loader.
        linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
        name = "millrace_code_" + "".join(c if c.isalnum() else "_" for c in node)
        module = types.ModuleType(name)
        module.__file__ = file
        sys.modules[name] = module
        exec(compile(code, file, "exec", dont_inherit=True), module.__dict__)
        return module


def is_async(function):
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))


# --- Updates -----------------------------------------------------------------------------------------------------------


def update_bytes(call, result):
    """What a call's result changes, as a JSON object: the top-level keys that are not in the input, or not with the same
    value. 1, 1.0 and True are three values; so are two orders of the same keys."""
    always = call.always
    if result is None:
        result = call.state
        always = ()
    elif not isinstance(result, Mapping):
        raise NodeError("the node returned a value of type %s; it takes a mapping or None" % type(result).__name__)
    # Most results of a node that returns what is new share no key with the state, and need no second look at it.
    pristine = None
    members = []
    for key in result:
        if not isinstance(key, str):
            raise NodeError("the update has a key of type %s, %.100r; keys are strings" % (type(key).__name__, key))
        value = result[key]
        if key in call.keys and key not in always:
            if pristine is None:
                pristine = call.pristine()
            text = changed_text(key, value, pristine[key])
        else:
            text = json_text(key, value)
        if text is not None:
            members.append(_encode(key) + ":" + text)
    try:
        return ("{" + ",".join(members) + "}").encode()
    except UnicodeEncodeError:
        raise NodeError(fault(dict(result), "")) from None


def changed_text(key, value, before):
    """The value as JSON; None if it is the one that was there before."""
    try:
        text = _encode(value)
    except (TypeError, ValueError, RecursionError):
        # 1e400 in a state is infinite here, which is no fault of a node that leaves it alone.
        try:
            if _encode_loosely(value) == _encode_loosely(before):
                return None
        except (TypeError, ValueError, RecursionError):
            pass
        return json_text(key, value)
    return None if text == _encode_loosely(before) else text


def json_text(key, value):
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError):
        raise NodeError(fault(value, "/" + pointer_part(key))) from None


def pointer_part(key):
    return str(key).replace("~", "~0").replace("/", "~1")


def fault(value, place):
    """What in a value is no JSON, and where (RFC 6901)."""
    waiting = [(value, place, ())]
    while waiting:
        value, place, above = waiting.pop()
        if id(value) in above:
            return "the update is no JSON at %s: it holds itself" % place
        if isinstance(value, str):
            if not is_unicode(value):
                return "the update is no JSON at %s: a string with a lone surrogate" % place
        elif isinstance(value, float):
            if value != value or value in (float("inf"), float("-inf")):
                return "the update is no JSON at %s: the number is %r" % (place, value)
        elif isinstance(value, dict):
            for key in value:
                if key is not None and not isinstance(key, (str, int, float)):
                    return "the update is no JSON at %s: a key of type %s" % (place, type(key).__name__)
                if isinstance(key, str) and not is_unicode(key):
                    return "the update is no JSON at %s: a key with a lone surrogate" % place
            children = [(value[key], place + "/" + pointer_part(key), above + (id(value),)) for key in value]
            waiting.extend(reversed(children))
        elif isinstance(value, (list, tuple)):
            children = [(item, "%s/%d" % (place, index), above + (id(value),)) for index, item in enumerate(value)]
            waiting.extend(reversed(children))
        elif value is not None and not isinstance(value, (bool, int)):
            return "the update is no JSON at %s: a value of type %s" % (place, type(value).__name__)
    return "the update is no JSON"


def is_unicode(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# --- Errors ------------------------------------------------------------------------------------------------------------


def error_bytes(error):
    if isinstance(error, NodeError):
        body = {"message": str(error), "details": {}}
    else:
        report = traceback.TracebackException(type(error), error, error.__traceback__)
        drop_own_frames(report)
        message = "".join(report.format_exception_only()).strip().split("\n")
        # A syntax error shows its place first; notes may follow the message.
        said = message[-1] if isinstance(error, SyntaxError) else "\n".join(message)
        body = {
            "message": shortened(said, MESSAGE_MAX),
            "details": {
                "type": type_name(error),
                "traceback": shortened("".join(report.format()), TRACEBACK_MAX),
            },
        }
    return _encode(body).encode("utf-8", "replace")


def type_name(error):
    name, module = type(error).__qualname__, type(error).__module__
    return name if module in ("builtins", "__main__") else module + "." + name


def drop_own_frames(report):
    """A traceback begins with the node's code: neither the worker nor the import system is news to its author."""
    seen = set()
    waiting = [report]
    while waiting:
        report = waiting.pop()
        if report is None or id(report) in seen:
            continue
        seen.add(id(report))
        report.stack[:] = [frame for frame in report.stack if not is_own(frame.filename)]
        waiting += [report.__cause__, report.__context__]
        waiting += getattr(report, "exceptions", None) or []


def is_own(file):
    return file == __file__ or file.startswith("<frozen importlib")


def shortened(text, length):
    """The beginning and the end of a text that is too long."""
    if len(text) <= length:
        return text
    return text[: length // 4] + "\n...\n" + text[-(length - length // 4):]


# --- The conversation --------------------------------------------------------------------------------------------------


class Worker:
    def __init__(self, folder, requests, replies):
        self.descriptor = requests
        self.replies = Replies(replies)
        self.targets = Targets(folder)
        self.requests = collections.deque()
        self.parts = []  # of a line that has not ended yet
        self.early_cancels = collections.OrderedDict()
        self.loop = None
        self.is_over = False
        self.is_terminating = False
        signal.signal(signal.SIGTERM, self.terminate)
        os.register_at_fork(after_in_child=self.leave_terminate)

    def terminate(self, *_):
        # As an exception, so that `finally` and atexit have their chance.
        self.is_terminating = True
        raise SystemExit(128 + signal.SIGTERM)

    def leave_terminate(self):
        # A handler in Python may not run while a fork waits in C, as those of a multiprocessing.Pool do for a lock: their
        # pool would wait for them forever.
        if signal.getsignal(signal.SIGTERM) == self.terminate:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def run(self):
        while True:
            call = self.next_call()
            if call is None:
                return
            contextvars.copy_context().run(self.serve, call)

    def next_call(self):
        """Waits for a call that is not for the event loop; meanwhile the loop runs, if there is one."""
        while not self.requests:
            if self.is_over:
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
            request = json.loads(line)
        except ValueError as error:
            # The daemon sends valid JSON; but Python refuses integers of thousands of digits.
            number = int(line[len('{"call":'):].split(",", 1)[0])
            text = _encode({"message": "Python cannot read the state: %s" % error, "details": {}})
            self.replies.send('{"call":%d,"error":%s}' % (number, text))
            return
        if "cancel" in request:
            self.cancel(request["cancel"])
        else:
            self.requests.append(Call(request, line))

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
            contextvars.copy_context().run(self.serve, self.requests.popleft())
        if self.requests or self.is_over:
            self.loop.stop()

    # Calls

    def serve(self, call):
        _current.set(call)
        self.replies.running[call.number] = call
        if call.number in self.early_cancels:
            del self.early_cancels[call.number]
            self.replies.end(call, b'"cancelled":true')
            return
        try:
            function, is_coroutine, is_new = self.targets.function(call)
        except BaseException as error:
            self.fail(call, error)
            return
        if is_new:
            self.replies.begun(call, "async" if is_coroutine else "plain")
        if is_coroutine:
            self.start(call, function)
        else:
            self.call(call, function)

    def call(self, call, function):
        try:
            result = function(call.state)
            if type(result) is not dict and inspect.isawaitable(result):
                result = self.event_loop().run_until_complete(awaited(result))
            update = update_bytes(call, result)
        except BaseException as error:
            self.fail(call, error)
        else:
            self.replies.end(call, b'"update":' + update)

    def start(self, call, function):
        call.task = self.event_loop().create_task(self.call_async(call, function))
        # A task that is cancelled before its first step never gets into its function.
        call.task.add_done_callback(lambda _: None if call.ended else self.replies.end(call, b'"cancelled":true'))

    async def call_async(self, call, function):
        try:
            update = update_bytes(call, await function(call.state))
        except asyncio.CancelledError as error:
            if call.cancelled:
                self.replies.end(call, b'"cancelled":true')
            else:
                self.fail(call, error)
        except BaseException as error:
            self.fail(call, error)
        else:
            self.replies.end(call, b'"update":' + update)

    def fail(self, call, error):
        if self.is_terminating:
            raise error
        self.replies.end(call, b'"error":' + error_bytes(error))
        # What a traceback holds on to can be as large as a state.
        error.__traceback__ = None

    def event_loop(self):
        if self.loop is None:
            self.loop = asyncio.new_event_loop()
            self.loop.add_reader(self.descriptor, self.readable)
        return self.loop


async def awaited(result):
    return await result


def main():
    files, graph = sys.argv[1:3]
    sys.argv = [""]
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    faulthandler.enable(file=2)
    here = os.path.dirname(os.path.abspath(__file__))
    # This folder stays, as the last, for the processes that multiprocessing spawns.
    sys.path[:] = [files] + [path for path in sys.path if path != here] + ([graph] if graph else []) + [here]
    worker = Worker(files, requests, replies)
    millrace._sink = worker.replies.output
    millrace._key = worker.replies.idempotency_key
    millrace._trace = worker.replies.traceparent
    sys.stdout = Printer(worker.replies, "stdout", 1)
    sys.stderr = Printer(worker.replies, "stderr", 2)
    worker.run()


if __name__ == "__main__":
    main()

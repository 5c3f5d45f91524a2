"""What goes out to the daemon, line by line."""

import codecs
import os
import threading
import time
from fcntl import ioctl
from termios import FIONREAD

from .calls import current
from .json_text import encode
from .threads import outliving
from .values import LEVELS_MAX, ValueFault, json_text

TEXT_MAX = 1 << 18  # characters of one message, and of what waits for a newline or a flush
OUTPUT_BYTES_MAX = 8 << 20  # one millrace.emit
RAW_DRAIN_SECONDS = 1.0  # the daemon reads at once, unless it is very busy

NOTHING = bytes(4)  # as FIONREAD says it

new_decoder = codecs.getincrementaldecoder("utf-8")


class Replies:
    """Writes lines to the daemon, from any thread."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.lock = threading.RLock()
        self.running = {}  # number -> Call
        self.later = []  # lines that go out together with the next one, at the latest with `flush`
        self.is_fork = False
        os.register_at_fork(after_in_child=self.become_fork)

    def become_fork(self):
        # A fork shares the pipe, but has no part in the conversation.
        self.is_fork = True
        self.lock = threading.RLock()
        self.later = []

    # Lines

    def send(self, line):
        if type(line) is str:
            line = line.encode("utf-8", "replace")
        with self.lock:
            self.later.append(line)
            self.flush()

    def flush_if_due(self):
        if self.later:
            self.flush()

    def flush(self):
        with self.lock:
            if not self.later:
                return
            data = self.later.pop() if len(self.later) == 1 else b"".join(self.later)
            self.later.clear()
            written = os.write(self.descriptor, data)
            if written < len(data):
                data = memoryview(data)[written:]
                while data:
                    data = data[os.write(self.descriptor, data):]

    # Whose code it is that speaks

    def call_here(self):
        """The call that the running code belongs to, as long as that has not ended."""
        call = current.get()
        return None if call is None or call.ended else call

    def known_call(self):
        call = current.get()
        if call is None:
            raise RuntimeError(
                "this code runs in a thread that no node has started by way of Python, so nobody knows its node; "
                "ask in the node's function, and hand on what it says")
        if call.ended:
            raise RuntimeError("the node %s, which has started this code, has ended" % call.node)
        return call

    def idempotency_key(self):
        return self.known_call().key

    def traceparent(self):
        return self.known_call().trace

    # What calls put out

    def output(self, channel, data):
        """What millrace.emit gives."""
        call = current.get()
        try:
            text = json_text(data, "", LEVELS_MAX - 1, call.notes if call else {})
        except ValueFault as fault:
            raise (TypeError if fault.is_type else ValueError)("the output is no JSON %s" % fault) from None
        if len(text) > OUTPUT_BYTES_MAX:
            raise ValueError("an output of %d characters is over the limit of %d" % (len(text), OUTPUT_BYTES_MAX))
        if self.is_fork:
            write_raw(2, ("%s: %s\n" % (channel, text)).encode("utf-8", "replace"))
        elif call is None:
            self.known_call()
        elif not call.ended:
            self.send('{"emit":%d,"channel":%s,"data":%s}\n' % (call.number, encode(channel), text))

    def log(self, text):
        self.output("log", text)

    def decoded(self, channel, data):
        """Bytes as text; what begins a character is kept until the rest of it comes."""
        call = self.call_here()
        if call is None:
            return data.decode("utf-8", "replace")
        with self.lock:
            decoder = call.decoders.get(channel)
            if decoder is None:
                decoder = call.decoders[channel] = new_decoder("replace")
            return decoder.decode(data)

    def print(self, channel, descriptor, text):
        """Text comes in pieces. It goes out with the next newline or carriage return, or when it is flushed."""
        call = current.get()
        if call is None or self.is_fork:
            return write_raw(descriptor, text.encode("utf-8", "replace"))
        if call.ended:
            return
        with self.lock:
            end = max(text.rfind("\n"), text.rfind("\r")) + 1
            waiting = call.texts.get(channel)
            if waiting:
                end = end and end + len(waiting)
                text = waiting + text
            if end == 0 and len(text) > TEXT_MAX:
                end = len(text)
            if end:
                self.send_text(call, channel, text[:end])
            if waiting or end < len(text):
                call.texts[channel] = text[end:]

    def flush_text(self, channel):
        call = self.call_here()
        if call is None or self.is_fork or not call.texts.get(channel):
            return
        with self.lock:
            self.send_text(call, channel, call.texts.pop(channel, ""))

    def send_text(self, call, channel, text):
        for start in range(0, len(text), TEXT_MAX):
            part = encode(text[start:start + TEXT_MAX])
            self.send('{"text":%d,"channel":"%s","data":%s}\n' % (call.number, channel, part))

    # A call's beginning and end

    def began(self, call, is_async):
        line = b'{"began":%d,"async":%b}\n' % (call.number, b"true" if is_async else b"false")
        with self.lock:
            self.later.append(line)

    def end(self, call, name, rest=b"", is_later=False):
        """The last line of a call, in UTF-8; what it has printed and not flushed comes before."""
        if self.is_fork:
            # A fork came back from the node's function: the original does the talking.
            os._exit(0)
        if call.threads or call.futures:
            self.tell_outliving(call)
        if call.texts or call.decoders:
            self.end_text(call)
        call.ended = True
        running = self.running
        if len(running) == 1:
            await_raw_output()
        with self.lock:
            running.pop(call.number, None)
            self.later.append(b'{"%b":%d%b}\n' % (name, call.number, rest))
            if not is_later:
                self.flush()

    def imported(self, path):
        """A file of the graph's folder, that the revision does not have."""
        if not self.is_fork:
            self.send('{"imported":%d,"path":%s}\n' % (os.getpid(), encode(path)))

    def tell_outliving(self, call):
        for what in outliving(call):
            text = encode("%s of the node %s outlives it; what it puts out from now on is dropped" % (what, call.node))
            self.send('{"log":%d,"data":%s}\n' % (call.number, text))

    def end_text(self, call):
        with self.lock:
            for channel, decoder in call.decoders.items():
                unsent = decoder.decode(b"", True)
                if unsent:
                    self.send_text(call, channel, call.texts.pop(channel, "") + unsent)
            for channel, unsent in call.texts.items():
                self.send_text(call, channel, unsent)


def write_raw(descriptor, data):
    while data:
        data = data[os.write(descriptor, data):]


def await_raw_output():
    """Waits until the daemon has read what was written to descriptors 1 and 2 directly, so that it comes before the end
    of the call that wrote it."""
    deadline = None
    for descriptor in (1, 2):
        while True:
            try:
                if ioctl(descriptor, FIONREAD, NOTHING) == NOTHING:
                    break
            except OSError:
                break
            now = time.monotonic()
            if deadline is None:
                deadline = now + RAW_DRAIN_SECONDS
            elif now > deadline:
                return
            time.sleep(0.0002)

"""What goes out to the daemon, line by line."""

import codecs
import fcntl
import os
import struct
import termios
import threading
import time

from .calls import current
from .json_text import encode
from .values import LEVELS_MAX, ValueFault, json_text

TEXT_LINE_MAX = 1 << 16  # characters of one stdout or stderr event
OUTPUT_BYTES_MAX = 8 << 20  # one millrace.emit
RAW_DRAIN_SECONDS = 1.0  # the daemon reads at once, unless it is very busy

new_decoder = codecs.getincrementaldecoder("utf-8")


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
        call = current.get()
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
        try:
            text = json_text(data, "", LEVELS_MAX - 1, call.notes)
        except ValueFault as fault:
            raise (TypeError if fault.is_type else ValueError)("the output is no JSON %s" % fault) from None
        if len(text) > OUTPUT_BYTES_MAX:
            raise ValueError("an output of %d characters is over the limit of %d" % (len(text), OUTPUT_BYTES_MAX))
        self.send('{"call":%d,"output":%s,"data":%s}' % (call.number, encode(channel), text))

    def log(self, text):
        self.output("log", text)

    def decoded(self, channel, data):
        """Bytes as text; what begins a character is kept until the rest of it comes."""
        call = self.call_of_output()
        if call is None:
            return data.decode("utf-8", "replace")
        with self.lock:
            decoder = call.decoders.get(channel)
            if decoder is None:
                decoder = call.decoders[channel] = new_decoder("replace")
            return decoder.decode(data)

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
            part = encode(line[start:start + TEXT_LINE_MAX])
            self.send('{"call":%d,"output":"%s","data":%s}' % (call.number, channel, part))

    def begun(self, call, nature):
        self.send('{"call":%d,"begun":"%s"}' % (call.number, nature))

    def end(self, call, text):
        """The last line of a call, in UTF-8; what it had printed without a newline comes before."""
        if self.is_fork:
            # A fork came back from the node's function: the original does the talking.
            os._exit(0)
        with self.lock:
            for channel, decoder in call.decoders.items():
                self.print(channel, decoder.decode(b"", True))
            for channel, rest in call.text.items():
                self.send_text(call, channel, rest)
            call.ended = True
        if len(self.running) == 1:
            await_raw_output()
        with self.lock:
            self.running.pop(call.number, None)
            self.send_bytes(b'{"call":%d,%b}\n' % (call.number, text))


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

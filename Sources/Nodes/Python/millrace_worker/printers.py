"""What stands for sys.stdin, sys.stdout and sys.stderr.

They have all that libraries ask of a standard stream when they are imported, and nobody can close them: who does (as
exit() does with stdin) would take them from all calls to come.
"""

import codecs
import io


class Printer(io.TextIOBase):
    """sys.stdout or sys.stderr: text, as an output of the call that writes it."""

    encoding = "utf-8"
    errors = "replace"
    newlines = None
    line_buffering = True
    write_through = False

    def __init__(self, replies, channel, descriptor):
        self.replies = replies
        self.channel = channel
        self.descriptor = descriptor
        self.name = "<%s>" % channel
        self.mode = "w"
        self.buffer = PrinterBuffer(self)

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not " + type(text).__name__)
        if text:
            self.replies.print(self.channel, self.descriptor, text)
        return len(text)

    def flush(self):
        self.replies.flush_text(self.channel)

    def reconfigure(self, *, encoding=None, errors=None, newline=None, line_buffering=None, write_through=None):
        """Takes what a TextIOWrapper takes. Text stays what it is until it is an event, so that nothing is to be encoded."""
        if encoding is not None:
            codecs.lookup(encoding)

    def writable(self):
        return True

    def fileno(self):
        return self.descriptor

    def isatty(self):
        return False

    def detach(self):
        raise io.UnsupportedOperation("%s belongs to all nodes of this process and cannot be detached" % self.name)

    def close(self):
        pass


class PrinterBuffer(io.BufferedIOBase):
    """The bytes below a Printer: UTF-8, whose characters may come in pieces."""

    def __init__(self, printer):
        self.printer = printer
        self.name = printer.name
        self.mode = "wb"

    @property
    def raw(self):
        return self

    def write(self, data):
        if isinstance(data, str):
            raise TypeError("a bytes-like object is required, not 'str'")
        data = bytes(data)
        text = self.printer.replies.decoded(self.printer.channel, data)
        if text:
            self.printer.write(text)
        return len(data)

    def flush(self):
        self.printer.flush()

    def writable(self):
        return True

    def fileno(self):
        return self.printer.fileno()

    def isatty(self):
        return False

    def detach(self):
        return self.printer.detach()

    def close(self):
        pass


class _OpenReader(io.BufferedReader):
    def close(self):
        pass


class EmptyInput(io.TextIOWrapper):
    """sys.stdin: at its end from the beginning."""

    mode = "r"

    def __init__(self, descriptor):
        super().__init__(_OpenReader(io.FileIO(descriptor, "rb", closefd=False)), encoding="utf-8")

    def detach(self):
        raise io.UnsupportedOperation("<stdin> belongs to all nodes of this process and cannot be detached")

    def close(self):
        pass

"""What stands for sys.stdout and sys.stderr."""

import io


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

"""What stands for sys.stdout and sys.stderr."""

import io


class Printer(io.TextIOWrapper):
    """sys.stdout or sys.stderr: all that a text stream is, over bytes that go to the call that writes them."""

    def __init__(self, replies, channel, descriptor):
        super().__init__(
            PrinterBuffer(replies, channel, descriptor), encoding="utf-8", errors="replace", newline="\n",
            write_through=True)
        self.mode = "w"

    def reconfigure(self, *, encoding=None, errors=None, newline=None, line_buffering=None, write_through=None):
        # It serves calls to come as well, and what goes out is UTF-8. Each call has a buffer of its own below.
        super().reconfigure(line_buffering=line_buffering, write_through=True)

    def detach(self):
        # Who wraps it anew would take it from all calls to come; the same goes for who closes it.
        return self.buffer

    def close(self):
        pass


class PrinterBuffer(io.BufferedIOBase):
    def __init__(self, replies, channel, descriptor):
        self.replies = replies
        self.channel = channel
        self.descriptor = descriptor
        self.name = "<%s>" % channel
        self.mode = "wb"

    @property
    def raw(self):
        return self

    def writable(self):
        return True

    def write(self, data):
        data = bytes(data)
        if data:
            self.replies.print(self.channel, self.descriptor, data)
        return len(data)

    def flush(self):
        self.replies.flush_text(self.channel)

    def fileno(self):
        return self.descriptor

    def isatty(self):
        return False

    def close(self):
        pass

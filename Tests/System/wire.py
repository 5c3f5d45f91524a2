"""HTTP over a bare socket: sends any bytes, and reads responses as strictly as RFC 9112 is written."""

import re
import socket

STATUS_LINE = re.compile(rb"HTTP/1\.1 (\d{3}) ([A-Za-z -]+)")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\x20-\x7e]*)")


class Closed(Exception):
    """The server has closed the connection where a response, or more of one, was expected."""


class Malformed(Exception):
    """A response that no server should send."""


class Response:
    def __init__(self, status, fields):
        self.status = status
        self.fields = fields
        self.body = b""
        # The sizes of the chunks, if it came in chunks.
        self.chunks = None

    def __getitem__(self, name):
        """The one value of a field; None without it."""
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        if len(values) > 1:
            raise Malformed(f"{name} comes {len(values)} times")
        return values[0] if values else None

    @property
    def closes(self):
        return self["connection"] == "close"


class Wire:
    """One connection."""

    def __init__(self, daemon=None, port=None, unix=None, timeout=30):
        if unix:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(str(unix))
        else:
            self.socket = socket.create_connection(("127.0.0.1", port or daemon.port), timeout=timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def request(self, method, path, headers=(), body=b"", version="1.1"):
        """Sends a request and reads the response to it."""
        self.send(request(method, path, headers, body, version))
        return self.read(is_head=method == "HEAD")

    # Reading

    def read(self, is_head=False):
        """The next final response, whole."""
        response = self.read_head()
        while response.status < 200:
            response = self.read_head()
        if not is_head and response.status not in (204, 304):
            response.body = b"".join(self.read_body(response))
        return response

    def read_head(self):
        lines = self._until(b"\r\n\r\n")[:-4].split(b"\r\n")
        status = STATUS_LINE.fullmatch(lines[0])
        if not status:
            raise Malformed(f"status line {lines[0]!r}")
        fields = []
        for line in lines[1:]:
            field = FIELD.fullmatch(line)
            if not field:
                raise Malformed(f"field line {line!r}")
            fields.append((field[1].decode(), field[2].decode().strip()))
        return Response(int(status[1]), fields)

    def read_body(self, response):
        """The pieces of a body as they arrive."""
        if response["transfer-encoding"] is not None:
            if response["content-length"] is not None or response["transfer-encoding"] != "chunked":
                raise Malformed(f"framing {response.fields}")
            response.chunks = []
            while data := self._chunk():
                response.chunks.append(len(data))
                yield data
        elif response["content-length"] is not None:
            yield self._exactly(int(response["content-length"]))
        else:
            raise Malformed(f"no framing in {response.fields}")

    def is_closed_by_server(self):
        """Waits for the end of the connection; bytes that come before it are a fault."""
        if self.buffer:
            return False
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def rest(self):
        """Everything up to the end of the connection."""
        data, self.buffer = self.buffer, b""
        while True:
            try:
                more = self.socket.recv(1 << 16)
            except ConnectionResetError:
                return data
            if not more:
                return data
            data += more

    def rest_or_reset(self):
        """The same, or None if the connection was reset before anything came."""
        return self.rest() or None

    def _chunk(self):
        line = self._until(b"\r\n")[:-2]
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,16}", line):
            raise Malformed(f"chunk size {line!r}")
        data = self._exactly(int(line, 16))
        if self._exactly(2) != b"\r\n":
            raise Malformed("a chunk without end")
        return data

    def _until(self, mark):
        while mark not in self.buffer:
            self._more()
        index = self.buffer.index(mark) + len(mark)
        data, self.buffer = self.buffer[:index], self.buffer[index:]
        return data

    def _exactly(self, count):
        while len(self.buffer) < count:
            self._more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def _more(self):
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed(f"after {self.buffer[-200:]!r}")
        self.buffer += data


def request(method, path, headers=(), body=b"", version="1.1"):
    """The bytes of a request; Host and Content-Length are added where they are missing."""
    headers = dict(headers)
    names = {name.lower() for name in headers}
    lines = [f"{method} {path} HTTP/{version}"]
    if "host" not in names:
        lines.append("Host: localhost")
    if body and "content-length" not in names:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

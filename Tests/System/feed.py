"""The stream of a dashboard, read strictly while it arrives."""

import json
import re

from stream import KEEP_ALIVE, RETRY, Blocks, Malformed
from wire import Wire, request

DATA = re.compile(rb"data: (?P<data>\{[^\n\r]*\})")
ALWAYS = ["type", "execution_id", "graph_id", "status", "timestamp"]
FIELDS = {
    "node_started": ["node_id", "attempt"],
    "node_ended": ["node_id", "node_status", "attempt"],
} | {type: [] for type in ("execution_queued", "execution_started", "execution_ended", "execution_deleted")}
GRAPH_CHANGED = ["type", "graph_id", "revision", "deleted", "timestamp"]


class Message(dict):
    """One message, and the bytes that it came in."""

    def __init__(self, block):
        match = DATA.fullmatch(block)
        if not match:
            raise Malformed(f"no block of a dashboard: {block[:200]!r}")
        self.data = match["data"]
        super().__init__(json.loads(self.data))
        if self["type"] == "graph_changed":
            if list(self) != GRAPH_CHANGED:
                raise Malformed(f"fields of graph_changed: {list(self)}")
        elif self.is_light:
            expected = set(ALWAYS + FIELDS[self["type"]])
            if expected != set(self) - {"will_retry"}:
                raise Malformed(f"fields of {self['type']}: {list(self)}")

    @property
    def is_snapshot(self):
        return self["type"] == "snapshot"

    @property
    def is_whole(self):
        """An event as it stands in its execution's own stream."""
        return "seq" in self

    @property
    def is_light(self):
        return not self.is_snapshot and not self.is_whole

    @property
    def word(self):
        return f"{self['type']} {self['node_id']}" if "node_id" in self else self["type"]


class Feed:
    """`GET /api/events`, read message by message."""

    def __init__(self, daemon, query="", receive_buffer=None, wants_graphs=False):
        self.wants_graphs = wants_graphs
        self.wire = Wire(daemon)
        if receive_buffer:
            import socket

            self.wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.wire.send(request("GET", f"/api/events{query}"))
        self.head = self.wire.read_head()
        self.keep_alives = 0
        self._messages = self._read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.socket.close()

    def _read(self):
        blocks, is_open = Blocks(), False
        for piece in self.wire.read_body(self.head):
            for block in blocks.feed(piece):
                if not is_open:
                    if not RETRY.fullmatch(block):
                        raise Malformed(f"the first block is {block!r}")
                    is_open = True
                elif block == KEEP_ALIVE:
                    self.keep_alives += 1
                    yield None
                else:
                    yield Message(block)
        if not blocks.is_between_blocks:
            raise Malformed("it ends inside a block")

    def __iter__(self):
        """The messages up to the proper end of the body; those of graphs, which other tests change too, only where they are wanted."""
        return (
            message
            for message in self._messages
            if message is not None and (self.wants_graphs or message["type"] != "graph_changed")
        )

    def next(self):
        return next(iter(self))

    def wait_for_keep_alive(self):
        for message in self._messages:
            if message is None:
                return
            raise Malformed(f"a message where silence was due: {message}")

    def until(self, is_last):
        """The messages up to the first of which this is true."""
        messages = []
        for message in self:
            messages.append(message)
            if is_last(message):
                return messages
        raise Malformed("the stream ended before")

    def until_end_of(self, execution_id, whole=False):
        return self.until(
            lambda message: message["type"] in (("complete", "error") if whole else ("execution_ended",))
            and message["execution_id"] == execution_id
            and message.is_whole == whole
        )

"""A client for load: many streams at once over bare connections, each with a ledger of what it must and must not have seen."""

import asyncio
import hashlib
import re

RETRY = re.compile(rb"retry: [1-9][0-9]*")
EVENT = re.compile(rb'id: ([1-9][0-9]*)\ndata: \{"type":"([a-z_]+)","execution_id":"([0-9a-f-]{36})"[^\n\r]*\}')
KEEP_ALIVE = b": keep-alive"
TERMINAL = (b"complete", b"error")


class Broken(Exception):
    """What no stream may do."""


class Ledger:
    """The account of one stream: takes its bytes, checks them as they come, and keeps only their sum."""

    def __init__(self, after=0):
        self.next_seq = after + 1
        self.after = after
        self.execution_id = None
        self.end = None
        self.status = None
        self.count = 0
        self.hash = hashlib.sha256()
        self._rest = b""
        self._is_open = False

    def take(self, data):
        *blocks, self._rest = (self._rest + data).split(b"\n\n")
        for block in blocks:
            self._take_block(block)

    def _take_block(self, block):
        if not self._is_open:
            if not RETRY.fullmatch(block):
                raise Broken(f"the first block is {block[:80]!r}")
            self._is_open = True
            return
        if block == KEEP_ALIVE:
            return
        event = EVENT.fullmatch(block)
        if not event:
            raise Broken(f"no event: {block[:120]!r}")
        self._take_event(int(event[1]), event[2], event[3])
        self.hash.update(block)
        if event[2] == b"complete":
            self.status = re.search(rb'"status":"(\w+)"', block)[1].decode()

    def _take_event(self, seq, type, execution_id):
        if self.end:
            raise Broken(f"{type} after {self.end}")
        if seq != self.next_seq:
            raise Broken(f"seq {seq} where {self.next_seq} was due")
        if (seq == 1) != (type == b"start"):
            raise Broken(f"{type} as seq {seq}")
        if self.execution_id not in (None, execution_id):
            raise Broken("an event of another execution")
        self.execution_id = execution_id
        self.next_seq += 1
        self.count += 1
        if type in TERMINAL:
            self.end = type

    def close(self):
        """The body has ended properly: so must have the events."""
        if self._rest:
            raise Broken(f"it ends inside a block: {self._rest[:80]!r}")
        if not self.end:
            raise Broken(f"it ends after event {self.next_seq - 1}, without a terminal one")
        return self


async def stream(port, method, path, after=0):
    """Opens a connection, reads one stream to its end, checks that the connection lives on, and gives the ledger."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise Broken(head.decode(errors="replace"))
        ledger = Ledger(after)
        while size := int(await reader.readline(), 16):
            data = await reader.readexactly(size + 2)
            ledger.take(data[:-2])
        if await reader.readexactly(2) != b"\r\n":
            raise Broken("the last chunk is not followed by an empty line")
        return ledger.close()
    finally:
        writer.close()


async def all_of(coroutines):
    """Runs them side by side; the first that breaks ends all."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in coroutines]
    return [task.result() for task in tasks]

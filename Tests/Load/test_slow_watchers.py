"""Watchers that do not read, beside others that do, on a log that outgrows every window.

MILLRACE_STALLED and MILLRACE_HEALTHY set how many there are.
"""

import asyncio
import os
import pathlib
import re
import socket
import time

import pytest

from graphs import chain, delay, process
from ledger import Ledger, all_of, stream

STALLED = int(os.environ.get("MILLRACE_STALLED", 20))
HEALTHY = int(os.environ.get("MILLRACE_HEALTHY", 20))

# Twice what the daemon keeps of the frames of one log, and eight times what it keeps of the records.
LINES = 800
LINE_BYTES = 10_000

# What the daemon may hold of the events that streams are sent, however many streams lag: far less than they want at once.
STREAM_BYTES = 4 << 20
# What it may hold beside: of the records of one log (EventLog.windowBytesMax), of pages that were read again from the store
# (ColdReads.keptBytesMax), and in buffers that do not depend on the number of watchers.
LOG_BYTES = 1 << 20
PAGES_BYTES = 4 << 20
OTHER_BYTES = 48 << 20


def memory_of(daemon, field):
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) << 10


class Stalled:
    """Asks for a stream, and reads nothing of it until it is told to."""

    def __init__(self, port, path):
        self.socket = socket.socket()
        # As little as the system lets it take.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    async def read_on(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
        reader, writer = await asyncio.open_connection(sock=self.socket)
        try:
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            ledger = Ledger()
            while size := int(await reader.readline(), 16):
                ledger.take((await reader.readexactly(size + 2))[:-2])
            return ledger.close()
        finally:
            writer.close()


def busy(id, lines=LINES):
    line = f"$(printf '%0{LINE_BYTES}d' 0)"
    return process(id, "sh", "-c", f"yes {line} | head -n {lines} >&2")


@pytest.mark.timeout(100 + (STALLED + HEALTHY) // 2)
def test_stalled_watchers_cost_nobody_anything_and_miss_nothing(start_daemon, say):
    daemon = start_daemon("--set", f"stream.memory_bytes_max={STREAM_BYTES}")
    graph_id = daemon.create(chain(delay("a", 300), busy("b")))
    before = memory_of(daemon, "VmRSS")

    async def watch():
        execution_id = daemon.begin(graph_id)
        path = f"/api/executions/{execution_id}/events"
        stalled = [Stalled(daemon.port, path) for _ in range(STALLED)]
        began = time.monotonic()
        healthy = await all_of(stream(daemon.port, "GET", path) for _ in range(HEALTHY))
        say(f"{HEALTHY} healthy beside {STALLED} stalled: {time.monotonic() - began:.1f} s")
        assert daemon.summary(execution_id)["status"] == "success"
        peak = memory_of(daemon, "VmHWM")
        began = time.monotonic()
        late = await all_of(each.read_on() for each in stalled)
        say(f"{STALLED} that were stalled read on: {time.monotonic() - began:.1f} s")
        return healthy, late, peak

    healthy, late, peak = asyncio.run(watch())
    say(f"memory: {before >> 20} MiB before, {peak >> 20} MiB at most beside the stalled, {memory_of(daemon, 'VmHWM') >> 20} MiB in all")
    # A line may come in two pieces, where its end was late.
    assert min(ledger.count for ledger in healthy) >= LINES + 6
    assert len({ledger.hash.digest() for ledger in healthy + late}) == 1
    bound = before + STREAM_BYTES + LOG_BYTES + PAGES_BYTES + OTHER_BYTES
    assert peak <= bound
    assert memory_of(daemon, "VmHWM") <= bound


def test_stalled_watchers_of_many_executions_hold_no_more_than_one_may(start_daemon):
    """Each stands at a place of its own, so that nothing is shared."""
    count, lines = 30, 100
    daemon = start_daemon("--set", f"stream.memory_bytes_max={STREAM_BYTES // 4}")
    graph_id = daemon.create(chain(delay("a", 300), busy("b", lines)))

    def frame_bytes():
        return int(re.search(r"^millrace_frame_bytes (\d+)$", daemon.http.get("/metrics").text, re.MULTILINE)[1])

    async def watch():
        paths = [f"/api/executions/{daemon.begin(graph_id)}/events" for _ in range(count)]
        stalled = [Stalled(daemon.port, path) for path in paths]
        healthy = await all_of(stream(daemon.port, "GET", path) for path in paths)
        held = [frame_bytes()]
        late = await all_of(each.read_on() for each in stalled)
        return healthy, late, held + [frame_bytes()]

    healthy, late, held = asyncio.run(watch())
    assert all(ledger.count >= lines + 6 and ledger.status == "success" for ledger in healthy)
    assert [ledger.hash.digest() for ledger in late] == [ledger.hash.digest() for ledger in healthy]
    # What all of them could hold is thirty times as much. One page may come on top.
    assert max(held) <= STREAM_BYTES // 4 + (1 << 19)


def test_watchers_that_vanish_without_a_word_hold_up_nobody(start_daemon):
    """Half of them reset their connections in the middle of an event."""
    daemon = start_daemon()
    graph_id = daemon.create(chain(delay("a", 300), busy("b")))

    async def vanish(path):
        reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await reader.readexactly(50_000)
        linger_not = b"\1\0\0\0\0\0\0\0"
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
        writer.close()

    async def watch():
        path = f"/api/executions/{daemon.begin(graph_id)}/events"
        results = await all_of(work for _ in range(20) for work in (stream(daemon.port, "GET", path), vanish(path)))
        return results[::2]

    healthy = asyncio.run(watch())
    assert all(ledger.count >= LINES + 6 and ledger.status == "success" for ledger in healthy)
    assert len({ledger.hash.digest() for ledger in healthy}) == 1
    assert "millrace_streams_open 0" in daemon.http.get("/metrics").text

"""Streams, and what the daemon holds for them."""

import contextlib
import re
import threading

from feed import Feed
from graphs import chain, lua, put
from stream import Stream
from wire import Wire


def test_an_event_larger_than_what_streams_may_hold_arrives_whole(start_daemon):
    """The events come from the store, one of them alone fills what all streams may have, and many want it at once."""
    daemon = start_daemon()
    graph_id = daemon.create(chain(put("a", x=1), lua("b", "return {text = string.rep('x', 2000000)}"), put("c", y=1)))
    execution_id = daemon.execute(graph_id)["execution_id"]
    assert daemon.stop() == 0
    daemon.start("--set", "stream.memory_bytes_max=1MiB")
    path = f"/api/executions/{execution_id}/events"
    array = daemon.http.get(path, headers={"Accept": "application/json"}).content
    with Feed(daemon, f"?executions={execution_id}:0") as feed, contextlib.ExitStack() as stack:
        wires = [stack.enter_context(Wire(daemon)) for _ in range(4)]
        for wire in wires:
            wire.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for wire in wires:
            blocks = Stream(b"".join(wire.read_body(wire.read_head()))).blocks
            assert array == b"[" + b",".join(block.split(b"\ndata: ")[1] for block in blocks) + b"]"
        messages = [feed.next()]
        while sum(message.is_whole for message in messages) < len(blocks):
            messages.append(feed.next())
    assert array == b"[" + b",".join(message.data for message in messages if message.is_whole) + b"]"


def test_head_opens_no_stream(daemon):
    def opened():
        return re.search(r"^millrace_streams_total \d+$", daemon.http.get("/metrics").text, re.MULTILINE)[0]

    told = daemon.execute(daemon.create(chain(put("a"))))["execution_id"]
    before = opened()
    for path in (f"/api/executions/{told}/events", f"/api/events?executions={told}:0"):
        with Wire(daemon) as wire:
            response = wire.request("HEAD", path)
            assert (response.status, response["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert opened() == before


def test_many_watchers_of_many_executions_share_one_account(start_daemon):
    """Each of the watchers is at another place of another execution, and the events of all come to many times as much as
    streams may hold."""
    daemon = start_daemon("--set", "stream.memory_bytes_max=1MiB", "--set", "executions.memory_bytes_max=32MiB")
    text = "return {text = string.rep('x', 100000)}"
    graph_id = daemon.create(chain(*[lua(f"n{number}", text) for number in range(10)]))
    told = [daemon.execute(graph_id)["execution_id"] for _ in range(10)]
    before = peak_bytes(daemon)
    ends, lock = [], threading.Lock()

    def watch(execution_id, after):
        with Wire(daemon, timeout=120) as wire:
            path = f"/api/executions/{execution_id}/events?after={after}&state=update"
            wire.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
            events = Stream(b"".join(wire.read_body(wire.read_head()))).events
        with lock:
            ends.append([event["seq"] for event in events])

    threads = [threading.Thread(target=watch, args=(id, after)) for id in told for after in range(0, 20, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A start, ten nodes with two events each, and an end.
    assert sorted(ends) == sorted(list(range(after + 1, 23)) for after in range(0, 20, 4) for _ in told)
    assert peak_bytes(daemon) - before < 150 << 20


def peak_bytes(daemon):
    with open(f"/proc/{daemon.process.pid}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))

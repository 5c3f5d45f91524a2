"""Readers who come while an execution runs: the first one was sent its events as they arose, and they are not kept for others."""

import pytest

from graphs import chain, delay, put
from stream import Stream, is_whole
from wire import Wire


@pytest.mark.parametrize("state", ["full", "update", "none"])
def test_who_comes_later_gets_what_the_first_reader_was_sent(daemon, state):
    graph_id = daemon.create(chain(put("a"), put("b"), delay("c", 500), put("d")))
    with Wire(daemon) as wire, Wire(daemon) as other:
        wire.send(f"POST /api/graphs/{graph_id}/execute/stream?state={state} HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = wire.read_head()
        pieces = wire.read_body(head)
        first = [next(pieces)]
        while b'"type":"node_complete"' not in b"".join(first):
            first.append(next(pieces))
        later = Stream(other.request("GET", f"{head['location']}?state={state}").body)
        live = Stream(b"".join([*first, *pieces]))
    assert is_whole(live.events)
    assert later.blocks == live.blocks

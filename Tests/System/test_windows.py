"""Events that are larger than what the daemon keeps of them in memory."""

import pytest

from graphs import graph, put
from stream import is_whole, of_node

# More than the window of rendered frames (4 MiB).
LARGE_BYTES = 5 << 20


def large_among_small():
    """Records of a few bytes whose events are middling, and then huge: the states are in them."""
    small = [put(f"m{number}", **{f"k{number}": number}) for number in range(10)]
    nodes = [put("big", text="x" * LARGE_BYTES), *small, put("join", done=True)]
    chain = [f"m{number} m{number + 1}" for number in range(9)]
    return graph(nodes, [*chain, "big join", "m9 join"], initial_state={"filling": "y" * 20_000})


@pytest.mark.parametrize("state", ["full", "update", "none"])
def test_a_huge_event_behind_many_smaller_ones_is_sent_like_any_other(daemon, state):
    execution_id = daemon.execute(daemon.create(large_among_small()))["execution_id"]
    stream = daemon.stream(execution_id, state=state)
    assert is_whole(stream.events)
    assert [event["node_id"] for event in stream.events if event["type"] == "node_complete"].count("join") == 1
    if state == "full":
        assert len(of_node(stream.events, "join", "node_start")[0]["input_state"]["text"]) == LARGE_BYTES
    for after in (1, 5, len(stream.events) - 2):
        rest = daemon.stream(execution_id, state=state, after=after)
        assert rest.blocks == stream.blocks[after:]


def test_a_live_stream_of_huge_events_among_small_ones_is_the_same(daemon):
    graph_id = daemon.create(large_among_small())
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute/stream")
    live = reply.content.split(b"\n\n", 1)[1]
    stored = daemon.stream(reply.headers["content-location"].rpartition("/")[2])
    assert live == stored.body.split(b"\n\n", 1)[1]

"""`on_disconnect: cancel`: an execution that nobody watches any more is cancelled after ten seconds, and only then."""

import time

import pytest

from feed import Feed
from graphs import graph, never_ends
from wire import Wire, request

BODY = b'{"on_disconnect": "cancel"}'
# Ten seconds without a watcher, and a margin for a busy machine.
SECONDS = 40
ALONE = 10


def start(daemon, graph_id, body=BODY):
    """Starts an execution on a connection of its own."""
    wire = Wire(daemon)
    headers = {"Content-Type": "application/json"} if body else {}
    wire.send(request("POST", f"/api/graphs/{graph_id}/execute/stream", headers, body))
    head = wire.read_head()
    assert head.status == 200
    return wire, head["content-location"].rsplit("/", 1)[1]


def wait_for_end(daemon, graph_id, eventually):
    """Starts an execution on a connection that waits for its end."""
    before = newest(daemon, graph_id)
    wire = Wire(daemon)
    wire.send(request("POST", f"/api/graphs/{graph_id}/execute", {"Content-Type": "application/json"}, BODY))
    return eventually(lambda: (id := newest(daemon, graph_id)) != before and id), wire


def newest(daemon, graph_id):
    items = daemon.http.get("/api/executions", params={"graph_id": graph_id, "limit": 1}).json()["items"]
    return items[0]["execution_id"] if items else None


@pytest.fixture
def graph_id(daemon):
    return daemon.create(graph([never_ends()]))


def watch(daemon, execution_id):
    wire = Wire(daemon)
    wire.send(request("GET", f"/api/executions/{execution_id}/events"))
    assert wire.read_head().status == 200
    return wire


def status(daemon, execution_id):
    return daemon.summary(execution_id)["status"]


@pytest.mark.timeout(120)
def test_who_is_left_alone_for_ten_seconds_is_cancelled_and_nobody_else(daemon, graph_id, eventually):
    """All cases wait together: each execution that must go on has had longer than the one that is cancelled last."""
    # Each of these is watched, or does not mind.
    streamed, first = start(daemon, graph_id)[0], None
    careless_wire, careless = start(daemon, graph_id, b'{"on_disconnect": "continue"}')
    silent_wire, silent = start(daemon, graph_id, b"")
    joined_wire, joined = start(daemon, graph_id)
    joined_by = watch(daemon, joined)
    dashboard_wire, on_dashboard = start(daemon, graph_id)
    resumed_wire, resumed = start(daemon, graph_id)
    waiting, waiting_wire = wait_for_end(daemon, graph_id, eventually)
    gone, gone_wire = wait_for_end(daemon, graph_id, eventually)
    with Feed(daemon, f"?executions={on_dashboard}") as feed:
        feed.next()
        for wire in (careless_wire, silent_wire, joined_wire, dashboard_wire, resumed_wire, gone_wire):
            wire.socket.close()
        resumed_by = watch(daemon, resumed)
        # And this is not.
        alone_wire, alone = start(daemon, graph_id)
        alone_wire.socket.close()
        left = time.monotonic()
        eventually(lambda: status(daemon, alone) == "cancelled", SECONDS)
        eventually(lambda: status(daemon, gone) == "cancelled", SECONDS)
        assert time.monotonic() - left >= ALONE - 1
        assert {status(daemon, id) for id in (careless, silent, joined, on_dashboard, resumed, waiting)} == {"running"}
        assert daemon.events(alone)[-1]["status"] == "cancelled"
    # Now the others are left alone too.
    for wire in (joined_by, resumed_by):
        wire.socket.close()
    for execution_id in (joined, on_dashboard, resumed):
        eventually(lambda: status(daemon, execution_id) == "cancelled", SECONDS)
    assert {status(daemon, id) for id in (careless, silent)} == {"running"}
    for wire in (streamed, waiting_wire):
        wire.socket.close()
    for execution_id in (careless, silent):
        daemon.cancel(execution_id)


def test_a_restart_of_the_daemon_is_no_disconnect(start_daemon, eventually):
    """Whoever watched comes back to a running execution, after a kill as after a stop."""
    daemon = start_daemon()
    graph_id = daemon.create(graph([never_ends()]))
    for end in (daemon.kill, daemon.stop):
        wire, execution_id = start(daemon, graph_id)
        end()
        daemon.start()
        eventually(lambda: status(daemon, execution_id) == "running")
        with watch(daemon, execution_id):
            assert [event["type"] for event in daemon.events(execution_id) if event["type"] == "complete"] == []
        daemon.cancel(execution_id)


@pytest.mark.timeout(120)
def test_after_a_restart_it_counts_again_once_a_watcher_has_come_and_gone(start_daemon, eventually):
    daemon = start_daemon()
    graph_id = daemon.create(graph([never_ends()]))
    (left_wire, left), (unwatched_wire, unwatched), (careless_wire, careless) = (
        start(daemon, graph_id, body) for body in (BODY, BODY, b""))
    for end in (daemon.kill, daemon.stop):
        end()
        daemon.start()
    for wire in (left_wire, unwatched_wire, careless_wire):
        wire.socket.close()
    assert [daemon.summary(id).get("on_disconnect") for id in (left, unwatched, careless)] == ["cancel", "cancel", None]
    began = time.monotonic()
    for execution_id in (left, careless):
        watch(daemon, execution_id).socket.close()
    eventually(lambda: status(daemon, left) == "cancelled", SECONDS)
    assert time.monotonic() - began >= ALONE - 1
    # Nobody has come back to the one, and the other does not mind.
    assert {status(daemon, id) for id in (unwatched, careless)} == {"running"}
    assert daemon.events(left)[-1]["status"] == "cancelled"
    for execution_id in (unwatched, careless):
        daemon.cancel(execution_id)

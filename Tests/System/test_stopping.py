"""The graceful stop: nothing new starts, what runs gets its time, streams end between events."""

import json
import signal

import pytest

from graphs import delay, graph, never_ends, put, works
from stream import Stream, is_whole, outline
from wire import Wire



@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_daemon_stops_at_once_with_status_0(start_daemon, signal_number):
    daemon = start_daemon()
    with Wire(daemon) as wire:
        assert wire.request("GET", "/healthz").status == 200
        assert daemon.stop(signal_number) == 0
        assert wire.is_closed_by_server()


def test_a_node_that_is_nearly_done_ends_before_the_daemon_does(start_daemon):
    daemon = start_daemon()
    graph_id = daemon.create(graph([delay("a", 400)]))
    with Wire(daemon) as wire:
        wire.send(f"POST /api/graphs/{graph_id}/execute/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = wire.read_head()
        daemon.process.send_signal(signal.SIGTERM)
        stream = Stream(b"".join(wire.read_body(head)))
    assert is_whole(stream.events) and stream.events[-1]["status"] == "success"
    assert daemon.wait() == 0


def test_while_it_stops_nothing_new_is_started(start_daemon, eventually):
    daemon = start_daemon()
    graph_id = daemon.create(graph([delay("a", 1500)]))
    with Wire(daemon) as wire, Wire(daemon) as other:
        assert other.request("GET", "/readyz").status == 200
        wire.send(f"POST /api/graphs/{graph_id}/execute/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = wire.read_head()
        daemon.process.send_signal(signal.SIGTERM)
        eventually(lambda: "stopping" in daemon.log)
        response = other.request("POST", f"/api/graphs/{graph_id}/execute")
        assert (response.status, json.loads(response.body)["code"]) == (503, "draining")
        assert is_whole(Stream(b"".join(wire.read_body(head))).events)
    assert daemon.wait() == 0


def test_while_it_stops_readiness_is_denied_to_whoever_asks(start_daemon, eventually):
    daemon = start_daemon()
    graph_id = daemon.create(graph([delay("a", 1500)]))
    execution_id = daemon.begin(graph_id)
    daemon.process.send_signal(signal.SIGTERM)
    eventually(lambda: "stopping" in daemon.log)
    with Wire(daemon) as new:
        response = new.request("GET", "/readyz")
    assert (response.status, json.loads(response.body)["code"]) == (503, "draining")
    assert daemon.wait() == 0
    daemon.start()
    assert is_whole(daemon.all_events(execution_id))


def test_running_streams_end_between_events_when_the_daemon_stops(start_daemon):
    """Even those of executions that would go on for ever, and of readers that are late."""
    daemon = start_daemon("--set", "executions.drain_ms=0")
    graph_id = daemon.create(graph([never_ends("a"), put("b", text="x" * 10_000)]))
    wires = [Wire(daemon) for _ in range(20)]
    for wire in wires:
        wire.send(f"POST /api/graphs/{graph_id}/execute/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
    heads = [wire.read_head() for wire in wires]
    daemon.process.send_signal(signal.SIGTERM)
    for wire, head in zip(wires, heads):
        stream = Stream(b"".join(wire.read_body(head)))
        assert stream.is_cut_off
        assert outline(stream.events) == ["start", "a>", "b>", "b:success"]
        wire.socket.close()
    assert daemon.wait() == 0
    daemon.start()
    assert {daemon.summary(head["content-location"].rpartition("/")[2])["status"] for head in heads} == {"running"}


def test_a_client_that_waits_for_an_end_learns_where_it_will_be_found(start_daemon):
    daemon = start_daemon("--set", "executions.drain_ms=0")
    graph_id = daemon.create(graph([works("a", 0.7)]))
    with Wire(daemon) as wire, Wire(daemon) as other:
        wire.send(f"POST /api/graphs/{graph_id}/execute HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while not json.loads(other.request("GET", "/api/executions").body)["items"]:
            pass
        daemon.process.send_signal(signal.SIGTERM)
        head = wire.read_head()
        wire.read_body(head)
    assert head.status == 202
    assert daemon.wait() == 0
    daemon.start()
    execution_id = head["location"].rpartition("/")[2]
    assert is_whole(daemon.all_events(execution_id)) and daemon.summary(execution_id)["attempt"] == 2


def test_a_second_signal_stops_at_once(start_daemon, eventually):
    daemon = start_daemon()
    daemon.begin(daemon.create(graph([never_ends()])))
    daemon.process.send_signal(signal.SIGTERM)
    eventually(lambda: "stopping" in daemon.log)
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.wait() == 0

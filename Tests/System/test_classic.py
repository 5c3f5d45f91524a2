"""The classic dialect: what front ends of the system see that Millrace replaces."""

import itertools
import json
import re
import socket

import httpx
import pytest

from graphs import chain, fails, graph, lua, never_ends, node, process, put, works
from stream import is_whole

MEMBERS = [
    "event_type", "execution_id", "graph_id", "timestamp", "node_id", "node_name", "status", "input_state", "output_state",
    "duration_ms", "error", "message",
]
BLOCK = re.compile(rb"data: (\{[^\r\n]*\})\n\n")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def events_of(body):
    """Each block of a stream; anything between them, or behind, is a fault."""
    matches = list(BLOCK.finditer(body))
    assert b"".join(match[0] for match in matches) == body
    events = [json.loads(match[1]) for match in matches]
    for event in events:
        assert list(event) == MEMBERS
        assert TIMESTAMP.fullmatch(event["timestamp"])
        assert event["message"] and isinstance(event["message"], str)
    return events


def run(daemon, document, **body):
    """Creates a graph, and reads the classic stream of an execution."""
    graph_id = daemon.create(document)
    reply = daemon.http.post(f"/classic/api/graphs/{graph_id}/execute/stream", json=body)
    assert reply.status_code == 200, reply.text
    return events_of(reply.content)


def outline(events):
    return [f"{event['event_type']} {event['node_id'] or '-'} {event['status']}" for event in events]


# --- The stream ---


def test_a_stream_is_its_events_and_nothing_else(daemon):
    document = chain(put("a", x=1), lua("b", "return {y = state.x + 1}", name="Second"), initial_state={"x": 0}, name="Walk")
    graph_id = daemon.create(document)
    reply = daemon.http.post(f"/classic/api/graphs/{graph_id}/execute/stream", json={"initial_state": {"z": 3}})
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert "no-cache" in reply.headers["cache-control"]
    assert (reply.headers["connection"], reply.headers["x-accel-buffering"]) == ("keep-alive", "no")
    start, first, first_end, second, second_end, end = events_of(reply.content)
    assert reply.headers["content-location"] == f"/classic/api/executions/{start['execution_id']}"
    nulls = dict.fromkeys(MEMBERS)
    for event, said in [
        (start, {"event_type": "start", "status": "running", "input_state": {"x": 0, "z": 3}}),
        (first, {"event_type": "node_start", "node_id": "a", "node_name": "a", "status": "running", "input_state": {"x": 0, "z": 3}}),
        (first_end, {"event_type": "node_complete", "node_id": "a", "node_name": "a", "status": "success", "output_state": {"x": 1}}),
        (second, {"event_type": "node_start", "node_id": "b", "node_name": "Second", "status": "running", "input_state": {"x": 1, "z": 3}}),
        (second_end, {"event_type": "node_complete", "node_id": "b", "node_name": "Second", "status": "success", "output_state": {"y": 2}}),
        (end, {"event_type": "complete", "status": "success", "output_state": {"x": 1, "z": 3, "y": 2}}),
    ]:
        always = {key: start[key] for key in ("execution_id", "graph_id")} | {key: event[key] for key in ("timestamp", "message")}
        if said["event_type"] in ("node_complete", "complete"):
            assert event["duration_ms"] >= 0
            always["duration_ms"] = event["duration_ms"]
        assert event == nulls | always | said
    assert start["graph_id"] == graph_id and "Walk" in start["message"] and "Second" in second["message"]


def test_what_the_dialect_has_no_word_for_is_left_out(daemon):
    """Output, skipped nodes, attempts that are made again; and of a failed node only that it failed."""
    events = run(
        daemon,
        graph(
            [
                process("talks", "sh", "-c", "echo half; echo whole >&2"),
                lua("fails", "error('no')", retry={"max_attempts": 3, "delay_ms": 1}, on_error="skip"),
                put("skipped", z=1),
            ],
            ["talks fails", "fails skipped"],
        ),
    )
    assert outline(events) == [
        "start - running", "node_start talks running", "node_complete talks success", "node_start fails running",
        "node_complete fails error", "complete - error",
    ]
    failed = events[4]
    assert failed["output_state"] is None and "no" in failed["error"] and failed["error"] in failed["message"]
    assert events[-1]["error"] is None


def test_of_graphs_within_nodes_only_the_node_shows(daemon):
    inner = graph([put("in", x=1)])
    daemon.create(inner)
    events = run(
        daemon,
        chain(
            node("each", "map", {"items": [1, 2], "nodes": [put("one", y="{{ state.item }}")]}),
            node("again", "repeat", {"until": "state.n >= 2", "nodes": [lua("more", "return {n = (state.n or 0) + 1}")]}),
            node("other", "graph", {"graph": inner["id"]}),
        ),
    )
    assert outline(events) == [
        "start - running", "node_start each running", "node_complete each success", "node_start again running",
        "node_complete again success", "node_start other running", "node_complete other success", "complete - success",
    ]
    assert events[2]["output_state"] == {"results": [{"y": 1}, {"y": 2}]}
    assert [event["output_state"] for event in events[4:7:2]] == [{"n": 2}, {"x": 1}]
    assert events[-1]["output_state"] == {"results": [{"y": 1}, {"y": 2}], "n": 2, "x": 1}


def test_only_a_failed_execution_is_an_error(daemon):
    events = run(daemon, graph([works("slow", 30)], limits={"timeout_ms": 100}))
    assert outline(events) == ["start - running", "node_start slow running", "node_complete slow cancelled", "error - failed"]
    assert "timeout" in events[-1]["error"] or "100" in events[-1]["error"]
    assert events[2]["output_state"] is None


def test_text_of_all_kinds_stays_on_its_line(daemon):
    text = "a\nb\r\u2028\u2029\u0085\u0000\U0001f600\"\\"
    events = run(daemon, chain(put("a"), initial_state={"text": text}))
    assert events[0]["input_state"] == events[-1]["output_state"] == {"text": text}


def test_a_client_of_http_1_0_gets_the_same_bytes(daemon):
    graph_id = daemon.create(chain(put("a", x=1), fails("b")))
    path = f"/classic/api/graphs/{graph_id}/execute/stream"
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=30) as peer:
        peer.sendall(f"POST {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        data = b"".join(iter(lambda: peer.recv(1 << 16), b""))
    head, body = data.split(b"\r\n\r\n", 1)
    assert b"200 OK" in head and b"chunked" not in head
    assert outline(events_of(body)) == [
        "start - running", "node_start a running", "node_complete a success", "node_start b running", "node_complete b error",
        "complete - error",
    ]


def test_a_silent_stream_stays_silent(start_daemon, tmp_path):
    """No comment keeps it alive: a client of the original would have to know what that is."""
    daemon = start_daemon("--set", "stream.keep_alive_ms=1000")
    gate = tmp_path / "gate"
    graph_id = daemon.create(chain(process("waits", "sh", "-c", f"until [ -e {gate} ]; do sleep 0.02; done")))
    url = f"{daemon.url}/classic/api/graphs/{graph_id}/execute/stream"
    with httpx.stream("POST", url, timeout=30) as classic:
        chunks = classic.iter_raw()
        body = b""
        while body.count(b"\n\n") < 2:
            body += next(chunks)
        execution_id = json.loads(body.split(b"\n\n")[0].removeprefix(b"data: "))["execution_id"]
        # Another stream beside it tells when two of them would have been due.
        with httpx.stream("GET", f"{daemon.url}/api/executions/{execution_id}/events", timeout=30) as native:
            comments = (line for line in native.iter_lines() if line.startswith(":"))
            assert list(itertools.islice(comments, 2))
        gate.touch()
        body += b"".join(chunks)
    assert outline(events_of(body))[-1] == "complete - success"


def test_a_stop_of_the_daemon_ends_a_stream_between_events_without_a_word(start_daemon):
    daemon = start_daemon()
    graph_id = daemon.create(chain(never_ends()))
    with httpx.stream("POST", f"{daemon.url}/classic/api/graphs/{graph_id}/execute/stream", timeout=30) as reply:
        chunks = reply.iter_raw()
        body = b""
        while body.count(b"\n\n") < 2:
            body += next(chunks)
        daemon.process.terminate()
        body += b"".join(chunks)
    assert len(events_of(body)) == 2
    daemon.wait()


def test_it_is_the_same_execution_in_either_dialect(daemon):
    events = run(daemon, chain(put("a", x=1), fails("b"), put("c", y=2)))
    native = daemon.all_events(events[0]["execution_id"])
    assert is_whole(native)
    assert [event["timestamp"] for event in events] == [event["timestamp"] for event in native]
    ends = [event for event in native if event["type"] == "node_complete"]
    shown = [event for event in events if event["event_type"] == "node_complete"]
    assert [(end["duration_ms"], end.get("error")) for end in ends] == [(end["duration_ms"], end["error"]) for end in shown]


def test_a_restart_is_no_second_start(start_daemon, tmp_path):
    """Whoever reads the history sees each node begin once, though one of them has begun twice."""
    daemon = start_daemon()
    gate = tmp_path / "gate"
    document = chain(put("a", x=1), process("b", "sh", "-c", f"until [ -e {gate} ]; do sleep 0.02; done"))
    execution_id = daemon.begin(daemon.create(document))
    with httpx.stream("GET", f"{daemon.url}/api/executions/{execution_id}/events", timeout=30) as reply:
        next(line for line in reply.iter_lines() if '"node_start"' in line and '"b"' in line)
    daemon.kill()
    gate.touch()
    daemon.start()
    native = daemon.all_events(execution_id)
    assert [event["attempt"] for event in native if event["type"] == "start"] == [1, 2]
    history = daemon.http.get(f"/classic/api/executions/{execution_id}").json()["execution_history"]
    assert outline(history) == [
        "start - running", "node_start a running", "node_complete a success", "node_start b running", "node_complete b success",
        "complete - success",
    ]


# --- Starting ---


@pytest.mark.parametrize("body", [
    {"config": {"recursion_limit": 3}, "stream": True, "initial_state": {"x": 5}}, {"initial_state": None}, {}, None,
])
def test_what_is_not_known_is_ignored(daemon, body):
    graph_id = daemon.create(chain(lua("a", "return {y = state.x}"), initial_state={"x": 1}))
    reply = daemon.http.post(f"/classic/api/graphs/{graph_id}/execute", json=body)
    assert reply.json()["final_state"] == ({"x": 5, "y": 5} if body and body.get("initial_state") else {"x": 1, "y": 1})


def test_an_execution_that_was_waited_for_has_its_history(daemon):
    graph_id = daemon.create(chain(put("a", x=1), fails("b")))
    reply = daemon.http.post(f"/classic/api/graphs/{graph_id}/execute", json={"initial_state": {"z": 0}})
    assert reply.status_code == 200
    execution = reply.json()
    assert list(execution) == [
        "execution_id", "graph_id", "status", "final_state", "execution_history", "duration_ms", "started_at", "completed_at",
    ]
    assert (execution["graph_id"], execution["status"], execution["final_state"]) == (graph_id, "error", {"z": 0, "x": 1})
    assert TIMESTAMP.fullmatch(execution["started_at"]) and execution["started_at"] <= execution["completed_at"]
    history = execution["execution_history"]
    assert [list(event) for event in history] == [MEMBERS] * 6
    assert (history[-1]["event_type"], history[-1]["duration_ms"]) == ("complete", execution["duration_ms"])
    summary = daemon.summary(execution["execution_id"])
    assert [summary[name] for name in ("status", "started_at", "ended_at", "duration_ms")] == [
        execution[name] for name in ("status", "started_at", "completed_at", "duration_ms")]
    assert daemon.http.get(f"/classic/api/executions/{execution['execution_id']}").json() == execution


def test_an_execution_that_goes_on_shows_what_has_happened(daemon):
    execution_id = daemon.begin(daemon.create(chain(put("a", x=1), never_ends("b"))))
    with httpx.stream("GET", f"{daemon.url}/api/executions/{execution_id}/events", timeout=30) as reply:
        next(line for line in reply.iter_lines() if '"node_start"' in line and '"b"' in line)
    execution = daemon.http.get(f"/classic/api/executions/{execution_id}").json()
    assert (execution["status"], execution["final_state"], execution["completed_at"]) == ("running", None, None)
    assert outline(execution["execution_history"])[-1] == "node_start b running"
    daemon.cancel(execution_id)

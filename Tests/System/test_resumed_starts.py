"""Where a stream goes on: cursors in every dress, and starts that are repeated with what their client has seen."""

import json

import pytest

from graphs import chain, graph, never_ends, put
from stream import Stream
from test_http_surface import assert_problem
from wire import Wire, request


@pytest.fixture
def story(daemon):
    return daemon.create(chain(put("a", x=1), put("b", y=2), put("c")))


@pytest.fixture
def told(daemon, story):
    return daemon.execute(story)["execution_id"]


def runs_of(daemon, graph_id):
    return [item["execution_id"] for item in daemon.http.get("/api/executions", params={"graph_id": graph_id}).json()["items"]]


def start(daemon, graph_id, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return daemon.http.post(f"/api/graphs/{graph_id}/execute/stream", headers=headers)


# --- Cursors ---


@pytest.mark.parametrize("headers, query, first", [
    ({"Last-Event-ID": ""}, "", 1), ({"Last-Event-ID": " \t "}, "", 1), ({}, "?after=", 1), ({"Last-Event-ID": ""}, "?after=", 1),
    ({"Last-Event-ID": ""}, "?after=3", 4), ({"Last-Event-ID": "2"}, "?after=", 3), ({"Last-Event-ID": "2"}, "?after=5", 3),
    ({"Last-Event-ID": "0"}, "?after=5", 1),
])
def test_an_empty_cursor_is_none(daemon, told, headers, query, first):
    with Wire(daemon) as wire:
        response = wire.request("GET", f"/api/executions/{told}/events{query}", headers)
    assert response.status == 200
    assert Stream(response.body).events[0]["seq"] == first


def test_an_empty_cursor_of_a_dashboard_is_none(daemon, told):
    with Wire(daemon) as wire:
        wire.send(request("GET", f"/api/events?executions={told}:"))
        body, pieces = b"", wire.read_body(wire.read_head())
        while b'"seq":1,' not in body:
            body += next(pieces)
    reply = daemon.http.get(f"/api/events?executions={told}:x")
    assert_problem(reply, 400, "invalid_cursor")


@pytest.mark.parametrize("first, second, status", [("2", "3", 400), ("2", "2", 200), ("", "2", 200), ("x", "x", 400)])
def test_two_cursors_that_differ_are_refused(daemon, told, first, second, status):
    with Wire(daemon) as wire:
        fields = f"Host: localhost\r\nLast-Event-ID: {first}\r\nLast-Event-ID: {second}\r\n\r\n"
        wire.send(f"GET /api/executions/{told}/events HTTP/1.1\r\n{fields}")
        response = wire.read()
    assert response.status == status
    if status == 400:
        assert json.loads(response.body)["code"] == "invalid_cursor"


# --- Starts ---


def test_a_start_that_is_repeated_goes_on_behind_what_was_seen(daemon, story):
    whole = Stream(start(daemon, story, Idempotency_Key="k").content)
    again = start(daemon, story, Idempotency_Key="k", Last_Event_ID="4")
    assert Stream(again.content).blocks == whole.blocks[4:]
    assert again.headers["content-location"] == f"/api/executions/{whole.events[0]['execution_id']}"
    assert Stream(start(daemon, story, Idempotency_Key="k", Last_Event_ID="").content).blocks == whole.blocks
    assert Stream(start(daemon, story, Idempotency_Key="k", Last_Event_ID="0").content).blocks == whole.blocks
    last = str(whole.events[-1]["seq"])
    ended = start(daemon, story, Idempotency_Key="k", Last_Event_ID=last)
    assert (ended.status_code, ended.content) == (204, b"")
    assert len(runs_of(daemon, story)) == 1


def test_one_that_still_runs_is_followed_too(daemon, eventually):
    graph_id = daemon.create(chain(put("a", x=1), never_ends()))
    path = f"/api/graphs/{graph_id}/execute/stream"
    with Wire(daemon) as wire:
        wire.send(request("POST", path, {"Idempotency-Key": "k"}))
        execution_id = wire.read_head()["content-location"].rpartition("/")[2]
        eventually(lambda: daemon.summary(execution_id)["last_seq"] == 4)
    with Wire(daemon) as wire:
        wire.send(request("POST", path, {"Idempotency-Key": "k", "Last-Event-ID": "2"}))
        head = wire.read_head()
        assert head["content-location"].endswith(execution_id)
        daemon.cancel(execution_id)
        body = b"".join(wire.read_body(head))
    assert Stream(body).blocks == daemon.stream(execution_id, after=2).blocks


@pytest.mark.parametrize("cursor, code", [("9", "cursor_ahead"), ("x", "invalid_cursor"), ("-1", "invalid_cursor"), ("04", "invalid_cursor")])
def test_a_cursor_that_fits_nothing_is_refused(daemon, story, cursor, code):
    start(daemon, story, Idempotency_Key="k")
    assert_problem(start(daemon, story, Idempotency_Key="k", Last_Event_ID=cursor), 400, code)
    # Under another key there is nothing yet that could be resumed, and nothing is begun.
    assert_problem(start(daemon, story, Idempotency_Key="other", Last_Event_ID=cursor), 400, code)
    assert len(runs_of(daemon, story)) == 1
    assert start(daemon, story, Idempotency_Key="other").status_code == 200


@pytest.mark.parametrize("cursor", ["0", "4", "x"])
def test_without_a_key_nothing_is_resumed_and_nothing_begins(daemon, story, cursor):
    reply = start(daemon, story, Last_Event_ID=cursor)
    assert reply.status_code == 400 and runs_of(daemon, story) == []
    if cursor != "x":
        assert_problem(reply, 400, "resume_without_key")
        assert "/api/executions/{id}/events" in reply.json()["detail"]
    assert start(daemon, story, Last_Event_ID="").status_code == 200


@pytest.mark.parametrize("accept, status", [
    ("text/event-stream", 200), ("*/*", 200), ("text/*;q=0.1", 200), ("application/json", 406), ("text/html", 406),
    ("text/event-stream;q=0", 406),
])
def test_a_stream_is_no_other_form(daemon, story, accept, status):
    assert start(daemon, story, Accept=accept).status_code == status
    assert len(runs_of(daemon, story)) == (1 if status == 200 else 0)


# --- Waiting ---


def execute(daemon, graph_id, prefer):
    return daemon.http.post(f"/api/graphs/{graph_id}/execute", headers={"Prefer": prefer})


@pytest.mark.parametrize("prefer, applied", [
    ("wait=0", "wait=0"), ("wait=1", "wait=1"), ("respond-async, wait=1", "wait=1"), ("respond-async", "respond-async"),
])
def test_who_waits_no_longer_is_told_where_the_end_will_be(daemon, prefer, applied):
    graph_id = daemon.create(graph([never_ends()]))
    reply = execute(daemon, graph_id, prefer)
    assert (reply.status_code, reply.headers["preference-applied"]) == (202, applied)
    execution_id = reply.json()["execution_id"]
    assert reply.headers["location"] == f"/api/executions/{execution_id}"
    assert reply.json()["status"] in ("queued", "running")
    # The connection goes on, and the end that comes later is no second answer.
    assert daemon.cancel(execution_id).status_code == 202
    assert daemon.summary(execution_id)["status"] == "cancelled"


@pytest.mark.parametrize("prefer", ["wait=60", "wait=99999999999", "wait=x", "wait", "wait=-1", "wait=1.5"])
def test_an_end_in_time_is_answered(daemon, story, prefer):
    reply = execute(daemon, story, prefer)
    assert (reply.status_code, reply.json()["status"]) == (200, "success")

"""Streams: what arrives, in which bytes, when, and how a stream ends and is resumed."""

import json
import re
import subprocess

import httpx
import httpx_sse
import pytest

from graphs import chain, delay, graph, lua, process, put, python
from stream import Blocks, Stream, event_of, is_whole, outline
from wire import Wire

STATES = ["full", "update", "none"]

FIELDS = {
    "start": ["graph_revision", "initial_state", "node_count", "attempt"],
    "node_start": ["node_id", "node_name", "node_kind", "attempt", "input_state"],
    "node_output": ["node_id", "attempt", "channel", "data"],
    "node_complete": [
        "node_id", "node_name", "attempt", "status", "update", "output_state", "duration_ms", "queue_ms", "taken", "error",
        "details", "will_retry",
    ],
    "complete": ["status", "final_state", "duration_ms", "failed_nodes"],
}
ALWAYS = ["type", "execution_id", "graph_id", "seq", "timestamp"]
NOT_IN = {"full": [], "update": ["input_state", "output_state"]}
NOT_IN["none"] = [*NOT_IN["update"], "initial_state", "update", "final_state"]

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def story(**members):
    """A graph whose events are of every type."""
    return graph(
        [
            put("a", x=1),
            process("b", "sh", "-c", "echo half >&2; echo whole"),
            lua("c", "error('no')", retry={"max_attempts": 2, "delay_ms": 1}, on_error="skip"),
            put("d", z=1),
        ],
        ["a b", "a c", "c d"],
        initial_state={"x": 0},
        **members,
    )


@pytest.fixture
def told(daemon):
    """The id of a finished execution with events of every type."""
    return daemon.execute(daemon.create(story()))["execution_id"]


def curl(*arguments):
    done = subprocess.run(["curl", "-sS", *map(str, arguments)], capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def head_and_body(output):
    head, body = output.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    return lines[0], httpx.Headers([tuple(line.split(": ", 1)) for line in lines[1:]]), body


def blocks_of(daemon, execution_id, headers=None, **query):
    reply = daemon.http.get(f"/api/executions/{execution_id}/events", params=query, headers=headers)
    assert reply.status_code == 200, reply.text
    return Stream(reply.content).blocks


# --- What curl sees ---


def test_curl_gets_the_promised_headers_and_every_event(daemon):
    graph_id = daemon.create(chain(put("a", x=1), put("b", y=2)))
    output = curl("-N", "-i", "-XPOST", f"{daemon.url}/api/graphs/{graph_id}/execute/stream")
    status, headers, body = head_and_body(output)
    stream = Stream(body)
    execution_id = stream.events[0]["execution_id"]
    assert status == "HTTP/1.1 200 OK"
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["connection"] == "keep-alive"
    assert headers["x-accel-buffering"] == "no"
    assert headers["content-location"] == f"/api/executions/{execution_id}"
    assert headers["location"] == f"/api/executions/{execution_id}/events"
    assert headers["transfer-encoding"] == "chunked"
    assert outline(stream.events) == ["start", "a>", "a:success", "b>", "b:success", "complete"]


def test_the_path_of_location_resumes_the_stream(daemon):
    graph_id = daemon.create(chain(put("a"), put("b")))
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute/stream")
    first = Stream(reply.content)
    again = Stream(daemon.http.get(reply.headers["location"]).content)
    assert again.blocks == first.blocks


def test_a_stream_over_the_unix_socket_has_the_same_form(daemon):
    graph_id = daemon.create(chain(put("a"), put("b")))
    url = f"http://localhost/api/graphs/{graph_id}/execute/stream"
    stream = Stream(curl("-N", "--unix-socket", daemon.socket_path, "-XPOST", url))
    assert is_whole(stream.events)


def test_httpx_sse_reads_the_stream_as_messages(daemon):
    graph_id = daemon.create(chain(put("a"), put("b")))
    with httpx_sse.connect_sse(daemon.http, "POST", f"/api/graphs/{graph_id}/execute/stream") as source:
        messages = list(source.iter_sse())
    events = [message.json() for message in messages if message.data]
    assert is_whole(events)
    assert {message.event for message in messages} == {"message"}
    assert [message.id for message in messages if message.data] == [str(event["seq"]) for event in events]


def test_a_reader_of_data_lines_alone_sees_every_event(daemon):
    graph_id = daemon.create(chain(put("a"), put("b")))
    with daemon.http.stream("POST", f"/api/graphs/{graph_id}/execute/stream") as reply:
        events = [json.loads(line[6:]) for line in reply.iter_lines() if line.startswith("data: ")]
    assert is_whole(events)


# --- The form of events ---


@pytest.mark.parametrize("state", STATES)
def test_fields_come_in_the_documented_order(daemon, told, state):
    events = daemon.all_events(told, state=state)
    assert {event["type"] for event in events} == set(FIELDS)
    for event in events:
        expected = [*ALWAYS, *(name for name in FIELDS[event["type"]] if name not in NOT_IN[state])]
        optional = {"error", "details", "will_retry"} - event.keys()
        assert list(event) == [name for name in expected if name not in optional]


def test_ids_and_times_have_their_forms(daemon, told):
    events = daemon.all_events(told)
    assert UUID7.fullmatch(told)
    assert {event["execution_id"] for event in events} == {told}
    assert all(TIMESTAMP.fullmatch(event["timestamp"]) for event in events)
    times = [event["timestamp"] for event in events]
    assert times == sorted(times)


def test_json_is_compact_and_utf8_without_escapes(daemon):
    graph_id = daemon.create(chain(put("a", text="zwölf Boxkämpfer 🥊", list=[1, {"k": None}])))
    blocks = blocks_of(daemon, daemon.execute(graph_id)["execution_id"])
    assert '"update":{"text":"zwölf Boxkämpfer 🥊","list":[1,{"k":null}]}'.encode() in b"\n".join(blocks)


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb\rc", "x\n\ndata: {}\n\n", "\u2028\u2029\u0085", "\u0000\u001f\u007f", "\ufeff", '"\\'])
def test_what_nodes_put_out_never_breaks_the_framing(daemon, text):
    code = f"import millrace\n    millrace.emit({text!r})\n    print({text!r})\n    return {{'key': {text!r}}}"
    graph_id = daemon.create(chain(python("a", code), lua("b", "return { copy = state.key }")))
    events = daemon.all_events(daemon.execute(graph_id)["execution_id"])
    assert is_whole(events)
    assert events[-1]["final_state"] == {"key": text, "copy": text}
    assert text in [event["data"] for event in events if event["type"] == "node_output"]


def test_a_line_of_a_process_that_looks_like_an_event_stays_inside_its_event(daemon):
    script = "printf 'id: 99\\ndata: {}\\n\\n' >&2; echo done"
    events = daemon.run(graph([process("a", "sh", "-c", script)]))
    assert is_whole(events)
    assert any("id: 99" in json.dumps(event["data"]) for event in events if event["type"] == "node_output")


def test_streams_of_one_execution_are_told_different_times_to_come_back(daemon, told):
    openings = {daemon.stream(told).opening for _ in range(20)}
    assert len(openings) > 1
    assert all(1000 <= int(opening.removeprefix(b"retry: ")) <= 3000 for opening in openings)


# --- While the graph runs ---


def test_events_arrive_while_the_graph_runs(daemon):
    """The event that releases the waiting node is sent only after its start was read: no sleep, no clock."""
    gate = daemon.folder / "gate"
    gate.unlink(missing_ok=True)
    waits = f"import os, time\n    while not os.path.exists({str(gate)!r}): time.sleep(0.005)\n    return {{'seen': True}}"
    graph_id = daemon.create(chain(put("a"), python("b", waits), put("c")))
    with Wire(daemon) as wire:
        wire.send(f"POST /api/graphs/{graph_id}/execute/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        seen = []
        for piece in wire.read_body(wire.read_head()):
            seen.append(piece)
            if b'"type":"node_start"' in piece and b'"node_id":"b"' in piece:
                assert b'"type":"complete"' not in b"".join(seen)
                gate.touch()
    assert is_whole(Stream(b"".join(seen)).events)


def test_the_start_of_a_later_node_is_read_before_the_end(daemon):
    graph_id = daemon.create(chain(delay("a", 50), delay("b", 50), delay("c", 50)))
    blocks, order = Blocks(), []
    with Wire(daemon) as wire:
        wire.send(f"POST /api/graphs/{graph_id}/execute/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for number, piece in enumerate(wire.read_body(wire.read_head())):
            events = [event_of(block) for block in blocks.feed(piece) if not block.startswith(b"retry")]
            order += [(number, word) for word in outline(events)]
    pieces = {word: number for number, word in order}
    assert pieces["a>"] < pieces["b>"] < pieces["c>"] < pieces["complete"]


def test_silence_is_filled_with_comments_that_no_reader_takes_for_events(start_daemon):
    daemon = start_daemon("--set", "stream.keep_alive_ms=100")
    stream = Stream(daemon.http.post(f"/api/graphs/{daemon.create(graph([delay('a', 1000)]))}/execute/stream").content)
    assert stream.keep_alives >= 2
    assert is_whole(stream.events)


# --- The end ---


def test_a_stream_ends_its_chunked_body_and_the_connection_takes_the_next_request(daemon):
    graph_id = daemon.create(chain(put("a"), put("b")))
    with Wire(daemon) as wire:
        for _ in range(3):
            stream = Stream(wire.request("POST", f"/api/graphs/{graph_id}/execute/stream").body)
            assert is_whole(stream.events)
            assert wire.request("GET", "/healthz").status == 200
        assert wire.buffer == b""


def test_a_request_sent_during_a_stream_is_answered_after_it(daemon):
    graph_id = daemon.create(graph([delay("a", 100)]))
    with Wire(daemon) as wire:
        wire.send(f"POST /api/graphs/{graph_id}/execute/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = wire.read_head()
        wire.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert is_whole(Stream(b"".join(wire.read_body(head))).events)
        assert json.loads(wire.read().body)["status"] == "alive"


def test_connection_close_is_honoured_at_the_end_of_a_stream(daemon, told):
    with Wire(daemon) as wire:
        response = wire.request("GET", f"/api/executions/{told}/events", {"Connection": "close"})
        assert is_whole(Stream(response.body).events)
        assert response.closes
        assert wire.is_closed_by_server()


def test_a_reader_that_leaves_disturbs_neither_the_execution_nor_other_readers(daemon):
    graph_id = daemon.create(chain(delay("a", 100), delay("b", 100)))
    with Wire(daemon) as wire:
        wire.send(f"POST /api/graphs/{graph_id}/execute/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        location = wire.read_head()["location"]
    stream = Stream(daemon.http.get(location).content)
    assert outline(stream.events)[-1] == "complete"
    assert stream.events[-1]["status"] == "success"


# --- Replay and resuming ---


@pytest.mark.parametrize("state", STATES)
def test_a_replay_is_the_same_bytes_as_the_live_stream(daemon, state):
    graph_id = daemon.create(story())
    live = Stream(daemon.http.post(f"/api/graphs/{graph_id}/execute/stream", params={"state": state}).content)
    assert is_whole(live.events)
    assert blocks_of(daemon, live.events[0]["execution_id"], state=state) == live.blocks


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("by", ["Last-Event-ID", "after"])
def test_resuming_after_every_seq_gives_the_rest_of_the_same_bytes(daemon, told, state, by):
    whole = blocks_of(daemon, told, state=state)
    for seq in range(len(whole)):
        if by == "after":
            rest = blocks_of(daemon, told, state=state, after=seq)
        else:
            rest = blocks_of(daemon, told, {"Last-Event-ID": str(seq)}, state=state)
        assert rest == whole[seq:]


def test_resuming_a_running_execution_replays_and_then_follows(daemon, eventually):
    graph_id = daemon.create(chain(put("a"), put("b"), delay("c", 300), put("d")))
    execution_id = daemon.begin(graph_id)
    eventually(lambda: daemon.summary(execution_id)["last_seq"] >= 5)
    resumed = blocks_of(daemon, execution_id, after=3)
    assert resumed == blocks_of(daemon, execution_id)[3:]


def test_the_header_wins_over_the_parameter(daemon, told):
    whole = blocks_of(daemon, told)
    assert blocks_of(daemon, told, {"Last-Event-ID": "2"}, after=5) == whole[2:]
    assert blocks_of(daemon, told, {"Last-Event-ID": "0"}, after=5) == whole


@pytest.mark.parametrize("cursor", ["x", "-1", "1.0", "01", "+1", " ", "1e3", "99999999999999999999", "１"])
@pytest.mark.parametrize("by", ["Last-Event-ID", "after"])
def test_a_malformed_cursor_is_refused(daemon, told, cursor, by):
    path = f"/api/executions/{told}/events"
    if by == "after":
        reply = daemon.http.get(path, params={"after": cursor})
    elif not cursor.isascii() or not cursor.strip():
        pytest.skip("not to be told from an absent or unsendable field")
    else:
        reply = daemon.http.get(path, headers={"Last-Event-ID": cursor})
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_cursor")


def test_a_cursor_beyond_the_last_event_is_refused(daemon, told):
    last = daemon.summary(told)["last_seq"]
    reply = daemon.http.get(f"/api/executions/{told}/events", params={"after": last + 1})
    assert (reply.status_code, reply.json()["code"]) == (400, "cursor_ahead")


def test_past_the_end_there_is_no_content(daemon, told):
    last = daemon.summary(told)["last_seq"]
    reply = daemon.http.get(f"/api/executions/{told}/events", headers={"Last-Event-ID": str(last)})
    assert (reply.status_code, reply.content) == (204, b"")


@pytest.mark.parametrize("state", STATES)
def test_the_array_holds_the_same_events_in_the_same_bytes(daemon, told, state):
    blocks = blocks_of(daemon, told, state=state)
    reply = daemon.http.get(f"/api/executions/{told}/events", params={"state": state}, headers={"Accept": "application/json"})
    assert reply.headers["content-type"] == "application/json"
    assert reply.content == b"[" + b",".join(block.split(b"\ndata: ")[1] for block in blocks) + b"]"


def test_the_array_starts_behind_its_cursor_and_may_be_empty(daemon, told):
    events = daemon.events(told)
    assert daemon.events(told, after=4) == events[4:]
    assert daemon.events(told, after=len(events)) == []


def test_the_array_of_a_running_execution_holds_what_is_stored(daemon, eventually):
    execution_id = daemon.begin(daemon.create(chain(put("a"), delay("b", 600_000))))
    events = eventually(lambda: (found := daemon.events(execution_id)) and len(found) == 4 and found)
    assert outline(events) == ["start", "a>", "a:success", "b>"]
    daemon.cancel(execution_id)


@pytest.mark.parametrize("accept", ["text/html", "text/event-stream;q=0", "image/png"])
def test_events_are_not_to_be_had_in_other_forms(daemon, told, accept):
    reply = daemon.http.get(f"/api/executions/{told}/events", headers={"Accept": accept})
    assert (reply.status_code, reply.json()["code"]) == (406, "not_acceptable")


@pytest.mark.parametrize("call", ["execute/stream", "events"])
def test_an_unknown_detail_of_state_is_refused(daemon, told, call):
    if call == "events":
        reply = daemon.http.get(f"/api/executions/{told}/events", params={"state": "some"})
    else:
        reply = daemon.http.post(f"/api/graphs/{daemon.summary(told)['graph_id']}/execute/stream", params={"state": "some"})
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_parameter")


# --- Other ways to ask ---


def test_head_on_events_answers_like_get_without_a_body(daemon, told):
    with Wire(daemon) as wire:
        response = wire.request("HEAD", f"/api/executions/{told}/events")
        assert (response.status, response["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert wire.request("GET", "/healthz").status == 200
        assert wire.buffer == b""


def test_http_1_0_gets_the_array_too(daemon, told):
    with Wire(daemon) as wire:
        path = f"/api/executions/{told}/events"
        response = wire.request("GET", path, {"Accept": "application/json"}, version="1.0")
        assert json.loads(response.body) == daemon.events(told)
        assert wire.is_closed_by_server()


def test_events_of_an_unknown_execution_are_not_found(daemon):
    for execution_id in ["0198c2f0-5f3a-7b51-8a6e-3f0a1c2d4e5f", "none", "0198c2f0-5f3a-4b51-8a6e-3f0a1c2d4e5f"]:
        reply = daemon.http.get(f"/api/executions/{execution_id}/events")
        assert (reply.status_code, reply.json()["code"]) == (404, "unknown_execution")


def test_a_slow_reader_of_a_large_stream_gets_every_byte(daemon):
    """The stream is many times what socket buffers hold, and nothing of it is read until the execution has ended."""
    filler = "x" * 20_000
    nodes = [put(f"n{number}", **{f"k{number}": filler}) for number in range(30)]
    graph_id = daemon.create(chain(*nodes))
    with Wire(daemon) as wire:
        wire.send(f"POST /api/graphs/{graph_id}/execute/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = wire.read_head()
        execution_id = head["content-location"].rpartition("/")[2]
        expected = daemon.stream(execution_id).blocks
        slow = Stream(b"".join(wire.read_body(head)))
    assert sum(map(len, expected)) > 10_000_000
    assert slow.blocks == expected

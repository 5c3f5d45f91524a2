"""Streams as the clients read them that people use: what each of them takes for a character, a line, an end."""

import asyncio
import json
import subprocess

import aiohttp
import httpx
import httpx_sse
import pytest
import requests
import sseclient

from graphs import chain, lua, put, python
from stream import Stream
from wire import Wire, request

SEPARATORS = "\u2028\u2029\u0085"
TEXT = f"na\u00efve \u00c5 ok \u2705 \u5165 a{SEPARATORS}b"

NODE = """
const response = await fetch(process.argv[1], { headers: { Accept: "text/event-stream" } });
for (const line of (await response.text()).split("\\n")) if (line.startsWith("data: ")) console.log(line);
"""


@pytest.fixture(scope="module")
def evil():
    """Text with all that readers stumble over, wherever text can come from."""
    return chain(
        put("set", **{f"key {TEXT}": TEXT}) | {"name": f"name {TEXT}"},
        python("say", f"    print({TEXT!r})\n    return {{'said': {TEXT!r}}}"),
        lua("fail", f"error('message {TEXT}')"),
        initial_state={"text": TEXT},
    )


@pytest.fixture
def evil_run(daemon, evil):
    if daemon.http.get(f"/api/graphs/{evil['id']}").status_code == 404:
        daemon.create(evil)
    return daemon.execute(evil["id"])["execution_id"]


def data_of(lines):
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


def by_requests(url):
    with requests.get(url, stream=True) as reply:
        return data_of(reply.iter_lines(decode_unicode=True))


def by_sseclient(url):
    # It takes the block of `retry` for an event without data, and would come back by itself when the stream ends.
    events = []
    for event in sseclient.SSEClient(url):
        if event.data:
            events.append(json.loads(event.data))
        if events and events[-1]["type"] == "complete":
            return events


def by_httpx_lines(url):
    with httpx.stream("GET", url) as reply:
        return data_of(reply.iter_lines())


def by_httpx_text(url):
    return data_of(httpx.get(url).text.splitlines())


def by_httpx_sse(url):
    with httpx.Client() as client, httpx_sse.connect_sse(client, "GET", url) as source:
        return [json.loads(event.data) for event in source.iter_sse() if event.data]


def by_aiohttp(url):
    async def read():
        async with aiohttp.ClientSession() as session, session.get(url) as reply:
            return data_of([line.decode() async for line in reply.content])

    return asyncio.run(read())


def by_curl(url):
    return data_of(subprocess.run(["curl", "-sSN", "--http1.0", url], capture_output=True, text=True, check=True).stdout.split("\n"))


def by_fetch(url):
    command = ["node", "--input-type=module", "-e", NODE, url]
    return data_of(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n"))


READERS = [by_requests, by_sseclient, by_httpx_lines, by_httpx_text, by_httpx_sse, by_aiohttp, by_curl, by_fetch]


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@pytest.mark.parametrize("state", ["full", "none"])
def test_every_reader_reads_what_was_written(daemon, evil_run, read, state):
    stored = daemon.events(evil_run, state=state)
    assert [event["type"] for event in stored][-1] == "complete"
    assert read(f"{daemon.url}/api/executions/{evil_run}/events?state={state}") == stored


def test_what_is_read_is_what_was_meant(daemon, evil_run):
    start, *_, end = daemon.all_events(evil_run)
    assert start["initial_state"] == {"text": TEXT}
    assert end["final_state"] == {"text": TEXT, f"key {TEXT}": TEXT, "said": TEXT}
    events = daemon.events(evil_run)
    assert [event["data"] for event in events if event["type"] == "node_output"] == [TEXT]
    assert events[1]["node_name"] == f"name {TEXT}"
    assert f"message {TEXT}" in events[-2]["error"]


@pytest.mark.parametrize("state", ["full", "update", "none"])
def test_no_frame_has_a_line_separator_and_replay_is_live_byte_for_byte(daemon, evil, evil_run, state):
    live = Stream(daemon.http.post(f"/api/graphs/{evil['id']}/execute/stream", params={"state": state}).content)
    again = daemon.stream(live.events[0]["execution_id"], state=state)
    assert live.blocks == again.blocks
    for text in (live.body.decode(), again.body.decode(), daemon.stream(evil_run, state=state, after=2).body.decode()):
        assert not set(SEPARATORS) & set(text)
        assert text.splitlines() == text.split("\n")[:-1]


def test_nor_has_one_of_a_dashboard(daemon, evil, evil_run):
    with Wire(daemon) as wire:
        wire.send(request("GET", f"/api/events?executions={evil_run}:0&graph_id={evil['id']}"))
        body, pieces = b"", wire.read_body(wire.read_head())
        while b'"type":"complete"' not in body:
            body += next(pieces)
    text = body.decode()
    assert not set(SEPARATORS) & set(text)
    whole = [event for event in data_of(text.split("\n")) if "seq" in event]
    assert whole == daemon.events(evil_run)[: len(whole)] and len(whole) > 5


# --- HTTP/1.0 ---


def read_1_0(daemon, method, path, headers=(), body=b""):
    """A response of HTTP/1.0, whose body ends with the connection."""
    with Wire(daemon) as wire:
        wire.send(request(method, path, headers, body, "1.0"))
        head = wire.read_head()
        assert head["transfer-encoding"] is None and head["content-length"] is None
        assert head["connection"] == "close"
        return head, wire.rest()


@pytest.mark.parametrize("state", ["full", "none"])
@pytest.mark.parametrize("headers", [{}, {"Connection": "keep-alive"}, {"Expect": "100-continue"}])
def test_http_1_0_gets_the_same_stream_without_chunks(daemon, evil, state, headers):
    graph = evil | {"id": f"{evil['id']}-10"}
    daemon.http.put(f"/api/graphs/{graph['id']}", json=graph)
    fields = headers | {"Content-Type": "application/json"}
    head, body = read_1_0(daemon, "POST", f"/api/graphs/{graph['id']}/execute/stream?state={state}", fields, b"{}")
    assert (head.status, head["content-type"]) == (200, "text/event-stream; charset=utf-8")
    live = Stream(body)
    execution_id = head["content-location"].rpartition("/")[2]
    assert live.blocks == daemon.stream(execution_id, state=state).blocks
    _, body = read_1_0(daemon, "GET", f"/api/executions/{execution_id}/events?state={state}&after=3", headers)
    assert Stream(body).blocks == live.blocks[3:]


def test_http_1_0_gets_each_event_as_it_comes_and_comments_in_silence(start_daemon, tmp_path):
    daemon = start_daemon(environment={"MILLRACE_STREAM_KEEP_ALIVE_MS": "100"})
    gate = tmp_path / "gate"
    wait = python("wait", f"    import os, time\n    while not os.path.exists({str(gate)!r}): time.sleep(0.01)\n    return {{}}")
    graph_id = daemon.create(chain(put("a", x=1), wait, put("b", y=2)))
    with Wire(daemon) as wire:
        wire.send(request("POST", f"/api/graphs/{graph_id}/execute/stream", version="1.0"))
        head = wire.read_head()
        seen, wire.buffer = wire.buffer, b""
        while b": keep-alive\n\n" not in seen:
            seen += wire.socket.recv(1 << 16)
        gate.touch()
        body = (seen + wire.rest()).replace(b": keep-alive\n\n", b"")
    execution_id = head["content-location"].rpartition("/")[2]
    assert Stream(body).blocks == daemon.stream(execution_id).blocks


def test_http_1_0_gets_large_events_whole(daemon):
    graph_id = daemon.create(chain(*(put(f"n{number}", **{f"k{number}": "x" * 50_000}) for number in range(20))))
    execution_id = daemon.execute(graph_id)["execution_id"]
    _, body = read_1_0(daemon, "GET", f"/api/executions/{execution_id}/events")
    assert Stream(body).blocks == daemon.stream(execution_id).blocks and len(body) > 20_000_000


def test_http_1_0_learns_that_nothing_follows_and_what_get_would_say(daemon, evil_run):
    path, last = f"/api/executions/{evil_run}/events", daemon.summary(evil_run)["last_seq"]
    head, body = read_1_0(daemon, "GET", path, {"Last-Event-ID": str(last)})
    assert (head.status, body) == (204, b"")
    for path in (path, "/api/events"):
        head, body = read_1_0(daemon, "HEAD", path)
        assert (head.status, head["content-type"], body) == (200, "text/event-stream; charset=utf-8", b"")


def test_http_1_0_follows_a_dashboard(start_daemon, evil):
    daemon = start_daemon()
    daemon.create(evil)
    with Wire(daemon) as wire:
        wire.send(request("GET", "/api/events", version="1.0"))
        head = wire.read_head()
        assert head["transfer-encoding"] is None and head["connection"] == "close"
        seen, wire.buffer = wire.buffer, b""
        while b'"snapshot"' not in seen:
            seen += wire.socket.recv(1 << 16)
        execution_id = daemon.execute(evil["id"])["execution_id"]
        while b'"execution_ended"' not in seen:
            seen += wire.socket.recv(1 << 16)
        daemon.process.terminate()
        seen += wire.rest()
    blocks = seen.decode().removesuffix("\n\n").split("\n\n")
    assert blocks[0].startswith("retry: ") and all(block.startswith(("data: {", ": ", "retry: ")) for block in blocks)
    told = [json.loads(block[6:]) for block in blocks if block.startswith("data: ")]
    assert [each["type"] for each in told if each.get("execution_id") == execution_id][-1] == "execution_ended"

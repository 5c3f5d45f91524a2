"""Nodes that ask servers: what is sent, what becomes of the answer, and what is refused."""

import asyncio
import base64
import email.utils
import json
import time

import pytest
from aiohttp import web

from far_server import FarServer, RawServer
from graphs import chain, graph, node, put
from stream import is_whole, of_node

# Nobody is there; so all of this host may be asked.
OPEN = {"MILLRACE_KINDS_HTTP_DENIED_NETWORKS": "192.0.2.1"}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    from daemon import Daemon

    daemon = Daemon(tmp_path_factory.mktemp("http")).start("--set", "kinds.http.response_bytes_max=1 MiB", environment=OPEN)
    yield daemon
    daemon.kill()


@pytest.fixture
def serve():
    servers = []

    def start(**handlers):
        servers.append(FarServer(handlers))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def speak():
    servers = []

    def start(coroutine):
        servers.append(RawServer(coroutine))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def http(id="ask", url="", **config):
    members = {key: config.pop(key) for key in ("retry", "timeout_ms", "idle_timeout_ms") if key in config}
    return node(id, "http", {"url": url, **config}, **members)


def run(daemon, *nodes, state=None, **members):
    return daemon.execute(daemon.create(chain(*nodes, **members)), state)


def failure(daemon, *nodes, state=None):
    """The end of the first node, which has failed."""
    summary = run(daemon, *nodes, state=state)
    (end,) = of_node(daemon.all_events(summary["execution_id"]), nodes[0]["id"], "node_complete")
    assert end["status"] == "error"
    return end


async def echo(request):
    body = (await request.read()).decode()
    return web.json_response(
        {"method": request.method, "path": request.raw_path, "headers": {k.lower(): v for k, v in request.headers.items()}, "body": body})


def test_an_answer_comes_into_the_state(daemon, serve):
    far = serve(echo=echo)
    final = run(daemon, http(url=far.url + "/echo"))["final_state"]
    assert (final["ask"]["method"], final["ask"]["path"]) == ("GET", "/echo")
    assert "idempotency-key" not in final["ask"]["headers"]
    into = {"body": "answer", "status": "code", "headers": "fields"}
    final = run(daemon, http(url=far.url + "/echo", into=into))["final_state"]
    assert final["code"] == 200 and final["answer"]["method"] == "GET"
    assert final["fields"]["content-type"].startswith("application/json") and "ask" not in final


def test_templates_fill_the_request(daemon, serve):
    far = serve(echo=echo)
    url = "{{ state.base }}/echo/{{ state.name }}?q={{ state.name }}"
    asked = http(
        url=url, method="POST", query={"a b": "{{ state.name }}", "n": 1, "l": ["x", True], "gone": None},
        headers={"X-Name": "{{ state.name }}", "X-Gone": None}, body={"name": "{{ state.name }}", "list": "{{ state.list }}"})
    state = {"base": far.url, "name": "a/b ?&#ü~", "list": [1, 2.50]}
    answer = run(daemon, asked | {"id": "ask"}, state=state | {"name": "a/b ?&#~"})["final_state"]["ask"]
    coded = "a%2Fb%20%3F%26%23~"
    assert answer["path"] == f"/echo/{coded}?q={coded}&a%20b={coded}&n=1&l=x&l=true"
    assert answer["headers"]["x-name"] == "a/b ?&#~" and "x-gone" not in answer["headers"]
    assert answer["headers"]["content-type"] == "application/json"
    assert json.loads(answer["body"]) == {"name": "a/b ?&#~", "list": [1, 2.5]}


def test_a_body_that_is_text_is_sent_as_it_is(daemon, serve):
    far = serve(echo=echo)
    answer = run(daemon, http(url=far.url + "/echo", method="PUT", body="a\nb"))["final_state"]["ask"]
    assert (answer["body"], answer["headers"]["content-type"]) == ("a\nb", "text/plain; charset=utf-8")


@pytest.mark.parametrize("value", ["..", "."])
def test_no_value_leads_out_of_the_path(daemon, serve, value):
    far = serve(echo=echo)
    end = failure(daemon, http(url=far.url + "/echo/{{ state.id }}/x"), state={"id": value})
    assert "out of its path" in end["error"] and far.requests == []


def test_a_value_makes_no_field_of_its_own(daemon, serve):
    far = serve(echo=echo)
    end = failure(daemon, http(url=far.url + "/echo", headers={"X-A": "{{ state.a }}"}), state={"a": "b\r\nX-C: d"})
    assert "X-A" in end["error"] and far.requests == []


def test_forms_of_an_answer(daemon, serve):
    async def latin(request):
        return web.Response(body="größer".encode("latin-1"), content_type="text/plain", charset="iso-8859-1")

    async def nothing(request):
        return web.Response(status=204)

    async def zipped(request):
        response = web.Response(text='{"a": 1.10}', content_type="application/json")
        response.enable_compression(web.ContentCoding.gzip)
        return response

    far = serve(latin=latin, nothing=nothing, zipped=zipped)
    nodes = [
        http("text", far.url + "/latin", response="text"), http("bytes", far.url + "/latin", response="base64"),
        http("none", far.url + "/latin", response="none"), http("nothing", far.url + "/nothing"),
        http("zipped", far.url + "/zipped"), http("head", far.url + "/zipped", method="HEAD")]
    summary = run(daemon, *nodes)
    final = summary["final_state"]
    assert summary["status"] == "success"
    assert final["text"] == "größer" and base64.b64decode(final["bytes"]) == "größer".encode("latin-1")
    assert "none" not in final and final["nothing"] is None and final["zipped"] == {"a": 1.1} and final["head"] is None
    assert '"zipped":{"a":1.10}' in daemon.http.get(f"/api/executions/{summary['execution_id']}/events").text


def test_a_refusal_is_an_error_with_its_details(daemon, serve):
    async def refuse(request):
        return web.Response(status=404, text="x" * 5000, headers={"X-Why": "because"})

    end = failure(daemon, http(url=serve(no=refuse).url + "/no?key=hidden"))
    assert end["details"]["status"] == 404 and end["details"]["headers"]["x-why"] == "because"
    assert end["details"]["body"] == "x" * 4096
    assert "404 Not Found" in end["error"] and "hidden" not in end["error"]


def test_what_is_no_json_fails_and_shows_itself(daemon, serve):
    async def page(request):
        return web.Response(text="<html>")

    end = failure(daemon, http(url=serve(page=page).url + "/page"))
    assert "no JSON" in end["error"] and end["details"]["body"] == "<html>"


def test_a_retry_comes_when_it_was_asked_for(daemon, serve):
    times = []

    async def busy(request):
        times.append(time.monotonic())
        if len(times) == 1:
            return web.Response(status=429, headers={"Retry-After": "1"})
        if len(times) == 2:
            return web.Response(status=503, headers={"Retry-After": email.utils.formatdate(time.time() + 2, usegmt=True)})
        return web.json_response("in the end")

    far = serve(busy=busy)
    asked = http(url=far.url + "/busy", method="POST", retry={"max_attempts": 3, "delay_ms": 1})
    summary = run(daemon, asked)
    assert summary["final_state"]["ask"] == "in the end"
    assert times[1] - times[0] >= 1 and times[2] - times[1] >= 1
    keys = {request.headers["Idempotency-Key"] for request, _ in far.asked("busy")}
    assert len(keys) == 1 and summary["execution_id"] in keys.pop()


def test_lines_events_and_bytes_come_as_they_are_sent(daemon, serve):
    def sending(*pieces):
        async def handler(request):
            response = web.StreamResponse()
            await response.prepare(request)
            for piece in pieces:
                await response.write(piece)
                await asyncio.sleep(0)
            return response

        return handler

    far = serve(
        lines=sending(b"one\ntw", b"o\r\nthree"), sse=sending(b"event: a\nid: 7\ndata: x\ndata: y\n", b"\ndata: z\n\ndata: cut"),
        bytes=sending(b"\x00\xff", b"abc"))
    nodes = [http(form, f"{far.url}/{form}", stream=form) for form in ("lines", "sse", "bytes")]
    nodes[2]["config"]["response"] = "none"
    summary = run(daemon, *nodes)
    events = daemon.all_events(summary["execution_id"])
    assert is_whole(events)
    chunks = {id: [event["data"] for event in of_node(events, id, "node_output") if event["channel"] == "chunk"]
              for id in ("lines", "sse", "bytes")}
    assert chunks["lines"] == ["one", "two", "three"]
    assert chunks["sse"] == [{"event": "a", "data": "x\ny", "id": "7"}, {"event": "message", "data": "z", "id": "7"}]
    assert b"".join(base64.b64decode(chunk) for chunk in chunks["bytes"]) == b"\x00\xffabc"
    assert summary["final_state"]["lines"] == "one\ntwo\r\nthree" and "bytes" not in summary["final_state"]


def test_a_chunk_is_told_while_the_answer_goes_on(daemon, serve, eventually):
    asked = {}

    async def drip(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first\n")
        while "second" not in asked:
            await asyncio.sleep(0.01)
        await response.write(b"second\n")
        return response

    far = serve(drip=drip)
    execution = daemon.begin(daemon.create(graph([http(url=far.url + "/drip", stream="lines", response="none")])))
    eventually(lambda: [e for e in of_node(daemon.events(execution), "ask", "node_output") if e["data"] == "first"])
    asked["second"] = True
    assert daemon.all_events(execution)[-1]["status"] == "success"


@pytest.mark.parametrize(("config", "pointer"), [
    ({"url": "ftp://h/x"}, "/url"), ({"url": "h/x"}, "/url"), ({"url": "file://{{ state.x }}"}, "/url"), ({}, ""),
    ({"url": "http://h/{{ state. }}"}, "/url"), ({"url": "http://h", "method": "FETCH"}, "/method"),
    ({"url": "http://h", "headers": {"Content-Length": "3"}}, "/headers/Content-Length"),
    ({"url": "http://h", "headers": {"a b": "3"}}, "/headers/a b"),
    ({"url": "http://h", "method": "HEAD", "body": 1}, "/body"), ({"url": "http://h", "streams": "sse"}, ""),
    ({"url": "http://h", "into": {"text": "x"}}, "/into"), ({"url": "http://h", "response": "none", "into": {"body": "b"}}, "/into/body"),
])
def test_a_document_with_a_fault_is_refused(daemon, config, pointer):
    reply = daemon.http.post("/api/graphs/validate", json=graph([node("ask", "http", config)])).json()
    assert not reply["valid"]
    assert reply["errors"][0]["pointer"].startswith("/nodes/0/config" + pointer)


def test_a_cancel_and_a_timeout_end_the_transfer(daemon, speak, eventually):
    async def silence(writer):
        await asyncio.Event().wait()

    far = speak(silence)
    end = failure(daemon, http(url=far.url, timeout_ms=200))
    assert "timeout_ms (200 ms)" in end["error"]
    end = failure(daemon, http(url=far.url, idle_timeout_ms=200))
    assert "idle_timeout_ms (200 ms)" in end["error"]
    execution = daemon.begin(daemon.create(graph([http(url=far.url)])))
    eventually(lambda: of_node(daemon.events(execution), "ask", "node_start"))
    began = time.monotonic()
    daemon.http.post(f"/api/executions/{execution}/cancel")
    assert daemon.all_events(execution)[-1]["status"] == "cancelled"
    assert time.monotonic() - began < 20


def test_what_has_no_end_is_ended(daemon, speak):
    async def body(writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async def head(writer):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: " + b"x" * 1000 + b"\r\n")
            await writer.drain()

    async def garbage(writer):
        writer.write(b"\x00\x01\x02 SSH-2.0\r\n\r\n")
        await writer.drain()

    async def half(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()

    assert "kinds.http.response_bytes_max (1048576 bytes)" in failure(daemon, http(url=speak(body).url))["error"]
    assert "65536 bytes" in failure(daemon, http(url=speak(head).url))["error"]
    assert "broke off" in failure(daemon, http(url=speak(garbage).url))["error"]
    assert "broke off" in failure(daemon, http(url=speak(half).url))["error"]


def test_nobody_there_is_told(daemon):
    end = failure(daemon, http(url="http://127.0.0.1:1/x"))
    assert "no connection to 127.0.0.1" in end["error"]


def test_a_request_that_a_crash_interrupted_is_asked_again_by_its_key(start_daemon, serve, eventually):
    async def once(request):
        if len(far.asked("once")) == 1:
            await asyncio.Event().wait()
        return web.json_response("done")

    far = serve(once=once)
    daemon = start_daemon(environment=OPEN)
    execution = daemon.begin(daemon.create(graph([http(url=far.url + "/once", method="POST")])))
    eventually(lambda: far.asked("once"))
    daemon.kill()
    daemon.start(environment=OPEN)
    events = daemon.all_events(execution)
    assert is_whole(events) and events[-1]["final_state"]["ask"] == "done"
    first, second = (request.headers["Idempotency-Key"] for request, _ in far.asked("once"))
    assert first == second


def test_two_thousand_requests_wait_at_once(start_daemon, serve):
    """On two workers: what waits for a server holds no thread, and little memory."""
    waiting, most = 0, 0
    everybody = None

    async def slow(request):
        nonlocal waiting, most, everybody
        everybody = everybody or asyncio.Event()
        waiting += 1
        most = max(most, waiting)
        if waiting >= 1000:
            everybody.set()
        await everybody.wait()
        return web.json_response({"n": request.path})

    far = serve(slow=slow)
    daemon = start_daemon("--set", "workers.threads=2", environment=OPEN)
    inner = http("ask", far.url + "/slow/{{ state.item }}")
    each = node("each", "map", {
        "items": "{{ state.items }}", "parallel": 2000, "nodes": [inner], "result": "{{ state.ask.n }}"})
    before = resident(daemon)
    summary = daemon.execute(daemon.create(graph([each], limits={"max_parallel_nodes": 2000})), {"items": list(range(2000))})
    assert summary["status"] == "success"
    assert summary["final_state"]["results"] == [f"/slow/{n}" for n in range(2000)]
    assert most >= 1000
    assert resident(daemon) - before < 300 << 20


def resident(daemon):
    with open(f"/proc/{daemon.process.pid}/status") as status:
        (line,) = [line for line in status if line.startswith("VmRSS")]
    return int(line.split()[1]) << 10

"""Hostile content: bodies that are giant, deep or grow when they are read; names that lead out of a folder; text that would
become a header or an event if it were not told apart."""

import json

import pytest

from graphs import fails, graph, lua, node, process, put, python
from stream import Stream, is_whole, of_node
from test_http_surface import assert_problem
from wire import Wire, request

JSON, YAML = {"Content-Type": "application/json"}, {"Content-Type": "application/yaml"}


def memory(daemon):
    pages = int(open(f"/proc/{daemon.process.pid}/statm").read().split()[1])
    return pages * 4096


# --- Giant, deep, growing ---


DEEP = {
    "arrays": "[" * 100_000,
    "closed arrays": "[" * 100_000 + "]" * 100_000,
    "objects": '{"a":' * 100_000,
    "closed objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "in a state": '{"initial_state":{"a":' + "[" * 100_000 + "]" * 100_000 + "}}",
}


@pytest.mark.parametrize("name", DEEP)
@pytest.mark.parametrize("path", ["/api/graphs", "/api/graphs/validate", "/api/layout", "/api/graphs/{}/execute"])
def test_deep_json_is_refused_and_not_followed_down(daemon, name, path):
    graph_id = daemon.create(graph([put("a")]))
    reply = daemon.http.post(path.format(graph_id), content=DEEP[name], headers=JSON)
    if path.endswith("validate"):
        assert reply.status_code == 200 and reply.json()["valid"] is False
    else:
        assert reply.status_code in (400, 422)
    assert daemon.http.get("/healthz").status_code == 200


GIANT = {
    "number": lambda size: b'{"initial_state":{"n":' + b"9" * size + b"}}",
    "string": lambda size: b'{"initial_state":{"s":"' + b"x" * size + b'"}}',
    "escapes": lambda size: b'{"initial_state":{"s":"' + b"\\u2028" * (size // 6) + b'"}}',
    "many keys": lambda size: b'{"initial_state":{' + b",".join(b'"%d":0' % number for number in range(50_000)) + b"}}",
    "key": lambda size: b'{"initial_state":{"' + b"k" * size + b'":0}}',
}


@pytest.mark.parametrize("name", GIANT)
def test_giant_json_up_to_the_limit_of_a_body_is_read_or_refused_in_no_time(daemon, name):
    graph_id = daemon.create(graph([put("a")]))
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute?state=none", content=GIANT[name](7 << 20), headers=JSON)
    assert reply.status_code in (200, 400, 413, 422)
    assert daemon.http.get("/healthz").status_code == 200


def bomb(levels=40, width=9):
    """Each list holds the one before it several times: width to the power of levels words, in two kilobytes (billion laughs)."""
    lines = ["a0: &a0 [lol, lol]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]" for level in range(1, levels)]
    return "id: bomb\ninitial_state:\n" + "".join(f"  {line}\n" for line in lines) + "nodes:\n  - {id: a, kind: set, config: {values: {}}}\n"


BOMBS = {
    "billion laughs": bomb(),
    "an alias of itself": "id: bomb\nnodes: &a [*a]\n",
    "a mapping of itself": "id: bomb\ninitial_state: &a {b: *a}\nnodes: []\n",
    "merges": "id: bomb\ninitial_state:\n  a: &a {x: 1}\n" + "".join(f"  b{number}: {{<<: *a}}\n" for number in range(1000)) + "nodes: []\n",
    "deep flow": "id: bomb\nnodes: " + "[" * 50_000,
    "deep closed flow": "id: bomb\nnodes: " + "[" * 20_000 + "]" * 20_000,
    "deep blocks": "".join(" " * level + "- \n" for level in range(3_000)),
    "deep mapping": "id: bomb\n" + "".join(" " * level + f"k{level}:\n" for level in range(2_000)),
    "tags": "id: !!python/object/apply:os.system [touch /tmp/pwned]\nnodes: []\n",
    "many documents": "---\n" * 100_000,
    "many anchors": "id: bomb\nnodes: [" + ", ".join(f"&a{number} x" for number in range(50_000)) + "]\n",
}


@pytest.mark.parametrize("name", BOMBS)
def test_yaml_that_grows_when_it_is_read_is_refused(daemon, name):
    before = memory(daemon)
    reply = daemon.http.post("/api/graphs", content=BOMBS[name], headers=YAML)
    assert_problem(reply, 422, "invalid_graph")
    assert memory(daemon) - before < 200 << 20
    assert daemon.http.get("/healthz").status_code == 200


def test_a_bomb_in_the_graphs_folder_keeps_out_that_graph_only(new_daemon):
    daemon = new_daemon()
    for number, text in enumerate(BOMBS.values()):
        daemon.write_graph_file(f"bomb{number}.yaml", text)
    daemon.write_graph_file("good.yaml", "id: good\nnodes: [{id: a, kind: set, config: {values: {x: 1}}}]\n")
    daemon.start()
    assert [item["id"] for item in daemon.http.get("/api/graphs").json()["items"]] == ["good"]


# --- Out of the folder ---


@pytest.fixture
def folder(start_daemon, tmp_path):
    """A daemon with a secret beside its graphs folder, and ways to it."""
    (tmp_path / "secret.py").write_text("def f(state):\n    return {'got': 'secret'}\n")
    daemon = start_daemon()
    (daemon.graphs / "link.py").symlink_to(tmp_path / "secret.py")
    (daemon.graphs / "way").symlink_to(tmp_path)
    (daemon.graphs / "inner").mkdir()
    (daemon.graphs / "fine.py").write_text("def f(state):\n    return {'got': 'fine'}\n")
    return daemon


@pytest.mark.parametrize("name", ["../secret.py", "../../secret.py", "inner/../../secret.py", "./../secret.py", "way/secret.py", "link.py", "/etc/passwd", "//etc/passwd", "..", ".", "", "inner", "fine.py/", "fine.py\0", "fine.py\n", "..\\secret.py", "~/secret.py", "file:///etc/passwd", "%2e%2e/secret.py", "/proc/self/environ", "x" * 5000])
def test_no_file_name_leads_out_of_the_graphs_folder(folder, name):
    document = graph([node("a", "python", {"file": name, "function": "f"})])
    reply = folder.http.post("/api/graphs", json=document)
    assert_problem(reply, 422, "invalid_graph")
    assert "root:" not in reply.text and "secret'" not in reply.text


def test_a_plain_name_is_found(folder):
    assert folder.execute(folder.create(graph([node("a", "python", {"file": "fine.py", "function": "f"})])))["final_state"] == {"got": "fine"}


# --- Into a header ---

INJECTIONS = ["%0d%0aX-Injected:%201", "%0aX-Injected:%201", "%0dX-Injected:%201", "a%0d%0a%0d%0aHTTP/1.1%20200%20OK", "%E2%80%A8X-Injected:1", "%C4%8D%C4%8AX-Injected:1", "%22%0d%0aX:1"]


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize(
    "target",
    [
        "/api/graphs/{}", "/api/graphs/{}/revisions", "/api/graphs/{}/profile", "/api/executions/{}", "/api/executions/{}/events", "/console/{}",
        "/{}", "/api/graphs?limit=1&x={}", "/api/graphs?limit=1&{}=1", "/api/executions?limit=1&graph_id={}", "/api/executions?limit=1&x={}",
        "/api/executions?cursor={}", "/api/executions?status={}", "/api/executions?since={}", "/api/graphs/x?revision={}", "/api/events?executions={}",
    ],
)
def test_nothing_of_a_target_becomes_a_header(daemon, target, text):
    """The wire reads each header field strictly, so that one more would be seen."""
    for _ in range(2):
        daemon.execute(daemon.create(graph([put("a")])))
    with Wire(daemon) as wire:
        response = wire.request("GET", target.format(text))
        assert 200 <= response.status < 500
        assert not [name for name, _ in response.fields if name.lower().startswith("x-injected")]
        assert wire.request("GET", "/healthz").status == 200
        assert wire.buffer == b""


@pytest.mark.parametrize("value", [b"a\rX-Injected: 1", b"a\nX-Injected: 1", b"a\x00b", b"\x7f"])
@pytest.mark.parametrize("name", [b"Origin", b"If-None-Match", b"Last-Event-ID", b"Accept", b"Idempotency-Key", b"Traceparent", b"Authorization", b"Cookie", b"X-Forwarded-For", b"Content-Type"])
def test_no_field_of_a_request_splits_an_answer(daemon, name, value):
    with Wire(daemon) as wire:
        wire.send(b"GET /api/graphs HTTP/1.1\r\nHost: localhost\r\n" + name + b": " + value + b"\r\n\r\n")
        response = wire.read()
        assert response.status >= 400 and b"x-injected" not in str(response.fields).lower().encode()


# --- Into a stream ---

# What would end a line, a block or a stream, or begin another event, for some reader or other.
EVIL = [
    "a\n\ndata: {\"type\":\"complete\"}\n\n", "a\r\rdata: {}\r\r", "a\r\n\r\nid: 99\r\n\r\n", "\u2028data: {}\u2028\u2028", "\u2029", "\x85\x85", "\x00", "\x1e\x1f\x7f",
    "event: error\n", ": keep-alive\n\n", "\ufeff", "\ud7ff\ue000\U0010ffff", "</script><script>alert(1)</script>", "0\r\n\r\n", "\\n\\n", "\"}\n\ndata: {\"",
]


def whole(daemon, document, initial_state=None):
    """The events of an execution, by the strictest of readers and by the one that reads lines."""
    stream = daemon.stream(daemon.execute(daemon.create(document), initial_state)["execution_id"])
    assert is_whole(stream.events)
    lines = stream.body.decode().split("\n")
    datas = [line for line in lines if line.startswith("data: ")]
    assert len(datas) == len(stream.events) == len([line for line in lines if line.startswith("id: ")])
    assert all(line == "" or line.startswith(("id: ", "data: ", "retry: ")) for line in lines)
    for raw in ("\r", "\x00"):
        assert raw not in stream.body.decode()
    return stream.events


@pytest.mark.parametrize("text", EVIL, ids=range(len(EVIL)))
def test_names_states_and_errors_stay_inside_their_event(daemon, text):
    document = graph([put("a", said=text) | {"name": text}, lua("b", "error(state.given)"), lua("c", "return {['k' .. state.given] = state.given}")], name=text, description=text)
    events = whole(daemon, document, {"given": text, text: 1})
    assert of_node(events, "a")[0]["node_name"] == text
    assert events[-1]["final_state"]["said"] == text and events[-1]["final_state"]["k" + text] == text
    assert events[0]["initial_state"][text] == 1


def test_what_a_node_prints_and_emits_stays_inside_its_event(daemon):
    code = "    import millrace, sys\n" + "".join(
        f"    millrace.emit({{'said': {text!r}}}, channel={text[:20]!r} or 'x')\n    print({text!r})\n    print({text!r}, file=sys.stderr)\n" for text in EVIL
    ) + f"    return {{'said': {EVIL!r}}}"
    events = whole(daemon, graph([python("a", code)]))
    assert events[-1]["status"] == "success", events[-1]
    assert events[-1]["final_state"]["said"] == EVIL
    emitted = [event for event in of_node(events, "a", "node_output") if isinstance(event["data"], dict)]
    assert [event["data"]["said"] for event in emitted] == EVIL
    assert [event["channel"] for event in emitted] == [text[:20] for text in EVIL]


def test_what_a_process_prints_stays_inside_its_event(daemon):
    script = "printf '%b' 'a\\n\\ndata: {\"type\":\"complete\"}\\n\\n\\r\\r\\0342\\0200\\0250\\0000\\0377\\0376'"
    events = whole(daemon, graph([process("out", "sh", "-c", script), process("err", "sh", "-c", f"({script}) >&2; echo; exit 3")]))
    assert len([event for event in events if event["type"] == "complete"]) == 1


def test_the_dashboards_stream_holds_its_lines_too(daemon):
    document = graph([put("a") | {"name": text} for text in EVIL[:1]] + [lua("b", "error(state.said)")], name=EVIL[0])
    daemon.create(document)
    with Wire(daemon) as wire:
        wire.send(request("GET", f"/api/events?graph_id={document['id']}"))
        body, pieces = b"", wire.read_body(wire.read_head())
        while b'"snapshot"' not in body:
            body += next(pieces)
        execution_id = daemon.execute(document["id"])["execution_id"]
        while b'"type":"execution_ended"' not in body:
            body += next(pieces)
    for block in body.decode().strip("\n").split("\n\n"):
        assert block.startswith(("retry: ", "data: ", ": ")) and "\n" not in block and "\r" not in block
        if block.startswith("data: "):
            assert json.loads(block[6:])["type"] in (
                "snapshot", "execution_queued", "execution_started", "node_started", "node_ended", "execution_ended",
            )
    assert execution_id.encode() in body

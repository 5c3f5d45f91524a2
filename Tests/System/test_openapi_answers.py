"""Each operation answers as the description of the API says, and so does a request that it refuses."""

import json

import httpx
import pytest

from description import assert_described, assert_fits, described, fits, operation, operations
from feed import Feed
from graphs import chain, fails, graph, never_ends, node, put
from tokens import key

# Streams without end, or answers of a kind of their own; see the tests below.
ENDLESS = "/api/events"

STREAM_EVENT = {"$ref": "#/components/schemas/StreamEvent"}


@pytest.fixture
def real(daemon):
    """Values for the parameters of paths."""
    graph_id = daemon.create(chain(put("a", x=1), fails("b"), name="Walk"))
    execution_id = daemon.execute(graph_id)["execution_id"]
    return lambda path: path.format(id=execution_id if "/executions/" in path else graph_id, file="index.html", node_id="a", thread="t", other=execution_id)


@pytest.mark.parametrize("path", sorted(path for path, method in described() if method == "get" and path != ENDLESS))
def test_every_get_answers_as_described(daemon, real, path):
    reply = daemon.http.get(real(path))
    assert reply.status_code == 200 or path in ("/", "/console/{file}", "/api/graphs/{id}/threads/{thread}"), reply.text
    assert_described(reply, path, "get")


@pytest.mark.parametrize("path", sorted(path for path, method in described() if "{id}" in path and method == "get"))
def test_what_is_not_there_is_a_described_problem(daemon, path):
    reply = daemon.http.get(path.format(id="none", node_id="a", thread="t", other="none"))
    assert reply.status_code == 404
    assert_described(reply, path, "get")


def test_events_fit_their_schemas(daemon, real):
    reply = daemon.http.get(real("/api/executions/{id}/events"), headers={"Accept": "application/json"})
    assert {event["type"] for event in reply.json()} == {"start", "node_start", "node_complete", "complete"}
    assert_described(reply, "/api/executions/{id}/events", "get")


def test_the_lines_of_a_stream_fit_their_schema(daemon, real):
    stream = daemon.stream(real("/api/executions/{id}").rsplit("/", 1)[1])
    schema = operation("/api/executions/{id}/events", "get")["responses"]["200"]["content"]["text/event-stream"]["schema"]
    assert len(stream.events) > 4
    for event in stream.events:
        assert_fits(event, schema)


def test_the_lines_of_a_classic_stream_fit_their_schema(daemon, real):
    path = "/classic/api/graphs/{id}/execute/stream"
    schema = operation(path, "post")["responses"]["200"]["content"]["text/event-stream"]["schema"]
    lines = daemon.http.post(real(path)).text.split("\n")
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line]
    assert len(events) == 6
    for event in events:
        assert_fits(event, schema)


def test_the_messages_of_the_dashboard_fit_their_schemas(daemon, real):
    with Feed(daemon, f"?executions={real('/api/executions/{id}').rsplit('/', 1)[1]}") as feed:
        messages = feed.until(lambda message: message["type"] == "complete")
        graph_id = daemon.create(chain(put("a", x=1), fails("b")))
        messages += feed.until_end_of(daemon.execute(graph_id)["execution_id"])
    schema = operation(ENDLESS, "get")["responses"]["200"]["content"]["text/event-stream"]["schema"]
    for message in messages:
        assert_fits(message, schema)


def test_the_schema_of_events_tells_a_wrong_event(daemon, real):
    [event, *_] = daemon.http.get(real("/api/executions/{id}/events"), headers={"Accept": "application/json"}).json()
    assert fits(event, STREAM_EVENT)
    for wrong in [event | {"seq": 0}, event | {"type": "stop"}, event | {"more": 1}, {k: v for k, v in event.items() if k != "attempt"}]:
        assert not fits(wrong, STREAM_EVENT)


@pytest.mark.parametrize(
    "method, path, body, status",
    [
        ("post", "/api/graphs", graph([put("a")]), 201),
        ("post", "/api/graphs", {"id": "W"}, 422),
        ("post", "/api/graphs/validate", {"id": "W"}, 200),
        ("post", "/api/layout", graph([put("a")]), 200),
        ("put", "/api/graphs/{id}", {"id": "W"}, 422),
        ("post", "/api/graphs/{id}/execute", {}, 200),
        ("post", "/api/graphs/{id}/execute", {"more": 1}, 422),
        ("post", "/api/graphs/{id}/execute/stream", None, 200),
        ("post", "/api/executions/{id}/cancel", None, 409),
        ("post", "/api/executions/{id}/ticket", None, 201),
        ("post", "/api/executions/{id}/rerun", {}, 202),
        ("post", "/api/executions/{id}/rerun", {"from_node": "z"}, 422),
        ("post", "/api/executions/{id}/resume", None, 409),
        ("post", "/api/executions/resume?status=held", None, 202),
        ("delete", "/api/executions/{id}", None, 204),
        ("delete", "/api/graphs/{id}/threads/{thread}", None, 404),
        ("delete", "/api/graphs/{id}", None, 204),
        ("post", "/classic/api/graphs/{id}/execute", {"more": 1}, 200),
        ("post", "/classic/api/graphs/{id}/execute", {"initial_state": 1}, 422),
        ("post", "/classic/api/graphs/{id}/execute/stream", None, 200),
        ("post", "/classic/api/graphs/load", {"code": "class A:\n    def execute(self, state): return {}\nsteps = [A()]\n"}, 201),
        ("post", "/classic/api/graphs/load", {"code": "x = 1"}, 422),
        ("post", "/classic/api/graphs/load", {"file_path": "none.py"}, 404),
        ("delete", "/classic/api/graphs/{id}", None, 200),
    ],
)
def test_other_calls_answer_as_described(daemon, real, method, path, body, status):
    reply = daemon.http.request(method, real(path), json=body)
    assert reply.status_code == status, reply.text
    assert_described(reply, path.partition("?")[0], method)


def test_a_cancel_answers_as_described(daemon):
    execution_id = daemon.begin(daemon.create(graph([never_ends()])))
    reply = daemon.cancel(execution_id)
    assert reply.status_code == 202, reply.text
    assert_described(reply, "/api/executions/{id}/cancel", "post")


def test_an_answer_to_an_approval_answers_as_described(daemon, eventually):
    asks = graph([node("ok", "approval", {"prompt": "well?"})])
    execution_id = daemon.begin(daemon.create(asks))
    eventually(lambda: daemon.summary(execution_id).get("waiting_for"))
    method, path = "post", "/api/executions/{id}/nodes/{node_id}/resolve"
    for status in (202, 409):
        reply = daemon.http.request(method, path.format(id=execution_id, node_id="ok"), json={"approved": True})
        assert reply.status_code == status, reply.text
        assert_described(reply, path, method)


def test_a_graph_that_is_put_is_created_or_replaced_as_described(daemon):
    document = graph([put("a")])
    for status in (201, 200):
        reply = daemon.http.put(f"/api/graphs/{document['id']}", json=document)
        assert reply.status_code == status
        assert_described(reply, "/api/graphs/{id}", "put")
        document["name"] = "again"


def test_tokens_and_sessions_answer_as_described(start_daemon):
    daemon = start_daemon()
    state_socket = httpx.HTTPTransport(uds=str(daemon.state / "millrace.sock"))
    with httpx.Client(transport=state_socket, base_url="http://localhost", headers=key(daemon)) as http:

        def call(method, path, status, body=None, client=http, **values):
            reply = client.request(method, path.format(**values), json=body)
            assert reply.status_code == status, reply.text
            assert_described(reply, path, method)
            return reply

        token = call("post", "/api/tokens", 201, {"name": "t", "scopes": ["read"]}).json()
        call("post", "/api/tokens", 422, {"scopes": []})
        call("get", "/api/tokens", 200)
        call("post", "/api/session", 200, {"token": token["token"]}, daemon.http)
        call("get", "/api/session", 200, None, daemon.http)
        call("delete", "/api/session", 204, None, daemon.http)
        call("post", "/api/session", 422, {}, daemon.http)
        call("get", "/api/graphs", 401, None, daemon.http)
        call("delete", "/api/tokens/{id}", 204, id=token["id"])
        call("delete", "/api/tokens/{id}", 404, id="0000000000")


def test_no_operation_is_left_out_here():
    """Those that only read are all asked above; a new one that changes something needs a line."""
    source = open(__file__).read()
    missing = [id for id, (path, method) in operations().items() if method != "get" and f'"{method}", "{path}' not in source]
    assert [id for id in missing if id != "cancelExecution"] == []

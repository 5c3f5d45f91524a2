"""The description of the API describes what the daemon does."""

import json
import re

import openapi_spec_validator
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from daemon import ROOT
from feed import Feed
from graphs import chain, fails, graph, put

SERVER = ROOT / "Sources" / "Server"
DESCRIPTION = json.loads((SERVER / "openapi.json").read_text())
ROUTE = re.compile(r'router\.add\(\s*\.(\w+),\s*"([^"]+)"')
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}

REGISTRY = Registry().with_resource("", Resource(DESCRIPTION, DRAFT202012))


def routes():
    return {(path, method) for method, path in ROUTE.findall((SERVER / "Routes.swift").read_text())}


def described():
    return {(path, method) for path, item in DESCRIPTION["paths"].items() for method in item if method in METHODS}


def resolved(part):
    while "$ref" in part:
        target = DESCRIPTION
        for step in part["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        part = target
    return part


def assert_fits(value, schema):
    Draft202012Validator(schema, registry=REGISTRY, _resolver=REGISTRY.resolver()).validate(value)


def assert_described(reply, path, method):
    """The status, the type and the body of an answer are among the described ones."""
    responses = DESCRIPTION["paths"][path][method]["responses"]
    assert str(reply.status_code) in responses, reply.text
    content = resolved(responses[str(reply.status_code)]).get("content", {})
    type = reply.headers.get("content-type", "").partition(";")[0]
    assert (type in content) if reply.content else (not content or method == "head"), (type, list(content))
    if type in ("application/json", "application/problem+json"):
        assert_fits(reply.json(), content[type]["schema"])


def test_it_is_valid_openapi_3_1():
    assert DESCRIPTION["openapi"].startswith("3.1.")
    openapi_spec_validator.validate(DESCRIPTION)


def test_it_has_the_routes_of_the_router_and_no_others():
    assert len(routes()) > 15
    assert described() == routes()


def test_each_operation_asks_for_the_scope_that_its_route_needs():
    needs = re.findall(r'router\.add\(\s*\.(\w+),\s*"([^"]+)",\s*needs: (?:\.(\w+)|nil)', (SERVER / "Routes.swift").read_text())
    assert {(path, method) for method, path, _ in needs} == routes()
    for method, path, scope in needs:
        ways = [{"token": [scope]}, {"session": [scope]}] if scope else []
        assert DESCRIPTION["paths"][path][method]["security"] == ways, (method, path)
    assert {"token", "session"} == set(DESCRIPTION["components"]["securitySchemes"])


def test_operations_have_names_of_their_own():
    names = [DESCRIPTION["paths"][path][method]["operationId"] for path, method in described()]
    assert len(names) == len(set(names))


def test_every_component_is_used():
    text = json.dumps(DESCRIPTION)
    unused = [
        f"#/components/{kind}/{name}"
        for kind, parts in DESCRIPTION["components"].items()
        for name in parts
        if kind != "securitySchemes" and f'"#/components/{kind}/{name}"' not in text
    ]
    assert unused == []


def test_every_parameter_of_a_path_is_described():
    for path, item in DESCRIPTION["paths"].items():
        in_path = {resolved(part)["name"] for part in item.get("parameters", []) if resolved(part)["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path))


def test_the_daemon_serves_the_description(daemon):
    reply = daemon.http.get("/openapi.json")
    assert (reply.headers["content-type"], reply.json()) == ("application/json", DESCRIPTION)


def test_every_schema_is_one():
    for schema in DESCRIPTION["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@pytest.fixture
def real(daemon):
    """Values for the parameters of paths."""
    graph_id = daemon.create(chain(put("a", x=1), fails("b"), name="Walk"))
    execution_id = daemon.execute(graph_id)["execution_id"]
    return lambda path: path.format(id=execution_id if "/executions/" in path else graph_id, file="index.html", node_id="a")


# Its stream has no end; see test_events_stream.py.
ENDLESS = "/api/events"


@pytest.mark.parametrize("path", sorted(path for path, method in described() if method == "get" and path != ENDLESS))
def test_every_get_answers_as_described(daemon, real, path):
    reply = daemon.http.get(real(path))
    assert reply.status_code == 200 or path in ("/", "/console/{file}"), reply.text
    assert_described(reply, path, "get")


@pytest.mark.parametrize("path", sorted(path for path, method in described() if "{id}" in path and method == "get"))
def test_what_is_not_there_is_a_described_problem(daemon, path):
    reply = daemon.http.get(path.format(id="none", node_id="a"))
    assert reply.status_code == 404
    assert_described(reply, path, "get")


def test_events_fit_their_schemas(daemon, real):
    reply = daemon.http.get(real("/api/executions/{id}/events"), headers={"Accept": "application/json"})
    assert {event["type"] for event in reply.json()} == {"start", "node_start", "node_complete", "complete"}
    assert_described(reply, "/api/executions/{id}/events", "get")


def test_the_messages_of_the_dashboard_fit_their_schemas(daemon, real):
    with Feed(daemon, f"?executions={real('/api/executions/{id}').rsplit('/', 1)[1]}") as feed:
        messages = feed.until(lambda message: message["type"] == "complete")
        graph_id = daemon.create(chain(put("a", x=1), fails("b")))
        messages += feed.until_end_of(daemon.execute(graph_id)["execution_id"])
    description = DESCRIPTION["paths"][ENDLESS]["get"]["responses"]["200"]["content"]["text/event-stream"]
    for message in messages:
        assert_fits(message, description["x-messages"])


def test_the_schema_of_events_tells_a_wrong_event(daemon, real):
    [event, *_] = daemon.http.get(real("/api/executions/{id}/events"), headers={"Accept": "application/json"}).json()
    for wrong in [event | {"seq": 0}, event | {"type": "stop"}, event | {"more": 1}, {k: v for k, v in event.items() if k != "attempt"}]:
        assert not Draft202012Validator(
            {"$ref": "#/components/schemas/Event"}, registry=REGISTRY, _resolver=REGISTRY.resolver()
        ).is_valid(wrong)


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
        ("delete", "/api/graphs/{id}", None, 204),
    ],
)
def test_other_calls_answer_as_described(daemon, real, method, path, body, status):
    reply = daemon.http.request(method, real(path), json=body)
    assert reply.status_code == status, reply.text
    assert_described(reply, path, method)


def test_the_examples_of_the_description_are_good_documents(daemon):
    content = DESCRIPTION["paths"]["/api/graphs"]["post"]["requestBody"]["content"]
    reply = daemon.http.post("/api/graphs/validate", json=content["application/json"]["example"])
    assert reply.json() == {"valid": True, "errors": []}


def test_the_schema_of_documents_takes_every_shipped_example(start_daemon):
    daemon = start_daemon(graphs=ROOT / "config" / "graphs")
    items = daemon.http.get("/api/graphs").json()["items"]
    assert items
    for item in items:
        assert_fits(daemon.http.get(f"/api/graphs/{item['id']}").json(), {"$ref": "#/components/schemas/GraphDocument"})

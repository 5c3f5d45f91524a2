"""The description of the API is one that any tool can read, and has what the router has."""

import json
import re

import openapi_spec_validator
import pytest
from jsonschema import Draft202012Validator

from daemon import ROOT
from description import DESCRIPTION, assert_fits, described, objects, operation, resolved, target

ROUTES = "".join((ROOT / "Sources" / "Server" / name).read_text() for name in ("Routes.swift", "ClassicRoutes.swift"))
ROUTE = re.compile(r'router\.add\(\s*\.(\w+),\s*"([^"]+)"')


def routes():
    return {(path, method) for method, path in ROUTE.findall(ROUTES)}


def contents():
    """Each content of an answer: where it stands, and what it is."""
    parts = [(f"{method} {path} {status}", answer) for path, method in sorted(described())
             for status, answer in operation(path, method)["responses"].items()]
    parts += DESCRIPTION["components"]["responses"].items()
    for place, part in parts:
        yield from ((f"{place} {type}", content) for type, content in part.get("content", {}).items())


def test_it_is_valid_openapi_3_1():
    assert DESCRIPTION["openapi"].startswith("3.1.")
    openapi_spec_validator.validate(DESCRIPTION)


def test_it_has_the_routes_of_the_router_and_no_others():
    assert len(routes()) > 15
    assert described() == routes()


def test_each_operation_asks_for_the_scope_that_its_route_needs():
    needs = re.findall(r'router\.add\(\s*\.(\w+),\s*"([^"]+)",\s*needs: (?:\.(\w+)|nil)', ROUTES)
    assert {(path, method) for method, path, _ in needs} == routes()
    for method, path, scope in needs:
        ways = [{"token": [scope]}, {"session": [scope]}] if scope else []
        assert operation(path, method)["security"] == ways, (method, path)
    assert {"token", "session"} == set(DESCRIPTION["components"]["securitySchemes"])


def test_operations_have_names_of_their_own():
    names = [operation(path, method)["operationId"] for path, method in described()]
    assert len(names) == len(set(names))


def test_every_reference_names_something():
    references = [part["$ref"] for _, part in objects() if "$ref" in part]
    references += [each for _, part in objects() for each in part.get("discriminator", {}).get("mapping", {}).values()]
    assert len(references) > 100
    for reference in references:
        assert isinstance(target(reference), dict), reference


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


def test_every_schema_is_one():
    for schema in DESCRIPTION["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_choice_says_its_type():
    """Generators of clients make of a choice without a type something that may be anything."""
    untyped = [place for place, part in objects() if ("const" in part or "enum" in part) and "type" not in part]
    assert untyped == []


def test_every_list_says_what_is_in_it():
    lists = [(place, part) for place, part in objects() if "array" in (part.get("type") or ())]
    assert len(lists) > 20
    assert [place for place, part in lists if "items" not in part] == []


def test_a_problem_is_described_once():
    """Operations refer to it, and say which codes there are."""
    own = [place for place, _ in contents() if "problem+json" in place and place[0].islower()]
    assert own == []


@pytest.mark.parametrize("place, content", list(contents()), ids=lambda part: part if isinstance(part, str) else "")
def test_every_answer_has_an_example_that_fits(place, content):
    assert_fits(content["example"], content["schema"])


def test_streams_are_described_as_what_their_lines_say():
    streams = {place: content for place, content in contents() if place.endswith("text/event-stream")}
    classic = {place for place in streams if "/classic/" in place}
    assert len(streams) >= 4 and len(classic) == 1
    for content in (content for place, content in streams.items() if place not in classic):
        kinds = [resolved(kind)["properties"]["type"] for kind in resolved(content["schema"])["oneOf"]]
        assert len(kinds) > 6 and all(kind["type"] == "string" for kind in kinds)


def test_the_daemon_serves_the_description(daemon):
    reply = daemon.http.get("/openapi.json")
    assert (reply.headers["content-type"], reply.json()) == ("application/json", DESCRIPTION)


def test_the_documents_in_it_are_good(daemon):
    bodies = [operation(path, method).get("requestBody", {}).get("content", {}) for path, method in described()]
    documents = [type["example"] for content in bodies for type in content.values() if "nodes" in type.get("example", ())]
    documents.append(operation("/api/graphs/{id}", "get")["responses"]["200"]["content"]["application/json"]["example"])
    assert len(documents) >= 4
    for document in documents:
        reply = daemon.http.post("/api/graphs/validate", json=document)
        assert reply.json() == {"valid": True, "errors": []}


def test_the_schema_of_documents_takes_every_shipped_example(start_daemon):
    daemon = start_daemon(graphs=ROOT / "config" / "graphs")
    items = daemon.http.get("/api/graphs").json()["items"]
    assert items
    for item in items:
        assert_fits(daemon.http.get(f"/api/graphs/{item['id']}").json(), {"$ref": "#/components/schemas/GraphDocument"})

"""The JSON Schema of graph documents, as editors use it: it takes what the daemon takes, and refuses what a schema can refuse."""

import copy

import pytest
import yaml
from jsonschema import Draft202012Validator

from daemon import ROOT
from graphs import chain, delay, graph, lua, process, put, python

SHIPPED = sorted((ROOT / "config" / "graphs").glob("*.yaml"))

FULL = chain(
    put("a", x=1) | {"name": "A", "retry": {"max_attempts": 100, "delay_ms": 0, "backoff": 1.5}, "on_error": "skip"},
    delay("b", 5, timeout_ms=1, idle_timeout_ms=2_678_400_000, idempotent=False),
    lua("c", "return {}", position={"x": -1e9, "y": 1.5}),
    python("d", "return {}", python={"fresh_process": True}),
    process("e", "true"),
    name="All", description="of it", initial_state={"k": [1]}, reducers={"k": "append"},
    limits={"max_parallel_nodes": 10_000, "timeout_ms": 1}, on_restart="fail", python={"interpreter": "/usr/bin/python3"},
) | {"$schema": "http://127.0.0.1:8080/schemas/graph.json"}


def changed(change):
    document = copy.deepcopy(FULL)
    change(document, document["nodes"])
    return document


def key(path, value):
    """Sets what a path of keys and indices names."""
    def change(document, _):
        *way, last = path
        for step in way:
            document = document[step]
        if value is None:
            del document[last]
        else:
            document[last] = value
    return change


REFUSED = {
    "no id": key(["id"], None), "no nodes": key(["nodes"], None), "an empty list of nodes": key(["nodes"], []),
    "an id in capitals": key(["id"], "All"), "an id too long": key(["id"], "a" * 65), "an unknown key": key(["limts"], {}),
    "a name that is a number": key(["name"], 1), "a state that is a list": key(["initial_state"], []),
    "an unknown reducer": key(["reducers", "k"], "concat"), "a limit of 0": key(["limits", "timeout_ms"], 0),
    "a fraction of a node": key(["limits", "max_parallel_nodes"], 1.5), "an unknown limit": key(["limits", "nodes"], 1),
    "an unknown word": key(["on_restart"], "stop"), "no interpreter": key(["python", "interpreter"], ""),
    "an unknown kind": key(["nodes", 0, "kind"], "sett"), "no kind": key(["nodes", 0, "kind"], None),
    "no id of a node": key(["nodes", 0, "id"], None), "an id with a dot": key(["nodes", 0, "id"], "a.b"),
    "an unknown key of a node": key(["nodes", 0, "when"], "true"), "a config that is missing": key(["nodes", 1, "config"], None),
    "another kind's config": key(["nodes", 0, "config"], {"duration_ms": 1}),
    "a value out of range in a config": key(["nodes", 1, "config", "duration_ms"], -1),
    "an unknown key in a config": key(["nodes", 2, "config", "cod"], ""),
    "too many attempts": key(["nodes", 0, "retry", "max_attempts"], 101), "a shrinking delay": key(["nodes", 0, "retry", "backoff"], 0.5),
    "an unknown word of a node": key(["nodes", 0, "on_error"], "fail"), "a word for a truth": key(["nodes", 1, "idempotent"], "no"),
    "Python of another kind": key(["nodes", 0, "python"], {"fresh_process": True}),
    "half a position": key(["nodes", 2, "position"], {"x": 1}), "an edge from nowhere": key(["edges", 0, "from"], None),
    "a condition that is a truth": key(["edges", 0, "when"], True), "an unknown key of an edge": key(["edges", 0, "if"], "x"),
    "edges that are an object": key(["edges"], {}),
}


@pytest.fixture
def schema(daemon):
    reply = daemon.http.get("/schemas/graph.json")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/schema+json")
    Draft202012Validator.check_schema(reply.json())
    return Draft202012Validator(reply.json())


def valid(daemon, document):
    return daemon.http.post("/api/graphs/validate", json=document).json()["valid"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_it_takes_every_shipped_document(schema, path):
    schema.validate(yaml.safe_load(path.read_text()))


def test_it_takes_whatever_a_document_may_say(daemon, schema):
    schema.validate(FULL)
    assert valid(daemon, FULL)


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses_what_the_daemon_refuses(daemon, schema, name):
    document = changed(REFUSED[name])
    assert not schema.is_valid(document)
    assert not valid(daemon, document)


def test_each_kind_has_its_config_there(daemon, schema):
    kinds = daemon.http.get("/api/node-kinds").json()
    assert schema.schema["$defs"]["node"]["properties"]["kind"]["enum"] == [kind["name"] for kind in kinds]
    for kind in kinds:
        assert schema.schema["$defs"][f"config_{kind['name']}"] == kind["config_schema"]


def test_it_knows_the_kinds_and_bounds_of_this_daemon(start_daemon, tmp_path):
    config = tmp_path / "millrace.yaml"
    config.write_text("kinds:\n  enabled: [set]\ngraphs:\n  nodes_max: 3\n")
    schema = Draft202012Validator(start_daemon("--config", config).http.get("/schemas/graph.json").json())
    assert schema.is_valid(graph([put("a")]))
    assert not schema.is_valid(graph([delay("a", 1)]))
    assert not schema.is_valid(graph([put(f"n{i}") for i in range(4)]))


def test_it_and_the_page_need_no_token(guarded):
    for path in ("/schemas/graph.json", "/docs"):
        assert guarded.http.get(path).status_code == 200

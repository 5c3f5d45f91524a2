"""Graphs by the API: create, read, replace, delete, their revisions and preconditions; documents that are refused."""

import json
import re

import pytest

from graphs import chain, delay, graph, put
from wire import Wire

JSON = {"Content-Type": "application/json"}
YAML = {"Content-Type": "application/yaml"}


@pytest.fixture
def stored(daemon):
    """The id of a graph that was created just now, with revision 1."""
    return daemon.create(graph([put("a", x=1)]))


def document(graph_id, **values):
    return graph([put("a", **values)]) | {"id": graph_id}


def revisions(daemon, graph_id):
    return [item["revision"] for item in daemon.http.get(f"/api/graphs/{graph_id}/revisions").json()["items"]]


# --- Life of a graph ---


def test_creating_a_graph_says_where_it_is_and_which_revision_it_has(daemon):
    wanted = graph([put("a", x=1)])
    reply = daemon.http.post("/api/graphs", json=wanted)
    assert reply.status_code == 201
    assert reply.headers["location"] == f"/api/graphs/{wanted['id']}"
    assert reply.headers["etag"] == '"1"'
    assert daemon.http.get(reply.headers["location"]).json() == wanted | {"revision": 1} == reply.json()


def test_an_id_that_is_taken_is_a_conflict(daemon, stored):
    reply = daemon.http.post("/api/graphs", json=document(stored))
    assert (reply.status_code, reply.json()["code"]) == (409, "graph_exists")
    assert revisions(daemon, stored) == [1]


def test_putting_creates_and_replaces(daemon):
    wanted = graph([put("a", x=1)])
    path = f"/api/graphs/{wanted['id']}"
    first = daemon.http.put(path, json=wanted)
    second = daemon.http.put(path, json=document(wanted["id"], x=2))
    assert (first.status_code, first.headers["etag"], first.headers["location"]) == (201, '"1"', path)
    assert (second.status_code, second.headers["etag"], "location" in second.headers) == (200, '"2"', False)
    assert daemon.execute(wanted["id"])["final_state"] == {"x": 2}


def test_an_old_revision_can_still_be_read(daemon, stored):
    path = f"/api/graphs/{stored}"
    daemon.http.put(path, json=document(stored, x=2))
    old = daemon.http.get(path, params={"revision": 1})
    assert old.json()["nodes"][0]["config"] == {"values": {"x": 1}}
    assert old.headers["etag"] == '"1"'
    assert daemon.http.get(path).headers["etag"] == '"2"'


@pytest.mark.parametrize("revision, status", [("3", 404), ("0", 400), ("-1", 400), ("x", 400), ("99999999999999999999", 400)])
def test_a_revision_that_is_not_there_is_not_found(daemon, stored, revision, status):
    assert daemon.http.get(f"/api/graphs/{stored}", params={"revision": revision}).status_code == status


def test_numbers_of_revisions_never_start_again(daemon, stored):
    path = f"/api/graphs/{stored}"
    assert daemon.http.delete(path).status_code == 204
    assert daemon.http.get(path).status_code == 404
    again = daemon.http.post("/api/graphs", json=document(stored))
    assert int(again.headers["etag"].strip('"')) > 1
    numbers = revisions(daemon, stored)
    assert len(numbers) == len(set(numbers)) and set(numbers) >= {1, int(again.headers["etag"].strip('"'))}


def test_the_list_of_revisions_tells_deletions_and_files_apart(daemon, stored):
    daemon.http.delete(f"/api/graphs/{stored}")
    items = {item["revision"]: item for item in daemon.http.get(f"/api/graphs/{stored}/revisions").json()["items"]}
    assert [items[number]["deleted"] for number in sorted(items)] == [False, True]
    assert all(item["file"] is None for item in items.values())


def test_a_deleted_graph_cannot_be_executed_and_its_executions_can_be_read(daemon, stored):
    execution_id = daemon.execute(stored)["execution_id"]
    daemon.http.delete(f"/api/graphs/{stored}")
    assert daemon.http.post(f"/api/graphs/{stored}/execute").status_code == 404
    assert daemon.all_events(execution_id)[-1]["final_state"] == {"x": 1}


def test_an_execution_keeps_the_revision_that_it_started_with(daemon):
    wanted = chain(delay("wait", 300), put("a", x=1))
    execution_id = daemon.begin(daemon.create(wanted))
    daemon.http.put(f"/api/graphs/{wanted['id']}", json=document(wanted["id"], x=2))
    events = daemon.all_events(execution_id)
    assert (events[0]["graph_revision"], events[-1]["final_state"]) == (1, {"x": 1})


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_graph_is_not_found(daemon, method):
    reply = daemon.http.request(method, "/api/graphs/nowhere")
    assert (reply.status_code, reply.json()["code"]) == (404, "unknown_graph")


@pytest.mark.parametrize("call", ["revisions", "execute", "execute/stream"])
def test_calls_below_an_unknown_graph_are_not_found(daemon, call):
    method = "GET" if call == "revisions" else "POST"
    reply = daemon.http.request(method, f"/api/graphs/nowhere/{call}")
    assert (reply.status_code, reply.json()["code"]) == (404, "unknown_graph")


def test_a_document_put_under_another_id_is_refused(daemon, stored):
    reply = daemon.http.put(f"/api/graphs/{stored}", json=graph([put("a")]))
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, "/id")


# --- Preconditions ---


@pytest.mark.parametrize("tag, status", [('"1"', 200), ('"1.yaml"', 200), ("*", 200), ('"9", "1"', 200), ('"2"', 412), ('W/"1"', 200), ('"1-gzip"', 200), ('W/"1.yaml-br"', 200), ('"2-gzip"', 412), ('"1-7"', 412)])
def test_if_match_decides_whether_a_graph_is_replaced(daemon, stored, tag, status):
    reply = daemon.http.put(f"/api/graphs/{stored}", json=document(stored, x=2), headers={"If-Match": tag})
    assert reply.status_code == status
    assert len(revisions(daemon, stored)) == (2 if status == 200 else 1)
    if status == 412:
        assert reply.json()["code"] == "precondition_failed"


def test_if_match_never_creates(daemon):
    wanted = graph([put("a")])
    for tag in ["*", '"1"']:
        assert daemon.http.put(f"/api/graphs/{wanted['id']}", json=wanted, headers={"If-Match": tag}).status_code == 412
    assert daemon.http.get(f"/api/graphs/{wanted['id']}").status_code == 404


def test_if_none_match_star_creates_and_never_replaces(daemon):
    wanted = graph([put("a")])
    put_new = lambda: daemon.http.put(f"/api/graphs/{wanted['id']}", json=wanted, headers={"If-None-Match": "*"})
    assert [put_new().status_code, put_new().status_code] == [201, 412]


def test_if_match_guards_deleting(daemon, stored):
    path = f"/api/graphs/{stored}"
    assert daemon.http.delete(path, headers={"If-Match": '"2"'}).status_code == 412
    assert daemon.http.delete(path, headers={"If-Match": '"1"'}).status_code == 204


@pytest.mark.parametrize("tag, status", [('"1"', 304), ('W/"1"', 304), ("*", 304), ('"2"', 200)])
def test_a_client_that_has_the_revision_gets_no_body(daemon, stored, tag, status):
    reply = daemon.http.get(f"/api/graphs/{stored}", headers={"If-None-Match": tag})
    assert (reply.status_code, bool(reply.content)) == (status, status == 200)
    assert (reply.headers["etag"], reply.headers["vary"]) == ('"1"', "Accept")


def test_yaml_and_json_have_tags_of_their_own(daemon, stored):
    path = f"/api/graphs/{stored}"
    yaml = daemon.http.get(path, headers={"Accept": "application/yaml"})
    assert (yaml.headers["etag"], yaml.headers["content-type"], yaml.headers["vary"]) == ('"1.yaml"', "application/yaml", "Accept")
    fresh = daemon.http.get(path, headers={"Accept": "application/yaml", "If-None-Match": '"1.yaml"'})
    assert (fresh.status_code, fresh.headers["etag"]) == (304, '"1.yaml"')


@pytest.mark.parametrize("field", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("value", ["1", '"1', "nonsense", '"1" "2"'])
def test_a_malformed_precondition_is_refused_and_not_ignored(daemon, stored, field, value):
    reply = daemon.http.put(f"/api/graphs/{stored}", json=document(stored), headers={field: value})
    assert reply.status_code == 400
    assert revisions(daemon, stored) == [1]


def test_of_many_that_replace_the_same_revision_at_once_one_wins(daemon, stored):
    wires = [Wire(daemon) for _ in range(12)]
    try:
        for number, wire in enumerate(wires):
            body = json.dumps(document(stored, x=number)).encode()
            fields = f"Content-Type: application/json\r\nIf-Match: \"1\"\r\nContent-Length: {len(body)}"
            wire.send(f"PUT /api/graphs/{stored} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n\r\n".encode() + body)
        statuses = sorted(wire.read().status for wire in wires)
    finally:
        for wire in wires:
            wire.socket.close()
    assert statuses == [200] + [412] * 11
    assert sorted(revisions(daemon, stored)) == [1, 2]


# --- Forms of documents ---


def test_yaml_goes_in_and_comes_out(daemon):
    text = "id: yaml-in\ninitial_state: { n: 1.0, big: 12345678901234567890, no: 'no' }\nnodes:\n  - { id: a, kind: set, config: { values: { x: yes } } }\n"
    reply = daemon.http.put("/api/graphs/yaml-in", content=text, headers=YAML)
    assert reply.status_code in (200, 201)
    as_json = daemon.http.get("/api/graphs/yaml-in").text
    assert '"initial_state":{"n":1.0,"big":12345678901234567890,"no":"no"}' in as_json
    as_yaml = daemon.http.get("/api/graphs/yaml-in", headers={"Accept": "application/yaml"}).text
    again = daemon.http.post("/api/layout", content=as_yaml, headers=YAML)
    assert again.status_code == 200
    assert daemon.http.put("/api/graphs/yaml-in", content=as_yaml, headers=YAML).json() == json.loads(as_json) | {"revision": 2}


@pytest.mark.parametrize(
    "accept, type",
    [
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/yaml;q=0.5, application/json;q=0.4", "application/yaml"),
        ("text/html, application/yaml", "application/yaml"),
    ],
)
def test_accept_chooses_the_form(daemon, stored, accept, type):
    assert daemon.http.get(f"/api/graphs/{stored}", headers={"Accept": accept}).headers["content-type"] == type


def test_other_forms_are_not_acceptable(daemon, stored):
    reply = daemon.http.get(f"/api/graphs/{stored}", headers={"Accept": "text/html"})
    assert (reply.status_code, reply.json()["code"]) == (406, "not_acceptable")


def test_a_document_comes_back_as_it_was_written(daemon):
    text = '{"nodes":[{"kind":"set","id":"a","config":{"values":{"z":1.50,"a":1e2}}}],"id":"as-written"}'
    daemon.http.put("/api/graphs/as-written", content=text, headers=JSON)
    assert daemon.http.get("/api/graphs/as-written").text == text.removesuffix("}") + ',"revision":1}'


# --- What is wrong with a document ---

NODE = put("a")
WRONG = {
    "unknown key": ({"id": "w", "nodes": [NODE], "nodez": []}, "/nodez"),
    "no nodes": ({"id": "w"}, ""),
    "empty nodes": ({"id": "w", "nodes": []}, "/nodes"),
    "bad id": ({"id": "W!", "nodes": [NODE]}, "/id"),
    "unknown kind": ({"id": "w", "nodes": [NODE | {"kind": "sett"}]}, "/nodes/0/kind"),
    "duplicate id": ({"id": "w", "nodes": [NODE, NODE]}, "/nodes/1/id"),
    "edge to nowhere": ({"id": "w", "nodes": [NODE], "edges": [{"from": "a", "to": "b"}]}, "/edges/0/to"),
    "edge to itself": ({"id": "w", "nodes": [NODE], "edges": [{"from": "a", "to": "a"}]}, "/edges/0"),
    "config": ({"id": "w", "nodes": [delay("a", "soon")]}, "/nodes/0/config/duration_ms"),
    "config key": ({"id": "w", "nodes": [NODE | {"config": {"values": {}, "x": 1}}]}, "/nodes/0/config/x"),
    "condition": ({"id": "w", "nodes": [NODE, put("b")], "edges": [{"from": "a", "to": "b", "when": "1 +"}]}, "/edges/0/when"),
    "limit": ({"id": "w", "nodes": [NODE], "limits": {"max_parallel_nodes": 0}}, "/limits/max_parallel_nodes"),
    "reducer": ({"id": "w", "nodes": [NODE], "reducers": {"x": "average"}}, "/reducers/x"),
    "template": ({"id": "w", "nodes": [put("a", x="{{ 1 + }}")]}, "/nodes/0/config/values/x"),
    "lua": ({"id": "w", "nodes": [{"id": "a", "kind": "lua", "config": {"code": "return {"}}]}, "/nodes/0/config/code"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_document_is_refused_with_a_pointer_to_the_fault(daemon, name):
    wrong, pointer = WRONG[name]
    reply = daemon.http.post("/api/graphs", json=wrong)
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_graph")
    assert pointer in [error["pointer"] for error in reply.json()["errors"]]
    assert all(error["message"] for error in reply.json()["errors"])
    assert daemon.http.get("/api/graphs/w").status_code == 404


@pytest.mark.parametrize("name", WRONG)
def test_validating_names_the_same_faults_as_creating(daemon, name):
    wrong, _ = WRONG[name]
    reply = daemon.http.post("/api/graphs/validate", json=wrong)
    assert reply.status_code == 200
    assert reply.json() == {"valid": False, "errors": daemon.http.post("/api/graphs", json=wrong).json()["errors"]}


def test_every_fault_is_named_at_once(daemon):
    wrong = {"id": "W", "nodes": [NODE | {"kind": "x"}, delay("b", -1)], "edges": [{"from": "a", "to": "z"}]}
    pointers = [error["pointer"] for error in daemon.http.post("/api/graphs", json=wrong).json()["errors"]]
    assert {"/id", "/nodes/0/kind", "/nodes/1/config/duration_ms", "/edges/0/to"} <= set(pointers)


def test_the_path_of_a_cycle_is_named(daemon):
    wrong = graph([put("one"), put("two"), put("three")], ["one two", "two three", "three one"])
    [error] = daemon.http.post("/api/graphs", json=wrong).json()["errors"]
    assert all(word in error["message"] for word in ["cycle", "one", "two", "three"])


@pytest.mark.parametrize("body", ["", "{", "null", "[]", '{"id":"w","id":"w","nodes":[]}', '{"id": 01}', "\ufeff{}", "nonsense"])
def test_a_body_that_is_no_document_is_refused(daemon, body):
    reply = daemon.http.post("/api/graphs", content=body.encode(), headers=JSON)
    assert reply.status_code in (400, 415, 422)
    assert reply.json()["status"] == reply.status_code


def test_a_billion_laughs_end_early(daemon):
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    reply = daemon.http.post("/api/graphs/validate", content="\n".join(lines), headers=YAML)
    assert reply.status_code == 200 and not reply.json()["valid"]


def test_validating_a_good_document_stores_nothing(daemon):
    wanted = graph([put("a")])
    assert daemon.http.post("/api/graphs/validate", json=wanted).json() == {"valid": True, "errors": []}
    assert daemon.http.get(f"/api/graphs/{wanted['id']}").status_code == 404


# --- Converting ---


def test_a_document_is_converted_both_ways_as_it_was_written(daemon):
    text = '{"nodes":[{"id":"a","kind":"set","config":{"values":{"b":1.0,"a":1e400,"10":null}}}],"id":"w"}'
    yaml = daemon.http.post("/api/graphs/validate?document=yaml", content=text, headers=JSON).json()
    assert yaml["valid"] and "1.0" in yaml["document"]
    back = daemon.http.post("/api/graphs/validate?document=json", content=yaml["document"], headers=YAML)
    assert back.text.endswith(f',"document":{text}}}')


def test_a_document_with_faults_is_converted_all_the_same(daemon):
    reply = daemon.http.post("/api/graphs/validate?document=json", content="id: W\nnodes: []\n", headers=YAML).json()
    assert not reply["valid"] and reply["document"] == {"id": "W", "nodes": []}


def test_a_text_that_cannot_be_parsed_is_not_converted(daemon):
    reply = daemon.http.post("/api/graphs/validate?document=json", content="a: [", headers=YAML).json()
    assert not reply["valid"] and "document" not in reply


def test_only_known_formats_are_converted_to(daemon):
    reply = daemon.http.post("/api/graphs/validate?document=xml", json=graph([put("a")]))
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_parameter")


def test_the_console_is_told_which_graph_to_open(start_daemon):
    assert start_daemon().http.get("/console/settings.json").json()["start_graph"] is None
    told = start_daemon(environment={"MILLRACE_CONSOLE_START_GRAPH": "hello"})
    assert told.http.get("/console/settings.json").json()["start_graph"] == "hello"


# --- Lists ---


def test_the_list_of_graphs_comes_page_by_page(start_daemon):
    daemon = start_daemon()
    ids = sorted(daemon.create(graph([put("a")]) | {"id": f"g{number:02}"}) for number in range(7))
    seen, path, pages = [], "/api/graphs?limit=3", 0
    while path:
        reply = daemon.http.get(path)
        seen += [item["id"] for item in reply.json()["items"]]
        pages += 1
        link = re.fullmatch(r'<([^>]+)>; rel="next"', reply.headers.get("link", ""))
        assert (link is None) == (reply.json()["next_cursor"] is None)
        path = link[1] if link else None
    assert (seen, pages) == (ids, 3)


def test_the_list_tells_what_a_graph_is(daemon):
    wanted = chain(put("a"), put("b"), name="A name", description="A description")
    daemon.create(wanted)
    items = daemon.http.get("/api/graphs", params={"limit": 500}).json()["items"]
    [item] = [item for item in items if item["id"] == wanted["id"]]
    del item["updated_at"]
    expected = {"id": wanted["id"], "name": "A name", "description": "A description", "revision": 1, "node_count": 2, "edge_count": 1}
    assert item == expected


@pytest.mark.parametrize("limit", ["0", "501", "-1", "x", "1.5", ""])
def test_a_page_has_1_to_500_items(daemon, limit):
    for path in ["/api/graphs", "/api/executions"]:
        reply = daemon.http.get(path, params={"limit": limit})
        assert (reply.status_code, reply.json()["code"]) == (400, "invalid_parameter")


# --- Kinds and layout ---


def test_the_kinds_are_listed_with_the_schemas_that_documents_are_checked_by(daemon):
    kinds = {kind["name"]: kind for kind in daemon.http.get("/api/node-kinds").json()}
    assert set(kinds) >= {"set", "delay", "lua", "python", "process"}
    assert kinds["delay"]["config_schema"]["required"] == ["duration_ms"]
    assert {name for name, kind in kinds.items() if kind["runs_code"]} == {"python", "process", "langgraph", "worker"}
    assert all(kind["title"] and kind["description"] for kind in kinds.values())


def test_kinds_that_are_not_enabled_are_unknown(start_daemon):
    daemon = start_daemon("--set", "kinds.enabled=set,delay")
    assert {kind["name"] for kind in daemon.http.get("/api/node-kinds").json()} == {"set", "delay"}
    wrong = graph([{"id": "a", "kind": "process", "config": {"command": ["id"]}}])
    assert daemon.http.post("/api/graphs", json=wrong).json()["errors"][0]["pointer"] == "/nodes/0/kind"


def test_a_layout_places_every_node_and_no_two_on_one_spot(daemon):
    wanted = graph([put("a"), put("b"), put("c"), put("d")], ["a b", "a c", "b d", "c d"])
    positions = daemon.http.post("/api/layout", json=wanted).json()["positions"]
    assert set(positions) == {"a", "b", "c", "d"}
    assert len({(spot["x"], spot["y"]) for spot in positions.values()}) == 4
    assert positions["a"]["x"] < positions["b"]["x"] < positions["d"]["x"] or positions["a"]["y"] < positions["b"]["y"] < positions["d"]["y"]

"""Graphs that a front end of the original loads: Python files of the graphs folder, and Python that is sent."""

import json
import os
import sys
import time

import pytest

from agents import CYCLE
from test_classic import TIMESTAMP
from test_classic_api import check_refusal
from test_python_graphs import OBJECTS, write
from tokens import create

FLOW = OBJECTS + "graph = Graph({'load': Node('load'), 'sum': Node('sum')}, [('load', 'sum')])\n"
OTHER = OBJECTS + "graph = Graph({'other': Node('other')}, [])\n"


@pytest.fixture
def files(new_daemon):
    """A daemon with a graphs folder."""
    return new_daemon().start()


def load(daemon, **body):
    headers = body.pop("headers", None)
    return daemon.http.post("/classic/api/graphs/load", json=body, headers=headers, timeout=60)


def loaded(daemon, **body):
    reply = load(daemon, **body)
    assert reply.status_code == 201, reply.text
    assert list(reply.json()) == ["graph_id", "name", "description", "structure", "created_at"]
    return reply.json()


def nodes(daemon, graph_id):
    return list(daemon.http.get(f"/classic/api/graphs/{graph_id}").json()["structure"]["nodes"])


def number(daemon, graph_id):
    return int(json.loads(daemon.http.get(f"/api/graphs/{graph_id}").headers["etag"]))


# --- Files ---


def test_a_file_is_loaded_and_again_the_same_graph(files):
    write(files, "sub/flow.py", FLOW)
    answer = loaded(files, file_path="sub/flow.py", graph_name="My flow", description="It flows.")
    assert TIMESTAMP.fullmatch(answer["created_at"])
    assert (answer["graph_id"], answer["name"], answer["description"]) == ("flow", "My flow", "It flows.")
    assert list(answer["structure"]["nodes"]) == ["load", "sum"]
    assert files.execute("flow", {"start": 4})["final_state"] == {"start": 4, "load": 5, "sum": 5}
    revision = number(files, "flow")
    for path in ("sub/flow.py", "./sub/flow.py", f"{files.graphs}/sub/flow.py", f"{files.graphs.name}/sub/flow.py"):
        assert loaded(files, file_path=path) == answer
    assert loaded(files, module_path="sub.flow", graph_name="My flow") == answer
    assert number(files, "flow") == revision
    assert loaded(files, file_path="sub/flow.py", graph_name="Renamed") == answer | {"name": "Renamed"}


def test_what_a_loaded_graph_is_called_outlives_edits_of_its_file_and_restarts(files):
    write(files, "flow.py", FLOW)
    loaded(files, file_path="flow.py", graph_name="Mine")
    files.kill()
    files.start()
    assert files.http.get("/api/graphs/flow").json()["name"] == "Mine"
    write(files, "flow.py", FLOW.replace("'sum'", "'total'"))
    files.execute("flow")
    answer = loaded(files, file_path="flow.py")
    assert (answer["name"], list(answer["structure"]["nodes"])) == ("Mine", ["load", "total"])


def test_a_graph_that_was_deleted_or_replaced_is_loaded_from_its_file_again(files):
    write(files, "flow.py", FLOW)
    loaded(files, file_path="flow.py")
    assert files.http.delete("/classic/api/graphs/flow").status_code == 200
    assert list(loaded(files, file_path="flow.py")["structure"]["nodes"]) == ["load", "sum"]
    document = {"id": "flow", "nodes": [{"id": "a", "kind": "set", "config": {"values": {"x": 1}}}]}
    assert files.http.put("/api/graphs/flow", json=document).status_code == 200
    assert nodes(files, "flow") == ["a"]
    assert list(loaded(files, file_path="flow.py")["structure"]["nodes"]) == ["load", "sum"]


def test_one_of_several_graphs_of_a_file_is_loaded_by_its_name(files):
    write(files, "two.py", OBJECTS + "one = Graph([Node('a')], [])\ntwo = Graph([Node('b')], [])\n")
    check_refusal(load(files, file_path="two.py"), 422, "FILE:NAME", "line")
    answer = loaded(files, file_path="two.py:two")
    assert (answer["graph_id"], list(answer["structure"]["nodes"])) == ("two-two", ["b"])
    write(files, "two.py", OBJECTS + "one = Graph([Node('a')], [])\ntwo = Graph([Node('c')], [])\n")
    files.kill()
    files.start()
    while nodes(files, "two-two") != ["c"]:
        time.sleep(0.02)


def test_a_file_that_makes_no_graph_is_refused_and_says_why(files):
    write(files, "broken.py", "import nothing_of_that_name\ngraph = nothing_of_that_name.Graph()\n")
    check_refusal(load(files, file_path="broken.py"), 422, "nothing_of_that_name", "line 1")
    write(files, "nothing_of_that_name.py", OBJECTS + "def _made(): return Graph([Node('b')], [])\n")
    write(files, "broken.py", "import nothing_of_that_name\ngraph = nothing_of_that_name._made()\n")
    assert list(loaded(files, file_path="broken.py")["structure"]["nodes"]) == ["b"]
    write(files, "plain.py", "LIMIT = 3\n")
    check_refusal(load(files, file_path="plain.py"), 422, "makes no graph")
    write(files, "plain.py", "def f(:\n")
    check_refusal(load(files, file_path="plain.py"), 422, "does not compile")


def test_a_file_of_a_document_is_part_of_that_graph(files):
    write(files, "named.py", FLOW)
    files.write_graph_file("g.json", json.dumps({
        "id": "g", "nodes": [{"id": "a", "kind": "python", "config": {"file": "named.py", "object": "graph.nodes['sum']"}}]}))
    files.execute("g")
    check_refusal(load(files, file_path="named.py"), 422, "g.json")
    assert list(loaded(files, file_path="named.py:graph")["structure"]["nodes"]) == ["load", "sum"]


def test_paths_lead_nowhere_else(files, tmp_path):
    outside = tmp_path / "outside.py"
    outside.write_text(FLOW)
    (files.graphs / "linked.py").symlink_to(outside)
    (files.graphs / "linked").symlink_to(tmp_path)
    for path in ("../outside.py", str(outside), "sub/../../outside.py", f"{files.graphs}x/flow.py", str(files.graphs)):
        check_refusal(load(files, file_path=path), 422, "graphs folder")
    check_refusal(load(files, module_path="..outside"), 422, "graphs folder")
    check_refusal(load(files, file_path="linked.py"), 422, "leads out")
    for path in ("linked/outside.py", "none.py", "/", "hello.yaml", "none.py:", "é" * 1000):
        assert load(files, file_path=path).status_code in (404, 422)
    assert files.http.get("/api/graphs").json()["items"] == []


@pytest.mark.parametrize("body", [
    {}, {"file_path": ""}, {"file_path": 1}, {"file_path": "a.py", "code": "x"}, {"code": "x", "graph_name": 1},
    {"code": "x", "description": []}, {"file_path": "a\0.py"}, {"file_path": "a" * 5000}, {"code": "#" * 4_200_000},
])
def test_orders_that_are_none_are_refused(daemon, body):
    check_refusal(load(daemon, **body), 422)


def test_an_endless_import_is_ended_and_holds_up_nobody(new_daemon):
    daemon = new_daemon().start("--set", "kinds.python.look_ms=1500")
    write(daemon, "endless.py", "def make():\n    while True: pass\ngraph = make()\n")
    with daemon.http.stream("GET", "/api/events") as _:
        check_refusal(load(daemon, file_path="endless.py"), 422, "look_ms")
        check_refusal(load(daemon, code="def make():\n    while True: pass\ngraph = make()\n"), 422, "look_ms")
    assert daemon.http.get("/healthz").status_code == 200


# --- Code ---


def test_code_makes_a_graph_that_outlives_a_restart(files):
    answer = loaded(files, code=FLOW, graph_name="Sent Flow", description="By hand.")
    assert (answer["graph_id"], answer["name"], answer["description"]) == ("sent-flow", "Sent Flow", "By hand.")
    assert files.execute("sent-flow", {"start": 1})["final_state"] == {"start": 1, "load": 2, "sum": 2}
    assert loaded(files, code=FLOW, graph_name="Sent Flow", description="By hand.") == answer
    assert number(files, "sent-flow") == 1
    assert os.listdir(files.graphs) == []
    files.kill()
    files.start()
    assert files.execute("sent-flow", {"start": 1})["final_state"] == {"start": 1, "load": 2, "sum": 2}
    assert list(loaded(files, code=OTHER, graph_name="Sent Flow")["structure"]["nodes"]) == ["other"]
    assert files.execute("sent-flow")["final_state"] == {"other": 1}
    assert files.http.get("/api/graphs?faults=true").json()["faults"] == []


def test_code_without_a_name_is_known_by_its_content(files):
    ids = {loaded(files, code=code)["graph_id"] for code in (FLOW, OTHER, FLOW)}
    assert len(ids) == 2 and all(each.startswith("code-") for each in ids)


def test_code_imports_what_lies_in_the_graphs_folder(files):
    write(files, "helpers.py", "def double(x):\n    return 2 * x\n")
    code = OBJECTS + (
        "from helpers import double\nclass Twice:\n    def execute(self, state):\n"
        "        return {'twice': double(state['start'])}\ngraph = Graph({'t': Twice()}, [])\n")
    graph_id = loaded(files, code=code, graph_name="twice")["graph_id"]
    assert files.execute(graph_id, {"start": 4})["final_state"] == {"start": 4, "twice": 8}


def test_code_with_conditions_and_typed_nodes_runs(files):
    code = OBJECTS + "graph = Graph([Node('a'), Node('b'), Node('c')], [('a', 'b', lambda s: s['a'] > 3), ('a', 'c', lambda s: s['a'] <= 3)])\n"
    graph_id = loaded(files, code=code, graph_name="forks")["graph_id"]
    assert files.execute(graph_id, {"start": 0})["final_state"] == {"start": 0, "a": 1, "c": 1}


def test_code_of_langgraph_runs_by_langgraph(new_daemon):
    daemon = new_daemon().start("--set", f"kinds.python.interpreter={sys.executable}")
    answer = loaded(daemon, code=CYCLE, graph_name="cycle")
    assert {"__start__", "__end__"} < set(answer["structure"]["nodes"])
    scope = {}
    exec(CYCLE, scope)
    state = {"n": 0, "log": ["given"], "word": ""}
    assert daemon.execute("cycle", state)["final_state"] == scope["graph"].invoke(state)


def test_code_takes_no_graph_that_came_otherwise(files):
    write(files, "flow.py", FLOW)
    loaded(files, file_path="flow.py")
    check_refusal(load(files, code=OTHER, graph_name="flow"), 409, "graph_name")
    assert nodes(files, "flow") == ["load", "sum"]


@pytest.mark.parametrize("code, word", [
    ("x = 1\n", "makes no graph"), ("def f(:\n", "line 1"), ("import nothing_there\ngraph = nothing_there.x\n", "nothing_there"),
    ("import os\ngraph = os._exit(3) or f()\n", "status 3"),
])
def test_code_that_makes_no_graph_is_refused(daemon, code, word):
    check_refusal(load(daemon, code=code, graph_name="none"), 422, word)
    assert daemon.http.get("/api/graphs/none").status_code == 404


# --- Tokens ---


def test_loading_is_for_who_may_edit(start_daemon):
    daemon = start_daemon()
    write(daemon, "flow.py", FLOW)
    write(daemon, "other.py", OTHER)
    runner, editor = create(daemon, "run").headers, create(daemon, "edit").headers
    mine = create(daemon, "edit", "--graph", "flow").headers
    check_refusal(load(daemon, file_path="flow.py", headers=runner), 403, "edit")
    assert loaded(daemon, file_path="flow.py", graph_name="Ours", headers=mine)["name"] == "Ours"
    check_refusal(load(daemon, file_path="other.py", graph_name="Theirs", headers=mine), 403)
    check_refusal(load(daemon, code=OTHER, graph_name="new", headers=mine), 403)
    assert loaded(daemon, file_path="other.py", headers=editor)["name"] == "other"
    assert "graph.load" in daemon.log

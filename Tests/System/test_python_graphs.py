"""Python files of the graphs folder that make graphs are graphs, their code unchanged."""

import json
import subprocess
import time

import pytest

from daemon import BINARY, clean_environment

OBJECTS = """
class Node:
    def __init__(self, id):
        self.id = id
    def execute(self, state):
        return {self.id: state.get("start", 0) + 1}

class Graph:
    def __init__(self, nodes, edges):
        self.nodes, self.edges = nodes, edges

"""


@pytest.fixture
def files(new_daemon):
    """A daemon with a graphs folder, which the test fills and starts."""
    return new_daemon()


def write(daemon, name, text):
    path = daemon.graphs / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def faults(daemon):
    """What of the graphs folder is not in force, by file."""
    return {fault["file"]: fault for fault in daemon.http.get("/api/graphs", params={"faults": "true"}).json()["faults"]}


def settled(daemon):
    """The same, once nothing is being looked at any more."""
    while True:
        found = faults(daemon)
        if all(fault["status"] not in ("looking", "waiting") for fault in found.values()):
            return found
        time.sleep(0.02)


def final(daemon, graph_id, state=None, status="success"):
    execution = daemon.execute(graph_id, state)
    assert execution["status"] == status, daemon.all_events(execution["execution_id"])
    return execution["final_state"]


def revision(daemon, graph_id):
    return int(json.loads(daemon.http.get(f"/api/graphs/{graph_id}").headers["etag"]))


def test_a_file_that_makes_a_graph_is_one(files):
    write(files, "flow.py", OBJECTS + "graph = Graph({'load': Node('load'), 'sum': Node('sum')}, [('load', 'sum')])\n")
    files.start()
    assert final(files, "flow", {"start": 4}) == {"start": 4, "load": 5, "sum": 5}
    document = files.http.get("/api/graphs/flow").json()
    assert [node["id"] for node in document["nodes"]] == ["load", "sum"]
    assert document["edges"] == [{"from": "load", "to": "sum"}]
    assert faults(files) == {}


def test_files_that_make_no_graph_are_no_fault_and_are_not_run(files):
    write(files, "helper.py", "open('ran', 'w')\ndef f(state): return {}\nLIMIT = 3\n")
    write(files, "_private/flow.py", OBJECTS + "graph = Graph([Node('a')], [])\n")
    write(files, "test_flow.py", OBJECTS + "graph = Graph([Node('a')], [])\n")
    write(files, "env/pyvenv.cfg", "")
    write(files, "env/flow.py", OBJECTS + "graph = Graph([Node('a')], [])\n")
    write(files, "named.py", OBJECTS + "graph = Graph([Node('a')], [])\n")
    files.write_graph_file("g.json", json.dumps({
        "id": "g", "nodes": [{"id": "a", "kind": "python", "config": {"file": "named.py", "object": "graph.nodes[0]"}}]}))
    files.start()
    assert settled(files) == {}
    assert [item["id"] for item in files.http.get("/api/graphs").json()["items"]] == ["g"]
    assert not (files.graphs / "ran").exists()


def test_ids_come_from_the_names_of_files(files):
    graph = OBJECTS + "graph = Graph([Node('Sum up!')], [])\n"
    write(files, "My Flow.py", graph)
    write(files, "flow.py", graph)
    write(files, "billing/flow.py", graph)
    write(files, "given.py", graph)
    files.write_graph_file("g.yaml", "id: given\nnodes: [{id: a, kind: set, config: {values: {x: 1}}}]\n")
    files.start()
    found = settled(files)
    ids = {item["id"] for item in files.http.get("/api/graphs").json()["items"]}
    assert ids == {"my-flow", "flow", "billing-flow", "given", f"{files.graphs.name}-given"}
    assert {name: fault["status"] for name, fault in found.items()} == {"billing/flow.py": "renamed", "given.py": "renamed"}
    assert "billing-flow" in found["billing/flow.py"]["errors"][0]["message"]
    assert files.http.get("/api/graphs/my-flow").json()["nodes"][0]["id"] == "sum-up-"
    assert files.http.get("/api/graphs/my-flow").json()["nodes"][0]["name"] == "Sum up!"


def test_a_broken_import_is_a_fault_of_its_file_and_others_load(files):
    write(files, "broken.py", "import nothing_of_that_name\ngraph = nothing_of_that_name.Graph()\n")
    write(files, "fine.py", OBJECTS + "graph = Graph([Node('a')], [])\n")
    files.start()
    fault = settled(files)["broken.py"]
    assert (fault["status"], fault["graph_id"]) == ("refused", "broken")
    assert "nothing_of_that_name" in fault["errors"][0]["message"]
    assert fault["errors"][0]["line"] == 1
    while "nothing_of_that_name" not in files.log:
        time.sleep(0.02)
    assert final(files, "fine") == {"a": 1}
    missing = files.http.get("/api/graphs/broken")
    assert missing.status_code == 404 and "broken.py" in missing.json()["detail"]
    # The module is there now.
    write(files, "nothing_of_that_name.py", OBJECTS + "def _made(): return Graph([Node('b')], [])\n")
    write(files, "broken.py", "import nothing_of_that_name\ngraph = nothing_of_that_name._made()\n")
    assert final(files, "broken") == {"b": 1}


def test_a_file_that_hangs_holds_up_nobody(files):
    write(files, "hangs.py", "import time\ntime.sleep(3600)\ngraph = make()\n")
    write(files, "fine.py", OBJECTS + "graph = Graph([Node('a')], [])\n")
    files.start("--set", "kinds.python.look_ms=1000")
    assert faults(files)["hangs.py"]["status"] == "looking"
    assert final(files, "fine") == {"a": 1}
    fault = settled(files)["hangs.py"]
    assert fault["status"] == "refused" and "look_ms" in fault["errors"][0]["message"]


def test_a_start_gets_the_file_as_it_stands(files):
    write(files, "flow.py", "from steps import Graph, Node\ngraph = Graph([Node('a')], [])\n")
    write(files, "steps.py", OBJECTS)
    files.start()
    assert final(files, "flow") == {"a": 1}
    write(files, "flow.py", "from steps import Graph, Node\ngraph = Graph([Node('b')], [])\n")
    assert final(files, "flow") == {"b": 1}
    assert revision(files, "flow") == 2
    write(files, "steps.py", OBJECTS.replace("+ 1", "+ 2"))
    assert final(files, "flow") == {"b": 2}
    assert revision(files, "flow") == 3
    write(files, "new.py", "from steps import Graph, Node\ngraph = Graph([Node('c')], [])\n")
    assert final(files, "new") == {"c": 2}


def test_a_file_that_prints_says_nothing_to_anyone(files):
    write(files, "flow.py", "import os\nprint('{\"document\": 1}')\nos.write(1, b'noise')\n" + OBJECTS + "graph = Graph([Node('a')], [])\n")
    files.start()
    assert final(files, "flow") == {"a": 1}


def test_what_was_seen_is_there_at_once_after_a_restart(files):
    write(files, "flow.py", "open('runs', 'a').write('x')\n" + OBJECTS + "graph = Graph([Node('a')], [])\n")
    write(files, "broken.py", "open('runs', 'a').write('y')\nraise RuntimeError('not today')\ngraph = make()\n")
    files.start()
    before = settled(files)
    assert before["broken.py"]["status"] == "refused"
    # Whoever looks afresh would run them again.
    (files.graphs / "runs").write_text("")
    files.stop()
    files.start()
    assert faults(files) == before
    assert revision(files, "flow") == 1
    assert (files.graphs / "runs").read_text() == ""
    assert final(files, "flow") == {"a": 1}


def test_a_file_is_at_home_where_it_lies(files):
    write(files, "team/rates.csv", "a,1\n")
    write(files, "team/helper.py", "import pathlib\nRATES = (pathlib.Path(__file__).parent / 'rates.csv').read_text()\n")
    write(files, "team/flow.py", """
import os, sys
import helper
class Load:
    id = "load"
    def execute(self, state):
        return {"rates": helper.RATES, "cwd": os.getcwd(), "file": __file__, "first": sys.path[0], "here": open("rates.csv").read()}
class Flow:
    nodes = [Load()]
    edges = []
graph = Flow()
""")
    files.start()
    folder = str(files.graphs / "team")
    assert final(files, "flow") == {
        "rates": "a,1\n", "cwd": folder, "file": f"{folder}/flow.py", "first": folder, "here": "a,1\n"}


def test_a_manifest_names_its_graphs(files):
    write(files, "agents/langgraph.json", json.dumps({
        "dependencies": ["."], "graphs": {"Support": "./src/support.py:flow", "billing": {"path": "src.billing:other"}}}))
    write(files, "agents/src/support.py", OBJECTS + "flow = Graph([Node('a')], [])\nrest = Graph([Node('z')], [])\n")
    write(files, "agents/src/billing.py", "from src.support import Graph, Node\nother = Graph([Node('b')], [])\n")
    files.start()
    assert settled(files) == {}
    assert final(files, "support") == {"a": 1}
    assert final(files, "billing") == {"b": 1}


@pytest.mark.parametrize("edges", [
    "[('a', 'b', big), ('a', 'c', small)]",
    "[('a', big, 'b'), ('a', small, 'c')]",
    "[{'source': 'a', 'target': 'b', 'condition': big}, {'from': 'a', 'to': 'c', 'when': small}]",
    "[Edge('a', 'b', big), Edge('a', 'c', small)]",
    "{'a': [('b', big), ('c', small)]}",
    "[('a', 'b', slow_big), ('a', 'c', small)]",
])
def test_a_callable_condition_is_judged_in_the_worker(files, edges):
    write(files, "flow.py", OBJECTS + f"""
class Edge:
    def __init__(self, source, target, condition):
        self.source, self.target, self.condition = source, target, condition
def big(state): return state["a"] > 10
async def slow_big(state): return state["a"] > 10
small = lambda state: not big(state)
graph = Graph([Node("a"), Node("b"), Node("c")], {edges})
""")
    files.start()
    assert final(files, "flow", {"start": 1}) == {"start": 1, "a": 2, "c": 2}
    assert final(files, "flow", {"start": 10}) == {"start": 10, "a": 11, "b": 11}


def test_a_condition_that_raises_fails_its_target_by_name(files):
    write(files, "flow.py", OBJECTS + "graph = Graph([Node('a'), Node('b')], [('a', 'b', lambda state: state['missing'])])\n")
    files.start()
    execution = files.execute("flow")
    [failed] = [event for event in files.all_events(execution["execution_id"])
                if event["type"] == "node_complete" and event["status"] == "error"]
    assert failed["node_id"] == "b" and "KeyError" in failed["error"]


def test_a_returned_name_takes_that_edge_alone(files):
    write(files, "flow.py", OBJECTS + """
class Choose:
    id = "choose"
    def execute(self, state):
        state["seen"] = True
        return state["way"]
graph = Graph([Choose(), Node("b"), Node("to c!")], [("choose", "b"), ("choose", "to c!")])
""")
    files.start()
    assert final(files, "flow", {"way": "b"}) == {"way": "b", "seen": True, "b": 1}
    assert final(files, "flow", {"way": "to c!"}) == {"way": "to c!", "seen": True, "to c!": 1}
    execution = files.execute("flow", {"way": "d"})
    [failed] = [event for event in files.all_events(execution["execution_id"])
                if event["type"] == "node_complete" and event["node_id"] == "choose"]
    assert "name of a next node: b, to-c-" in failed["error"]


def test_typed_states_are_converted_both_ways(files):
    write(files, "flow.py", """
from __future__ import annotations
import dataclasses

@dataclasses.dataclass
class Item:
    name: str
    count: int = 0

@dataclasses.dataclass
class State:
    items: list[Item] = dataclasses.field(default_factory=list)
    total: int = 0

def count(state: State) -> State:
    for item in state.items:
        item.count += 1
    return dataclasses.replace(state, total=sum(item.count for item in state.items))

async def change(state: State):
    state.total *= 10
    assert type(state.items[0]) is Item

class Flow:
    nodes = [count, change]
    edges = [(count, change, lambda state: state["total"] > 0)]

graph = Flow()
""")
    files.start()
    assert final(files, "flow", {"items": [{"name": "x", "count": 1}], "other": 1}) == {
        "items": [{"name": "x", "count": 2}], "other": 1, "total": 20}


def test_nodes_in_dicts_and_next_of_nodes(files):
    write(files, "flow.py", """
def double(state): return {"x": state["x"] * 2}
graph = {
    "nodes": {"first": {"execute": double, "next": ["second"]}, "second": {"func": lambda state: {"y": state["x"] + 1}}},
    "edges": [], "initial_state": {"x": 4},
}
""")
    files.start()
    assert final(files, "flow") == {"x": 8, "y": 9}


def test_a_list_of_steps_runs_in_order(files):
    write(files, "flow.py", """
class Add:
    def execute(self, state): return {"x": state.get("x", 0) + 1}
class Double:
    def execute(self, state): return {"x": state["x"] * 2}
steps = [Add(), Double(), Add()]
""")
    files.start()
    assert final(files, "flow") == {"x": 3}


def test_a_cycle_is_refused_and_told_what_to_write(files):
    write(files, "flow.py", OBJECTS + "graph = Graph([Node('a'), Node('b')], [('a', 'b'), ('b', 'a')])\n")
    files.start()
    message = settled(files)["flow.py"]["errors"][0]["message"]
    assert "a -> b -> a" in message and "repeat" in message


def test_an_import_by_hand_shows_the_document(tmp_path):
    (tmp_path / "flow.py").write_text(OBJECTS + """
graph = Graph([Node('a'), Node('b')], [{'source': 'a', 'target': 'b', 'condition': bool, 'weight': 3}])
other = Graph([Node('z')], [])
""")
    def run(*arguments):
        return subprocess.run(
            [BINARY, "graph", "import", *arguments], capture_output=True, text=True, cwd=tmp_path, env=clean_environment())
    assert json.loads(run("flow.py", "--json").stdout)["edges"] == [
        {"from": "a", "to": "b", "when": {"python": "graph.edges[0]['condition']"}}]
    assert json.loads(run("flow.py:other", "--json").stdout)["nodes"][0]["id"] == "z"
    explained = run("flow.py", "--explain").stdout
    assert "edge a → b, if graph.edges[0]['condition'](state)" in explained
    assert "not understood: graph.edges[0]: weight is left aside" in explained
    (tmp_path / "plain.py").write_text("x = 1\n")
    assert run("plain.py").returncode == 1
    (tmp_path / "broken.py").write_text("\ngraph = nothing()\n")
    broken = run("broken.py")
    assert broken.returncode == 1 and "broken.py:2: " in broken.stderr

"""The graphs that Python files make, found by look.py alone."""

import json
import pathlib
import subprocess
import sys

import pytest

LOOK = pathlib.Path(__file__).parents[3] / "Sources" / "Nodes" / "Python" / "look.py"

OBJECTS = """
class Node:
    def __init__(self, id, **more):
        self.id = id
        self.__dict__.update(more)
    def execute(self, state):
        return {self.id: 1}

class Graph:
    def __init__(self, nodes, edges, **more):
        self.nodes, self.edges = nodes, edges
        self.__dict__.update(more)
"""


@pytest.fixture
def look(tmp_path):
    def look(source, name=None, file="flow.py"):
        path = tmp_path / file
        path.write_text(source)
        command = [sys.executable, "-B", str(LOOK), str(path)] + ([name] if name else [])
        process = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert process.returncode == 0, process.stderr
        return json.loads(process.stdout)

    return look


def edges(answer):
    return [(edge["from"], edge["to"], edge.get("when", {}).get("python")) for edge in answer["document"]["edges"]]


@pytest.mark.parametrize("nodes, paths", [
    ("{'a': Node('a'), 'b': Node('b')}", ["graph.nodes['a']", "graph.nodes['b']"]),
    ("[Node('a'), Node('b')]", ["graph.nodes[0]", "graph.nodes[1]"]),
    ("(Node('x', id='a'), Node('y', name='b', id='b'))", None),
    ("[('a', Node('a')), ('b', Node('b'))]", ["graph.nodes[0][1]", "graph.nodes[1][1]"]),
    ("[{'id': 'a', 'execute': a}, {'name': 'b', 'func': b}]", ["graph.nodes[0]['execute']", "graph.nodes[1]['func']"]),
    ("[a, b]", ["graph.nodes[0]", "graph.nodes[1]"]),
    ("{'a': a, 'b': lambda state: {}}", ["graph.nodes['a']", "graph.nodes['b']"]),
])
def test_nodes_in_every_shape(look, nodes, paths):
    if paths is None:
        nodes, paths = nodes.replace("Node('x', id='a')", "Node('a')").replace("Node('y', name='b', id='b')", "Node('b')"), [
            "graph.nodes[0]", "graph.nodes[1]"]
    answer = look(OBJECTS + "def a(state): return {}\ndef b(state): return {}\ngraph = Graph(%s, [('a', 'b')])\n" % nodes)
    found = answer["document"]["nodes"]
    assert [node["id"] for node in found] == ["a", "b"]
    assert [node["kind"] for node in found] == ["python", "python"]
    assert [node["config"].get("object") or node["config"]["function"] for node in found] == paths
    assert {node["config"]["file"] for node in found} == {"flow.py"}
    assert edges(answer) == [("a", "b", None)]


@pytest.mark.parametrize("said, condition", [
    ("[('a', 'b')]", None),
    ("{('a', 'b')}", None),
    ("[('a', 'b', lambda s: True)]", "graph.edges[0][2]"),
    ("[('a', lambda s: True, 'b')]", "graph.edges[0][1]"),
    ("[('a', 'b', None)]", None),
    ("[{'source': 'a', 'target': 'b'}]", None),
    ("[{'from': 'a', 'to': 'b', 'when': lambda s: True}]", "graph.edges[0]['when']"),
    ("[Edge('a', 'b', lambda s: True)]", "graph.edges[0].condition"),
    ("[(nodes[0], nodes[1])]", None),
    ("{'a': 'b'}", None),
    ("{'a': ['b']}", None),
    ("{'a': [('b', lambda s: True)]}", "graph.edges['a'][0][1]"),
    ("[('__start__', 'a'), ('a', 'b'), ('b', '__end__')]", None),
])
def test_edges_in_every_shape(look, said, condition):
    answer = look(OBJECTS + """
class Edge:
    def __init__(self, source, target, condition=None):
        self.source, self.target, self.condition = source, target, condition
nodes = [Node('a'), Node('b')]
graph = Graph(nodes, %s)
""" % said)
    assert edges(answer) == [("a", "b", condition)]


def test_next_of_nodes(look):
    answer = look(OBJECTS + "b = Node('b')\nc = Node('c')\ngraph = Graph([Node('a', next=['b', c]), b, c], None)\n")
    assert edges(answer) == [("a", "b", None), ("a", "c", None)]


def test_steps_run_in_order(look):
    answer = look("class Load:\n    def execute(self, state): return {}\nsteps = [Load(), Load(), Load()]\n")
    assert [node["id"] for node in answer["document"]["nodes"]] == ["Load", "Load-2", "Load-3"]
    assert [node["config"]["object"] for node in answer["document"]["nodes"]] == ["steps[0]", "steps[1]", "steps[2]"]
    assert edges(answer) == [("Load", "Load-2", None), ("Load-2", "Load-3", None)]


def test_names_that_are_no_ids_are_kept_as_names(look):
    answer = look(OBJECTS + "graph = Graph([Node('Sum up!'), Node('sum-up-'), Node('1st')], [('Sum up!', '1st')])\n")
    assert [(node["id"], node.get("name")) for node in answer["document"]["nodes"]] == [
        ("sum-up--2", "Sum up!"), ("sum-up-", None), ("_1st", "1st")]
    assert edges(answer) == [("sum-up--2", "_1st", None)]


def test_what_the_graph_says_of_itself(look):
    answer = look(OBJECTS + "graph = Graph([Node('a')], [], name='Flow', initial_state={'day': __import__('datetime').date(2026, 1, 2)})\n")
    assert answer["document"]["name"] == "Flow"
    assert answer["document"]["initial_state"] == {"day": "2026-01-02"}


@pytest.mark.parametrize("source", [
    "import logging\nlog = logging.getLogger()\nraise SystemExit(3)\n",
    "x = 1\nnames = ['a']\nseen = set()\nraise SystemExit(3)\n",
    "from pathlib import Path\nhere = Path('.')\nraise SystemExit(3)\n",
    "if __name__ == '__main__':\n    graph = Graph()\nraise SystemExit(3)\n",
    "def run(state):\n    graph = Graph()\nraise SystemExit(3)\n",
])
def test_a_file_that_assigns_no_graph_is_not_run(look, source):
    assert "document" not in look(source)


def test_a_file_that_makes_something_else_is_no_fault(look):
    assert "document" not in look("class Thing: pass\ngraph = Thing()\n")


def test_imported_names_do_not_count(look, tmp_path):
    (tmp_path / "base.py").write_text(OBJECTS + "graph = Graph([Node('a')], [])\n")
    assert "document" not in look("from base import graph\n")
    answer = look("from base import graph as other, Graph, Node\ngraph = Graph([Node('own')], [])\n")
    assert [node["id"] for node in answer["document"]["nodes"]] == ["own"]
    assert answer["imports"] == ["base.py"]


def test_of_several_the_known_name_is_taken_and_others_are_a_fault(look):
    two = OBJECTS + "one = Graph([Node('a')], [])\n%s = Graph([Node('b')], [])\n"
    assert look(two % "agent")["name"] == "agent"
    error = look(two % "two")["error"]
    assert error["message"] == "it makes several graphs: one, two; call one of them `graph`, or name it as FILE:NAME"
    assert error["line"] == len(OBJECTS.splitlines()) + 2
    assert look(two % "two", "one")["document"]["nodes"][0]["id"] == "a"


def test_two_names_of_one_object_are_one_graph(look):
    assert look(OBJECTS + "first = Graph([Node('a')], [])\nsecond = first\n")["name"] == "first"


@pytest.mark.parametrize("source, message", [
    ("Graph([Node('a'), Node('b')], [('a', 'b'), ('b', 'a')])", "a -> b -> a is a cycle; what repeats is a node of kind `repeat`"),
    ("Graph([Node('a'), Node('a')], [])", "are both called 'a'"),
    ("Graph([Node('a')], [('a', 'z')])", "graph.edges[0] leads to 'z', which is no node; there are a"),
    ("Graph([Node], [])", "graph.nodes[0] is the class Node and no object of it"),
    ("Graph([object()], [])", "has neither `id` nor `name`"),
    ("Graph({'a': 3}, [])", "graph.nodes['a'] is of type int"),
    ("Graph([], [])", "graph.nodes is empty"),
    ("Graph([Node('a'), Node('b')], [('a', 'b', 'score > 3')])", "a condition is a callable over the state"),
    ("Graph([Node('a'), Node('b')], [('a', lambda s: 'x', {'x': 'b'})])", "chooses by a table"),
    ("Graph([Node('a'), Node('b')], [('a', 'b', 1, 2)])", "has 4 parts"),
    ("Graph([Node('a')], [], initial_state=[1])", "initial_state is of type list"),
    ("Graph([Node('a')], [], initial_state={'x': object()})", "graph.initial_state at /x"),
])
def test_what_is_not_understood_is_named(look, source, message):
    error = look(OBJECTS + "graph = %s\n" % source)["error"]
    assert message in error["message"]
    assert error["line"] == len(OBJECTS.splitlines()) + 1


def test_what_is_left_aside_is_told(look):
    answer = look(OBJECTS + "graph = Graph([Node('a'), Node('b')], [{'source': 'a', 'target': 'b', 'weight': 3}])\n")
    assert answer["notes"] == ["graph.edges[0]: weight is left aside"]


def test_a_file_that_fails_says_where(look):
    error = look("import nothing_of_that_name\ngraph = nothing_of_that_name.Graph()\n")["error"]
    assert error["message"] == "ModuleNotFoundError: No module named 'nothing_of_that_name'"
    assert error["line"] == 1
    assert "look.py" not in error["details"]["traceback"]
    assert look("graph = (\n")["error"] == {"message": "does not compile: '(' was never closed", "line": 1}
    assert look("graph = Graph()\nimport os\n")["error"]["line"] == 1


def test_a_file_that_ends_the_process_fails(look):
    assert look("import sys\ngraph = max\nsys.exit(4)\n")["error"]["message"] == "SystemExit: 4"


def test_the_folder_of_the_file_comes_first(look, tmp_path):
    (tmp_path / "data.txt").write_text("five")
    (tmp_path / "json.py").write_text("raise RuntimeError('the standard json is asked for')\n")
    source = OBJECTS + "import os\nname = open('data.txt').read() + os.path.basename(__file__)\ngraph = Graph([Node(name)], [])\n"
    assert look(source)["document"]["nodes"][0]["name"] == "fiveflow.py"

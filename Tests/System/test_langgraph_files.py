"""Files of LangGraph as teams have them: in projects with a langgraph.json, with states of every kind, with environments of their
own, and in the shapes of the system that Millrace replaces."""

import json
import pathlib
import subprocess
import sys
import sysconfig
import time

import pytest

from agents import CYCLE
from stream import is_whole
from test_python_graphs import OBJECTS, settled, write

HERE = {"MILLRACE_KINDS_PYTHON_INTERPRETER": sys.executable}


@pytest.fixture
def files(new_daemon):
    """A daemon with a graphs folder, which the test fills and starts."""
    return new_daemon()


def final(daemon, graph_id, state, status="success"):
    execution = daemon.execute(graph_id, state)
    events = daemon.all_events(execution["execution_id"])
    assert execution["status"] == status, events
    assert is_whole(events)
    return execution["final_state"]


def make_environment(folder):
    """A virtual environment that has what the one of the tests has; its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    [packages] = pathlib.Path(folder).glob("lib/python3*/site-packages")
    (packages / "tests.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return f"{folder}/bin/python"


# --- States ---

STATES = {
    "pydantic": """
from pydantic import BaseModel


class State(BaseModel):
    n: int
    log: Annotated[list[str], operator.add] = []
""",
    "dataclass": """
from dataclasses import dataclass, field


@dataclass
class State:
    n: int
    log: Annotated[list[str], operator.add] = field(default_factory=list)
""",
    "typed dict": """
from typing_extensions import TypedDict


class State(TypedDict):
    n: int
    log: Annotated[list[str], operator.add]
""",
}


@pytest.mark.parametrize("kind", STATES)
def test_states_of_every_kind_run_as_they_do_alone(files, kind):
    state_of = "state['n']" if kind == "typed dict" else "state.n"
    text = f"""
import operator
from typing import Annotated
from langgraph.graph import END, START, StateGraph
{STATES[kind]}

def count(state):
    return {{"n": {state_of} + 1, "log": [type(state).__name__]}}


builder = StateGraph(State)
builder.add_node(count)
builder.add_edge(START, "count")
builder.add_conditional_edges("count", lambda state: "count" if {state_of} < 3 else END)
graph = builder.compile()
"""
    write(files, "agent.py", text)
    files.start(environment=HERE)
    assert settled(files) == {}
    scope = {"__name__": "alone"}
    exec(text, scope)
    assert final(files, "agent", {"n": 0, "log": ["given"]}) == scope["graph"].invoke({"n": 0, "log": ["given"]})
    schema = files.http.get("/api/graphs/agent").json()["input_schema"]
    assert schema["properties"]["n"]["type"] == "integer" and set(schema["properties"]) == {"n", "log"}


# --- Environments and projects ---

TELLS = """
import os, sys
from typing import TypedDict
from langgraph.graph import START, StateGraph
{imports}

class State(TypedDict):
    said: dict


def tell(state):
    return {{"said": {said}}}


graph = StateGraph(State).add_node(tell).add_edge(START, "tell").compile()
"""


def test_a_file_runs_in_the_environment_beside_it(files):
    write(files, "team/agent.py", TELLS.format(imports="", said="{'prefix': sys.prefix, 'at': os.getcwd()}"))
    write(files, "plain.py", OBJECTS + "graph = Graph([Node('a')], [])\n")
    make_environment(files.graphs / "team" / ".venv")
    files.start()
    assert settled(files) == {}
    said = final(files, "agent", {"said": {}})["said"]
    assert said == {"prefix": str(files.graphs / "team" / ".venv"), "at": str(files.graphs / "team")}


def test_a_project_has_its_variables_and_folders(files):
    said = "{name: os.environ.get(name) for name in ('KEY', 'QUOTED', 'OTHER', 'AT_IMPORT')} | {'help': helping.word()}"
    text = TELLS.format(imports="import helping\nos.environ['AT_IMPORT'] = os.environ['KEY']\n", said=said)
    write(files, "project/src/helping.py", "def word():\n    return 'helped'\n")
    write(files, "project/agents/one.py", text)
    write(files, "project/.env", "# Ours.\nexport KEY=from the file # and this is said of it\nQUOTED='a # b'\n\nnonsense\n")
    write(files, "project/langgraph.json", json.dumps({
        "dependencies": [".", "./src", "langgraph"], "env": ".env", "graphs": {"first": "./agents/one.py:graph"}}))
    write(files, "mapped/two.py", TELLS.format(imports="", said="{'OTHER': os.environ.get('OTHER'), 'KEY': os.environ.get('KEY')}"))
    write(files, "mapped/langgraph.json", json.dumps({"env": {"OTHER": "given"}, "graphs": {"second": "two:graph"}}))
    files.start(environment=HERE)
    assert settled(files) == {}
    expected = {"KEY": "from the file", "QUOTED": "a # b", "OTHER": None, "help": "helped"}
    for _ in range(2):
        said = final(files, "first", {"said": {}})["said"]
        assert {name: said[name] for name in expected} == expected
    # What one project sets is none of another's.
    assert final(files, "second", {"said": {}})["said"] == {"OTHER": "given", "KEY": None}
    assert "from the file" not in files.http.get("/api/graphs/first").text


def test_a_project_whose_file_of_variables_is_missing_says_so(files):
    write(files, "one.py", TELLS.format(imports="", said="{}"))
    write(files, "langgraph.json", json.dumps({"env": "nothing.env", "graphs": {"first": "./one.py:graph"}}))
    files.start(environment=HERE)
    [fault] = settled(files).values()
    assert "nothing.env" in fault["errors"][0]["message"]


def test_the_console_opens_with_a_graph_of_python(files):
    write(files, "agent.py", CYCLE)
    files.start("--set", "console.start_graph=agent", environment=HERE)
    assert files.http.get("/console/settings.json").json()["start_graph"] == "agent"
    assert final(files, "agent", {"n": 0, "log": [], "word": ""})["n"] == 3
    assert "drawing" in files.http.get("/api/graphs/agent").json()


# --- The shapes of the system before ---

LINEAR = '''
"""A line of three nodes."""
from typing import Any, Dict, TypedDict
from langgraph.graph import StateGraph, END


class GraphState(TypedDict, total=False):
    input: str
    result: str
    steps: int


def process_input(state: GraphState) -> Dict[str, Any]:
    return {"result": state.get("input", "").strip(), "steps": 1}


def transform(state: GraphState) -> Dict[str, Any]:
    return {"result": state["result"].upper(), "steps": state["steps"] + 1}


def finish(state: GraphState) -> Dict[str, Any]:
    return {"result": state["result"] + "!", "steps": state["steps"] + 1}


def create_graph():
    workflow = StateGraph(GraphState)
    workflow.add_node("process_input", process_input)
    workflow.add_node("transform", transform)
    workflow.add_node("finish", finish)
    workflow.set_entry_point("process_input")
    workflow.add_edge("process_input", "transform")
    workflow.add_edge("transform", "finish")
    workflow.add_edge("finish", END)
    return workflow.compile()


graph = create_graph()
'''

BRANCHING = LINEAR.replace('''    workflow.add_edge("process_input", "transform")
''', '''    workflow.add_conditional_edges("process_input", route, {"long": "transform", "short": "finish"})
''').replace("def create_graph", '''def route(state: GraphState) -> str:
    return "long" if len(state["result"]) > 3 else "short"


def create_graph''')

LOOPING = LINEAR.replace('''    workflow.add_edge("transform", "finish")
''', '''    workflow.add_conditional_edges("transform", again, {True: "transform", False: "finish"})
''').replace("def create_graph", '''def again(state: GraphState) -> bool:
    return state["steps"] < 4


def create_graph''')


@pytest.fixture
def originals(files):
    for number, text in enumerate((LINEAR, BRANCHING, LOOPING), 1):
        write(files, f"graph_{number}.py", text)
    files.start(environment=HERE)
    return files


def classic(daemon, graph_id, state):
    """What a front end of the original reads of a run."""
    path = f"/classic/api/graphs/{graph_id}/execute/stream"
    with daemon.http.stream("POST", path, json={"initial_state": state}, timeout=60) as reply:
        return [json.loads(line.removeprefix("data: ")) for line in reply.iter_lines() if line.startswith("data: ")]


@pytest.mark.parametrize("number, state, nodes, result", [
    (1, {"input": " abc "}, ["process_input", "transform", "finish"], "ABC!"),
    (2, {"input": "abcd"}, ["process_input", "transform", "finish"], "ABCD!"),
    (2, {"input": "abc"}, ["process_input", "finish"], "abc!"),
    (3, {"input": "abc"}, ["process_input", "transform", "transform", "transform", "finish"], "ABC!"),
])
def test_graphs_of_the_original_run_unchanged(originals, number, state, nodes, result):
    graph_id = f"graph_{number}"
    events = classic(originals, graph_id, state)
    assert [event["node_id"] for event in events if event["event_type"] == "node_complete"] == nodes
    assert [event["node_id"] for event in events if event["event_type"] == "node_start"] == nodes
    assert (events[-1]["event_type"], events[-1]["output_state"]["result"]) == ("complete", result)


def test_graphs_of_the_original_have_the_structure_that_they_had(originals):
    for number, conditional in ((1, 0), (2, 2), (3, 2)):
        reply = originals.http.post("/classic/api/graphs/load", json={"file_path": f"graphs/graph_{number}.py", "graph_name": f"Graph {number}"}, timeout=60)
        assert reply.status_code == 201, reply.text
        loaded = reply.json()
        structure = loaded["structure"]
        assert (loaded["graph_id"], loaded["name"]) == (f"graph_{number}", f"Graph {number}")
        assert set(structure["nodes"]) == {"__start__", "process_input", "transform", "finish", "__end__"}
        assert sum(edge["conditional"] for edge in structure["edges"]) == conditional
        assert (structure["start_nodes"], structure["end_nodes"]) == (["__start__"], ["__end__"])


def test_the_first_minute_with_a_file_of_ones_own(files):
    """As the README has it."""
    files.start()
    make_environment(files.graphs / ".venv")
    write(files, "my_agent.py", CYCLE)
    deadline = time.monotonic() + 90
    while files.http.get("/api/graphs/my_agent").status_code != 200:
        assert time.monotonic() < deadline, settled(files)
        time.sleep(0.05)
    assert final(files, "my_agent", {"n": 1, "log": [], "word": ""})["n"] == 3

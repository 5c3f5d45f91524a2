"""Graphs of LangGraph for tests, and daemons that have them."""

import json
import sys

import pytest

from graphs import node
from stream import is_whole

CYCLE = """
import operator
from typing import Annotated, TypedDict
from langgraph.graph import END, START, StateGraph


def longest(old, new):
    return max(old, new, key=len)


class State(TypedDict):
    n: int
    log: Annotated[list, operator.add]
    word: Annotated[str, longest]


def count(state):
    return {"n": state["n"] + 1, "log": [state["n"]], "word": "x" * (3 - state["n"])}


def check(state):
    return {"log": ["checked"]}


builder = StateGraph(State)
builder.add_node(count)
builder.add_node("check it", check)
builder.add_edge(START, "count")
builder.add_edge("count", "check it")
builder.add_conditional_edges("check it", lambda state: "count" if state["n"] < 3 else END)
graph = builder.compile()
"""


FAN = """
import operator, time
from typing import Annotated, TypedDict
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send


class Inner(TypedDict):
    n: int


class State(TypedDict):
    items: list
    sums: Annotated[list, operator.add]
    done: bool


def square(state):
    return {"n": state["n"] ** 2}


inner = StateGraph(Inner)
inner.add_node(square)
inner.add_edge(START, "square")
square_graph = inner.compile()


def work(item):
    get_stream_writer()({"at": item["item"]})
    return {"sums": [square_graph.invoke({"n": item["item"]})["n"]]}


def choose(state) -> Command:
    return Command(update={"done": True}, goto=END)


builder = StateGraph(State)
builder.add_node("split", lambda state: {})
builder.add_node(work)
builder.add_node(choose)
builder.add_edge(START, "split")
builder.add_conditional_edges("split", lambda state: [Send("work", {"item": item}) for item in state["items"]], ["work"])
builder.add_edge("work", "choose")


def graph():
    return builder.compile()
"""


CHAT = """
from typing import Annotated, TypedDict
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages


class State(TypedDict):
    messages: Annotated[list, add_messages]


def talk(state):
    model = GenericFakeChatModel(messages=iter([AIMessage("Hello to you", id="a")]))
    return {"messages": [model.invoke(state["messages"])]}


graph = StateGraph(State).add_node(talk).add_edge(START, "talk").compile()
"""


SLOW = """
import operator, os, time
from typing import Annotated, TypedDict
from langgraph.graph import START, StateGraph


class State(TypedDict):
    folder: str
    log: Annotated[list, operator.add]


def step(name):
    def run(state):
        with open(state["folder"] + "/" + name, "a") as file:
            file.write("x")
        while not os.path.exists(state["folder"] + "/go " + name):
            time.sleep(0.01)
        if os.path.exists(state["folder"] + "/break " + name):
            raise ValueError("broken on purpose")
        return {"log": [name]}
    return run


builder = StateGraph(State)
builder.add_sequence([(name, step(name)) for name in ("a", "b", "c")])
builder.add_edge(START, "a")
graph = builder.compile()
"""


PAIR = SLOW.replace('builder.add_edge(START, "a")', """
builder = StateGraph(State)
for name in ("a", "b", "c"):
    builder.add_node(name, step(name))
builder.add_edge(START, "a")
builder.add_edge(START, "b")
builder.add_edge(["a", "b"], "c")
""")


ASKING = """
import operator
from typing import Annotated, TypedDict
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt


class State(TypedDict):
    log: Annotated[list, operator.add]


def twice(state):
    return {"log": [interrupt({"question": "first"}), interrupt("second")]}


def once(state):
    return {"log": [interrupt("once", response_schema={"type": "integer"})]}


def inside(state):
    return {"log": [interrupt("inside")]}


inner = StateGraph(State).add_node(inside).add_edge(START, "inside").compile()
builder = StateGraph(State).add_node(twice).add_node(once).add_node("sub", inner)
for name in ("twice", "once", "sub"):
    builder.add_edge(START, name)
graph = builder.compile()
"""


COUNTING_UP = """
import operator
from typing import Annotated, TypedDict
from langgraph.graph import START, StateGraph


class State(TypedDict, total=False):
    said: Annotated[list, operator.add]
    n: int
    thread: str


def answer(state, config):
    n = state.get("n", 0) + 1
    last = state["said"][-1:]
    return {"n": n, "said": [f"{n}: {each}" for each in last], "thread": config["configurable"]["thread_id"]}


graph = StateGraph(State).add_node(answer).add_edge(START, "answer").compile()
"""


def hosting(file, graph="graph", **config):
    return node("graph", "langgraph", {"file": file, "graph": graph, **config})


@pytest.fixture
def agents(new_daemon):
    """Starts a daemon with these files in its graphs folder, whose Python has LangGraph."""

    def start(*arguments, **files):
        daemon = new_daemon()
        for name, text in files.items():
            daemon.write_graph_file(f"{name}.py", text)
            document = {"id": name, "nodes": [hosting(f"{name}.py")], "edges": []}
            daemon.write_graph_file(f"{name}.json", json.dumps(document))
        daemon.start(*arguments, environment={"MILLRACE_KINDS_PYTHON_INTERPRETER": sys.executable})
        return daemon

    return start


def run(daemon, graph_id, state, status="success"):
    execution = daemon.execute(graph_id, state)
    events = daemon.all_events(execution["execution_id"])
    assert execution["status"] == status, events
    assert is_whole(events)
    return events


def inner(events, kind):
    return [event for event in events if event["type"] == kind and "path" in event]

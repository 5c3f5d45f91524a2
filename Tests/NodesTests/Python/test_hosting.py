"""Graphs of LangGraph in the worker: what it tells of them, and how it goes on with what was kept."""

import json

import pytest
from conftest import Worker

pytest.importorskip("langgraph", reason="the environment of these tests has it")

GRAPH = """
import operator
from typing import Annotated, TypedDict
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt


class State(TypedDict):
    n: int
    log: Annotated[list, operator.add]


def first(state):
    return {"n": state["n"] + 1, "log": ["first"]}


def second(state):
    return {"log": [interrupt("more?")]}


builder = StateGraph(State).add_sequence([first, second]).add_edge(START, "first")
graph = builder.compile(checkpointer=InMemorySaver())


def make(config):
    return builder


nothing = 7
"""


class Run:
    """One call, and what the daemon keeps of it."""

    def __init__(self, folder, target=None, kept=None, state=None):
        (folder / "g.py").write_text(GRAPH)
        worker = Worker(folder, ["g.py"])
        more = {"kept": kept} if kept else {}
        worker.call({"file": "g.py", "graph": "graph", **(target or {})}, state or {"n": 1, "log": []}, key="k", **more)
        self.said = []
        while not self.said or not {"value", "message"} & self.said[-1].keys() or "task" in self.said[-1]:
            self.said.append(json.loads(worker.process.stdout.readline()))
        worker.process.stdin.close()
        worker.process.wait(10)

    def all(self, kind):
        return [message for message in self.said if kind in message and "channel" not in message]

    @property
    def kept(self):
        spaces = {}
        for message in self.said:
            if "step" in message and "kept" in message:
                space = spaces.setdefault(message["space"], {"channels": {}})
                space |= {"head": message["kept"]["head"], "writes": {}}
                space["channels"] |= message["kept"]["channels"]
        return {"spaces": spaces}


def test_steps_and_ends_of_tasks_are_told_with_what_the_state_is_then(tmp_path):
    run = Run(tmp_path)
    assert [(step["index"], [task["name"] for task in step["tasks"]]) for step in run.all("step")] == [
        (1, ["first"]), (2, ["second"])]
    [end] = [task for task in run.all("task") if "update" in task]
    assert end["update"] == {"n": 2, "log": ["first"]}
    [ask] = run.all("ask")
    assert ask["prompt"] == "more?" and ask["id"] == run.all("step")[1]["tasks"][0]["id"]
    assert run.said[-1]["value"] == {}
    assert [message["data"] for message in run.said if message.get("channel") == "log"] == [
        "Millrace keeps the checkpoints of this run, in place of the langgraph.checkpoint.memory.InMemorySaver of the graph"]


def test_another_process_goes_on_with_what_was_kept_and_answered(tmp_path):
    run = Run(tmp_path)
    [ask] = run.all("ask")
    answers = {ask["id"]: {"space": "", "values": ["yes"]}}
    again = Run(tmp_path, kept=run.kept | {"answers": answers})
    assert [task["name"] for step in again.all("step") for task in step["tasks"]] == ["second"]
    assert again.said[-1]["value"] == {"n": 2, "log": ["first", "yes"]}


def test_a_function_may_make_the_graph(tmp_path):
    assert len(Run(tmp_path, {"graph": "make"}).all("step")) == 2


def test_what_is_no_graph_is_named(tmp_path):
    assert Run(tmp_path, {"graph": "nothing"}).said[-1]["message"] == "nothing of g.py is of type int, which is no graph of LangGraph"


def test_the_config_reaches_langgraph(tmp_path):
    message = Run(tmp_path, {"config": {"recursion_limit": 1}}).said[-1]["message"]
    assert "GraphRecursionError" in message


def test_the_input_schema_refuses_nothing_that_invoke_takes():
    from langchain_core.messages import AnyMessage
    from langgraph.graph import START, StateGraph
    from langgraph.graph.message import add_messages
    from typing_extensions import Annotated, TypedDict

    from millrace_graphs import langgraphs

    class State(TypedDict):
        messages: Annotated[list[AnyMessage], add_messages]
        done: bool

    graph = StateGraph(State).add_node("a", lambda state: {"done": True}).add_edge(START, "a").compile()
    schema = langgraphs.document_of(graph, "graph", "g.py")[0]["input_schema"]
    assert schema["properties"]["done"]["type"] == "boolean" and "required" not in schema
    assert "oneOf" not in schema["properties"]["messages"]["items"]

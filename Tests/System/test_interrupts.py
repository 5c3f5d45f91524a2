"""Graphs of LangGraph that wait for answers, with the real daemon."""

import sys

from agents import ASKING, agents, hosting, inner
from graphs import process
from stream import is_whole


def asked(daemon):
    """What waits: by node, its path and prompt."""
    items = daemon.http.get("/api/approvals").json()["items"]
    return {item["node_id"]: (item["path"], item["prompt"]) for item in items}


COUNTING = """
import operator
from typing import Annotated, TypedDict
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt


class State(TypedDict):
    folder: str
    log: Annotated[list, operator.add]


def asking(name):
    def run(state):
        with open(state["folder"] + "/marks", "a") as file:
            file.write(name + "\\n")
        return {"log": [interrupt(name)]}
    return run


class Inner(TypedDict):
    folder: str


sub = StateGraph(State).add_node("inside", asking("inside")).add_edge(START, "inside").compile()
builder = StateGraph(State).add_node("first", asking("first"))
builder.add_node("sub", lambda state: {"log": sub.invoke({"folder": state["folder"], "log": []})["log"]})
graph = builder.add_edge(START, "first").add_edge(START, "sub").compile()
"""


def is_parked(daemon):
    """Whether all that has begun waits, and has left memory."""
    text = daemon.http.get("/metrics").text
    return "millrace_executions_waiting 1" in text


def resolve(daemon, id, node_id, path, **answer):
    query = {"path": ",".join(map(str, path))}
    return daemon.http.post(f"/api/executions/{id}/nodes/{node_id}/resolve", params=query, json={"approved": True, **answer})


def test_interrupts_wait_for_answers(agents, eventually):
    daemon = agents(asking=ASKING)
    id = daemon.begin("asking", {"log": []})
    step = ["graph", 1]
    eventually(lambda: asked(daemon) == {
        "twice": (step, {"question": "first"}), "once": (step, "once"), "inside": ([*step, "sub", 1], "inside")})
    assert resolve(daemon, id, "once", step, data="no number").status_code == 422
    assert resolve(daemon, id, "once", step, data=7).status_code == 202
    assert resolve(daemon, id, "once", step, data=8).status_code == 409
    assert resolve(daemon, id, "inside", [*step, "sub", 1], data=None, comment="fine").status_code == 202
    assert resolve(daemon, id, "twice", step, data="a").status_code == 202
    eventually(lambda: asked(daemon) == {"twice": (step, "second")})
    assert resolve(daemon, id, "twice", step, data="b").status_code == 202
    events = daemon.all_events(id)
    assert events[-1]["status"] == "success" and is_whole(events)
    assert sorted(events[-1]["final_state"]["log"], key=str) == [7, None, "a", "b"]
    # A pass that ends in an interrupt is no end, and the next one no beginning.
    starts = [event["node_id"] for event in events if event["type"] == "node_start"]
    assert sorted(starts) == sorted(["graph", "twice", "once", "sub", "inside"])
    assert sorted(event["node_id"] for event in inner(events, "node_complete")) == ["inside", "once", "sub", "twice"]


def test_an_interrupt_waits_across_a_kill_and_takes_a_plain_yes(agents, eventually):
    daemon = agents(asking=ASKING.replace('for name in ("twice", "once", "sub")', 'for name in ("twice",)'))
    id = daemon.begin("asking", {"log": []})
    path = ["graph", 1]
    eventually(lambda: asked(daemon))
    assert resolve(daemon, id, "twice", path, data="a").status_code == 202
    eventually(lambda: asked(daemon) == {"twice": (path, "second")})
    eventually(lambda: is_parked(daemon))
    daemon.kill()
    daemon.start(environment={"MILLRACE_KINDS_PYTHON_INTERPRETER": sys.executable})
    assert asked(daemon) == {"twice": (path, "second")} and is_parked(daemon)
    assert resolve(daemon, id, "twice", path, comment="go on").status_code == 202
    events = daemon.all_events(id)
    assert events[-1]["final_state"] == {"log": ["a", {"approved": True, "comment": "go on"}]}
    assert is_whole(events)
    # Nothing was interrupted.
    assert [event["type"] for event in events if event["type"] in ("start", "node_start")] == ["start", *["node_start"] * 2]
    end = events[-2]
    assert end["wait_ms"] > 0 and end["wait_ms"] + end["duration_ms"] + end["queue_ms"] <= events[-1]["duration_ms"]


def test_what_waits_runs_no_code_because_of_a_restart(agents, eventually):
    daemon = agents(asking=COUNTING)
    marks = daemon.graphs / "marks"
    id = daemon.begin("asking", {"folder": str(daemon.graphs), "log": []})
    step = ["graph", 1]
    eventually(lambda: len(asked(daemon)) == 2)
    eventually(lambda: is_parked(daemon))
    assert resolve(daemon, id, "first", step, data="a").status_code == 202
    for _ in range(2):
        daemon.kill()
        daemon.start(environment={"MILLRACE_KINDS_PYTHON_INTERPRETER": sys.executable})
        assert asked(daemon) == {"inside": ([*step, "sub", 1], "inside")}
    assert sorted(marks.read_text().split()) == ["first", "inside"]
    assert resolve(daemon, id, "inside", [*step, "sub", 1], data="b").status_code == 202
    events = daemon.all_events(id)
    assert events[-1]["status"] == "success" and is_whole(events)
    assert sorted(events[-1]["final_state"]["log"]) == ["a", "b"]
    # As LangGraph has it, a node begins anew with its answer.
    assert sorted(marks.read_text().split()) == ["first"] * 2 + ["inside"] * 2
    assert [event["type"] for event in events].count("start") == 1
    assert sorted(event["node_id"] for event in inner(events, "node_start")) == ["first", "inside", "sub"]


def test_a_question_waits_on_beside_what_a_restart_interrupts(agents, eventually):
    daemon = agents(asking=COUNTING)
    document = {
        "id": "both", "nodes": [hosting("asking.py"), process("slow", "sh", "-c", "test -e go || sleep 600")], "edges": []}
    assert daemon.http.put("/api/graphs/both", json=document).is_success
    id = daemon.begin("both", {"folder": str(daemon.graphs), "log": []})
    step = ["graph", 1]
    eventually(lambda: len(asked(daemon)) == 2)
    daemon.kill()
    (daemon.graphs / "go").touch()
    daemon.start(environment={"MILLRACE_KINDS_PYTHON_INTERPRETER": sys.executable})
    eventually(lambda: any(event["type"] == "node_complete" and event["node_id"] == "slow" for event in daemon.events(id)))
    assert sorted((daemon.graphs / "marks").read_text().split()) == ["first", "inside"]
    for node_id, path in [("first", step), ("inside", [*step, "sub", 1])]:
        assert resolve(daemon, id, node_id, path, data=node_id).status_code == 202
    events = daemon.all_events(id)
    assert events[-1]["status"] == "success" and is_whole(events)
    assert sorted(events[-1]["final_state"]["log"]) == ["first", "inside"]
    starts = [(event["node_id"], event["attempt"]) for event in events if event["type"] == "node_start"]
    assert sorted(starts) == [("first", 1), ("graph", 1), ("inside", 1), ("slow", 1), ("slow", 2), ("sub", 1)]


def test_what_waits_for_an_answer_ends_by_a_cancel_after_a_restart(agents, eventually):
    daemon = agents(asking=COUNTING)
    id = daemon.begin("asking", {"folder": str(daemon.graphs), "log": []})
    eventually(lambda: is_parked(daemon))
    daemon.kill()
    daemon.start(environment={"MILLRACE_KINDS_PYTHON_INTERPRETER": sys.executable})
    assert daemon.cancel(id).status_code == 202
    events = daemon.all_events(id)
    assert events[-1]["status"] == "cancelled" and is_whole(events)
    assert sorted(event["node_id"] for event in events if event["type"] == "node_complete") == ["first", "graph", "inside", "sub"]
    assert {event["status"] for event in events if event["type"] == "node_complete"} == {"cancelled"}


def test_what_waits_for_an_answer_can_be_cancelled(agents, eventually):
    daemon = agents(asking=ASKING)
    id = daemon.begin("asking", {"log": []})
    eventually(lambda: len(asked(daemon)) == 3)
    daemon.cancel(id)
    events = daemon.all_events(id)
    assert events[-1]["status"] == "cancelled" and is_whole(events)
    assert {event["status"] for event in events if event["type"] == "node_complete"} == {"cancelled"}
    assert not asked(daemon)

"""What LangGraph does by itself, and values that JSON does not know, with the real daemon."""

from agents import agents, inner, run

LATE = """
import operator
from typing import Annotated, TypedDict
from langgraph.graph import START, StateGraph
from langgraph.types import CachePolicy, RetryPolicy


class State(TypedDict):
    log: Annotated[list, operator.add]


tries = []


def shaky(state):
    tries.append(1)
    if len(tries) < 3:
        raise ConnectionError("not yet")
    return {"log": ["shaky"]}


builder = StateGraph(State)
builder.add_node("a", lambda state: {"log": ["a"]})
builder.add_node("b", lambda state: {"log": ["b"]})
builder.add_node(shaky, retry_policy=RetryPolicy(initial_interval=0.01, max_attempts=3))
builder.add_node("last", lambda state: {"log": ["last"]}, defer=True)
builder.add_edge(START, "a").add_edge("a", "b").add_edge("b", "shaky")
builder.add_edge(START, "last")
graph = builder.compile()
"""

VALUES = """
import dataclasses, datetime, decimal, enum, pathlib, uuid
from typing import TypedDict
from langgraph.graph import START, StateGraph
from pydantic import BaseModel


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int


class Model(BaseModel):
    n: int


class State(TypedDict, total=False):
    day: datetime.date
    sum: decimal.Decimal
    tags: set
    color: Color
    path: pathlib.Path
    id: uuid.UUID
    data: bytes
    point: Point
    model: Model
    same: bool


def make(state):
    return {"day": datetime.date(2026, 1, 31), "sum": decimal.Decimal("1.50"), "tags": {"a"}, "color": Color.RED,
            "path": pathlib.Path("/a"), "id": uuid.UUID(int=1), "data": b"ab", "point": Point(1), "model": Model(n=2)}


def look(state):
    return {"same": isinstance(state["day"], datetime.date) and state["point"] == Point(1) and state["tags"] == {"a"}}


graph = StateGraph(State).add_sequence([make, look]).add_edge(START, "make").compile()
"""


def test_deferred_nodes_and_retries_are_langgraphs_own(agents):
    daemon = agents(late=LATE)
    events = run(daemon, "late", {"log": []})
    assert events[-1]["final_state"] == {"log": ["a", "b", "shaky", "last"]}
    ends = [(event["path"], event["node_id"], event["status"]) for event in inner(events, "node_complete")]
    assert ends == [(["graph", step], name, "success") for step, name in enumerate(["a", "b", "shaky", "last"], 1)]
    # A task is begun once, however often LangGraph tries it.
    assert len(inner(events, "node_start")) == 4


def test_values_that_json_does_not_know_are_written_in_their_form_and_stay_what_they_are(agents):
    daemon = agents(values=VALUES)
    events = run(daemon, "values", {})
    (make, look) = inner(events, "node_complete")
    written = {"day": "2026-01-31", "tags": ["a"], "color": "red", "path": "/a", "point": {"x": 1}, "model": {"n": 2},
               "id": "00000000-0000-0000-0000-000000000001"}
    assert {key: make["update"][key] for key in written} == written and look["update"] == {"same": True}
    assert {key: events[-1]["final_state"][key] for key in written} == written
    told = [event["data"] for event in events if event.get("channel") == "log"]
    assert any("Decimal" in word for word in told) and len(told) == len(set(told))

"""What graphs of LangGraph are made with: config, context and factories, with the real daemon."""

import sys

from agents import agents, hosting, run
from stream import of_node

SHOWING = """
import contextlib
from typing import TypedDict
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime


class State(TypedDict, total=False):
    seen: dict


class Context(TypedDict, total=False):
    who: str


def show(state, config, runtime: Runtime[Context]):
    own = config["configurable"]
    return {"seen": {"a": own.get("a"), "b": own.get("b"), "who": (runtime.context or {}).get("who"), "made": made[-3:]}}


made = []
builder = StateGraph(State, context_schema=Context).add_node(show).add_edge(START, "show")
graph = builder.compile()


def plain():
    made.append("plain")
    return builder


def by_config(config):
    made.append(config["configurable"]["a"])
    return builder.compile()


async def by_both(runtime, config):
    made.append([config["configurable"]["a"], runtime.context["who"]])
    return builder.compile()


@contextlib.asynccontextmanager
async def held(config):
    made.append("opened")
    yield builder.compile()
    made.append("closed")


@contextlib.contextmanager
def held_too():
    made.append("opened too")
    yield builder


def wrong():
    return 7


def greedy(a, b, c):
    return builder
"""


def with_graph(daemon, name, **config):
    daemon.http.put("/api/graphs/show", json={"id": "show", "nodes": [hosting("show.py", name, **config)], "edges": []})


def seen(daemon):
    return run(daemon, "show", {})[-1]["final_state"]["seen"]


def test_a_node_has_config_and_context(agents):
    daemon = agents(show=SHOWING)
    with_graph(daemon, "graph", config={"configurable": {"a": 1}, "recursion_limit": 50}, context={"who": "me"})
    assert seen(daemon) == {"a": 1, "b": None, "who": "me", "made": []}
    with_graph(daemon, "graph", config={"configurable": {"a": 1}, "recursion_limit": 0})
    (end,) = of_node(run(daemon, "show", {}, status="error"), "graph", "node_complete")
    assert "recursion_limit" in end["error"]


def test_the_config_of_a_classic_start_is_laid_over_it(agents):
    daemon = agents(show=SHOWING)
    with_graph(daemon, "graph", config={"configurable": {"a": 1, "b": 2}})
    body = {"config": {"configurable": {"b": 3, "checkpoint_id": "none"}, "tags": ["x"]}}
    reply = daemon.http.post("/classic/api/graphs/show/execute", json=body).json()
    assert reply["status"] == "success"
    assert (reply["final_state"]["seen"]["a"], reply["final_state"]["seen"]["b"]) == (1, 3)
    for ignored in (None, 7):
        assert daemon.http.post("/classic/api/graphs/show/execute", json={"config": ignored}).json()["status"] == "success"
    reply = daemon.http.post("/classic/api/graphs/show/execute", json={"config": {"x": "x" * (64 << 10)}})
    assert reply.status_code == 422 and "/config" in reply.json()["detail"]


def test_a_config_goes_with_its_execution_into_the_queue_and_across_a_kill(agents, eventually):
    daemon = agents(show=SHOWING)
    document = {"id": "late", "nodes": [hosting("show.py"), {"id": "wait", "kind": "delay", "config": {"duration_ms": 1500}}],
                "edges": [{"from": "wait", "to": "graph"}]}
    assert daemon.http.put("/api/graphs/late", json=document).is_success
    body = {"config": {"configurable": {"b": 5}}}
    with daemon.http.stream("POST", "/classic/api/graphs/late/execute/stream", json=body) as reply:
        id = reply.headers["Content-Location"].rsplit("/", 1)[1]
    daemon.kill()
    daemon.start(environment={"MILLRACE_KINDS_PYTHON_INTERPRETER": sys.executable})
    assert daemon.all_events(id)[-1]["final_state"]["seen"]["b"] == 5


def test_factories_make_a_graph_for_each_run(agents):
    daemon = agents(show=SHOWING)
    options = {"config": {"configurable": {"a": 1}}, "context": {"who": "me"}}
    for name, made in [
        ("plain", ["plain", "plain"]), ("by_config", [1, 1]), ("by_both", [[1, "me"], [1, "me"]]),
        ("held", ["opened", "closed", "opened"]), ("held_too", ["closed", "opened too", "opened too"]),
    ]:
        with_graph(daemon, name, **options)
        seen(daemon)
        assert seen(daemon)["made"][-len(made):] == made, name
    for name, word in [("wrong", "wrong of show.py is of type int"), ("greedy", "greedy")]:
        with_graph(daemon, name, **options)
        (end,) = of_node(run(daemon, "show", {}, status="error"), "graph", "node_complete")
        assert word in end["error"]

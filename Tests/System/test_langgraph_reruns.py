"""Reruns from a step of a graph of LangGraph, with the real daemon."""

import sys

from agents import CYCLE, FAN, SLOW, agents, inner, run
from stream import is_whole


def rerun(daemon, id, *path, **body):
    order = {"from_node": path[0], "path": list(path), **body}
    reply = daemon.http.post(f"/api/executions/{id}/rerun", json=order)
    assert reply.status_code == 202, reply.text
    events = daemon.all_events(reply.json()["execution_id"])
    assert is_whole(events)
    return events


def steps(events):
    """What inner nodes did, in short."""
    return [(event["path"][1], event["node_id"], event["status"]) for event in inner(events, "node_complete")]


def test_the_steps_before_are_taken_over(agents):
    daemon = agents(slow=SLOW)
    for name in ("go a", "go b", "go c", "break c"):
        (daemon.graphs / name).touch()
    failed = run(daemon, "slow", {"folder": str(daemon.graphs), "log": ["given"]}, status="error")
    (daemon.graphs / "break c").unlink()
    again = rerun(daemon, failed[0]["execution_id"], "graph", 3)
    assert steps(again) == [(1, "a", "cached"), (2, "b", "cached"), (3, "c", "success")]
    assert again[-1]["final_state"]["log"] == ["given", "a", "b", "c"]
    assert {name: (daemon.graphs / name).read_text() for name in "abc"} == {"a": "x", "b": "x", "c": "xx"}
    cached = inner(again, "node_complete")[0]
    assert (cached["attempt"], cached["update"], cached["output_state"]["log"]) == (0, {"log": ["a"]}, ["given", "a"])
    summary = daemon.summary(again[0]["execution_id"])
    assert summary["rerun_of"] == failed[0]["execution_id"]
    # And from an earlier step of that one.
    third = rerun(daemon, again[0]["execution_id"], "graph", 2)
    assert steps(third) == [(1, "a", "cached"), (2, "b", "success"), (3, "c", "success")]
    assert third[-1]["final_state"]["log"] == ["given", "a", "b", "c"]


def test_a_state_is_what_update_state_makes_of_it(agents):
    daemon = agents(cycle=CYCLE)
    before = run(daemon, "cycle", {"n": 0, "log": [], "word": ""})
    assert before[-1]["final_state"]["log"] == [0, "checked", 1, "checked", 2, "checked"]
    after = rerun(daemon, before[0]["execution_id"], "graph", 3, state={"n": 2, "log": ["edited"]})
    assert [step for step in steps(after) if step[2] == "cached"] == [(1, "count", "cached"), (2, "check it", "cached")]
    assert [step[1] for step in steps(after) if step[2] == "success"] == ["count", "check it"]
    scope = {}
    exec(CYCLE, scope)
    from langgraph.checkpoint.memory import InMemorySaver

    graph = scope["graph"].copy({"checkpointer": InMemorySaver()})
    config = {"configurable": {"thread_id": "t"}}
    graph.invoke({"n": 0, "log": [], "word": ""}, config)
    (place,) = [each for each in graph.get_state_history(config) if each.metadata["step"] == 2]
    assert after[-1]["final_state"] == graph.invoke(None, graph.update_state(place.config, {"n": 2, "log": ["edited"]}))


def test_several_tasks_of_a_node_are_taken_over_and_a_kill_undoes_none_of_that(agents, eventually):
    slow = FAN.replace('def choose(state) -> Command:', '''def choose(state) -> Command:
    import os, time
    open(state["folder"] + "/chosen", "a").write("x")
    while not os.path.exists(state["folder"] + "/go"):
        time.sleep(0.01)''').replace("    done: bool", "    done: bool\n    folder: str")
    daemon = agents(fan=slow)
    (daemon.graphs / "go").touch()
    state = {"items": [2, 3], "sums": [], "done": False, "folder": str(daemon.graphs)}
    first = run(daemon, "fan", state)
    (daemon.graphs / "go").unlink()
    reply = daemon.http.post(
        f"/api/executions/{first[0]['execution_id']}/rerun", json={"from_node": "graph", "path": ["graph", 3]})
    id = reply.json()["execution_id"]
    eventually(lambda: (daemon.graphs / "chosen").read_text() == "xx")
    eventually(lambda: any(event.get("node_id") == "choose" for event in daemon.events(id)))
    daemon.kill()
    (daemon.graphs / "go").touch()
    daemon.start(environment={"MILLRACE_KINDS_PYTHON_INTERPRETER": sys.executable})
    events = daemon.all_events(id)
    assert is_whole(events) and events[-1]["final_state"]["sums"] == [4, 9]
    ends = {(tuple(event["path"]), event["node_id"]): event["status"] for event in inner(events, "node_complete")}
    assert ends == {
        (("graph", 1), "split"): "cached", (("graph", 2, "work", 0), "work"): "cached",
        (("graph", 2, "work", 1), "work"): "cached", (("graph", 3), "choose"): "success"}
    items = daemon.http.get(f"/api/executions/{id}/nodes/graph/items").json()["items"]
    assert [(item["index"], item["status"]) for item in items] == [(1, "cached"), (2, "cached"), (3, "success")]


def test_a_step_that_cannot_be_is_refused(agents):
    daemon = agents(cycle=CYCLE)
    id = run(daemon, "cycle", {"n": 2, "log": [], "word": ""})[0]["execution_id"]
    for body in [
        {"from_node": "graph", "path": ["graph", 99]}, {"from_node": "graph", "path": ["graph"]},
        {"from_node": "graph", "path": ["other", 1]}, {"from_node": "graph", "path": ["graph", -1]},
        {"path": ["graph", 1]}, {"from_node": "failed", "path": ["failed", 1]}, {"from_node": "graph", "path": 1},
    ]:
        reply = daemon.http.post(f"/api/executions/{id}/rerun", json=body)
        assert reply.status_code == 422, (body, reply.text)
        assert [fault["pointer"] for fault in reply.json()["errors"]] == ["/path"]

"""Graphs of LangGraph that wait for answers, with the real daemon."""

import sys

from agents import ASKING, agents, inner
from stream import is_whole


def asked(daemon):
    """What waits: by node, its path and prompt."""
    items = daemon.http.get("/api/approvals").json()["items"]
    return {item["node_id"]: (item["path"], item["prompt"]) for item in items}


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
    daemon.kill()
    daemon.start(environment={"MILLRACE_KINDS_PYTHON_INTERPRETER": sys.executable})
    eventually(lambda: asked(daemon) == {"twice": (path, "second")})
    assert resolve(daemon, id, "twice", path, comment="go on").status_code == 202
    events = daemon.all_events(id)
    assert events[-1]["final_state"] == {"log": ["a", {"approved": True, "comment": "go on"}]}
    assert is_whole(events)


def test_what_waits_for_an_answer_can_be_cancelled(agents, eventually):
    daemon = agents(asking=ASKING)
    id = daemon.begin("asking", {"log": []})
    eventually(lambda: len(asked(daemon)) == 3)
    daemon.cancel(id)
    events = daemon.all_events(id)
    assert events[-1]["status"] == "cancelled" and is_whole(events)
    assert {event["status"] for event in events if event["type"] == "node_complete"} == {"cancelled"}
    assert not asked(daemon)

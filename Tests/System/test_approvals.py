"""Nodes that wait for people: asked once, answered by the API, kept across whatever becomes of the daemon."""

import datetime
import json

import pytest

from graphs import chain, delay, graph, node, put, works
from stream import is_whole, of_node
from test_waits import wait_until
from tokens import create

SCHEMA = {
    "type": "object",
    "properties": {"amount": {"$ref": "#/$defs/amount"}, "why": {"type": "string", "pattern": "^[A-Z]"}},
    "required": ["amount"],
    "$defs": {"amount": {"type": "integer", "minimum": 1}},
}


def approval(id="ok", prompt="Go on?", **config):
    return node(id, "approval", {"prompt": prompt, **config})


def asked(daemon, execution_id, id="ok", **client):
    return [each for each in listed(daemon, **client) if (each["execution_id"], each["node_id"]) == (execution_id, id)]


def listed(daemon, headers=None, **query):
    reply = daemon.http.get("/api/approvals", params={"limit": 500} | query, headers=headers)
    assert reply.status_code == 200, reply.text
    return reply.json()["items"]


def resolve(daemon, execution_id, id="ok", headers=None, **answer):
    path = f"/api/executions/{execution_id}/nodes/{id}/resolve"
    return daemon.http.post(path, json={"approved": True} | answer, headers=headers)


def begin(daemon, eventually, *nodes, state=None, **members):
    """An execution whose first node has asked."""
    execution_id = daemon.begin(daemon.create(chain(*nodes, **members)), state)
    (question,) = eventually(lambda: asked(daemon, execution_id))
    return execution_id, question


def test_an_approval_asks_waits_and_goes_on(daemon, eventually):
    document = [approval(prompt="Pay {{ state.sum }} €?", schema=SCHEMA), put("z", paid="{{ state.decision.data.amount }}")]
    execution_id, question = begin(daemon, eventually, *document, state={"sum": 7})
    assert (question["prompt"], question["schema"], question["path"]) == ("Pay 7 €?", SCHEMA, [])
    assert (question["required"], question["given"], question["deadline"]) == (1, 0, None)
    waiting = daemon.summary(execution_id)
    assert waiting["status"] == "running"
    assert waiting["waiting_for"]["approvals"] == [
        {"path": [], "node_id": "ok", "question": question["question"], "since": question["since"]}]
    reply = resolve(daemon, execution_id, data={"amount": 5}, comment="fine", question=question["question"])
    assert (reply.status_code, reply.json()["execution_id"]) == (202, execution_id)
    events = daemon.all_events(execution_id)
    assert is_whole(events) and [event["type"] for event in events].count("start") == 1
    output, answer = of_node(events, "ok", "node_output")
    assert (output["channel"], output["seq"]) == ("approval", question["question"])
    assert output["data"] == {"prompt": "Pay 7 €?", "schema": SCHEMA, "deadline": None}
    assert output["timestamp"] == question["since"]
    (end,) = of_node(events, "ok", "node_complete")
    decision = {"approved": True, "data": {"amount": 5}, "by": None, "comment": "fine", "at": answer["timestamp"]}
    assert (answer["channel"], answer["data"], end["update"]) == ("answer", decision, {"decision": decision})
    assert end["wait_ms"] > end["duration_ms"]
    assert events[-1]["final_state"]["paid"] == 5
    assert asked(daemon, execution_id) == [] and daemon.summary(execution_id)["waiting_for"] is None
    profile = daemon.http.get(f"/api/executions/{execution_id}/profile").json()
    assert profile["nodes"][0]["wait_ms"] == pytest.approx(end["wait_ms"], abs=5)
    assert sum(part["duration_ms"] for part in profile["critical_path"]) == pytest.approx(profile["wall_ms"], rel=0.01)
    seen = daemon.http.get(f"/api/executions/{execution_id}/nodes/ok").json()
    assert [log["channel"] for log in seen["logs"]] == ["approval", "answer"]


def test_an_answer_is_refused_where_it_does_not_fit(daemon, eventually):
    execution_id, question = begin(daemon, eventually, approval(schema=SCHEMA), put("z"))
    for answer, pointers in [
        ({"data": {"amount": 0}}, ["/data/amount"]), ({"data": {"why": "a"}}, ["/data", "/data/why"]),
        ({}, ["/data"]), ({"approved": 1}, ["/approved"]), ({"data": {"amount": 1}, "extra": 1}, ["/extra"]),
        ({"comment": 1}, ["/comment"]), ({"question": "3"}, ["/question"]),
    ]:
        reply = resolve(daemon, execution_id, **answer)
        assert reply.status_code == 422, (answer, reply.text)
        assert [fault["pointer"] for fault in reply.json()["errors"]] == pointers
    path = f"/api/executions/{execution_id}/nodes/ok/resolve"
    assert daemon.http.post(path, json={}).json()["errors"] == [{"pointer": "/approved", "message": "is missing"}]
    assert daemon.http.post(path, content="[", headers={"Content-Type": "application/json"}).status_code == 400
    other = resolve(daemon, execution_id, data={"amount": 1}, question=question["question"] - 1)
    assert (other.status_code, other.json()["code"]) == (409, "other_question")
    assert resolve(daemon, execution_id, "nobody").status_code == 404
    assert resolve(daemon, execution_id, "z").json()["code"] == "not_waiting"
    assert len(daemon.events(execution_id)) == 3
    assert resolve(daemon, execution_id, approved=False).status_code == 202
    assert daemon.all_events(execution_id)[-1]["final_state"]["decision"]["approved"] is False
    again = resolve(daemon, execution_id, approved=False)
    assert (again.status_code, again.json()["code"]) == (409, "not_waiting")


@pytest.mark.parametrize("config, fault", [
    ({}, "/prompt"), ({"prompt": "{{"}, "/prompt"), ({"prompt": "a", "schema": {"type": "text"}}, "/schema/type"),
    ({"prompt": "a", "schema": {"pattern": "(?=a)"}}, "/schema/pattern"), ({"prompt": "a", "deadline_ms": -1}, "/deadline_ms"),
    ({"prompt": "a", "required": 0}, "/required"), ({"prompt": "a", "on_deadline": "wait"}, "/on_deadline"),
])
def test_a_faulty_approval_is_refused_with_its_document(daemon, config, fault):
    reply = daemon.http.post("/api/graphs", json=graph([node("ok", "approval", config)]))
    assert reply.status_code == 422
    assert [each["pointer"].removeprefix("/nodes/0/config") for each in reply.json()["errors"]] in ([fault], [""])


def test_a_prompt_that_cannot_be_made_is_an_error_of_the_node(daemon):
    events = daemon.run(chain(approval(prompt="{{ state.no.thing }}"), put("z")))
    (end,) = of_node(events, "ok", "node_complete")
    assert end["status"] == "error" and end["error"].startswith("prompt: ")


def test_what_waits_survives_kills_and_stops_and_is_begun_once(new_daemon, eventually):
    daemon = new_daemon().start()
    execution_id, question = begin(daemon, eventually, approval(required=2), put("z"))
    assert resolve(daemon, execution_id).status_code == 202
    before = daemon.events(execution_id)
    daemon.kill()
    daemon.start()
    assert asked(daemon, execution_id) == [question | {"given": 1}]
    daemon.stop()
    daemon.start()
    assert daemon.events(execution_id) == before
    assert resolve(daemon, execution_id, question=question["question"]).status_code == 202
    events = daemon.all_events(execution_id)
    assert is_whole(events) and events[:len(before)] == before
    assert [event["attempt"] for event in events if event["type"] == "start"] == [1]
    assert len(of_node(events, "ok", "node_start")) == 1


def test_an_answer_that_was_taken_is_kept_whatever_happens_then(new_daemon, eventually):
    daemon = new_daemon().start()
    execution_id, _ = begin(daemon, eventually, approval(), delay("d", 60_000))
    assert resolve(daemon, execution_id, data=[1]).status_code == 202
    daemon.kill()
    daemon.start()
    assert resolve(daemon, execution_id).status_code == 409
    events = daemon.events(execution_id)
    (end,) = of_node(events, "ok", "node_complete")
    assert end["update"]["decision"]["data"] == [1]
    assert daemon.cancel(execution_id).status_code == 202


@pytest.mark.timing
@pytest.mark.parametrize("rule, status, approved", [("fail", "error", None), ("reject", "success", False), ("approve", "success", True)])
def test_a_deadline_passes_while_the_daemon_is_away(new_daemon, eventually, rule, status, approved):
    daemon = new_daemon().start()
    execution_id, question = begin(daemon, eventually, approval(deadline_ms=1500, on_deadline=rule), put("z"))
    times = [datetime.datetime.fromisoformat(question[key]) for key in ("since", "deadline")]
    assert 1.49 < (times[1] - times[0]).total_seconds() < 1.6
    daemon.kill()
    wait_until(times[1].timestamp())
    daemon.start()
    events = daemon.all_events(execution_id)
    (end,) = of_node(events, "ok", "node_complete")
    assert (end["status"], end["update"].get("decision", {}).get("approved")) == (status, approved)
    assert end["wait_ms"] > 1500
    assert [event["type"] for event in events].count("start") == 1


def test_what_waits_for_people_is_cancelled_also_after_a_crash(new_daemon, eventually):
    daemon = new_daemon().start()
    here, _ = begin(daemon, eventually, approval(), put("z"))
    there, _ = begin(daemon, eventually, approval(), put("z"))
    assert daemon.cancel(here).status_code == 202
    daemon.kill()
    daemon.start()
    assert daemon.cancel(there).status_code == 202
    for execution_id in (here, there):
        events = daemon.all_events(execution_id)
        assert (events[-1]["status"], of_node(events, "ok", "node_complete")[0]["status"]) == ("cancelled", "cancelled")
        assert resolve(daemon, execution_id).status_code == 409
    assert listed(daemon) == []


def test_waiting_for_people_takes_no_place_and_none_of_the_time(start_daemon, eventually):
    daemon = start_daemon("--set", "executions.max_running=1")
    execution_id, _ = begin(
        daemon, eventually, approval(), put("z"), limits={"timeout_ms": 500, "max_parallel_nodes": 1})
    # Another one has the place, for longer than the first may run.
    assert daemon.execute(daemon.create(graph([works("a", 0.6)])))["duration_ms"] > 500
    assert resolve(daemon, execution_id).status_code == 202
    assert daemon.all_events(execution_id)[-1]["status"] == "success"


def test_a_watcher_stays_while_the_execution_leaves_memory(daemon, eventually):
    execution_id, _ = begin(daemon, eventually, approval(), put("z"))
    with daemon.http.stream("GET", f"/api/executions/{execution_id}/events") as reply:
        lines = reply.iter_lines()
        seen = [json.loads(line[6:]) for line in (next(lines) for _ in range(11)) if line.startswith("data: ")]
        assert resolve(daemon, execution_id).status_code == 202
        seen += [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    assert seen == daemon.events(execution_id) and is_whole(seen)


def test_the_list_is_paged_in_the_order_of_executions(new_daemon, eventually):
    daemon = new_daemon().start()
    graph_id = daemon.create(graph([approval("a"), approval("b")]))
    ids = [daemon.begin(graph_id) for _ in range(3)]
    everything = eventually(lambda: len(listed(daemon)) == 6 and listed(daemon))
    assert [each["execution_id"] for each in everything] == sorted(ids * 2)
    pages, path = [], "/api/approvals?limit=4"
    while path:
        reply = daemon.http.get(path)
        pages.append(reply.json()["items"])
        path = reply.headers.get("link", "").partition("<")[2].partition(">")[0]
    assert ([len(page) for page in pages], sum(pages, [])) == ([4, 2], everything)
    assert daemon.http.get("/api/approvals?cursor=x").status_code == 400


def test_tokens_count_once_and_see_their_own(guarded, eventually):
    tokens = guarded.tokens
    document = graph([approval(required=2, exclude_starter=True), put("z")], ["ok z"])
    created = guarded.http.post("/api/graphs", json=document, headers=tokens["edit"].headers)
    assert created.status_code == 201
    execute = f"/api/graphs/{document['id']}/execute"
    second = create(guarded, "run", "--name", "second")
    started = guarded.http.post(execute, headers=tokens["run"].headers | {"Prefer": "respond-async"})
    execution_id = started.json()["execution_id"]
    eventually(lambda: asked(guarded, execution_id, headers=tokens["read"].headers))
    assert asked(guarded, execution_id, headers=guarded.mine_only.headers) == []
    assert resolve(guarded, execution_id, headers=guarded.mine_only.headers).status_code == 404
    assert resolve(guarded, execution_id, headers=tokens["read"].headers).status_code == 403
    starter = resolve(guarded, execution_id, headers=tokens["run"].headers)
    assert (starter.status_code, starter.json()["code"]) == (403, "starter_excluded")
    assert resolve(guarded, execution_id, headers=second.headers).status_code == 202
    twice = resolve(guarded, execution_id, headers=second.headers)
    assert (twice.status_code, twice.json()["code"]) == (409, "already_answered")
    assert resolve(guarded, execution_id, headers=tokens["admin"].headers).status_code == 202
    node_path = f"/api/executions/{execution_id}/nodes/ok"
    update = eventually(lambda: guarded.http.get(node_path, headers=tokens["read"].headers).json()["update"])
    decision = update["decision"]
    assert (decision["by"], decision["approved"]) == ("admin", True)


def test_without_tokens_nobody_can_be_excluded(daemon):
    graph_id = daemon.create(graph([approval(exclude_starter=True)]))
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute")
    assert (reply.status_code, reply.json()["code"]) == (422, "starter_unknown")


def test_an_approval_within_another_graph_is_answered_by_its_path(new_daemon, eventually):
    daemon = new_daemon().start()
    inner = daemon.create(chain(approval(schema=SCHEMA), put("z", x=1)))
    outer = daemon.create(chain(node("sub", "graph", {"graph": inner, "into": "inner"}), put("end", y=2)))
    execution_id = daemon.begin(outer)
    (question,) = eventually(lambda: asked(daemon, execution_id))
    assert (question["path"], question["graph_id"], question["schema"]) == (["sub"], outer, SCHEMA)
    daemon.kill()
    daemon.start()
    eventually(lambda: asked(daemon, execution_id) == [question])
    path = f"/api/executions/{execution_id}/nodes/ok/resolve"
    answer = {"approved": True, "data": {"amount": 3}, "question": question["question"]}
    assert daemon.http.post(path, json=answer).status_code == 404
    assert daemon.http.post(path, json=answer, params={"path": "other"}).json()["code"] == "not_waiting"
    misfit = daemon.http.post(path, json=answer | {"data": {"amount": 0}}, params={"path": "sub"})
    assert [fault["pointer"] for fault in misfit.json()["errors"]] == ["/data/amount"]
    assert daemon.http.post(path, json=answer, params={"path": "sub"}).status_code == 202
    events = daemon.all_events(execution_id)
    assert is_whole(events) and events[-1]["status"] == "success"
    assert len(of_node(events, "ok", "node_start")) == 1
    assert [event["path"] for event in of_node(events, "ok")] == [["sub"]] * 4
    assert events[-1]["final_state"]["inner"]["decision"]["data"] == {"amount": 3}

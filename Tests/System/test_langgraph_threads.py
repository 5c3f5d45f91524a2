"""Threads of graphs of LangGraph: an execution begins with what the one before has left, with the real daemon."""

import sys

from agents import ASKING, COUNTING_UP, SLOW, agents, inner, run
from cli import millrace
from graphs import graph, put
from stream import is_whole

ENVIRONMENT = {"MILLRACE_KINDS_PYTHON_INTERPRETER": sys.executable}


def execute(daemon, graph_id, state, thread, status="success"):
    body = {"initial_state": state, "thread": thread}
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute", json=body)
    assert reply.status_code == 200 and reply.json()["status"] == status, reply.text
    return reply.json()


def begin(daemon, graph_id, state, thread):
    body = {"initial_state": state, "thread": thread}
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute", json=body, headers={"Prefer": "respond-async"})
    assert reply.status_code == 202, reply.text
    return reply.json()["execution_id"]


def test_a_thread_goes_on_where_its_last_execution_has_ended(agents):
    daemon = agents(count=COUNTING_UP)
    first = execute(daemon, "count", {"said": ["a"]}, "t 1")
    assert first["final_state"] == {"said": ["a", "1: a"], "n": 1, "thread": "t 1"} and first["thread"] == "t 1"
    daemon.kill()
    daemon.start(environment=ENVIRONMENT)
    second = execute(daemon, "count", {"said": ["b"]}, "t 1")
    assert second["final_state"] == {"said": ["a", "1: a", "b", "2: b"], "n": 2, "thread": "t 1"}
    # Steps are counted as LangGraph counts them.
    events = daemon.all_events(second["execution_id"])
    assert [event["path"] for event in inner(events, "node_start")] == [["graph", 4]]
    assert execute(daemon, "count", {"said": ["c"]}, "other")["final_state"]["n"] == 1
    alone = run(daemon, "count", {"said": ["d"]})[-1]["final_state"]
    assert alone["n"] == 1 and alone["said"] == ["d", "1: d"]


def test_threads_are_listed_shown_and_deleted(agents):
    daemon = agents(count=COUNTING_UP)
    ids = {name: execute(daemon, "count", {"said": []}, name)["execution_id"] for name in ("b", "a/ü", "c")}
    listed = daemon.http.get("/api/graphs/count/threads", params={"limit": 2}).json()
    assert [thread["thread"] for thread in listed["items"]] == ["a/ü", "b"]
    rest = daemon.http.get("/api/graphs/count/threads", params={"limit": 2, "cursor": listed["next_cursor"]}).json()
    assert [thread["thread"] for thread in rest["items"]] == ["c"] and rest["next_cursor"] is None
    path = "/api/graphs/count/threads/a%2F%C3%BC"
    shown = daemon.http.get(path).json()
    assert (shown["thread"], shown["execution_id"], shown["running"]) == ("a/ü", ids["a/ü"], None)
    assert shown["values"]["graph"]["n"] == 1 and shown["bytes"] > 0
    assert daemon.http.delete(path).status_code == 204
    assert [daemon.http.request(method, path).status_code for method in ("GET", "DELETE")] == [404, 404]
    assert execute(daemon, "count", {"said": []}, "a/ü")["final_state"]["n"] == 1
    assert daemon.http.get("/api/graphs/none/threads/t").json()["code"] == "unknown_graph"


def test_a_thread_goes_with_its_graph(agents):
    daemon = agents(count=COUNTING_UP)
    execute(daemon, "count", {"said": []}, "t")
    document = daemon.http.get("/api/graphs/count").json()
    assert daemon.http.delete("/api/graphs/count").status_code == 204
    document = {key: document[key] for key in ("id", "nodes", "edges")}
    assert daemon.http.put("/api/graphs/count", json=document).is_success
    assert daemon.http.get("/api/graphs/count/threads").json()["items"] == []


def test_of_a_thread_one_execution_runs_at_a_time(agents, eventually):
    daemon = agents(slow=SLOW)
    state = {"folder": str(daemon.graphs), "log": []}
    first, second = begin(daemon, "slow", state, "t"), begin(daemon, "slow", state, "t")
    eventually(lambda: (daemon.graphs / "a").exists())
    assert daemon.summary(second)["status"] == "queued"
    busy = daemon.http.delete("/api/graphs/slow/threads/t")
    assert (busy.status_code, busy.json()["code"]) == (409, "thread_busy") and first in busy.json()["detail"]
    cancelled = begin(daemon, "slow", state, "t")
    assert daemon.cancel(cancelled).status_code == 202
    assert daemon.all_events(cancelled)[-1]["status"] == "cancelled"
    for name in "abc":
        (daemon.graphs / f"go {name}").touch()
    ends = [daemon.all_events(id)[-1] for id in (first, second)]
    assert [end["final_state"]["log"] for end in ends] == [["a", "b", "c"], ["a", "b", "c"] * 2]
    assert daemon.http.get("/api/graphs/slow/threads/t").json()["execution_id"] == second


def test_what_waits_for_its_thread_waits_on_after_a_kill(agents, eventually):
    daemon = agents(slow=SLOW)
    state = {"folder": str(daemon.graphs), "log": []}
    first, second = begin(daemon, "slow", state, "t"), begin(daemon, "slow", state, "t")
    (daemon.graphs / "go a").touch()
    eventually(lambda: any(event["type"] == "node_start" and event["node_id"] == "b" for event in daemon.events(first)))
    daemon.kill()
    daemon.start(environment=ENVIRONMENT)
    eventually(lambda: len((daemon.graphs / "b").read_text()) == 2)
    assert daemon.summary(second)["status"] == "queued"
    for name in "bc":
        (daemon.graphs / f"go {name}").touch()
    ends = [daemon.all_events(id) for id in (first, second)]
    assert [events[-1]["final_state"]["log"] for events in ends] == [["a", "b", "c"], ["a", "b", "c"] * 2]
    assert all(map(is_whole, ends))


def test_a_thread_is_kept_by_an_execution_that_fails_and_by_one_that_asks(agents, eventually):
    daemon = agents(slow=SLOW, asking=ASKING.replace('("twice", "once", "sub")', '("once",)'))
    for name in ("go a", "go b", "go c", "break c"):
        (daemon.graphs / name).touch()
    state = {"folder": str(daemon.graphs), "log": []}
    execute(daemon, "slow", state, "t", status="error")
    (daemon.graphs / "break c").unlink()
    # What had ended before the failure is in the state; the input begins a new turn.
    assert execute(daemon, "slow", state, "t")["final_state"]["log"] == ["a", "b", "a", "b", "c"]

    id = begin(daemon, "asking", {"log": ["x"]}, "t")
    eventually(lambda: daemon.http.get("/api/approvals").json()["items"])
    daemon.kill()
    daemon.start(environment=ENVIRONMENT)
    later = begin(daemon, "asking", {"log": ["y"]}, "t")
    assert daemon.summary(later)["status"] == "queued"
    for execution_id in (id, later):
        query = {"params": {"path": "graph,1"}} if execution_id == id else {}
        (item,) = eventually(lambda: [
            item for item in daemon.http.get("/api/approvals").json()["items"] if item["execution_id"] == execution_id])
        query = {"path": ",".join(map(str, item["path"]))}
        path = f"/api/executions/{execution_id}/nodes/once/resolve"
        assert daemon.http.post(path, params=query, json={"approved": True, "data": 7}).status_code == 202
        events = daemon.all_events(execution_id)
    assert events[-1]["final_state"]["log"] == ["x", 7, "y", 7]


def test_a_thread_that_cannot_be_is_refused(agents):
    daemon = agents(count=COUNTING_UP)
    plain = daemon.create(graph([put("a")]))
    for graph_id, thread in [("count", ""), ("count", 7), ("count", "a\n"), ("count", "x" * 201), (plain, "t")]:
        reply = daemon.http.post(f"/api/graphs/{graph_id}/execute", json={"thread": thread})
        assert reply.status_code == 422, (thread, reply.text)
        assert [fault["pointer"] for fault in reply.json()["errors"]] == ["/thread"]


def test_the_command_line_names_a_thread(agents):
    daemon = agents(count=COUNTING_UP)
    for n in (1, 2):
        done = millrace("run", "count", "--server", daemon.url, "--thread", "t", "--state", '{"said": []}', "--json")
        assert done.returncode == 0 and f'"n":{n}' in done.stdout.splitlines()[-1]

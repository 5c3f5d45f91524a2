"""What has been decided is in the log: conditions are judged once, and neither a rerun nor a restart asks anew."""

import time

import pytest

from graphs import chain, delay, fails, graph, lua, never_ends, put, works
from stream import is_whole, of_node, outline

# Nearly all of the 100 ms that one condition may take, whatever machine this is.
ENDLESS = "(function() while true do end end)()"


def statuses(events):
    """By node, how it ended for good."""
    return {event["node_id"]: event["status"] for event in events if event["type"] == "node_complete" and not event.get("will_retry")}


def started(events):
    return {event["node_id"] for event in events if event["type"] == "node_start"}


def rerun(daemon, execution_id, **order):
    reply = daemon.http.post(f"/api/executions/{execution_id}/rerun", json=order)
    assert reply.status_code == 202, reply.text
    return reply.json()["execution_id"]


def first_run(daemon, document, initial_state=None):
    return daemon.execute(daemon.create(document), initial_state)["execution_id"]


# --- Conditions ---


def heavy(edges, **members):
    return graph([put("a", x=1), *(put(f"t{number}") for number in range(edges))], [(f"a t{number}", ENDLESS) for number in range(edges)], **members)


def test_conditions_of_one_node_share_a_budget_and_their_failures_name_the_edge(daemon):
    events = daemon.run(heavy(40))
    assert is_whole(events)
    (source,) = of_node(events, "a", "node_complete")
    assert (source["status"], source["taken"]) == ("success", [])
    errors = [of_node(events, f"t{number}", "node_complete")[0] for number in range(40)]
    assert all(error["status"] == "error" and f"a → t{number}" in error["error"] for number, error in enumerate(errors))
    assert "together" in errors[-1]["error"] and "together" not in errors[0]["error"]
    assert events[-1]["status"] == "error" and len(events[-1]["failed_nodes"]) == 40
    assert started(events) == {"a"}


def test_an_execution_whose_conditions_run_can_be_cancelled(daemon, eventually):
    execution_id = daemon.begin(daemon.create(heavy(150)))
    eventually(lambda: of_node(daemon.events(execution_id), "a", "node_start"))
    assert daemon.cancel(execution_id).status_code == 202
    events = daemon.all_events(execution_id)
    assert events[-1]["status"] == "cancelled"
    assert statuses(events) in ({"a": "cancelled"}, {"a": "success"})


def test_an_execution_whose_conditions_run_obeys_its_timeout(daemon):
    events = daemon.run(heavy(150, limits={"timeout_ms": 300}))
    assert events[-1]["type"] == "error" and "timeout_ms" in events[-1]["error"]
    assert statuses(events) == {"a": "cancelled"}


@pytest.mark.timing
def test_others_are_served_while_conditions_run(daemon):
    """Several executions with conditions that take all they may, more of them than the daemon has threads."""
    graph_id = daemon.create(heavy(150))
    other = daemon.create(graph([put("a", x=1)]))
    culprits = [daemon.begin(graph_id) for _ in range(6)]
    began = time.monotonic()
    assert daemon.execute(other)["status"] == "success"
    assert daemon.http.get("/api/executions").status_code == 200
    for culprit in culprits:
        assert daemon.cancel(culprit).status_code in (202, 409)
    # A daemon whose threads were held would need all the seconds that the conditions of all six take.
    assert time.monotonic() - began < 4


def test_a_condition_sees_skipped_ancestors_too(daemon):
    edges = [("a sk", "false"), "a j", "sk j", ("j t", "nodes.sk.status == 'skipped' and next(nodes.sk.update) == nil and nodes.a.status == 'success'")]
    events = daemon.run(graph([put("a", x=1), put("sk"), put("j"), put("t")], edges))
    assert statuses(events) == {"a": "success", "sk": "skipped", "j": "success", "t": "success"}


def test_a_target_of_two_edges_is_told_once(daemon):
    events = daemon.run(graph([put("a"), put("b"), put("c")], ["a b", ("a b", "true"), "a c"]))
    assert of_node(events, "a", "node_complete")[0]["taken"] == ["b", "c"]


# --- Restarts ---


@pytest.mark.parametrize("when, taken", [("true", ["t"]), ("false", []), ("error('no')", []), (ENDLESS, [])])
def test_what_a_condition_came_to_holds_after_a_crash(new_daemon, eventually, when, taken):
    daemon = new_daemon().start()
    document = graph([put("a"), delay("hold", 1500), put("t")], [("a t", when), "hold t"])
    execution_id = daemon.begin(daemon.create(document))
    eventually(lambda: of_node(daemon.events(execution_id), "a", "node_complete"))
    daemon.kill()
    daemon.start()
    events = daemon.all_events(execution_id)
    assert of_node(events, "a", "node_complete")[0]["taken"] == taken
    assert len(of_node(events, "a", "node_start")) == 1
    end = of_node(events, "t", "node_complete")[-1]
    # What is taken from hold decides about t where a's edge was merely not taken.
    failed = when not in ("true", "false")
    assert end["status"] == ("error" if failed else "success")
    if failed:
        assert "a → t" in end["error"] and "t" not in started(events)


# --- Reruns ---


def test_a_rerun_takes_over_edges_and_skipped_nodes(daemon):
    document = graph(
        [put("fetch", v=1), put("ok"), put("alarm"), put("last")],
        [("fetch ok", "nodes.fetch.status == 'success'"), ("fetch alarm", "nodes.fetch.status ~= 'success'"), "ok last", "alarm last"],
    )
    execution_id = first_run(daemon, document)
    events = daemon.all_events(rerun(daemon, execution_id, from_node="last"))
    assert statuses(events) == {"fetch": "cached", "ok": "cached", "alarm": "skipped", "last": "success"}
    assert started(events) == {"last"}
    again = daemon.all_events(rerun(daemon, events[0]["execution_id"], from_node="ok"))
    assert statuses(again) == {"fetch": "cached", "ok": "success", "alarm": "skipped", "last": "success"}


def test_an_edited_state_decides_nothing_above_the_node(daemon):
    document = graph(
        [put("s"), put("a", took="a"), put("b", took="b"), lua("last", "return {saw = state.mode}")],
        [("s a", "state.mode == 'a'"), ("s b", "state.mode == 'b'"), "a last", "b last"], initial_state={"mode": "a"},
    )
    execution_id = first_run(daemon, document)
    events = daemon.all_events(rerun(daemon, execution_id, from_node="last", state={"mode": "b"}))
    assert started(events) == {"last"}
    assert events[-1]["final_state"] == {"mode": "b", "took": "a", "saw": "b"}


def test_a_failure_elsewhere_is_taken_over_with_its_error_and_its_edges(daemon):
    document = graph([fails("bad", "broken"), put("after", y=1), put("good"), put("x")], ["bad after", "good x"])
    execution_id = first_run(daemon, document)
    events = daemon.all_events(rerun(daemon, execution_id, from_node="x"))
    assert started(events) == {"x"}
    (bad,) = of_node(events, "bad", "node_complete")
    assert (bad["status"], bad["taken"], bad["attempt"]) == ("cached", ["after"], 0) and "broken" in bad["error"]
    assert (events[-1]["status"], events[-1]["failed_nodes"]) == ("error", ["bad"])
    # Also from one rerun to the next.
    again = daemon.all_events(rerun(daemon, events[0]["execution_id"], from_node=["x"]))
    assert again[-1]["failed_nodes"] == ["bad"] and started(again) == {"x"}


def test_a_rerun_begins_with_what_failed(daemon):
    document = graph([fails("p"), put("q", v=1), fails("r"), put("s")], ["p s", "q s"])
    execution_id = first_run(daemon, document)
    events = daemon.all_events(rerun(daemon, execution_id, from_node="failed"))
    assert started(events) == {"p", "r", "s"}
    assert statuses(events)["q"] == "cached"
    both = daemon.all_events(rerun(daemon, execution_id, from_node=["p", "q"]))
    assert started(both) == {"p", "q", "s"} and statuses(both)["r"] == "cached"


def test_a_taken_over_failure_is_known_to_conditions_by_its_first_status(daemon):
    document = graph([fails("bad"), put("m"), put("t")], ["bad m", ("m t", "nodes.bad.status == 'error'")])
    execution_id = first_run(daemon, document)
    events = daemon.all_events(rerun(daemon, execution_id, from_node="m"))
    assert statuses(events) == {"bad": "cached", "m": "success", "t": "success"}


def test_a_node_that_is_new_in_a_revision_runs(daemon):
    document = chain(put("a", x=1), put("b", y=1))
    execution_id = first_run(daemon, document)
    document["nodes"].append(lua("c", "return {z = state.x}"))
    document["edges"].append({"from": "a", "to": "c", "when": "state.x == 1"})
    assert daemon.http.put(f"/api/graphs/{document['id']}", json=document).status_code == 200
    events = daemon.all_events(rerun(daemon, execution_id, from_node="b", revision=2))
    assert statuses(events) == {"a": "cached", "b": "success", "c": "success"}
    assert sorted(of_node(events, "a", "node_complete")[0]["taken"]) == ["b", "c"]


@pytest.mark.parametrize(
    "order, pointer",
    [
        ({"from_node": []}, "/from_node"),
        ({"from_node": ["a", "nobody"]}, "/from_node/1"),
        ({"from_node": ["a", 1]}, "/from_node/1"),
        ({"from_node": "failed"}, "/from_node"),
        ({"from_node": "a", "items": "failed"}, "/items"),
        ({"from_node": "a", "path": ["a", 3]}, "/path"),
        ({"from_node": "a", "state": {"log": 1}}, "/state/log"),
    ],
)
def test_a_rerun_that_makes_no_sense_is_refused(daemon, order, pointer):
    execution_id = first_run(daemon, graph([put("a", x=1)], reducers={"log": "append"}))
    reply = daemon.http.post(f"/api/executions/{execution_id}/rerun", json=order)
    assert reply.status_code == 422
    assert [each["pointer"] for each in reply.json()["errors"]] == [pointer]


def test_a_rerun_that_waits_in_the_queue_keeps_where_it_begins(new_daemon):
    daemon = new_daemon().start("--set", "executions.max_running=1")
    execution_id = first_run(daemon, graph([fails("p"), put("q"), fails("r")]))
    blocker = daemon.begin(daemon.create(graph([works("a", 1.5)])))
    again = [rerun(daemon, execution_id, from_node=start) for start in ("failed", ["p", "q"])]
    daemon.kill()
    daemon.start("--set", "executions.max_running=1")
    assert [started(daemon.all_events(each)) for each in again] == [{"p", "r"}, {"p", "q"}]
    assert outline(daemon.all_events(blocker))[-1] == "complete"

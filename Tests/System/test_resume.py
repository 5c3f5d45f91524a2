"""Nothing is lost: what a killed or stopped daemon leaves is taken up by the next one."""

import json
import os
import signal

import httpx
import pytest

from graphs import chain, delay, fails, graph, lua, never_ends, node, process, put, python, works
from stream import is_whole, of_node, outline


def await_event(daemon, execution_id, **wanted):
    """Reads the execution's stream until an event with these members has come."""
    with daemon.http.stream("GET", f"/api/executions/{execution_id}/events") as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                event = json.loads(line[6:])
                if all(event.get(key) == value for key, value in wanted.items()):
                    return event
    raise AssertionError(f"no event with {wanted}")


def crash_while_running(daemon, document, node_id, **options):
    """Starts an execution, kills the daemon once that node has started, and starts the next daemon."""
    execution_id = daemon.begin(daemon.create(document))
    await_event(daemon, execution_id, type="node_start", node_id=node_id)
    daemon.kill()
    daemon.start(**options)
    return execution_id


def crash_once_traced(daemon, document, traces, eventually):
    """The same, once the node has left its trace."""
    execution_id = daemon.begin(daemon.create(document))
    eventually(lambda: traces.exists() and traces.read_text().endswith("\n"))
    daemon.kill()
    daemon.start()
    return execution_id


@pytest.fixture
def traces(tmp_path):
    """A file for what nodes leave behind, in a folder that they may write to: none that holds the daemon's state."""
    folder = tmp_path / "traces"
    folder.mkdir()
    return folder / "lines"


def test_finished_nodes_keep_their_results_and_interrupted_ones_run_again(new_daemon):
    daemon = new_daemon().start()
    document = chain(put("a", x=1), python("b", "import time; time.sleep(1)"), lua("c", "return {y = state.x + 1}"))
    execution_id = crash_while_running(daemon, document, "b")
    events = daemon.all_events(execution_id)
    assert is_whole(events)
    assert outline(events) == ["start", "a>", "a:success", "b>", "start", "b>", "b:success", "c>", "c:success", "complete"]
    assert [event["attempt"] for event in events if event["type"] == "start"] == [1, 2]
    assert [event["attempt"] for event in of_node(events, "b")] == [1, 2, 2]
    assert events[-1]["final_state"] == {"x": 1, "y": 2}
    summary = daemon.summary(execution_id)
    assert (summary["status"], summary["attempt"], summary["last_seq"]) == ("success", 2, len(events))


def test_a_watcher_resumes_by_last_event_id_across_the_crash(new_daemon):
    daemon = new_daemon().start()
    execution_id = daemon.begin(daemon.create(chain(put("a", x=1), delay("b", 1500), put("c", z=1))))
    seen = await_event(daemon, execution_id, type="node_start", node_id="b")["seq"]
    daemon.kill()
    daemon.start()
    reply = daemon.http.get(f"/api/executions/{execution_id}/events", headers={"Last-Event-ID": str(seen)})
    blocks = [block for block in reply.content.split(b"\n\n")[1:] if block.startswith(b"id: ")]
    assert [int(block.split(b"\n")[0][4:]) for block in blocks] == list(range(seen + 1, seen + len(blocks) + 1))
    assert b"".join(block + b"\n\n" for block in blocks) in daemon.stream(execution_id).body


def test_a_node_that_is_not_idempotent_ends_in_error_and_does_not_run_twice(new_daemon, traces, eventually):
    daemon = new_daemon().start()
    once = process("b", "sh", "-c", f"echo run >> {traces}; sleep 60", idempotent=False)
    execution_id = crash_once_traced(daemon, chain(put("a", x=1), once, put("c", y=1)), traces, eventually)
    events = daemon.all_events(execution_id)
    assert is_whole(events)
    (end,) = of_node(events, "b", "node_complete")
    assert (end["status"], end["attempt"]) == ("error", 1) and "idempotent" in end["error"]
    assert of_node(events, "c", "node_complete")[0]["status"] == "success"
    assert traces.read_text() == "run\n"


def test_an_execution_whose_graph_says_so_fails_instead(new_daemon):
    daemon = new_daemon().start()
    execution_id = crash_while_running(daemon, graph([never_ends("a")], on_restart="fail"), "a")
    events = daemon.all_events(execution_id)
    assert is_whole(events) and outline(events) == ["start", "a>", "start", "error"]
    assert "on_restart" in events[-1]["error"]
    assert daemon.summary(execution_id)["status"] == "failed"


def test_interrupted_attempts_do_not_count_as_tries(new_daemon):
    daemon = new_daemon().start()
    flaky = lua("b", "error('no')", retry={"max_attempts": 2, "delay_ms": 0})
    execution_id = crash_while_running(daemon, graph([delay("a", 1500), flaky], ["a b"]), "a")
    events = daemon.all_events(execution_id)
    assert [(event["attempt"], event.get("will_retry", False)) for event in of_node(events, "b", "node_complete")] == [
        (1, True),
        (2, False),
    ]


def test_the_keys_for_side_effects_stay_the_same_across_attempts(new_daemon, traces, eventually):
    daemon = new_daemon().start()
    script = f'echo "$MILLRACE_IDEMPOTENCY_KEY" >> {traces}; [ "$MILLRACE_ATTEMPT" = 2 ] || sleep 60'
    execution_id = crash_once_traced(daemon, graph([process("a", "sh", "-c", script)]), traces, eventually)
    assert is_whole(daemon.all_events(execution_id))
    first, second = traces.read_text().splitlines()
    assert first == second == f"{execution_id}/a"


def test_python_nodes_see_the_same_key(daemon):
    code = "import os, millrace\n    return {'key': millrace.idempotency_key()}"
    events = daemon.run(graph([python("a", f"    {code}")]))
    assert events[-1]["final_state"] == {"key": f"{events[0]['execution_id']}/a"}


def test_children_of_a_killed_daemon_end_with_it_grandchildren_included(new_daemon, traces, eventually):
    daemon, pids = new_daemon().start(), traces
    script = f"sleep 300 & setsid sleep 300 & echo $$ $! >> {pids}; pgrep -s 0 >/dev/null; wait"
    execution_id = daemon.begin(daemon.create(graph([process("a", "sh", "-c", script)])))
    await_event(daemon, execution_id, type="node_start", node_id="a")
    eventually(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    os.kill(daemon.process.pid, signal.SIGKILL)
    daemon.process.wait()
    for pid in map(int, pids.read_text().split()):
        eventually(lambda: not is_alive(pid))


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter when it ends between the two calls
        return False


def test_a_cancel_that_was_answered_holds_across_a_crash(new_daemon):
    daemon = new_daemon().start()
    stubborn = process("a", "sh", "-c", "trap '' TERM; while :; do sleep 1; done")
    execution_id = daemon.begin(daemon.create(chain(stubborn, put("b", x=1))))
    await_event(daemon, execution_id, type="node_start", node_id="a")
    assert daemon.cancel(execution_id).status_code == 202
    daemon.kill()
    daemon.start()
    events = daemon.all_events(execution_id)
    assert is_whole(events) and events[-1]["status"] == "cancelled"
    assert not of_node(events, "b")


def test_queued_executions_keep_their_place_and_their_initial_state(new_daemon):
    daemon = new_daemon().start("--set", "executions.max_running=1")
    first = daemon.begin(daemon.create(graph([works("a", 1.5)])))
    await_event(daemon, first, type="node_start", node_id="a")
    echo = daemon.create(graph([lua("a", "return {seen = state.n}")]))
    queued = [daemon.begin(echo, {"n": number}) for number in range(3)]
    assert [daemon.summary(each)["status"] for each in queued] == ["queued"] * 3
    daemon.kill()
    daemon.start("--set", "executions.max_running=1")
    for number, each in enumerate(queued):
        events = daemon.all_events(each)
        assert is_whole(events) and events[-1]["final_state"] == {"n": number, "seen": number}
    starts = [daemon.events(each)[0]["timestamp"] for each in queued]
    assert starts == sorted(starts)


def test_an_execution_keeps_the_revision_that_it_started_with(new_daemon):
    daemon = new_daemon().start()
    document = chain(delay("a", 1500), put("b", version=1))
    execution_id = daemon.begin(daemon.create(document))
    await_event(daemon, execution_id, type="node_start", node_id="a")
    document["nodes"][1]["config"]["values"]["version"] = 2
    assert daemon.http.put(f"/api/graphs/{document['id']}", json=document).status_code == 200
    daemon.kill()
    daemon.start()
    assert daemon.all_events(execution_id)[-1]["final_state"] == {"version": 1}


def test_a_condition_that_failed_before_the_crash_still_ends_its_target(new_daemon):
    daemon = new_daemon().start()
    document = graph([put("a", x=1), delay("slow", 1500), put("t", y=1)], [("a t", "state.x.y.z > 1"), "slow t"])
    execution_id = crash_while_running(daemon, document, "slow")
    events = daemon.all_events(execution_id)
    assert is_whole(events)
    (end,) = of_node(events, "t")
    assert end["status"] == "error" and "a → t" in end["error"]


def test_stopping_interrupts_what_takes_too_long_and_the_next_daemon_goes_on(new_daemon):
    daemon = new_daemon().start("--set", "executions.drain_ms=100")
    document = chain(put("a", x=1), python("b", "import time; time.sleep(1.2)"), put("c", y=1))
    execution_id = daemon.begin(daemon.create(document))
    await_event(daemon, execution_id, type="node_start", node_id="b")
    assert daemon.stop() == 0
    daemon.start()
    events = daemon.all_events(execution_id)
    assert is_whole(events)
    assert outline(events) == ["start", "a>", "a:success", "b>", "start", "b>", "b:success", "c>", "c:success", "complete"]


def test_every_watcher_has_every_event_once_however_often_the_daemon_is_killed(new_daemon):
    """Each watcher keeps a ledger of what it saw, and comes back with the last id that it has."""
    daemon = new_daemon().start()
    nodes = [node(f"n{index}", "delay", {"duration_ms": 40}) for index in range(12)]
    graph_id = daemon.create(chain(*nodes))
    ids = [daemon.begin(graph_id) for _ in range(10)]
    ledgers = {each: [] for each in ids}
    for round in range(8):
        for each, ledger in ledgers.items():
            read_some(daemon, each, ledger, count=round % 4 + 1)
        daemon.kill()
        daemon.start()
    for each, ledger in ledgers.items():
        read_some(daemon, each, ledger)
        assert is_whole(ledger)
        assert ledger == daemon.events(each)
        seen = [event["node_id"] for event in ledger if event["type"] == "node_complete"]
        assert len(seen) == len(set(seen)) == 12


def read_some(daemon, execution_id, ledger, count=None):
    """Reads on from where the ledger ends: so many events, or all that come."""
    last = ledger[-1]["seq"] if ledger else 0
    with daemon.http.stream(
        "GET", f"/api/executions/{execution_id}/events", headers={"Last-Event-ID": str(last)}
    ) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                ledger.append(json.loads(line[6:]))
                if count is not None and len(ledger) >= last + count:
                    return


# --- Running again ---


def rerun(daemon, execution_id, **order):
    reply = daemon.http.post(f"/api/executions/{execution_id}/rerun", json=order)
    assert reply.status_code == 202, reply.text
    assert reply.headers["location"] == f"/api/executions/{reply.json()['execution_id']}"
    assert reply.json()["rerun_of"] == execution_id
    return reply.json()["execution_id"]


def diamond():
    nodes = [put("a", x=1), lua("b", "return {b = state.x}"), lua("c", "return {c = state.x}"), lua("d", "return {d = state.b + state.c}")]
    return graph(nodes, ["a b", "a c", "b d", "c d"])


def test_a_rerun_takes_over_all_but_the_node_and_what_comes_after_it(daemon):
    execution_id = daemon.execute(daemon.create(diamond()))["execution_id"]
    before = daemon.events(execution_id)
    events = daemon.all_events(rerun(daemon, execution_id, from_node="b"))
    assert is_whole(events)
    assert outline(events) == ["start", "a:cached", "c:cached", "b>", "b:success", "d>", "d:success", "complete"]
    assert events[-1]["final_state"] == before[-1]["final_state"]
    (cached,) = of_node(events, "a")
    assert (cached["update"], cached["taken"], cached["attempt"]) == ({"x": 1}, ["b", "c"], 0)


def test_a_rerun_without_a_node_runs_everything_with_the_edited_state(daemon):
    graph_id = daemon.create(graph([lua("a", "return {y = state.x * 2}")], initial_state={"x": 1}))
    execution_id = daemon.execute(graph_id)["execution_id"]
    events = daemon.all_events(rerun(daemon, execution_id, state={"x": 21}))
    assert events[-1]["final_state"] == {"x": 21, "y": 42}


def test_an_edited_state_holds_against_what_the_ancestors_wrote(daemon):
    execution_id = daemon.execute(daemon.create(diamond()))["execution_id"]
    events = daemon.all_events(rerun(daemon, execution_id, from_node="d", state={"b": 40}))
    (start,) = of_node(events, "d", "node_start")
    assert start["input_state"]["b"] == 40
    assert events[-1]["final_state"]["d"] == 41


def test_a_rerun_may_take_a_newer_revision(daemon):
    document = diamond()
    execution_id = daemon.execute(daemon.create(document))["execution_id"]
    document["nodes"][3]["config"]["code"] = "return {d = 'new'}"
    assert daemon.http.put(f"/api/graphs/{document['id']}", json=document).status_code == 200
    events = daemon.all_events(rerun(daemon, execution_id, from_node="d", revision=2))
    assert events[0]["graph_revision"] == 2 and events[-1]["final_state"]["d"] == "new"
    assert outline(events)[1:4] == ["a:cached", "b:cached", "c:cached"]


def test_a_failure_that_is_not_named_is_taken_over_by_a_rerun(daemon):
    execution_id = daemon.execute(daemon.create(graph([fails("bad"), put("a", x=1), put("b", y=1)], ["a b"])))["execution_id"]
    events = daemon.all_events(rerun(daemon, execution_id, from_node="b"))
    assert of_node(events, "a")[0]["status"] == "cached"
    assert [event["status"] for event in of_node(events, "bad")] == ["cached"]


@pytest.mark.parametrize(
    "order, status, pointer",
    [
        ({"from_node": "nobody"}, 422, "/from_node"),
        ({"from_node": 1}, 422, "/from_node"),
        ({"state": []}, 422, "/state"),
        ({"revision": 0}, 422, "/revision"),
        ({"other": 1}, 422, "/other"),
        ({"revision": 99}, 404, None),
    ],
)
def test_a_rerun_that_cannot_be_is_refused(daemon, order, status, pointer):
    execution_id = daemon.execute(daemon.create(graph([put("a", x=1)])))["execution_id"]
    reply = daemon.http.post(f"/api/executions/{execution_id}/rerun", json=order)
    assert reply.status_code == status
    if pointer:
        assert [each["pointer"] for each in reply.json()["errors"]] == [pointer]


def test_a_rerun_of_what_still_runs_is_refused(daemon):
    execution_id = daemon.begin(daemon.create(graph([never_ends("a")])))
    reply = daemon.http.post(f"/api/executions/{execution_id}/rerun", json={})
    assert (reply.status_code, reply.json()["code"]) == (409, "execution_running")
    daemon.cancel(execution_id)


def test_a_queued_rerun_survives_a_crash(new_daemon):
    daemon = new_daemon().start("--set", "executions.max_running=1")
    execution_id = daemon.execute(daemon.create(diamond()))["execution_id"]
    blocker = daemon.begin(daemon.create(graph([works("a", 1.5)])))
    await_event(daemon, blocker, type="node_start", node_id="a")
    again = rerun(daemon, execution_id, from_node="d", state={"b": 40})
    assert daemon.summary(again)["status"] == "queued"
    daemon.kill()
    daemon.start("--set", "executions.max_running=1")
    events = daemon.all_events(again)
    assert outline(events) == ["start", "a:cached", "b:cached", "c:cached", "d>", "d:success", "complete"]
    assert events[-1]["final_state"]["d"] == 41

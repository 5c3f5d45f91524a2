"""Waits have a time that counts from their start, in the log: no restart begins them anew."""

import datetime
import time

import pytest

from graphs import chain, delay, fails, graph, lua, never_ends, node, process, put
from stream import is_whole, of_node, outline


def at(event):
    return datetime.datetime.fromisoformat(event["timestamp"]).timestamp()


def wait_until(moment):
    """Until the clock shows it, which is what is tested: nothing else tells that this time has passed."""
    while (left := moment - time.time()) > 0:
        time.sleep(left)


def between(first, second):
    """Seconds."""
    return at(second) - at(first)


def restart(daemon):
    """Kills it and starts it again. Gives the time before which nothing can have begun anew."""
    daemon.kill()
    moment = time.time()
    daemon.start()
    return moment


@pytest.mark.timing
def test_a_delay_goes_on_across_restarts(new_daemon, eventually):
    daemon = new_daemon().start()
    execution_id = daemon.begin(daemon.create(chain(delay("d", 9000), put("z"))))
    [started] = eventually(lambda: of_node(daemon.events(execution_id), "d", "node_start"))
    for seconds in (1, 2):
        wait_until(at(started) + seconds)
        restarted = restart(daemon)
    events = daemon.all_events(execution_id)
    assert is_whole(events)
    # Nothing was interrupted.
    assert [event["attempt"] for event in events if event["type"] == "start"] == [1]
    (begin,) = of_node(events, "d", "node_start")
    (end,) = of_node(events, "d", "node_complete")
    assert (end["status"], end["attempt"]) == ("success", 1)
    assert between(begin, end) > 8.9 and end["duration_ms"] > 8900
    # Begun anew, it would end nine seconds after the restart.
    assert at(end) - restarted < 8.9


@pytest.mark.timing
def test_a_delay_that_is_over_when_the_daemon_comes_back_ends_at_once(new_daemon, eventually):
    daemon = new_daemon().start()
    execution_id = daemon.begin(daemon.create(chain(delay("d", 6000), put("z"))))
    [started] = eventually(lambda: of_node(daemon.events(execution_id), "d", "node_start"))
    daemon.kill()
    wait_until(at(started) + 6.1)
    restarted = restart(daemon)
    events = daemon.all_events(execution_id)
    assert len(of_node(events, "d", "node_start")) == 1
    assert at(of_node(events, "d", "node_complete")[0]) - restarted < 5.9


@pytest.mark.timing
def test_a_retry_goes_on_across_a_restart(new_daemon, eventually):
    daemon = new_daemon().start()
    document = graph([fails("r", retry={"max_attempts": 2, "delay_ms": 10_000})])
    execution_id = daemon.begin(daemon.create(document))
    [failed] = eventually(lambda: of_node(daemon.events(execution_id), "r", "node_complete"))
    daemon.kill()
    wait_until(at(failed) + 10.1)
    restarted = restart(daemon)
    events = daemon.all_events(execution_id)
    first, second = of_node(events, "r", "node_start")
    # Half the delay at least, all of it at most: it is over when the daemon comes back.
    assert between(failed, second) > 4.9
    assert at(second) - restarted < 4.9
    assert second["attempt"] == first["attempt"] + 1


@pytest.mark.timing
def test_the_timeout_of_an_execution_goes_on_across_restarts(new_daemon, eventually):
    daemon = new_daemon().start()
    document = graph([never_ends("d")], limits={"timeout_ms": 9000})
    execution_id = daemon.begin(daemon.create(document))
    [started] = eventually(lambda: of_node(daemon.events(execution_id), "d", "node_start"))
    wait_until(at(started) + 4)
    restarted = restart(daemon)
    events = daemon.all_events(execution_id)
    assert events[-1]["type"] == "error" and "timeout_ms" in events[-1]["error"]
    # A delay goes on whether or not a daemon runs, and so does the execution's time.
    assert between(events[0], events[-1]) > 8.9
    assert at(events[-1]) - restarted < 8.9
    assert of_node(events, "d", "node_complete")[0]["status"] == "cancelled"


@pytest.mark.timing
def test_the_time_in_which_no_daemon_ran_is_not_an_executions(new_daemon, eventually):
    daemon = new_daemon().start()
    document = graph([process("p", "sh", "-c", "echo begun >&2; sleep 2")], limits={"timeout_ms": 6000})
    execution_id = daemon.begin(daemon.create(document))
    [told] = eventually(lambda: of_node(daemon.events(execution_id), "p", "node_output"))
    daemon.kill()
    wait_until(at(told) + 6.2)
    daemon.start()
    events = daemon.all_events(execution_id)
    assert events[-1]["status"] == "success"
    assert between(events[0], events[-1]) > 6.0


def retried(id="r"):
    return fails(id, retry={"max_attempts": 3, "delay_ms": 60_000})


@pytest.mark.parametrize("how", ["cancel", "stop", "timeout"])
def test_a_node_that_waits_for_its_next_attempt_ends_with_the_execution(daemon, eventually, how):
    nodes, limits = [retried()], {}
    if how == "stop":
        nodes += [delay("w", 300), fails("stopper", on_error="stop")]
    if how == "timeout":
        limits = {"timeout_ms": 500}
    document = graph(nodes, ["w stopper"] if how == "stop" else [], limits=limits)
    execution_id = daemon.begin(daemon.create(document))
    eventually(lambda: of_node(daemon.events(execution_id), "r", "node_complete"))
    if how == "cancel":
        assert daemon.cancel(execution_id).status_code == 202
    events = daemon.all_events(execution_id)
    failed, last = of_node(events, "r", "node_complete")
    assert failed["will_retry"] is True
    assert (last["status"], last["attempt"], "will_retry" in last) == ("cancelled", 1, False)
    seen = daemon.http.get(f"/api/executions/{execution_id}/nodes/r").json()
    assert (seen["status"], seen["update"], seen["output_state"]) == ("cancelled", {}, {})
    profile = daemon.http.get(f"/api/executions/{execution_id}/profile").json()
    assert [each["status"] for each in profile["nodes"] if each["node_id"] == "r"] == ["cancelled"]


def test_a_cancel_ends_what_waits_also_after_a_crash(new_daemon, eventually):
    daemon = new_daemon().start()
    execution_id = daemon.begin(daemon.create(graph([never_ends("d"), retried()])))
    eventually(lambda: of_node(daemon.events(execution_id), "r", "node_complete"))
    daemon.kill()
    daemon.start()
    assert daemon.cancel(execution_id).status_code == 202
    events = daemon.all_events(execution_id)
    assert [of_node(events, id, "node_complete")[-1]["status"] for id in "dr"] == ["cancelled"] * 2
    assert len(of_node(events, "d", "node_start")) == 1
    assert outline(events)[-1] == "complete"


def test_a_timeout_of_a_delay_ends_it(daemon):
    events = daemon.run(graph([delay("d", 60_000, timeout_ms=200)]))
    (end,) = of_node(events, "d", "node_complete")
    assert end["status"] == "error" and "timeout_ms" in end["error"]


@pytest.mark.parametrize("days, status", [(30, 201), (30.0001, 422)])
def test_a_delay_may_take_thirty_days(daemon, days, status):
    document = graph([delay("d", int(days * 86_400_000))])
    assert daemon.http.post("/api/graphs", json=document).status_code == status

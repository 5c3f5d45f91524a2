"""Executions: list, read, wait, cancel, and what happens when there are too many."""

import json
import os
import re
import subprocess
import time

import pytest

from graphs import busy, chain, delay, fails, graph, never_ends, process, put, python
from stream import Stream, is_whole, of_node, outline
from wire import Wire


def has_started(daemon, execution_id, node_id):
    return any(event["type"] == "node_start" for event in of_node(daemon.events(execution_id), node_id))


# --- Start and read ---


def test_executing_waits_for_the_end_and_gives_the_final_state(daemon):
    graph_id = daemon.create(chain(put("a", x=1), put("b", y=2), initial_state={"w": 0}))
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute")
    execution = reply.json()
    assert reply.status_code == 200
    assert reply.headers["content-location"] == f"/api/executions/{execution['execution_id']}"
    assert (execution["status"], execution["graph_id"], execution["graph_revision"]) == ("success", graph_id, 1)
    assert (execution["node_count"], execution["failed_nodes"], execution["last_seq"]) == (2, [], 6)
    assert execution.pop("final_state") == {"w": 0, "x": 1, "y": 2}
    assert daemon.summary(execution["execution_id"]) == execution


def test_executing_a_graph_that_fails_is_no_failure_of_the_request(daemon):
    execution = daemon.execute(daemon.create(graph([fails("a"), put("b")])))
    assert (execution["status"], execution["failed_nodes"]) == ("error", ["a"])


def test_respond_async_answers_before_the_end(daemon):
    graph_id = daemon.create(graph([never_ends()]))
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute", headers={"Prefer": "respond-async"})
    execution_id = reply.json()["execution_id"]
    assert reply.status_code == 202
    assert reply.headers["location"] == f"/api/executions/{execution_id}"
    assert reply.headers["preference-applied"] == "respond-async"
    assert daemon.http.get(reply.headers["location"]).json()["status"] in ("queued", "running")
    daemon.cancel(execution_id)


def test_the_summary_tells_when_and_how_long(daemon):
    execution = daemon.execute(daemon.create(graph([delay("a", 50)])))
    assert execution["created_at"] <= execution["started_at"] < execution["ended_at"]
    assert execution["duration_ms"] >= 50
    [end] = [event for event in daemon.events(execution["execution_id"]) if event["type"] == "complete"]
    assert end["duration_ms"] == execution["duration_ms"]


@pytest.mark.parametrize(
    "body, pointer",
    [
        ({"initial_state": 5}, "/initial_state"),
        ({"initial_state": [1]}, "/initial_state"),
        ({"on_disconnect": "explode"}, "/on_disconnect"),
        ({"initial_stat": {}}, "/initial_stat"),
        ({"a/b~c": 1}, "/a~1b~0c"),
    ],
)
@pytest.mark.parametrize("call", ["execute", "execute/stream"])
def test_a_start_that_does_not_fit_is_refused_with_a_pointer(daemon, body, pointer, call):
    reply = daemon.http.post(f"/api/graphs/{daemon.create(graph([put('a')]))}/{call}", json=body)
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")
    assert [error["pointer"] for error in reply.json()["errors"]] == [pointer]


@pytest.mark.parametrize("body", ["{", "[]", "5", "null", '{"initial_state": {"a": 1, "a": 2}}', '{"initial_state": {"a": 01}}'])
def test_a_start_whose_body_is_no_json_object_is_refused(daemon, body):
    graph_id = daemon.create(graph([put("a")]))
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute", content=body, headers={"Content-Type": "application/json"})
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_json")


def test_a_large_initial_state_is_taken(daemon):
    graph_id = daemon.create(graph([put("a")]))
    state = {f"key{number}": "x" * 1000 for number in range(3000)}
    assert daemon.execute(graph_id, state)["final_state"] == state


# --- The list ---


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """A daemon with finished executions of two graphs, oldest first."""
    from daemon import Daemon

    daemon = Daemon(tmp_path_factory.mktemp("history")).start()
    good, bad = daemon.create(graph([put("a")]) | {"id": "good"}), daemon.create(graph([fails("a")]) | {"id": "bad"})
    executions = [daemon.execute(good if number % 3 else bad) for number in range(11)]
    yield daemon, executions
    daemon.kill()


def listed(daemon, **query):
    reply = daemon.http.get("/api/executions", params=query)
    assert reply.status_code == 200, reply.text
    return [item["execution_id"] for item in reply.json()["items"]]


def ids(executions, **fields):
    chosen = [each for each in executions if all(each[name] == value for name, value in fields.items())]
    return [each["execution_id"] for each in reversed(chosen)]


def test_the_newest_execution_comes_first(history):
    daemon, executions = history
    assert listed(daemon) == ids(executions)


def test_the_items_of_the_list_are_the_summaries(history):
    daemon, executions = history
    [first, *_] = daemon.http.get("/api/executions").json()["items"]
    assert first == daemon.summary(first["execution_id"])


@pytest.mark.parametrize("fields", [{"graph_id": "bad"}, {"status": "success"}, {"graph_id": "good", "status": "error"}, {"graph_id": "none"}])
def test_the_list_can_be_narrowed(history, fields):
    daemon, executions = history
    assert listed(daemon, **fields) == ids(executions, **fields)


def test_since_and_until_take_the_executions_between_them(history):
    daemon, executions = history
    since, until = executions[3]["created_at"], executions[7]["created_at"]
    assert listed(daemon, since=since, until=until) == ids(executions[3:8])
    assert listed(daemon, since="2000-01-01T00:00:00Z") == ids(executions)
    assert listed(daemon, until="2000-01-01T00:00:00Z") == []


@pytest.mark.parametrize("query", [{}, {"graph_id": "good"}, {"status": "error"}])
@pytest.mark.parametrize("limit", [1, 2, 11, 500])
def test_pages_follow_each_other_without_gap_or_repeat(history, query, limit):
    daemon, executions = history
    seen, cursor = [], None
    while True:
        page = daemon.http.get("/api/executions", params=query | {"limit": limit} | ({"cursor": cursor} if cursor else {})).json()
        seen += [item["execution_id"] for item in page["items"]]
        assert len(page["items"]) <= limit
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert seen == ids(executions, **query)


def test_the_link_to_the_next_page_keeps_the_query(history):
    daemon, executions = history
    reply = daemon.http.get("/api/executions", params={"graph_id": "good", "since": "2000-01-01T00:00:00Z", "limit": 2})
    [path] = re.findall(r'<([^>]+)>; rel="next"', reply.headers["link"])
    expected = ids(executions, graph_id="good")[2:4]
    assert [item["execution_id"] for item in daemon.http.get(path).json()["items"]] == expected


@pytest.mark.parametrize(
    "query, code",
    [
        ({"status": "done"}, "invalid_parameter"),
        ({"since": "yesterday"}, "invalid_parameter"),
        ({"until": "2026-13-01T00:00:00Z"}, "invalid_parameter"),
        ({"since": "2026-01-01T00:00:00"}, "invalid_parameter"),
        ({"cursor": "5"}, "invalid_cursor"),
    ],
)
def test_a_query_that_means_nothing_is_refused(daemon, query, code):
    reply = daemon.http.get("/api/executions", params=query)
    assert (reply.status_code, reply.json()["code"]) == (400, code)


def test_executions_that_run_are_in_the_list(daemon):
    graph_id = daemon.create(graph([never_ends()]))
    execution_id = daemon.begin(graph_id)
    assert listed(daemon, graph_id=graph_id) == [execution_id]
    daemon.cancel(execution_id)


@pytest.mark.parametrize("execution_id", ["0198c2f0-5f3a-7b51-8a6e-3f0a1c2d4e5f", "none", "0198C2F0-5F3A-7B51-8A6E-3F0A1C2D4E5F"])
@pytest.mark.parametrize("method, below", [("GET", ""), ("POST", "/cancel")])
def test_an_unknown_execution_is_not_found(daemon, execution_id, method, below):
    reply = daemon.http.request(method, f"/api/executions/{execution_id}{below}")
    assert (reply.status_code, reply.json()["code"]) == (404, "unknown_execution")


# --- Cancel ---


def test_a_cancel_is_visible_once_it_is_answered_and_nothing_starts_after_it(daemon, eventually):
    document = graph([never_ends("a"), put("b"), never_ends("c", on_error="continue")], ["a b"])
    execution_id = daemon.begin(daemon.create(document))
    eventually(lambda: has_started(daemon, execution_id, "c"))
    reply = daemon.cancel(execution_id)
    assert reply.status_code == 202
    last = reply.json()["last_seq"]
    assert len(daemon.events(execution_id)) >= last
    events = daemon.all_events(execution_id)
    assert is_whole(events)
    assert all(event["type"] != "node_start" for event in events[last:])
    assert sorted(outline(events)[3:5]) == ["a:cancelled", "c:cancelled"]
    assert (outline(events)[5:], events[-1]["status"]) == (["complete"], "cancelled")
    assert daemon.summary(execution_id)["status"] == "cancelled"


def test_cancelling_twice_at_once_is_no_fault(daemon, eventually):
    hangs = process("a", "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")
    execution_id = daemon.begin(daemon.create(graph([hangs])))
    eventually(lambda: has_started(daemon, execution_id, "a"))
    assert [daemon.cancel(execution_id).status_code, daemon.cancel(execution_id).status_code] == [202, 202]
    events = daemon.all_events(execution_id)
    assert outline(events) == ["start", "a>", "a:cancelled", "complete"]


def test_a_finished_execution_cannot_be_cancelled(daemon):
    execution = daemon.execute(daemon.create(graph([put("a")])))
    reply = daemon.cancel(execution["execution_id"])
    assert (reply.status_code, reply.json()["code"]) == (409, "execution_finished")
    assert daemon.summary(execution["execution_id"])["status"] == "success"


def test_a_cancelled_execution_stays_cancelled(daemon, eventually):
    execution_id = daemon.begin(daemon.create(graph([never_ends()])))
    daemon.cancel(execution_id)
    eventually(lambda: daemon.summary(execution_id)["status"] == "cancelled")
    before = daemon.summary(execution_id)
    assert daemon.cancel(execution_id).status_code == 202
    assert daemon.summary(execution_id) == before
    assert daemon.summary(execution_id)["status"] == "cancelled"


# So many seconds of sleep that no other process on the machine asks for the same.
MARK = f"42424{os.getpid():07}"
STUBBORN = {
    "a process that obeys": process("a", "sleep", MARK),
    "a process that ignores SIGTERM": process("a", "sh", "-c", f"trap '' TERM; while :; do sleep {MARK}; done"),
    "a grandchild in a session of its own": process("a", "sh", "-c", f"setsid sleep {MARK} & sleep {MARK}"),
    "a python node": python("a", f"import time; time.sleep({MARK})"),
    "a python node that computes": python("a", f"x = {MARK}\n    while True: pass"),
    "a python node with a child": python("a", f"import subprocess; subprocess.run(['sleep', '{MARK}'])"),
}


def processes_with(word):
    return subprocess.run(["pgrep", "-f", word], capture_output=True, text=True).stdout.split()


@pytest.mark.timing
@pytest.mark.parametrize("name", STUBBORN)
def test_running_nodes_and_their_children_end_within_two_seconds_of_a_cancel(start_daemon, eventually, name):
    daemon = start_daemon()
    execution_id = daemon.begin(daemon.create(graph([STUBBORN[name]])))
    eventually(lambda: has_started(daemon, execution_id, "a"))
    if STUBBORN[name]["kind"] == "process":
        eventually(lambda: processes_with(f"sleep {MARK}"))
    began = time.monotonic()
    assert daemon.cancel(execution_id).status_code == 202
    events = daemon.all_events(execution_id)
    assert outline(events)[-2:] == ["a:cancelled", "complete"]
    # The contract says 2 s; the rest is for a machine that has other things to do.
    assert time.monotonic() - began < 5
    eventually(lambda: not processes_with(f"sleep {MARK}"))


def test_a_daemon_that_is_killed_takes_its_children_with_it(start_daemon, eventually):
    daemon = start_daemon()
    script = f"trap '' TERM; setsid sleep {MARK} & sleep {MARK}"
    execution_id = daemon.begin(daemon.create(graph([process("a", "sh", "-c", script)])))
    eventually(lambda: len(processes_with(f"^sleep {MARK}")) == 2)
    daemon.process.kill()
    daemon.wait()
    eventually(lambda: not processes_with(MARK))
    assert execution_id


# --- Too many ---


@pytest.fixture
def narrow(start_daemon):
    """One runs, one waits, no more."""
    return start_daemon("--set", "executions.max_running=1", "--set", "executions.max_queued=1")


def test_a_full_queue_refuses_and_says_when_to_try_again(narrow):
    graph_id = narrow.create(graph([busy()]))
    running, queued = narrow.begin(graph_id), narrow.begin(graph_id)
    for call in ["execute", "execute/stream"]:
        reply = narrow.http.post(f"/api/graphs/{graph_id}/{call}")
        assert (reply.status_code, reply.json()["code"]) == (429, "queue_full")
        assert int(reply.headers["retry-after"]) >= 1
    assert [narrow.summary(id)["status"] for id in (running, queued)] == ["running", "queued"]
    assert len(listed(narrow)) == 2


def test_a_queued_execution_runs_when_there_is_room(narrow, eventually):
    graph_id = narrow.create(graph([busy("a")]))
    quick = narrow.create(graph([put("a", x=1)]))
    running, queued = narrow.begin(graph_id), narrow.begin(quick)
    assert (narrow.events(queued), narrow.summary(queued)["last_seq"]) == ([], 0)
    narrow.cancel(running)
    events = narrow.all_events(queued)
    assert is_whole(events) and events[-1]["status"] == "success"
    assert narrow.execute(quick)["status"] == "success"


def test_a_stream_of_a_queued_execution_waits_for_its_start(narrow):
    graph_id = narrow.create(graph([busy("a")]))
    quick = narrow.create(graph([put("a", x=1)]))
    running = narrow.begin(graph_id)
    with Wire(narrow) as wire:
        wire.send(f"POST /api/graphs/{quick}/execute/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = wire.read_head()
        execution_id = head["content-location"].rpartition("/")[2]
        assert narrow.summary(execution_id)["status"] == "queued"
        narrow.cancel(running)
        assert is_whole(Stream(b"".join(wire.read_body(head))).events)


def test_a_queued_execution_that_is_cancelled_starts_only_to_end(narrow):
    graph_id = narrow.create(graph([busy("a")]))
    running, queued = narrow.begin(graph_id), narrow.begin(graph_id)
    reply = narrow.cancel(queued)
    assert reply.status_code == 202
    events = narrow.all_events(queued)
    assert (outline(events), events[-1]["status"]) == (["start", "complete"], "cancelled")
    assert narrow.summary(running)["status"] == "running"
    # Its place in the queue is free again.
    assert narrow.summary(narrow.begin(graph_id))["status"] == "queued"


# --- Disconnecting ---


def test_an_execution_goes_on_when_its_only_watcher_leaves(daemon):
    graph_id = daemon.create(chain(delay("a", 200), put("b", x=1)))
    with Wire(daemon) as wire:
        wire.send(f"POST /api/graphs/{graph_id}/execute/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        execution_id = wire.read_head()["content-location"].rpartition("/")[2]
    assert daemon.all_events(execution_id)[-1]["status"] == "success"


@pytest.mark.timing
def test_on_disconnect_cancel_acts_once_nobody_has_watched_for_ten_seconds(daemon):
    graph_id = daemon.create(graph([never_ends()]))
    body = json.dumps({"on_disconnect": "cancel"})
    with Wire(daemon) as wire:
        wire.send(
            f"POST /api/graphs/{graph_id}/execute/stream HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        execution_id = wire.read_head()["content-location"].rpartition("/")[2]
    left = time.monotonic()
    while daemon.summary(execution_id)["status"] == "running" and time.monotonic() - left < 30:
        time.sleep(0.1)
    assert 8 < time.monotonic() - left < 30
    assert daemon.all_events(execution_id)[-1]["status"] == "cancelled"


def test_a_watcher_that_comes_back_keeps_the_execution(daemon):
    graph_id = daemon.create(chain(delay("a", 1500), put("b")))
    body = json.dumps({"on_disconnect": "cancel"}).encode()
    with Wire(daemon) as wire:
        wire.send(
            b"POST /api/graphs/%s/execute/stream HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (graph_id.encode(), len(body), body)
        )
        location = wire.read_head()["location"]
    assert Stream(daemon.http.get(location).content).events[-1]["status"] == "success"

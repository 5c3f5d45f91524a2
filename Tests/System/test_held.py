"""An execution that the daemon dies of is held at the fourth start, while others go on."""

import subprocess

import pytest

from daemon import BINARY
from graphs import busy, chain, delay, graph, process, put


@pytest.fixture
def deadly(new_daemon, tmp_path, eventually):
    """A daemon with an execution that ends it whenever it runs (the test does it, once the node has left a trace)."""
    traces = tmp_path / "traces"
    traces.mkdir()
    go = traces / "go"
    daemon = new_daemon().start()
    script = f"echo x >> {traces}/started; while [ ! -e {go} ]; do sleep 0.05; done"
    execution_id = daemon.begin(daemon.create(graph([process("deadly", "sh", "-c", script)])))
    starts = lambda: len((traces / "started").read_text().split()) if (traces / "started").exists() else 0

    def die(number, **wanted):
        eventually(lambda: starts() == number)
        daemon.kill()
        daemon.start(*wanted.get("arguments", ()))

    return daemon, execution_id, die, go, starts


def listed(daemon, status):
    return [item["execution_id"] for item in daemon.http.get("/api/executions", params={"status": status}).json()["items"]]


def metric(daemon, name):
    lines = daemon.http.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(name + " "))


def held_after_three_deaths(deadly, eventually):
    daemon, execution_id, die, *_ = deadly
    for number in (1, 2, 3):
        die(number)
    eventually(lambda: daemon.summary(execution_id)["status"] == "held")
    return daemon, execution_id


def test_the_fourth_start_holds_what_ran_at_three_deaths_and_others_go_on(deadly, eventually):
    daemon, execution_id, die, go, starts = deadly
    waits = daemon.begin(daemon.create(chain(delay("a", 15_000), put("b", x=1))))
    eventually(lambda: daemon.summary(waits)["status"] == "running")
    held_after_three_deaths(deadly, eventually)
    assert listed(daemon, "held") == [execution_id]
    assert metric(daemon, "millrace_executions_held") == 1
    # What only waits had no part in it.
    assert daemon.summary(waits)["status"] == "running"
    assert daemon.execute(daemon.create(graph([put("a", x=1)])))["status"] == "success"
    # Its stream is no different from that of one that runs: it keeps alive.
    with daemon.http.stream("GET", f"/api/executions/{execution_id}/events") as stream:
        assert next(stream.iter_lines())
    with daemon.http.stream("GET", "/api/events") as stream:
        snapshot = next(line for line in stream.iter_lines() if line.startswith("data: "))
        assert execution_id in snapshot and '"held"' in snapshot
    assert starts() == 3
    assert daemon.http.delete(f"/api/executions/{execution_id}").status_code == 409

    # It stays held over a restart, and goes on where it was.
    assert daemon.stop() == 0
    daemon.start()
    eventually(lambda: daemon.summary(execution_id)["status"] == "held")
    reply = daemon.http.post(f"/api/executions/{execution_id}/resume")
    assert reply.status_code == 202 and reply.json()["status"] == "running"
    eventually(lambda: starts() == 4)
    go.touch()
    events = daemon.all_events(execution_id)
    assert events[-1]["status"] == "success"
    assert [event["attempt"] for event in events if event["type"] == "start"] == [1, 2, 3, 4]
    reply = daemon.http.post(f"/api/executions/{execution_id}/resume")
    assert reply.status_code == 409 and reply.json()["code"] == "execution_not_held"
    assert daemon.http.post("/api/executions/01930b1c-7d2e-7cc3-98c4-dc0c0c07398f/resume").status_code == 404


def test_what_is_held_is_cancelled_without_running_anything(deadly, eventually):
    daemon, execution_id = held_after_three_deaths(deadly, eventually)
    assert daemon.cancel(execution_id).status_code == 202
    events = daemon.all_events(execution_id)
    assert events[-1]["type"] == "complete" and events[-1]["status"] == "cancelled"
    assert deadly[-1]() == 3
    assert daemon.cancel(execution_id).status_code == 202


def test_a_clean_stop_between_deaths_begins_the_count_anew(deadly, eventually):
    daemon, execution_id, die, go, starts = deadly
    die(1)
    die(2)
    eventually(lambda: starts() == 3)
    assert daemon.stop() == 0
    daemon.start()
    die(4)
    die(5)
    eventually(lambda: starts() == 6)
    assert daemon.summary(execution_id)["status"] == "running"
    go.touch()
    assert daemon.all_events(execution_id)[-1]["status"] == "success"


def test_deaths_that_come_late_after_the_take_up_do_not_count(deadly, eventually):
    daemon, execution_id, die, go, starts = deadly
    soon = ["--set", "executions.held_within_ms=200"]
    die(1, arguments=soon)
    for number in (2, 3, 4):
        eventually(lambda: starts() == number)
        # The count of the first life stands until its time is over.
        eventually(lambda: sqlite_deaths(daemon) == 0)
        die(number, arguments=soon)
    eventually(lambda: starts() == 5)
    assert daemon.summary(execution_id)["status"] == "running"
    go.touch()
    assert daemon.all_events(execution_id)[-1]["status"] == "success"


def sqlite_deaths(daemon):
    import sqlite3

    with sqlite3.connect(f"file:{daemon.state}/history.sqlite?mode=ro", uri=True) as database:
        return database.execute("SELECT deaths FROM executions").fetchone()[0]


def test_serve_hold_takes_up_nothing_by_itself(new_daemon, eventually):
    daemon = new_daemon().start("--set", "executions.max_running=2")
    graph_id = daemon.create(chain(delay("a", 300), put("b", x=1)))
    long = daemon.create(graph([busy("a")]))
    ids = [daemon.begin(long), daemon.begin(long), daemon.begin(graph_id, {"k": 1})]
    eventually(lambda: daemon.summary(ids[1])["status"] == "running")
    daemon.kill()
    daemon.start("--hold")
    eventually(lambda: len(listed(daemon, "held")) == 3)
    # New ones run.
    assert daemon.execute(daemon.create(graph([put("a", x=1)])))["status"] == "success"
    command = [BINARY, "execution", "cancel", ids[0], "--server", daemon.url]
    assert subprocess.run(command, capture_output=True, timeout=30).returncode == 0
    command = [BINARY, "execution", "resume", "--held", "--server", daemon.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (0, "2 executions resumed\n")
    events = daemon.all_events(ids[2])
    assert events[-1]["status"] == "success" and events[-1]["final_state"] == {"k": 1, "x": 1}
    assert daemon.summary(ids[0])["status"] == "cancelled"
    assert daemon.http.post("/api/executions/resume", params={"status": "held"}).json() == {"resumed": 0}
    assert daemon.http.post("/api/executions/resume").status_code == 400

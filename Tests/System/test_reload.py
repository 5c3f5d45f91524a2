"""SIGHUP while the daemon serves: what the configuration says anew holds for what comes, and nobody is thrown out."""

import json
import signal

import pytest

from graphs import busy, graph, never_ends, put


@pytest.fixture
def reloadable(new_daemon, tmp_path, eventually):
    """A daemon, and how to give it another configuration."""
    path = tmp_path / "millrace.yaml"

    def write(daemon, text):
        path.write_text(text)
        before = daemon.log.count("reloaded the configuration")
        daemon.process.send_signal(signal.SIGHUP)
        eventually(lambda: daemon.log.count("reloaded the configuration") > before)

    def start(text):
        path.write_text(text)
        daemon = new_daemon().start("--config", path)
        return daemon, lambda text: write(daemon, text)

    return start


def test_more_may_run_at_once_then_fewer(reloadable, eventually):
    daemon, reload = reloadable("executions: { max_running: 1, max_queued: 1 }\n")
    graph_id = daemon.create(graph([busy()]))
    running, waiting = daemon.begin(graph_id), daemon.begin(graph_id)
    refused = daemon.http.post(f"/api/graphs/{graph_id}/execute", headers={"Prefer": "respond-async"})
    assert (refused.status_code, refused.json()["code"]) == (429, "queue_full")
    assert daemon.summary(waiting)["status"] == "queued"

    reload("executions: { max_running: 2, max_queued: 1 }\n")
    eventually(lambda: daemon.summary(waiting)["status"] == "running")
    next = daemon.begin(graph_id)
    assert daemon.summary(next)["status"] == "queued"

    reload("executions: { max_running: 1, max_queued: 2 }\n")
    assert {daemon.summary(id)["status"] for id in (running, waiting)} == {"running"}
    last = daemon.begin(graph_id)
    daemon.cancel(running)
    eventually(lambda: daemon.summary(running)["status"] == "cancelled")
    assert daemon.summary(next)["status"] == "queued"
    daemon.cancel(waiting)
    eventually(lambda: daemon.summary(next)["status"] == "running")
    assert daemon.summary(last)["status"] == "queued"
    assert "need a restart" not in daemon.log


def test_the_largest_state_is_that_of_the_time_of_the_start(reloadable):
    daemon, reload = reloadable("")
    graph_id = daemon.create(graph([put("a", text="x" * 5_000)]))
    assert daemon.execute(graph_id)["status"] == "success"
    reload("executions: { state_bytes_max: 2 KiB }\n")
    assert daemon.execute(graph_id)["status"] == "error"
    reload("")
    assert daemon.execute(graph_id)["status"] == "success"


def test_the_stop_takes_as_long_as_was_said_last(reloadable):
    daemon, reload = reloadable("executions: { drain_ms: 86400000 }\n")
    execution_id = daemon.begin(daemon.create(graph([never_ends()])))
    reload("executions: { drain_ms: 0 }\n")
    assert daemon.stop() == 0
    daemon.start()
    assert daemon.summary(execution_id)["status"] == "running"


def test_how_much_is_kept_changes_too(reloadable, eventually):
    daemon, reload = reloadable("")
    graph_id = daemon.create(graph([put("a", x=1)]))
    ids = [daemon.execute(graph_id)["execution_id"] for _ in range(8)]
    reload("history: { retain_executions: 3 }\n")

    def kept():
        return [item["execution_id"] for item in daemon.http.get("/api/executions").json()["items"]]

    eventually(lambda: kept() == ids[:-4:-1])


def test_the_log_changes_its_format_between_two_lines(reloadable):
    daemon, reload = reloadable("")
    graph_id = daemon.create(graph([put("a", x=1)]))
    first = daemon.execute(graph_id)["execution_id"]
    reload("log: { format: json }\n")
    second = daemon.execute(graph_id)["execution_id"]
    reload("log: { format: text }\n")
    third = daemon.execute(graph_id)["execution_id"]
    assert daemon.stop() == 0
    lines = daemon.log.splitlines()
    ended = [line for line in lines if "execution ended" in line]
    assert ended[0].endswith(" duration_ms=" + ended[0].rpartition("=")[2]) and first in ended[0]
    entry = json.loads(ended[1])
    assert (entry["message"], entry["execution"], entry["level"]) == ("execution ended", second, "info")
    assert f" execution={third} " in ended[2]
    changes = [line.startswith("{") for line in lines]
    assert changes == sorted(changes[:changes.index(True)]) + [True] * sum(changes) + [False] * changes[::-1].index(True)

"""The load generators: each says what it measured, and leaves nothing behind but executions."""

import re
import subprocess

import pytest

from daemon import BINARY, clean_environment
from graphs import chain, delay, graph, put

DURATIONS = r"p50 [\d.]+ ms  p99 [\d.]+ ms  p99\.9 [\d.]+ ms  max [\d.]+ ms"


def bench(*arguments, environment=None):
    result = subprocess.run(
        [BINARY, "bench", *(str(part) for part in arguments)], capture_output=True, text=True, timeout=100,
        stdin=subprocess.DEVNULL, env=clean_environment() | (environment or {}))
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def at(start_daemon):
    daemon = start_daemon()
    daemon.options = ("--address", f"127.0.0.1:{daemon.port}")
    return daemon


def test_run(at):
    graph_id = at.create(graph([put("a", x=1)]))
    output = bench("run", graph_id, "--connections", 4, "--seconds", 1, *at.options)
    assert int(re.match(r"(\d+) executions in [\d.]+ s: \d+ per second\n", output)[1]) > 0
    assert re.search(f"start to last event: {DURATIONS}", output)


def test_watch_times_events_that_all_streams_were_there_for(at):
    graph_id = at.create(chain(*(delay(f"n{number}", 50) for number in range(30))))
    output = bench("watch", graph_id, "--watchers", 20, *at.options)
    events, watchers, timed = re.match(
        r"(\d+) events to (\d+) watchers of execution [-0-9a-f]+, (\d+) of them timed\n", output).groups()
    assert (int(events), int(watchers)) == (20 * 62, 20)
    assert 0 < int(timed) < int(events)
    assert re.search(f"event to arrival: {DURATIONS}\nstreams that differ: 0\n", output)


def test_nodes(at):
    output = bench("nodes", "--sizes", "5,50", "--rounds", 1, *at.options)
    rows = [line.split() for line in output.splitlines()[1:]]
    assert [row[:2] for row in rows] == [["chain", "5"], ["chain", "50"], ["fan", "5"], ["fan", "50"]]
    assert all(float(row[2]) > 0 and float(row[3]) > 0 for row in rows)
    assert at.http.get("/api/graphs").json()["items"] == []
    statuses = {item["status"] for item in at.http.get("/api/executions").json()["items"]}
    assert statuses == {"success"}


def test_idle_streams_are_those_of_the_process_behind_the_socket(at, eventually):
    output = bench("idle", "--streams", 100, "--seconds", 1, "--address", f"unix:{at.socket_path}")
    assert re.search(r"^100 idle streams: -?\d+ bytes each\nresident: \d+ KiB before", output)
    assert re.search(r"CPU: [\d.]+ µs per second for each stream", output)
    assert at.http.get("/api/graphs").json()["items"] == []
    assert eventually(lambda: at.http.get("/api/executions").json()["items"][0]["status"] == "cancelled")


def test_history_compares_two_without_a_daemon(tmp_path):
    output = bench("history", "--executions", 400, "--small", 100, "--rounds", 3, "--folder", tmp_path)
    rows = [line.rsplit(None, 3)[0] for line in output.splitlines()[3:]]
    assert rows == ["list", "list a graph", "list errors", "list both", "open one", "take up"]
    assert list(tmp_path.iterdir()) == []


def test_a_token_of_the_environment_is_sent(at):
    graph_id = at.create(graph([put("a", x=1)]))
    made = subprocess.run(
        [BINARY, "token", "create", "--scope", "run", "--server", f"unix:{at.state}/millrace.sock"],
        capture_output=True, text=True, check=True, env=clean_environment())
    token = made.stdout.split()[0]
    bench("run", graph_id, "--connections", 1, "--seconds", 1, *at.options, environment={"MILLRACE_TOKEN": token})

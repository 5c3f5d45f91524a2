"""What executions hold in memory is bounded by one account, and given back."""

import concurrent.futures
import pathlib
import re

import pytest

from graphs import chain, delay, graph, lua, process, put

MIB = 1 << 20
STATE = "x" * (4 * MIB)


def resident(daemon):
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    return {name: int(value) << 10 for name, value in re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", status)}


def metrics(daemon):
    lines = daemon.http.get("/metrics").text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def all_ended(daemon, count, status="success"):
    reply = daemon.http.get("/api/executions", params={"status": status, "limit": 500})
    return len(reply.json()["items"]) == count


@pytest.mark.timeout(500)
def test_large_starts_wait_for_memory_and_all_end(start_daemon, eventually):
    daemon = start_daemon("--set", "executions.memory_bytes_max=256MiB")
    graph_id = daemon.create(chain(delay("a", 200), put("b", y=1)))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda number: daemon.begin(graph_id, {"x": STATE, "n": number}), range(300)))
    eventually(lambda: all_ended(daemon, 300), seconds=200)
    assert resident(daemon)["VmHWM"] < 700 * MIB
    assert daemon.http.get(f"/api/executions/{ids[17]}/nodes/b").json()["input_state"]["n"] == 17
    # It is given back when it is over.
    eventually(lambda: metrics(daemon)['millrace_memory_bytes{share="states"}'] == 0)
    eventually(lambda: resident(daemon)["VmRSS"] < 300 * MIB, seconds=60)


@pytest.mark.timeout(500)
def test_what_is_queued_holds_no_state_before_a_restart_and_after_it(start_daemon, eventually, tmp_path):
    settings = ["--set", "executions.max_running=1", "--set", "executions.memory_bytes_max=64MiB"]
    daemon = start_daemon(*settings)
    go = tmp_path / "gates" / "go"
    go.parent.mkdir()
    first = daemon.begin(daemon.create(graph([process("a", "sh", "-c", f"while [ ! -e {go} ]; do sleep 0.05; done")])))
    graph_id = daemon.create(graph([put("b", y=1)]))
    before = resident(daemon)["VmRSS"]
    ids = [daemon.begin(graph_id, {"x": STATE, "n": number}) for number in range(150)]
    assert resident(daemon)["VmRSS"] < before + 100 * MIB
    daemon.kill()
    daemon.start(*settings)
    eventually(lambda: daemon.summary(first)["attempt"] == 2)
    eventually(lambda: metrics(daemon)["millrace_executions_queued"] == 150)
    assert resident(daemon)["VmHWM"] < before + 100 * MIB
    assert daemon.cancel(ids[75]).status_code == 202
    assert daemon.summary(ids[75])["status"] == "cancelled"
    go.touch()
    eventually(lambda: all_ended(daemon, 150), seconds=200)
    assert daemon.http.get(f"/api/executions/{ids[140]}/nodes/b").json()["input_state"]["n"] == 140
    assert resident(daemon)["VmHWM"] < before + 200 * MIB


@pytest.mark.timeout(400)
def test_updates_that_nodes_make_count_as_initial_states_do(start_daemon, eventually):
    daemon = start_daemon("--set", "executions.memory_bytes_max=64MiB")
    makes = lua("a", "return {x = string.rep('x', 2 * 1024 * 1024)}")
    graph_id = daemon.create(chain(makes, delay("b", 500), put("c", y=1)))
    for _ in range(100):
        daemon.begin(graph_id)
    eventually(lambda: all_ended(daemon, 100), seconds=150)
    assert resident(daemon)["VmHWM"] < 400 * MIB


@pytest.mark.timeout(400)
def test_what_a_killed_daemon_left_is_taken_up_as_memory_allows(start_daemon, eventually):
    daemon = start_daemon()
    graph_id = daemon.create(chain(delay("a", 2_000), put("b", y=1)))
    ids = [daemon.begin(graph_id, {"x": STATE}) for _ in range(80)]
    eventually(lambda: daemon.summary(ids[-1])["last_seq"] > 1)
    daemon.kill()
    daemon.start("--set", "executions.memory_bytes_max=64MiB")
    eventually(lambda: all_ended(daemon, 80), seconds=150)
    assert resident(daemon)["VmHWM"] < 400 * MIB
    # All of them only waited.
    assert daemon.summary(ids[-1])["attempt"] == 1


@pytest.mark.timeout(500)
def test_many_large_graphs_that_were_left_are_taken_up_in_pace(start_daemon, eventually):
    """All of them at once would be three times the account; others are answered meanwhile."""
    settings = ["--set", "executions.memory_bytes_max=4MiB"]
    daemon = start_daemon(*settings)
    nodes = [delay("wait", 3_000)] + [put(f"n{number}", **{f"k{number}": number}) for number in range(300)]
    graph_id = daemon.create(graph(nodes, [f"wait n{number}" for number in range(300)]))
    ids = [daemon.begin(graph_id) for _ in range(200)]
    daemon.kill()
    daemon.start(*settings)
    before = resident(daemon)["VmRSS"]
    quick = daemon.create(graph([put("a", x=1)]))
    assert daemon.http.get("/api/executions?limit=5").status_code == 200
    assert daemon.http.get("/readyz").status_code == 200
    assert daemon.begin(quick)
    eventually(lambda: metrics(daemon)["millrace_executions_running"] + metrics(daemon)["millrace_executions_queued"] == 0, seconds=200)
    assert daemon.summary(ids[-1])["status"] == "success"
    assert resident(daemon)["VmHWM"] - before < 250 * MIB

"""A restart that nobody notices: sockets stay open, and what is asked meanwhile waits."""

import json
import subprocess

import host as hosts
import proxy

QUICK = "id: quick\nnodes: [{ id: a, kind: set, config: { values: { x: 1 } } }]\n"


def test_a_restart_under_load_refuses_and_resets_nothing(host, running):
    host.write("/etc/millrace/graphs/quick.yaml", QUICK)
    host.systemctl("start", hosts.SERVICE)
    program = host.path("/share/load.py")
    program.write_text((hosts.ROOT / "Tests" / "Systemd" / "load.py").read_text())
    load = running(host.start("python3", "/share/load.py", "12", stdout=subprocess.PIPE))
    assert load.stdout.readline() == "warm\n"
    pids = {host.main_pid}
    for _ in range(3):
        host.systemctl("restart", hosts.SERVICE)
        pids.add(host.main_pid)
    assert len(pids) == 4
    outcomes = json.loads(load.stdout.readline())
    assert outcomes.pop("GET 200") > 20
    assert outcomes.pop("POST 200") > 20
    # Promised by one daemon, kept by the next: only where the stop came before the execution could end.
    kept = outcomes.pop("POST 202, in the end success", 0)
    assert outcomes == {} and kept < 20
    assert host.show("NRestarts") == "0"


def chain(count, milliseconds):
    nodes = [{"id": f"n{number}", "kind": "delay", "config": {"duration_ms": milliseconds}} for number in range(count)]
    edges = [{"from": f"n{number}", "to": f"n{number + 1}"} for number in range(count - 1)]
    return {"id": "long", "nodes": nodes, "edges": edges}


def test_watchers_resume_across_restarts_without_a_gap(host, running, eventually):
    host.write("/etc/millrace/millrace.yaml", proxy.OPEN)
    host.write("/etc/millrace/graphs/long.yaml", json.dumps(chain(24, 250)))
    host.systemctl("start", hosts.SERVICE)
    proxy.start(host)
    execution = host.post("/api/graphs/long/execute", None, "-H", "Prefer: respond-async")["execution_id"]
    host.path("/share/watch.py").write_text((hosts.ROOT / "Tests" / "Systemd" / "watch.py").read_text())
    watch = running(host.start("python3", "/share/watch.py", execution, "10", "10", "10", stdout=subprocess.PIPE))
    for seq in (12, 30):
        eventually(lambda: last_seq(host, execution) >= seq)
        host.systemctl("restart", hosts.SERVICE)
    watchers = json.loads(watch.communicate(timeout=100)[0])
    host.systemctl("stop", "test-nginx.service")
    assert [watcher["faults"] for watcher in watchers] == [[]] * 30
    ledger = watchers[0]["ledger"]
    assert [seq for seq, _ in ledger] == list(range(1, len(ledger) + 1))
    assert all(watcher["ledger"] == ledger for watcher in watchers)
    assert all(watcher["resumptions"] >= 2 for watcher in watchers)
    events = [json.loads(text) for _, text in ledger]
    assert [event["attempt"] for event in events if event["type"] == "start"] == [1, 2, 3]
    assert (events[-1]["type"], events[-1]["status"]) == ("complete", "success")


def last_seq(host, execution):
    events = host.get(f"/api/executions/{execution}/events", "-H", "Accept: application/json")
    return events[-1]["seq"] if events else 0


def test_the_socket_survives_its_service(host):
    for _ in range(3):
        host.get("/healthz")
        host.systemctl("stop", hosts.SERVICE)
        assert host.show("ActiveState", "millrace.socket") == "active"
    assert not any("POLLHUP" in entry["MESSAGE"] for entry in host.journal("-u", "millrace.socket"))

"""A restart that nobody notices: sockets stay open, and what is asked meanwhile waits."""

import json
import subprocess

import host as hosts

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
    assert set(outcomes) == {"GET 200", "POST 200"}, outcomes
    assert all(count > 20 for count in outcomes.values())
    assert host.show("NRestarts") == "0"


def test_the_socket_survives_its_service(host):
    for _ in range(3):
        host.get("/healthz")
        host.systemctl("stop", hosts.SERVICE)
        assert host.show("ActiveState", "millrace.socket") == "active"
    assert not any("POLLHUP" in entry["MESSAGE"] for entry in host.journal("-u", "millrace.socket"))

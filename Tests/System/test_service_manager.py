"""What the daemon tells the service manager, and what it takes from it, without one at hand."""

import signal
import socket
import subprocess

import httpx
import pytest

from daemon import BINARY, READY, clean_environment
from graphs import delay, graph
from notify import Manager

NODES = "id: loaded\nnodes:\n  - {{ id: a, kind: set, config: {{ values: {{ x: {0} }} }} }}\n"


@pytest.fixture
def manager(tmp_path):
    manager = Manager(tmp_path)
    yield manager
    manager.close()


@pytest.fixture
def configured(new_daemon, tmp_path, manager):
    """A daemon with a configuration file, under a manager."""
    path = tmp_path / "millrace.yaml"

    def start(text, **variables):
        path.write_text(text)
        return new_daemon().start("--config", path, environment=manager.environment | variables), path

    return start


def reload(daemon, manager):
    daemon.process.send_signal(signal.SIGHUP)
    reloading = manager.next("RELOADING=1")
    assert int(reloading["MONOTONIC_USEC"]) > 0
    return manager.next("READY=1")["STATUS"]


def test_ready_is_told_once_it_serves_and_stopping_when_it_stops(configured, manager):
    daemon, _ = configured("")
    assert manager.next("READY=1")["STATUS"] == "serving; 0 executions running, 0 streams; no tokens: everybody on this host may do everything"
    assert daemon.stop() == 0
    assert manager.next("STOPPING=1")["STATUS"].startswith("stopping")


def test_the_status_counts_executions_and_streams(configured, manager):
    daemon, _ = configured("")
    manager.next("READY=1")
    daemon.create(graph([delay("a", 600_000)], id="slow"))
    with daemon.http.stream("POST", "/api/graphs/slow/execute/stream"):
        assert manager.next("STATUS=serving; 1 execution running, 1 stream; no tokens: everybody on this host may do everything")


def test_the_watchdog_is_fed_twice_in_its_time(configured, manager):
    configured("", WATCHDOG_USEC="400000")
    for _ in range(3):
        manager.next("WATCHDOG=1")


def test_a_daemon_without_a_watchdog_feeds_none(configured, manager):
    daemon, _ = configured("")
    manager.next("READY=1")
    daemon.stop()
    manager.next("STOPPING=1")
    assert not any("WATCHDOG" in message for message in manager.messages)


def test_a_reload_takes_over_what_can_change(configured, manager):
    daemon, path = configured("console: { start_graph: one }\n")
    headers = {"Host": "other.example"}
    assert daemon.http.get("/healthz", headers=headers).status_code == 421
    path.write_text("http: { allowed_hosts: [other.example] }\nlog: { level: error }\n")
    assert reload(daemon, manager) == "serving; 0 executions running, 0 streams; no tokens: everybody on this host may do everything"
    assert daemon.http.get("/healthz", headers=headers).status_code == 200
    execution_id = daemon.execute(daemon.create(graph([delay("a", 1)])))["execution_id"]
    daemon.stop()
    assert execution_id not in daemon.log


def test_a_reload_says_what_needs_a_restart(configured, manager, eventually):
    daemon, path = configured("")
    path.write_text("workers: { threads: 3 }\nhistory: { durability: power }\n")
    reload(daemon, manager)
    eventually(lambda: 'keys="workers.threads history.durability"' in daemon.log)


@pytest.mark.parametrize("text", ["http: { allowed_hosts: 7, what: 3 }\n", "http: [\n", "log: { level: loud }\n"])
def test_a_bad_file_keeps_the_old_configuration_and_says_so(configured, manager, eventually, text):
    daemon, path = configured("http: { allowed_hosts: [kept.example] }\n")
    path.write_text(text)
    status = reload(daemon, manager)
    assert "the configuration cannot be reloaded, the old one stays" in status and str(path) in status
    assert daemon.http.get("/healthz", headers={"Host": "kept.example"}).status_code == 200
    eventually(lambda: "the configuration cannot be reloaded; the old one stays" in daemon.log)
    path.write_text("")
    assert "old one stays" not in reload(daemon, manager)
    assert daemon.http.get("/healthz", headers={"Host": "kept.example"}).status_code == 421


def test_a_bad_graph_file_keeps_the_old_graph_and_says_so(configured, manager):
    daemon, _ = configured("")
    daemon.write_graph_file("loaded.yaml", NODES.format(1))
    assert "not loaded" not in reload(daemon, manager)
    daemon.write_graph_file("loaded.yaml", NODES.format("[").replace("kind", "king"))
    assert reload(daemon, manager).endswith("a graph file was not loaded, see the log")
    assert daemon.execute("loaded")["final_state"] == {"x": 1}
    daemon.write_graph_file("loaded.yaml", NODES.format(2))
    assert "not loaded" not in reload(daemon, manager)
    assert daemon.execute("loaded")["final_state"] == {"x": 2}


def test_sockets_are_served_by_their_name_and_several_may_share_one(tmp_path):
    sockets = []
    for name in ("first", "second", "other"):
        sockets.append(socket.socket(socket.AF_UNIX))
        sockets[-1].bind(str(tmp_path / name))
        sockets[-1].listen(16)

    # The protocol names the process, which only the child knows.
    script = 'LISTEN_PID=$$ LISTEN_FDS=3 LISTEN_FDNAMES=http:http:elsewhere exec "$@" 3<&"$A" 4<&"$B" 5<&"$C"'
    numbers = dict(zip("ABC", (str(each.fileno()) for each in sockets)))
    command = ["bash", "-c", script, "bash", BINARY, "serve", "--state-dir", tmp_path / "state", "--graphs", tmp_path]
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(
            command, env=clean_environment() | numbers, pass_fds=[each.fileno() for each in sockets], text=True,
            stdout=subprocess.PIPE, stderr=log,
        )
    try:
        addresses = READY.fullmatch(process.stdout.readline())["addresses"].split()
        assert addresses[:2] == [f"unix:{tmp_path}/first", f"unix:{tmp_path}/second"]
        assert not any(address.endswith("/other") for address in addresses)
        for name in ("first", "second"):
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(tmp_path / name))) as client:
                assert client.get("http://localhost/healthz").status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        process.stdout.close()
        for each in sockets:
            each.close()
    assert "no use for a socket of this name" in (tmp_path / "log").read_text()

"""Clients of another host: one that opens connections without end, and one that vanishes."""

import re

import pytest

from graphs import graph, never_ends
from namespace import another_host, heard
from tokens import create
from wire import Wire

# Opens connections one after the other, and says what became of them; then waits to be told to close them.
MANY = """
import json, resource, socket, sys
host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
ask = b"GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n"
kept, statuses = [], {}
for number in range(count):
    wire = socket.create_connection((host, port), timeout=60)
    try:
        wire.sendall(ask)
        answer = wire.recv(4096)
    except (ConnectionResetError, BrokenPipeError):
        answer = b""
    status = answer[9:12].decode() or "reset"
    statuses[status] = statuses.get(status, 0) + 1
    (kept if status == "200" else [wire.close()]).append(wire)
print(json.dumps(statuses), flush=True)
sys.stdin.readline()
for wire in kept: wire.close()
wire = socket.create_connection((host, port), timeout=60)
for _ in range(1000):
    wire.sendall(ask)
    if wire.recv(4096)[9:12] == b"200": break
    wire.close()
    wire = socket.create_connection((host, port), timeout=60)
else:
    print("null", flush=True)
print("true", flush=True)
"""

# Watches a stream, says when it has begun, and then never reads nor closes.
WATCH = """
import json, socket, sys
wire = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=60)
wire.sendall(f"GET /api/executions/{sys.argv[3]}/events HTTP/1.1\\r\\nHost: localhost\\r\\nAuthorization: Bearer {sys.argv[4]}\\r\\n\\r\\n".encode())
print(json.dumps(wire.recv(12).decode()), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def reachable(new_daemon):
    """A daemon that another host can reach, and its admin's token."""
    with another_host() as host:

        def start(*options):
            daemon = new_daemon()
            daemon.host, daemon.admin = host, create(daemon, "admin")
            daemon.start(*options, listen=("127.0.0.1:0", f"{host.here}:0"))
            daemon.public_port = int(re.search(rf"http://{re.escape(host.here)}:(\d+)", daemon.ready_line)[1])
            return daemon

        yield start


def metric(daemon, name):
    text = daemon.http.get("/metrics", headers=daemon.admin.headers).text
    return int(next(line for line in text.splitlines() if line.startswith(f"{name} ")).split()[1])


@pytest.mark.timeout(180)
def test_ten_thousand_connections_of_one_host_starve_nobody(reachable):
    limit, count = 300, 10_000
    daemon = reachable("--set", f"http.connections_per_address_max={limit}", "--set", "http.requests_per_second_per_address=0")
    many = daemon.host.start(MANY, daemon.host.here, daemon.public_port, count)
    with Wire(daemon) as wire:
        assert wire.request("GET", "/healthz").status == 200
        statuses = heard(many)
        assert statuses["200"] == limit
        assert statuses.get("429", 0) + statuses.get("reset", 0) == count - limit and statuses["429"] > 0
        assert metric(daemon, "millrace_connections_open") <= limit + 2
        assert metric(daemon, "millrace_connections_refused_total") == count - limit
        assert wire.request("GET", "/healthz").status == 200
        # Loopback has no such limit.
        near = [Wire(daemon) for _ in range(limit + 50)]
        assert all(each.request("GET", "/healthz").status == 200 for each in near)
        for each in near:
            each.socket.close()
    many.stdin.write("\n")
    many.stdin.flush()
    assert heard(many) is True


def test_a_host_that_sends_too_many_requests_is_told_to_wait(reachable):
    daemon = reachable("--set", "http.requests_per_second_per_address=5")
    many = daemon.host.start(MANY, daemon.host.here, daemon.public_port, 100)
    statuses = heard(many)
    assert statuses["200"] >= 20 and statuses["429"] > 0
    assert daemon.http.get("/healthz").status_code == 200


def test_a_watcher_whose_host_has_vanished_is_given_up(reachable, eventually):
    """Nothing tells the daemon: no end, no reset, no answer to its keep-alives (TCP_USER_TIMEOUT)."""
    daemon = reachable("--set", "http.write_timeout_ms=1500", "--set", "stream.keep_alive_ms=200")
    owner = daemon.admin.headers
    document = graph([never_ends("a")])
    assert daemon.http.post("/api/graphs", json=document, headers=owner).status_code == 201
    started = daemon.http.post(f"/api/graphs/{document['id']}/execute", headers=owner | {"Prefer": "respond-async"}).json()
    watcher = daemon.host.start(WATCH, daemon.host.here, daemon.public_port, started["execution_id"], daemon.admin.secret)
    assert heard(watcher) == "HTTP/1.1 200"
    assert metric(daemon, "millrace_streams_open") == 1
    daemon.host.pull_the_cable()
    assert eventually(lambda: metric(daemon, "millrace_streams_open") == 0, seconds=40)

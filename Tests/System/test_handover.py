"""From one daemon to the next over sockets that a service manager keeps: what is asked meanwhile is answered."""

import contextlib
import json
import os
import signal
import socket
import subprocess

import pytest

from daemon import BINARY, READY, clean_environment
from graphs import chain, delay, graph, lua, put
from wire import Wire, request

# The protocol names the process, which only the child knows.
SCRIPT = 'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=http exec "$@" 3<&"$A"'
# Far more than the daemon gets, and little for each node.
BUSY = "local n = 0 for i = 1, 3000000 do n = n + i % 7 end return {n = n}"


class Manager:
    """Keeps a socket, and starts one daemon after the other on it."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "http.sock"
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(self.path))
        self.socket.listen(64)
        self.log = folder / "log"
        self.process = None

    def start(self, *arguments):
        number = self.socket.fileno()
        command = ["bash", "-c", SCRIPT, "bash", BINARY, "serve", "--state-dir", self.folder / "state", "--graphs",
                   self.folder / "graphs", *arguments]
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                command, env=clean_environment() | {"A": str(number)}, pass_fds=[number], text=True,
                stdout=subprocess.PIPE, stderr=log, start_new_session=True)
        assert READY.fullmatch(self.process.stdout.readline())

    def wire(self):
        return Wire(unix=self.path)

    def begin_stop(self, eventually):
        self.process.send_signal(signal.SIGTERM)
        eventually(lambda: "stopping" in self.log.read_text())

    def wait(self):
        status = self.process.wait(60)
        self.process.stdout.close()
        return status

    def close(self):
        if self.process and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.wait()
        self.socket.close()


@pytest.fixture
def manager(tmp_path):
    (tmp_path / "graphs").mkdir()
    manager = Manager(tmp_path)
    yield manager
    manager.close()


def post(path, document=None, **headers):
    return request("POST", path, {"Content-Type": "application/json", **headers}, json.dumps(document or {}).encode())


def get(wire, path):
    reply = wire.request("GET", path)
    assert reply.status == 200, reply.body
    return json.loads(reply.body)


def create(wire, document):
    wire.send(post("/api/graphs", document))
    assert wire.read().status == 201


def test_what_is_asked_while_the_daemon_stops_is_answered_by_it_or_by_the_next(manager, eventually):
    manager.start()
    with manager.wire() as first, manager.wire() as computes, manager.wire() as waits, manager.wire() as streams:
        create(first, chain(put("a", x=1), lua("b", "return {y = state.x + 1}"), id="computes"))
        create(computes, graph([delay("a", 10)], id="waits"))
        create(waits, graph([delay("a", 2_000)], id="holds"))
        assert get(streams, "/healthz")
        first.send(post("/api/graphs/holds/execute"))
        eventually(lambda: get(computes, "/api/executions?status=running")["items"])
        manager.begin_stop(eventually)

        # Whoever comes now waits in the backlog.
        late = manager.wire()
        late.send(post("/api/graphs/computes/execute"))
        # What only computes runs at once; what would have to wait for something is left to the next daemon.
        waits.send(post("/api/graphs/waits/execute"))
        computes.send(post("/api/graphs/computes/execute"))
        reply = computes.read()
        assert (reply.status, reply.closes) == (200, True)
        assert json.loads(reply.body)["final_state"] == {"x": 1, "y": 2}
        streams.send(post("/api/graphs/computes/execute/stream"))
        reply = streams.read()
        assert reply.status == 200
        assert reply.body.count(b'"type":"complete"') == 1
        # What ran gets its time.
        assert first.read().status == 200
        promise = waits.read()
        assert promise.status == 202 and json.loads(promise.body)["status"] == "queued"
    assert manager.wait() == 0

    manager.start()
    with late, manager.wire() as wire:
        assert json.loads(late.read().body)["final_state"] == {"x": 1, "y": 2}
        assert eventually(lambda: get(wire, promise["location"])["status"] == "success")


def test_a_chain_that_computes_for_long_does_not_hold_up_the_stop(manager, eventually):
    manager.start("--set", "executions.drain_ms=200")
    with manager.wire() as wire, manager.wire() as other:
        create(wire, chain(*(lua(f"n{number}", BUSY) for number in range(400)), id="long"))
        wire.send(post("/api/graphs/long/execute"))
        eventually(lambda: get(other, "/api/executions?status=running")["items"])
        manager.begin_stop(eventually)
        promise = wire.read()
        assert (promise.status, json.loads(promise.body)["status"]) == (202, "running")
    assert manager.wait() == 0

    manager.start()
    with manager.wire() as wire:
        assert eventually(lambda: get(wire, promise["location"])["attempt"] == 2)
        wire.send(post(promise["location"] + "/cancel"))
        assert wire.read().status == 202
        events = get_events(wire, promise["location"])
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [event["attempt"] for event in events if event["type"] == "start"] == [1, 2]


def get_events(wire, location):
    reply = wire.request("GET", location + "/events", {"Accept": "application/json"})
    return json.loads(reply.body)

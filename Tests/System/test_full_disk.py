"""The disk is full: the state folder lies on a small tmpfs, and a file takes all that is left of it."""

import errno
import os
import pathlib
import re
import socket
import subprocess
import threading

import httpx
import pytest

import daemon as daemons
from daemon import clean_environment
from graphs import chain, delay, graph, process, put
from stream import is_whole
from wire import Closed, Wire

DISK_BYTES = 8 << 20
STATE_BYTES = 200_000

# What the logs of all executions may hold, and what the nodes of a test put out while nothing can be stored: many times as much.
MEMORY_BYTES = 1 << 20
LINE = "x" * 1000
LINES = 10_000
FLOODS = 10
# Twice the memory may wait for the disk, and a commit that is tried takes a copy of it. The rest is for buffers that do not
# depend on what is put out.
FLOODED_BYTES = 4 * MEMORY_BYTES + (40 << 20)


class Disk:
    """A file system of its own, of a few megabytes."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        options = f"size={DISK_BYTES},mode=700"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"a tmpfs cannot be mounted here (it takes root): {done.stderr.strip()}")

    def fill(self):
        """Takes every byte that is left."""
        filler = os.open(self.folder / "filler", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        size = 1 << 16
        while size:
            try:
                os.write(filler, bytes(size))
            except OSError as error:
                assert error.errno == errno.ENOSPC
                size //= 2
        os.close(filler)

    def free(self):
        (self.folder / "filler").unlink()

    def unmount(self):
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


@pytest.fixture
def disk(new_daemon):
    """A daemon whose state folder is a file system of its own; it is killed before that goes away."""
    daemon = new_daemon()
    disk = Disk(daemon.state)
    yield disk, daemon
    daemon.kill()
    disk.unmount()


def write_until_it_is_full(daemon, disk, graph_id, eventually):
    """Fills the disk, and starts executions until the daemon notices: its journal may have some room of its own left.
    Gives the connections of those starts."""
    disk.fill()
    wires = []

    def is_noticed():
        with Wire(daemon) as wire:
            if wire.request("GET", "/readyz").status == 503:
                return True
        wires.append(start_without_waiting(daemon, graph_id))
        return False

    eventually(is_noticed, seconds=40)
    return wires


def start_without_waiting(daemon, graph_id):
    """Sends a start; its answer comes once it is stored."""
    wire = Wire(daemon)
    body = b'{"initial_state":{"text":"' + b"x" * STATE_BYTES + b'"}}'
    wire.send(
        f"POST /api/graphs/{graph_id}/execute/stream?state=none HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    return wire


class Watcher(threading.Thread):
    """Reads the stream of an execution to its end, on a thread of its own."""

    def __init__(self, daemon, execution_id):
        super().__init__()
        self.running, self.execution_id, self.pieces = daemon, execution_id, []
        self.start()

    def run(self):
        with Wire(self.running, timeout=55) as wire:
            wire.send(f"GET /api/executions/{self.execution_id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            try:
                for piece in wire.read_body(wire.read_head()):
                    self.pieces.append(piece)
            except Closed:
                pass  # The daemon was killed.


def begin_some(daemon):
    """Executions that are in the middle of their nodes for a while."""
    steps = [each for number in range(30) for each in (delay(f"d{number}", 50), put(f"n{number}", **{f"k{number}": number}))]
    graph_id = daemon.create(chain(*steps))
    return [daemon.begin(graph_id) for _ in range(3)]


def test_while_the_disk_is_full_executions_wait_and_afterwards_all_goes_on_by_itself(disk, eventually):
    disk, daemon = disk
    daemon.start()
    running, writer = begin_some(daemon), daemon.create(graph([put("a", x=1)]))
    watchers = [Watcher(daemon, each) for each in running]
    unanswered = write_until_it_is_full(daemon, disk, writer, eventually)

    with Wire(daemon) as wire:
        # It says what is wrong, to whoever asks and in the log, and serves what it can.
        for method, path in [("GET", "/readyz"), ("POST", f"/api/graphs/{writer}/execute")]:
            refusal = wire.request(method, path)
            assert refusal.status == 503 and refusal["retry-after"]
            assert b'"history_unwritable"' in refusal.body and b"free some space" in refusal.body
        assert wire.request("GET", "/healthz").status == 200
        assert b"millrace_history_writable 0" in wire.request("GET", "/metrics").body
        assert wire.request("GET", f"/api/executions/{running[0]}").status == 200
    eventually(lambda: "free some space" in daemon.log)
    seen = [b"".join(watcher.pieces) for watcher in watchers]

    disk.free()
    with Wire(daemon) as wire:
        eventually(lambda: wire.request("GET", "/readyz").status == 200)
    eventually(lambda: "can be written again" in daemon.log)
    for watcher, before in zip(watchers, seen):
        watcher.join()
        body = b"".join(watcher.pieces)
        assert body.startswith(before)
        stream = daemon.stream(watcher.execution_id)
        assert is_whole(stream.events) and stream.events[-1]["status"] == "success"
        assert body.split(b"\n\n", 1)[1].replace(b": keep-alive\n\n", b"") == stream.body.split(b"\n\n", 1)[1]
    # Each start that was taken on ran once.
    for wire in unanswered:
        with wire:
            head = wire.read_head()
            # It may have been noticed between the last look and the last start.
            assert head.status in (200, 503)
            if head.status == 200:
                assert is_whole(daemon.all_events(head["content-location"].rpartition("/")[2]))
    assert daemon.execute(writer)["status"] == "success"
    assert daemon.stop() == 0


def resident(daemon):
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    return {name: int(value) << 10 for name, value in re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", status)}


def metric(daemon, name):
    with Wire(daemon) as wire:
        return float(re.search(rf"^{name} (\S+)$", wire.request("GET", "/metrics").body.decode(), re.MULTILINE)[1])


def test_what_nodes_put_out_while_the_disk_is_full_stays_within_its_memory(disk, eventually, tmp_path):
    disk, daemon = disk
    daemon.start("--set", f"executions.memory_bytes_max={MEMORY_BYTES}")
    go = tmp_path / "go"
    flood = process("flood", "sh", "-c", f"while [ ! -e {go} ]; do sleep 0.05; done; yes {LINE} | head -n {LINES} >&2")
    flooded = daemon.create(chain(flood, put("after", x=1)))
    running = [daemon.begin(flooded) for _ in range(FLOODS)]
    eventually(lambda: all(daemon.summary(each)["last_seq"] == 2 for each in running))
    watchers = [Watcher(daemon, each) for each in running]
    writer = daemon.create(graph([put("a", x=1)]))
    unanswered = write_until_it_is_full(daemon, disk, writer, eventually)

    before = resident(daemon)["VmRSS"]
    go.touch()
    eventually(lambda: metric(daemon, "millrace_children") == 0, seconds=40)
    assert metric(daemon, "millrace_history_writable") == 0
    # One event may be on its way for each execution when the last room is taken.
    assert MEMORY_BYTES < metric(daemon, "millrace_log_bytes") < 2 * MEMORY_BYTES + FLOODS * (1 << 20)
    assert resident(daemon)["VmHWM"] < before + FLOODED_BYTES

    disk.free()
    for watcher in watchers:
        watcher.join()
    words = 0
    for watcher in watchers:
        stream = daemon.stream(watcher.execution_id)
        assert is_whole(stream.events) and stream.events[-1]["status"] == "success"
        seen = [block for block in b"".join(watcher.pieces).split(b"\n\n") if block.startswith(b"id: ")]
        assert seen == stream.blocks
        assert [event["node_id"] for event in stream.events if event["type"] == "node_complete"] == ["flood", "after"]
        words += any("the history cannot be written" in str(event.get("data")) for event in stream.events)
    # What is missing is said where it is missing.
    assert words > 0
    for wire in unanswered:
        wire.socket.close()


def test_a_daemon_that_is_killed_on_a_full_disk_loses_nothing_that_was_seen(disk, eventually):
    disk, daemon = disk
    daemon.start()
    running, writer = begin_some(daemon), daemon.create(graph([put("a", x=1)]))
    watchers = [Watcher(daemon, each) for each in running]
    for wire in write_until_it_is_full(daemon, disk, writer, eventually):
        wire.socket.close()
    daemon.process.kill()
    daemon.process.wait()
    for watcher in watchers:
        watcher.join()
    disk.free()
    daemon._forget_client()
    daemon.start()
    for watcher in watchers:
        stream = daemon.stream(watcher.execution_id)
        assert is_whole(stream.events)
        seen = [block for block in b"".join(watcher.pieces).split(b"\n\n") if block.startswith(b"id: ")]
        assert seen and seen == stream.blocks[: len(seen)]


def test_a_graph_that_does_not_fit_on_the_disk_is_refused_and_fits_later(disk, eventually):
    disk, daemon = disk
    daemon.start()
    disk.fill()
    large = graph([put("a", text="x" * (7 << 20))])
    refusal = daemon.http.post("/api/graphs", json=large)
    assert (refusal.status_code, refusal.json()["code"]) == (503, "store_unavailable")
    assert "free some space" in refusal.json()["detail"]
    assert daemon.http.get(f"/api/graphs/{large['id']}").status_code == 404
    disk.free()
    small = graph([put("a", x=1)])
    assert daemon.http.post("/api/graphs", json=small).status_code == 201


def test_a_start_on_a_full_disk_says_so_and_goes_on_when_there_is_space(disk, tmp_path, eventually):
    disk, daemon = disk
    disk.fill()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % free.getsockname()[1]
    arguments = ["--state-dir", daemon.state, "--graphs", tmp_path, "--listen", address]
    log = tmp_path / "log"
    with open(log, "w") as output:
        process = subprocess.Popen([daemons.BINARY, "serve", *arguments], stdout=output, stderr=output, env=clean_environment())

    def status(path):
        try:
            return httpx.get(f"http://{address}{path}").status_code
        except httpx.TransportError:
            return None

    try:
        eventually(lambda: status("/readyz") == 503)
        assert status("/healthz") == 200
        assert b"history_unwritable" in httpx.get(f"http://{address}/api/graphs").content
        assert "waits for space" in log.read_text()
        assert process.poll() is None
        disk.free()
        eventually(lambda: status("/readyz") == 200)
        assert status("/api/executions") == 200
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0


def test_a_stop_ends_a_start_that_waits_for_space(disk, tmp_path, eventually):
    disk, daemon = disk
    disk.fill()
    log = tmp_path / "log"
    arguments = ["--state-dir", daemon.state, "--graphs", tmp_path, "--listen", "127.0.0.1:0"]
    with open(log, "w") as output:
        process = subprocess.Popen([daemons.BINARY, "serve", *arguments], stdout=output, stderr=output, env=clean_environment())
    eventually(lambda: "waits for space" in log.read_text())
    process.terminate()
    assert process.wait(timeout=30) == 0


def test_stopping_on_a_full_disk_ends_and_the_next_daemon_goes_on(disk, eventually):
    disk, daemon = disk
    daemon.start("--set", "executions.drain_ms=0")
    execution_id = daemon.begin(daemon.create(chain(put("a", x=1), delay("b", 3000), put("c", y=1))))
    write_until_it_is_full(daemon, disk, daemon.create(graph([put("a", x=1)])), eventually)
    status = daemon.stop()
    # What could not be stored was never seen by anybody; the exit status tells of it all the same.
    assert status == 1 and "could not be stored" in daemon.log
    disk.free()
    daemon.start()
    events = daemon.all_events(execution_id)
    assert is_whole(events) and events[-1]["status"] == "success"


def test_a_limit_of_file_sizes_is_as_a_full_disk(new_daemon, eventually):
    daemon = new_daemon()
    daemon.start(prefix=("prlimit", "--fsize=3000000"))
    graph_id = daemon.create(graph([put("a", x=1)]))
    wires = []

    def is_noticed():
        wires.append(start_without_waiting(daemon, graph_id))
        with Wire(daemon) as wire:
            return wire.request("GET", "/readyz").status == 503

    eventually(is_noticed, seconds=40)
    assert daemon.is_running
    daemon.kill()

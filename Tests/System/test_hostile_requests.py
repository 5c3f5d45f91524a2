"""Hostile clients: each gets its refusal and a closed connection, and a healthy stream beside them notices nothing."""

import json
import pathlib
import random
import socket
import threading

import pytest

from graphs import delay, graph, never_ends, put
from stream import Stream, is_whole
from wire import Closed, Wire, request

CORPUS = pathlib.Path(__file__).resolve().parents[1] / "Differential" / "corpus.jsonl"
CASES = [json.loads(line) for line in CORPUS.read_text().splitlines()]
HOSTILE = [case for case in CASES if "fault" in case]

# What a smuggler wants to be served: it must never be.
SMUGGLED = b"POST /api/graphs/smuggled/execute HTTP/1.1\r\nHost: localhost\r\n\r\n"


def names(cases):
    return [case["name"] for case in cases]


class HealthyStream:
    """A reader of a long execution, on a thread of its own."""

    def __init__(self, daemon):
        self.daemon = daemon
        # Ticks all the time, so that whatever held up the daemon would hold up this stream.
        self.graph_id = daemon.create(graph([delay(f"n{number}", 10 * number) for number in range(100)]))
        self.thread = threading.Thread(target=self._read)

    def _read(self):
        self.stream = Stream(self.daemon.http.post(f"/api/graphs/{self.graph_id}/execute/stream").content)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.thread.join()


@pytest.mark.parametrize("case", HOSTILE, ids=names(HOSTILE))
def test_each_attack_is_refused_by_name_and_its_connection_closed(daemon, case):
    with Wire(daemon) as wire:
        wire.send(case["input"].encode("latin-1") + SMUGGLED)
        for expected in case["requests"]:
            assert wire.read(is_head=expected["method"] == "HEAD").status in (404, 405, 415, 421)
        refusal = wire.read()
        assert 400 <= refusal.status < 600
        assert json.loads(refusal.body)["code"] == case["fault"]
        assert refusal.closes
        assert wire.is_closed_by_server()


def test_a_stream_beside_all_attacks_notices_nothing(daemon):
    with HealthyStream(daemon) as healthy:
        for case in HOSTILE:
            with Wire(daemon) as wire:
                wire.send(case["input"].encode("latin-1") + SMUGGLED)
                wire.rest()
    assert is_whole(healthy.stream.events)
    assert len(healthy.stream.events) == 202


@pytest.mark.parametrize("case", HOSTILE, ids=names(HOSTILE))
def test_an_attack_byte_by_byte_is_the_same_attack(daemon, case):
    data = case["input"].encode("latin-1")
    if len(data) > 600:
        pytest.skip("the parser's own tests split long inputs")
    with Wire(daemon) as wire:
        try:
            for byte in data:
                wire.send(bytes([byte]))
        except (BrokenPipeError, ConnectionResetError):
            pass  # It was refused before it was over.
        answers = wire.rest_or_reset()
    if answers is not None:
        assert case["fault"].encode() in answers


def test_garbage_is_refused(daemon):
    random_bytes = random.Random(7)
    for _ in range(300):
        with Wire(daemon) as wire:
            wire.send(random_bytes.randbytes(random_bytes.randrange(1, 400)) + b"\r\n\r\n")
            wire.socket.shutdown(socket.SHUT_WR)
            answer = wire.rest()
            assert answer == b"" or answer.startswith(b"HTTP/1.1 4") or answer.startswith(b"HTTP/1.1 5")
    assert daemon.http.get("/healthz").status_code == 200


def test_tls_on_the_plain_port_is_refused(daemon):
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(193)
    with Wire(daemon) as wire:
        wire.send(hello)
        assert wire.read().status == 400
        assert wire.is_closed_by_server()


@pytest.mark.parametrize("target", ["/console/../../etc/passwd", "/console/%2e%2e/etc/passwd", "/console/..%2f..%2fetc%2fpasswd", "/console/%00", "/../etc/passwd", "/console/index.html%00.js", "/console/.git"])
def test_no_path_leads_out_of_the_console(daemon, target):
    with Wire(daemon) as wire:
        response = wire.request("GET", target)
        assert response.status in (400, 404)
        assert b"root:" not in response.body


def test_slow_clients_in_numbers_hold_up_nobody(start_daemon):
    """Two hundred heads that never end and two hundred readers that never read."""
    daemon = start_daemon("--set", "http.header_timeout_ms=1500")
    graph_id = daemon.create(graph([put("a", text="x" * 100_000)] + [put(f"n{number}") for number in range(40)]))
    wires = []
    try:
        for _ in range(200):
            wires.append(Wire(daemon))
            wires[-1].send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        for _ in range(200):
            wires.append(Wire(daemon))
            wires[-1].send(f"POST /api/graphs/{graph_id}/execute/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for _ in range(20):
            assert daemon.http.get("/healthz").status_code == 200
        assert is_whole(daemon.all_events(daemon.execute(graph_id)["execution_id"]))
        for wire in wires[:200]:
            assert wire.read().status == 408
    finally:
        for wire in wires:
            wire.socket.close()


def test_bytes_after_a_refusal_are_not_served(daemon):
    with Wire(daemon) as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + request("GET", "/healthz") * 1000)
        assert json.loads(wire.read().body)["code"] == "repeated_host"
        assert wire.is_closed_by_server()


def test_a_body_is_never_taken_for_the_next_request(daemon):
    graph_id = daemon.create(graph([put("a")]))
    with Wire(daemon) as wire:
        response = wire.request("POST", f"/api/graphs/{graph_id}/execute", {"Content-Type": "text/plain"}, SMUGGLED)
        assert response.status == 415
        assert wire.request("GET", "/healthz").status == 200
        assert wire.buffer == b""
    assert daemon.http.get("/api/executions", params={"graph_id": "smuggled"}).json()["items"] == []


def test_running_out_of_descriptors_refuses_politely_and_recovers(new_daemon, eventually):
    """The limit is made small from outside (prlimit), so that a few connections reach it."""
    import resource

    daemon = new_daemon().start()
    execution_id = daemon.begin(daemon.create(graph([never_ends("a")])))
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (60, resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)[1]))
    wires, refused = [], 0
    for _ in range(80):
        try:
            wires.append(Wire(daemon, timeout=10))
            response = wires[-1].request("GET", "/healthz")
            refused += response.status == 503
        except (Closed, ConnectionResetError, BrokenPipeError):
            refused += 1
    for wire in wires:
        wire.socket.close()
    assert 20 <= refused < 80
    daemon._forget_client()
    assert eventually(lambda: daemon.http.get("/healthz").status_code == 200)
    assert daemon.cancel(execution_id).status_code == 202

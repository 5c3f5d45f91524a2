"""Hostile connections: those that are slow, endless, greedy or dead. Each costs its own connection and nobody else anything."""

import contextlib
import json
import socket
import time

import pytest

from graphs import chain, graph, put
from stream import Stream, is_whole
from wire import Closed, Wire, request

DEADLINE = 30


@pytest.fixture
def impatient(start_daemon):
    """Short limits, so that their ends are seen."""
    return start_daemon(
        "--set", "http.header_timeout_ms=800", "--set", "http.body_timeout_ms=800", "--set", "http.write_timeout_ms=1000",
        "--set", "stream.keep_alive_ms=200",
    )


def drip(wire, piece):
    """Sends a piece again and again, until the daemon has had enough; says how often."""
    wire.socket.settimeout(0.05)
    deadline = time.monotonic() + DEADLINE
    count = 0
    while time.monotonic() < deadline:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            wire.send(piece)
            count += 1
        with contextlib.suppress(TimeoutError):
            data = wire.socket.recv(1 << 16)
            wire.buffer += data
            if not data or b"\r\n\r\n" in wire.buffer:
                wire.socket.settimeout(DEADLINE)
                return count
    pytest.fail("it is taken for ever")


# --- Slow ---


@pytest.mark.parametrize(
    "opening, piece, code",
    [
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", "a", "header_timeout"),
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\n", "X: y\r\n", "header_timeout"),
        ("G", "E", "header_timeout"),
        ("POST /api/graphs/validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 8000000\r\n\r\n", "[", "body_timeout"),
        ("POST /api/graphs/validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n[\r\n", "body_timeout"),
    ],
    ids=["slowloris in a header field", "slowloris header by header", "slowloris in the method", "slow body", "slow chunks"],
)
def test_a_request_that_drips_is_given_up_though_it_never_stops(impatient, opening, piece, code):
    with Wire(impatient) as wire:
        wire.send(opening)
        drip(wire, piece)
        refusal = wire.read()
        assert (refusal.status, json.loads(refusal.body)["code"], refusal.closes) == (408, code, True)
        with Wire(impatient) as other:
            assert other.request("GET", "/healthz").status == 200


# --- Endless ---


ENDLESS = {
    "header field": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ", b"y" * 4096, 431),
    "header fields": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n", b"X: y\r\n" * 100, 431),
    "request line": (b"GET /", b"y" * 4096, 414),
    "method": (b"", b"G" * 4096, 414),
    "empty lines": (b"", b"\r\n" * 2048, 400),
    "chunk extension": (b"POST /api/layout HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n1;", b"e" * 4096, 400),
    "chunk extensions": (b"POST /api/layout HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n", b"1;ext=12345678\r\n \r\n" * 200, 400),
    "chunk size": (b"POST /api/layout HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n", b"0" * 4096, 400),
    "trailer": (b"POST /api/layout HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n0\r\n", b"X: y\r\n" * 100, 431),
    "chunked body": (b"POST /api/layout HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n", b"1000\r\n" + b" " * 4096 + b"\r\n", 413),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_refused_within_its_limit(daemon, name):
    opening, piece, status = ENDLESS[name]
    with Wire(daemon) as wire:
        wire.send(opening)
        sent = 0
        # The body's limit is 8 MiB, that of all else a few KiB. What is sent beyond is read and thrown away for a while, so that
        # the answer arrives (RFC 9112, section 9.6).
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while sent < 24 << 20:
                wire.send(piece)
                sent += len(piece)
        answer = wire.rest_or_reset()
        if answer is not None:
            assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert daemon.http.get("/healthz").status_code == 200


# --- Greedy ---


def memory(daemon):
    """What the process has in memory, in bytes."""
    pages = int((open(f"/proc/{daemon.process.pid}/statm").read()).split()[1])
    return pages * 4096


def flood(wire, data, limit):
    """Sends without reading, until nothing more is taken for a while; says how much was."""
    wire.socket.settimeout(0.5)
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < limit:
            sent += wire.socket.send(data[sent % len(data):])
    return sent


def test_a_flood_of_pipelined_requests_is_not_read_on_while_its_answers_are_not(start_daemon):
    """Each answer is much larger than its request: whoever does not read them must not make the daemon keep them."""
    daemon = start_daemon()
    daemon.http.get("/openapi.json")
    one = request("GET", "/openapi.json")
    before = memory(daemon)
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            last = stack.enter_context(Wire(daemon))
            assert flood(last, one * 1000, 16 << 20) < 16 << 20
        assert daemon.http.get("/healthz").status_code == 200
        # All their answers would be some gigabytes.
        assert memory(daemon) - before < 64 << 20
        last.socket.settimeout(DEADLINE)
        assert [last.read().status for _ in range(100)] == [200] * 100


def test_a_flood_of_pipelined_requests_waits_its_turn(start_daemon):
    """One who sends and reads as fast as can be leaves room for one who asks now and then."""
    import threading

    daemon = start_daemon()
    stop = threading.Event()

    def greedy():
        with Wire(daemon) as wire:
            while not stop.is_set():
                wire.send(request("GET", "/healthz") * 200)
                for _ in range(200):
                    wire.read()

    threads = [threading.Thread(target=greedy) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        with Wire(daemon) as wire:
            for _ in range(20):
                assert wire.request("GET", "/healthz").status == 200
    finally:
        stop.set()
        for thread in threads:
            thread.join()


# --- Stalled, slow and dead ---


def large(daemon):
    """A graph whose stream is several megabytes."""
    return daemon.create(chain(put("big", text="x" * 100_000), *(put(f"n{number}") for number in range(20))))


def connections(daemon):
    text = daemon.http.get("/metrics").text
    return int(next(line for line in text.splitlines() if line.startswith("millrace_connections_open ")).split()[1])


def narrow(daemon, unix=False):
    """A connection whose window is small, so that little is on its way to one who does not read."""
    wire = object.__new__(Wire)
    wire.buffer = b""
    wire.socket = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.socket.settimeout(DEADLINE)
    wire.socket.connect(str(daemon.socket_path) if unix else ("127.0.0.1", daemon.port))
    return wire


def stall(daemon, graph_id, unix=False):
    """A reader whose window is closed: it asks for a stream and never reads."""
    wire = narrow(daemon, unix)
    wire.send(request("POST", f"/api/graphs/{graph_id}/execute/stream"))
    return wire


@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])
def test_readers_that_never_read_are_given_up_beside_one_that_does(impatient, eventually, unix):
    graph_id = large(impatient)
    stalled = [stall(impatient, graph_id, unix) for _ in range(50)]
    try:
        assert is_whole(impatient.all_events(impatient.execute(graph_id)["execution_id"]))
        # What is left is the one that asks.
        assert eventually(lambda: connections(impatient) == 1, seconds=DEADLINE)
    finally:
        for wire in stalled:
            wire.socket.close()


def read_slowly(wire, seconds):
    """Everything up to the end of the connection, a little at a time for so long; says how long it took."""
    begin = time.monotonic()
    while data := wire.socket.recv(8 << 10):
        wire.buffer += data
        if time.monotonic() - begin < seconds:
            time.sleep(0.02)  # This is the attack: to take it slowly.
    return time.monotonic() - begin


def test_a_reader_that_is_slow_is_kept(impatient):
    """Slower than the write timeout in all, and never idle for that long."""
    with narrow(impatient, unix=True) as wire:
        wire.send(request("POST", f"/api/graphs/{large(impatient)}/execute/stream", {"Connection": "close"}))
        assert read_slowly(wire, 4) > 3, "the stream is too small for this test"
        head = wire.read_head()
        assert is_whole(Stream(b"".join(wire.read_body(head))).events)


@pytest.fixture(scope="module")
def document():
    """A document of some megabytes."""
    return graph([put(f"n{number}", text="x" * 500) for number in range(8000)])


@pytest.mark.parametrize("closes", [False, True])
def test_an_answer_that_is_not_read_is_given_up(impatient, document, eventually, closes):
    impatient.create(document)
    with narrow(impatient, unix=True) as wire:
        wire.send(request("GET", f"/api/graphs/{document['id']}", {"Connection": "close"} if closes else {}))
        eventually(lambda: connections(impatient) == 2)
        assert eventually(lambda: connections(impatient) == 1, seconds=DEADLINE)
        with pytest.raises(Closed):
            wire.read()


def test_a_large_last_answer_reaches_one_who_reads_slowly(impatient, document):
    impatient.create(document)
    with narrow(impatient, unix=True) as wire:
        wire.send(request("GET", f"/api/graphs/{document['id']}", {"Connection": "close"}))
        assert read_slowly(wire, 4) > 3, "the answer is too small for this test"
        assert json.loads(wire.read().body) == document | {"revision": 1}

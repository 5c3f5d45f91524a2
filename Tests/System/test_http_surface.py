"""The HTTP surface: methods, limits, guards, problems, cross-origin calls, health."""

import json

import httpx
import pytest

from graphs import graph, put
from wire import Closed, Wire, request

GRAPH_JSON = json.dumps(graph([put("a")]) | {"id": "surface"})


def assert_problem(reply, status, code):
    """Problem details (RFC 9457), whichever client has read them."""
    fields = reply.headers if isinstance(reply, httpx.Response) else httpx.Headers(reply.fields)
    got = reply.status_code if isinstance(reply, httpx.Response) else reply.status
    problem = json.loads(reply.content if isinstance(reply, httpx.Response) else reply.body)
    assert fields["content-type"] == "application/problem+json"
    assert (got, problem["status"], problem["code"]) == (status, status, code)
    assert problem["type"] and problem["title"] and problem["detail"]


# --- Paths and methods ---


@pytest.mark.parametrize("path", ["/api", "/api/graph", "/api/graphs/", "/api/graphs//execute", "//", "/API/graphs", "/api/executions/x/y", "/console/a/b"])
def test_an_unknown_path_is_not_found(daemon, path):
    with Wire(daemon) as wire:
        assert_problem(wire.request("GET", path), 404, "not_found")


@pytest.mark.parametrize(
    "method, path, allow",
    [
        ("DELETE", "/api/graphs", "GET, POST, HEAD, OPTIONS"),
        ("POST", "/api/graphs/x", "GET, PUT, DELETE, HEAD, OPTIONS"),
        ("GET", "/api/graphs/x/execute", "POST, OPTIONS"),
        ("HEAD", "/api/graphs/x/execute/stream", "POST, OPTIONS"),
        ("PATCH", "/api/executions", "GET, HEAD, OPTIONS"),
        ("BREW", "/healthz", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_known_path_with_another_method_lists_the_allowed_ones(daemon, method, path, allow):
    with Wire(daemon) as wire:
        response = wire.request(method, path)
        assert (response.status, set(response["allow"].split(", "))) == (405, set(allow.split(", ")))
        if method != "HEAD":
            assert json.loads(response.body)["code"] == "method_not_allowed"
        assert wire.request("GET", "/healthz").status == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/api/graphs", "/api/node-kinds", "/api/executions"])
def test_head_answers_like_get_without_the_body(daemon, path):
    with Wire(daemon) as wire:
        got, head = wire.request("GET", path), wire.request("HEAD", path)
        names = ["content-type", "etag", "vary", "link"] + ([] if path == "/metrics" else ["content-length"])
        assert (head.status, [head[name] for name in names]) == (got.status, [got[name] for name in names])
        assert (wire.buffer, head.body) == (b"", b"")


def test_options_tells_the_methods(daemon):
    with Wire(daemon) as wire:
        response = wire.request("OPTIONS", "/api/graphs")
        assert (response.status, set(response["allow"].split(", "))) == (204, {"GET", "POST", "HEAD", "OPTIONS"})
        assert wire.request("OPTIONS", "*").status == 204
        assert response["access-control-allow-origin"] is None


def test_an_absolute_target_is_served_like_its_path(daemon):
    with Wire(daemon) as wire:
        assert wire.request("GET", "http://localhost/healthz").status == 200


# --- Limits, each with its own error ---


def test_the_request_line_may_have_8_kib_and_no_more(daemon):
    path = "/healthz?x="
    room = 8192 - len(f"GET {path} HTTP/1.1")
    with Wire(daemon) as wire:
        assert wire.request("GET", path + "y" * room).status == 200
        assert_problem(wire.request("GET", path + "y" * (room + 1)), 414, "request_line_too_long")
        assert wire.is_closed_by_server()


def test_the_fields_may_have_32_kib_and_no_more(daemon):
    room = 32768 - len("Host: localhost\r\nX: \r\n")
    with Wire(daemon) as wire:
        assert wire.request("GET", "/healthz", {"X": "y" * room}).status == 200
        assert_problem(wire.request("GET", "/healthz", {"X": "y" * (room + 1)}), 431, "header_too_large")
        assert wire.is_closed_by_server()


def test_there_may_be_100_fields_and_no_more(daemon):
    with Wire(daemon) as wire:
        assert wire.request("GET", "/healthz", {f"X{number}": "y" for number in range(99)}).status == 200
        assert_problem(wire.request("GET", "/healthz", {f"X{number}": "y" for number in range(100)}), 431, "too_many_header_fields")


def test_a_body_may_have_as_many_bytes_as_configured_and_no_more(start_daemon):
    daemon = start_daemon("--set", "http.body_bytes_max=1024")
    body = GRAPH_JSON.encode().ljust(1024)
    json_type = {"Content-Type": "application/json"}
    with Wire(daemon) as wire:
        assert wire.request("POST", "/api/graphs/validate", json_type, body).status == 200
        assert_problem(wire.request("POST", "/api/graphs/validate", json_type, body + b" "), 413, "body_too_large")
        assert wire.is_closed_by_server()


@pytest.mark.parametrize("announced", ["8388609", "99999999999999999", "18446744073709551615"])
def test_a_body_that_is_announced_too_large_is_refused_before_it_comes(daemon, announced):
    with Wire(daemon) as wire:
        head = {"Content-Type": "application/json", "Content-Length": announced, "Expect": "100-continue"}
        assert_problem(wire.request("POST", "/api/graphs", head), 413, "body_too_large")


def test_a_chunked_body_ends_at_the_limit_too(start_daemon):
    daemon = start_daemon("--set", "http.body_bytes_max=1024")
    with Wire(daemon) as wire:
        wire.send(request("POST", "/api/graphs", {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}))
        wire.send(b"200\r\n" + b" " * 512 + b"\r\n200\r\n" + b" " * 512 + b"\r\n1\r\n \r\n0\r\n\r\n")
        assert_problem(wire.read(), 413, "body_too_large")


def test_a_body_in_chunks_is_taken_like_one_in_a_piece(daemon):
    document = json.dumps(graph([put("a", x=1)])).encode()
    with Wire(daemon) as wire:
        wire.send(request("POST", "/api/graphs", {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}))
        for byte in document:
            wire.send(b"1\r\n%c\r\n" % byte)
        wire.send(b"0\r\n\r\n")
        response = wire.read()
        expected = document.replace(b": ", b":").replace(b", ", b",").removesuffix(b"}") + b',"revision":1}'
        assert (response.status, response.body) == (201, expected)


def test_expect_continue_is_answered_before_the_body_comes(daemon):
    body = b'{"id":"x"}'
    with Wire(daemon) as wire:
        wire.send(request("POST", "/api/graphs", {"Content-Type": "application/json", "Content-Length": len(body), "Expect": "100-continue"}))
        assert wire.read_head().status == 100
        wire.send(body)
        assert_problem(wire.read(), 422, "invalid_graph")


@pytest.fixture
def impatient(start_daemon):
    return start_daemon(
        "--set", "http.header_timeout_ms=300", "--set", "http.body_timeout_ms=300", "--set", "http.idle_timeout_ms=300"
    )


def test_a_head_that_does_not_come_to_its_end_times_out(impatient):
    with Wire(impatient) as wire:
        wire.send("GET /healthz HTTP/1.1\r\nHost: localh")
        assert_problem(wire.read(), 408, "header_timeout")
        assert wire.is_closed_by_server()


def test_a_head_that_trickles_times_out_all_the_same(impatient):
    with Wire(impatient, timeout=10) as wire:
        wire.socket.settimeout(0.05)
        wire.send("GET /healthz HTTP/1.1\r\n")
        response = None
        while response is None:
            try:
                response = wire.read()
            except TimeoutError:
                wire.send("X: y\r\n")
        assert_problem(response, 408, "header_timeout")


def test_a_body_that_does_not_come_times_out(impatient):
    with Wire(impatient) as wire:
        wire.send(request("POST", "/api/graphs", {"Content-Type": "application/json", "Content-Length": "10"}) + b"{}")
        assert_problem(wire.read(), 408, "body_timeout")
        assert wire.is_closed_by_server()


def test_an_idle_connection_is_closed_without_a_word(impatient):
    with Wire(impatient) as wire:
        assert wire.is_closed_by_server()
    with Wire(impatient) as wire:
        assert wire.request("GET", "/healthz").status == 200
        assert wire.is_closed_by_server()


# --- Guards against web pages and proxies ---


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "localhost.evil.example", "10.0.0.1", "[2001:db8::1]", "127.0.0.1.nip.io", "0.0.0.0"])
def test_a_host_that_is_not_loopback_is_misdirected(daemon, host):
    with Wire(daemon) as wire:
        assert_problem(wire.request("GET", "/healthz", {"Host": host}), 421, "unknown_host")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.9.9.9:1", "[::1]:8080", "[::1]"])
def test_loopback_is_served_by_all_its_names(daemon, host):
    with Wire(daemon) as wire:
        assert wire.request("GET", "/healthz", {"Host": host}).status == 200


def test_a_configured_host_is_served(start_daemon):
    daemon = start_daemon("--set", "http.allowed_hosts=flows.example")
    with Wire(daemon) as wire:
        assert wire.request("GET", "/healthz", {"Host": "flows.example:8443"}).status == 200
        assert_problem(wire.request("GET", "/healthz", {"Host": "other.example"}), 421, "unknown_host")


def test_any_host_is_served_over_the_unix_socket(daemon):
    with Wire(unix=daemon.socket_path) as wire:
        assert wire.request("GET", "/healthz", {"Host": "whatever.example"}).status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://localhost:1"])
@pytest.mark.parametrize("method, path", [("GET", "/api/graphs"), ("POST", "/api/graphs/x/execute"), ("OPTIONS", "/api/graphs")])
def test_a_foreign_origin_is_forbidden(daemon, origin, method, path):
    reply = daemon.http.request(method, path, headers={"Origin": origin})
    assert_problem(reply, 403, "foreign_origin")
    assert "access-control-allow-origin" not in reply.headers


def test_the_daemons_own_pages_may_call_it(daemon):
    assert daemon.http.get("/api/graphs", headers={"Origin": daemon.url}).status_code == 200


ORIGIN = "https://app.example"


@pytest.fixture
def shares(start_daemon):
    return start_daemon("--set", f"http.allowed_origins={ORIGIN}")


def test_a_preflight_of_a_configured_origin_is_granted(shares):
    wants = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type,if-match"}
    reply = shares.http.options("/api/graphs/x", headers=wants)
    assert reply.status_code == 204
    assert reply.headers["access-control-allow-origin"] == ORIGIN
    assert "PUT" in reply.headers["access-control-allow-methods"]
    assert {"content-type", "if-match", "last-event-id", "authorization"} <= set(
        reply.headers["access-control-allow-headers"].lower().split(", ")
    )
    assert "Origin" in reply.headers["vary"]


def test_answers_to_a_configured_origin_can_be_read_by_its_pages(shares):
    graph_id = shares.create(graph([put("a")]))
    for method, path in [("GET", "/api/graphs"), ("GET", "/api/graphs/none"), ("POST", f"/api/graphs/{graph_id}/execute/stream")]:
        reply = shares.http.request(method, path, headers={"Origin": ORIGIN})
        assert reply.headers["access-control-allow-origin"] == ORIGIN
        assert "Location" in reply.headers["access-control-expose-headers"]
        assert "Origin" in reply.headers["vary"]


def test_answers_that_differ_by_accept_and_origin_say_so(shares):
    graph_id = shares.create(graph([put("a")]))
    vary = shares.http.get(f"/api/graphs/{graph_id}", headers={"Origin": ORIGIN}).headers["vary"]
    assert {part.strip() for part in vary.split(",")} == {"Accept", "Origin"}


@pytest.mark.parametrize("field", ["X-Forwarded-For", "Forwarded"])
def test_a_forwarded_request_without_tokens_is_forbidden_and_told_what_to_configure(daemon, field):
    reply = daemon.http.get("/api/graphs", headers={field: "for=192.0.2.1"})
    assert_problem(reply, 403, "forwarded_without_tokens")
    assert "auth.allow_forwarded_without_tokens" in reply.json()["detail"]


def test_forwarded_requests_can_be_allowed_knowingly(start_daemon):
    daemon = start_daemon(environment={"MILLRACE_AUTH_ALLOW_FORWARDED_WITHOUT_TOKENS": "true"})
    assert daemon.http.get("/api/graphs", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 200


@pytest.mark.parametrize("type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json", ""])
@pytest.mark.parametrize("path", ["/api/graphs", "/api/graphs/validate", "/api/layout", "/api/graphs/x/execute", "/api/graphs/x/execute/stream"])
def test_a_body_of_another_type_is_refused(daemon, type, path):
    headers = {} if type is None else {"Content-Type": type}
    with Wire(daemon) as wire:
        assert_problem(wire.request("POST", path, headers, GRAPH_JSON.encode()), 415, "unsupported_media_type")


@pytest.mark.parametrize("type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.x+json", "text/yaml", "application/x-yaml"])
def test_json_and_yaml_are_known_by_their_names(daemon, type):
    with Wire(daemon) as wire:
        response = wire.request("POST", "/api/graphs/validate", {"Content-Type": type}, GRAPH_JSON.encode())
        assert (response.status, json.loads(response.body)["valid"]) == (200, True)


# --- Connections ---


def test_two_hundred_pipelined_requests_are_answered_in_their_order(daemon):
    graph_id = daemon.create(graph([put("a")]))
    paths = ["/healthz", f"/api/graphs/{graph_id}", "/nowhere", f"/api/graphs/{graph_id}/revisions"] * 50
    with Wire(daemon) as wire:
        wire.send(b"".join(request("GET", path) for path in paths))
        for path in paths:
            response = wire.read()
            expected = {"/healthz": b'"alive"', "/nowhere": b'"not_found"'}.get(path, b'"id":' if path.endswith(graph_id) else b'"items"')
            assert expected in response.body
        assert wire.buffer == b""


def test_pipelined_requests_with_large_answers_are_all_answered(daemon):
    """Their answers are more than socket buffers hold, and nothing is read before all requests are sent."""
    count = 300
    with Wire(daemon) as wire:
        wire.send(request("GET", "/openapi.json") * count)
        lengths = {len(wire.read().body) for _ in range(count)}
    assert len(lengths) == 1


def test_a_large_answer_reaches_a_reader_that_is_slow(daemon):
    nodes = [put(f"n{number}", text="x" * 500) for number in range(8000)]
    document = graph(nodes)
    daemon.create(document)
    with Wire(daemon) as wire:
        wire.send(request("GET", f"/api/graphs/{document['id']}"))
        with Wire(daemon) as other:
            assert other.request("GET", "/healthz").status == 200
        assert json.loads(wire.read().body) == document | {"revision": 1}
        assert wire.request("GET", "/healthz").status == 200


def test_a_client_that_has_finished_sending_still_gets_its_answers(daemon):
    import socket

    with Wire(daemon) as wire:
        wire.send(request("GET", "/healthz") * 3)
        wire.socket.shutdown(socket.SHUT_WR)
        assert [wire.read().status for _ in range(3)] == [200, 200, 200]
        assert wire.is_closed_by_server()


def test_a_request_in_single_bytes_is_a_request(daemon):
    with Wire(daemon) as wire:
        for byte in request("POST", "/api/graphs/validate", {"Content-Type": "application/json"}, b'{"id":"x"}'):
            wire.send(bytes([byte]))
        assert wire.read().status == 200


def test_http_1_0_closes_unless_it_is_asked_to_keep_the_connection(daemon):
    with Wire(daemon) as wire:
        assert wire.request("GET", "/healthz", version="1.0").status == 200
        assert wire.is_closed_by_server()
    with Wire(daemon) as wire:
        for _ in range(2):
            assert wire.request("GET", "/healthz", {"Connection": "keep-alive"}, version="1.0")["connection"] == "keep-alive"


def test_a_reset_in_the_middle_of_anything_harms_nobody(daemon):
    import socket
    import struct

    graph_id = daemon.create(graph([put("a")]))
    whole = request("POST", f"/api/graphs/{graph_id}/execute/stream", {"Content-Type": "application/json"}, b"{}")
    for length in range(0, len(whole) + 1, 7):
        wire = Wire(daemon)
        wire.send(whole[:length])
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.socket.close()
    assert daemon.http.get("/healthz").status_code == 200


# --- The daemon itself ---


def test_health_and_readiness(daemon):
    assert daemon.http.get("/healthz").json()["status"] == "alive"
    assert daemon.http.get("/readyz").json() == {"status": "ready"}


def test_metrics_count_what_happens(start_daemon):
    daemon = start_daemon()

    def metrics():
        reply = daemon.http.get("/metrics")
        assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        lines = [line for line in reply.text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in (line.split() for line in lines)}

    before = metrics()
    graph_id = daemon.create(graph([put("a")]))
    daemon.http.post(f"/api/graphs/{graph_id}/execute/stream")
    after = metrics()
    assert after["millrace_streams_total"] == before["millrace_streams_total"] + 1
    assert after["millrace_http_requests_total"] == before["millrace_http_requests_total"] + 3
    assert (after["millrace_executions_running"], after["millrace_streams_open"]) == (0, 0)
    assert after["millrace_connections_open"] == 1


def test_metrics_are_in_the_form_that_prometheus_reads(daemon):
    import re

    text = daemon.http.get("/metrics").text
    families = re.findall(r"# HELP (\w+) .+\n# TYPE (\w+) (counter|gauge|histogram|summary)\n((?:\2[^\n]*\n)+)", text)
    assert len(families) == text.count("# HELP")
    assert all(name == again for name, again, _, _ in families)
    assert all(name.endswith("_total") for name, _, type, _ in families if type == "counter")


def test_answers_carry_the_date(daemon):
    from email.utils import parsedate_to_datetime

    assert parsedate_to_datetime(daemon.http.get("/healthz").headers["date"]).year >= 2025


def test_a_closed_connection_is_told_from_an_answer():
    """The reader of these tests itself: an end inside a response is no response."""
    import socket

    server, client = socket.socketpair()
    wire = object.__new__(Wire)
    wire.socket, wire.buffer = client, b""
    server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell")
    server.close()
    with pytest.raises(Closed):
        wire.read()

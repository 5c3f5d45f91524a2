"""Once there is a token, nobody enters without: every operation that the description names, and what lies between them."""

import json
import time

import httpx
import pytest

from description import DESCRIPTION, METHODS
from graphs import graph, never_ends, put
from test_http_surface import assert_problem
from tokens import WRONG, bearer, checksummed, create, revoke
from wire import Wire

SCOPES = ["read", "run", "edit", "admin"]


def needed(operation):
    """The scope that an operation asks for, or None."""
    ways = operation["security"]
    assert ways == [] or [list(way) for way in ways] == [["token"], ["session"]]
    scopes = {scope for way in ways for names in way.values() for scope in names}
    assert len(scopes) == (1 if ways else 0)
    return scopes.pop() if scopes else None


OPERATIONS = sorted(
    (path, method, needed(operation))
    for path, item in DESCRIPTION["paths"].items() for method, operation in item.items() if method in METHODS
)
CLOSED = [operation for operation in OPERATIONS if operation[2]]


def ask(daemon, method, path, headers=None, graph_id=None, execution_id=None):
    """An operation with real ids in its path, and a body where there may be one."""
    url = path.format(
        id=execution_id or daemon.mine_run if "/executions/" in path else graph_id or daemon.mine, file="index.html",
        node_id="a", thread="t", other=execution_id or daemon.mine_run,
    )
    body = {} if method in ("post", "put") else None
    if path != "/api/events":
        return daemon.http.request(method, url, headers=headers, json=body)
    with daemon.http.stream(method, url, headers=headers) as reply:
        if reply.status_code == 200:
            # It never ends: its snapshot is what it says at once.
            assert '"type":"snapshot"' in next(line for line in reply.iter_lines() if line.startswith("data:"))
            return httpx.Response(200)
        reply.read()
        return reply


def test_the_description_says_what_is_open():
    # Whatever is opened to everybody must be opened here too.
    assert {(path, method) for path, method, scope in OPERATIONS if not scope} == {
        ("/healthz", "get"), ("/readyz", "get"), ("/", "get"), ("/console/{file}", "get"), ("/api/session", "get"),
        ("/api/session", "post"), ("/api/session", "delete"), ("/docs", "get"), ("/schemas/graph.json", "get"),
        ("/classic/health", "get"),
    }


def assert_refused(reply, path, status, code):
    """In the words of the classic API below it."""
    if not path.startswith("/classic/"):
        return assert_problem(reply, status, code)
    assert (reply.status_code, reply.headers["content-type"], list(reply.json())) == (status, "application/json", ["detail"])


@pytest.mark.parametrize("path, method, scope", CLOSED)
def test_no_operation_is_served_without_a_token(guarded, path, method, scope):
    reply = ask(guarded, method, path)
    assert_refused(reply, path, 401, "token_required")
    assert reply.headers["www-authenticate"] == f'Bearer realm="millrace", scope="{scope}"'


@pytest.fixture(scope="module")
def useless(guarded):
    """Credentials that are no good, by what is wrong with them."""
    revoked = create(guarded, "admin")
    revoke(guarded, revoked)
    expired = create(guarded, "admin", "--expires", "1s")
    good = guarded.tokens["admin"].secret
    other_secret = checksummed(good[:15] + "0" * 43)
    deadline = time.monotonic() + 20
    while guarded.http.get("/api/graphs", headers=expired.headers).status_code == 200:
        assert time.monotonic() < deadline, "it does not expire"
    return {
        "unknown": bearer(WRONG), "revoked": revoked.headers, "expired": expired.headers, "another secret": bearer(other_secret),
        "mistyped": bearer(good[:-1] + ("x" if good[-1] != "x" else "y")), "too long": bearer(good + "x"),
        "basic": {"Authorization": "Basic " + good}, "empty": {"Authorization": ""}, "no token": {"Authorization": "Bearer"},
        "not ascii": {"Authorization": b"Bearer \xff\xfe"},
    }


@pytest.mark.parametrize("path, method, scope", CLOSED)
def test_no_operation_is_served_with_a_token_that_is_no_good(guarded, useless, path, method, scope):
    for headers in useless.values():
        reply = ask(guarded, method, path, headers)
        assert_refused(reply, path, 401, "invalid_token")
        assert 'error="invalid_token"' in reply.headers["www-authenticate"]


def test_what_is_wrong_with_a_token_is_told_to_its_holder_only(guarded, useless):
    def detail(kind):
        return guarded.http.get("/api/graphs", headers=useless[kind]).json()["detail"]

    assert "expired" in detail("expired") and "revoked" in detail("revoked")
    assert detail("another secret") == detail("unknown")


@pytest.mark.parametrize("path, method, scope", [operation for operation in CLOSED if operation[2] != "read"])
def test_no_operation_is_served_with_too_small_a_token(guarded, path, method, scope):
    for smaller in SCOPES[: SCOPES.index(scope)]:
        reply = ask(guarded, method, path, guarded.tokens[smaller].headers)
        assert_refused(reply, path, 403, "insufficient_scope")
        assert reply.headers["www-authenticate"] == f'Bearer realm="millrace", error="insufficient_scope", scope="{scope}"'


@pytest.mark.parametrize("path, method, scope", [operation for operation in CLOSED if operation[1] == "get"])
def test_each_scope_includes_the_smaller_ones(guarded, path, method, scope):
    for enough in SCOPES[SCOPES.index(scope):]:
        assert ask(guarded, method, path, guarded.tokens[enough].headers).status_code not in (401, 403)


def test_what_needs_no_token_is_served_without_and_with_a_wrong_one(guarded):
    for headers in ({}, bearer(WRONG)):
        for path in ("/healthz", "/readyz", "/", "/api/session"):
            assert guarded.http.get(path, headers=headers).status_code in (200, 404), path
        assert guarded.http.options("/api/graphs", headers=headers).status_code == 204


@pytest.mark.parametrize("method, path", [("GET", "/nowhere"), ("GET", "/api"), ("PATCH", "/api/graphs"), ("GET", "/console"), ("GET", "/api/tokens/x/y")])
def test_what_is_not_there_is_not_told_to_strangers(guarded, method, path):
    assert_problem(guarded.http.request(method, path), 401, "token_required")
    assert guarded.http.request(method, path, headers=guarded.tokens["read"].headers).status_code in (404, 405)


def test_two_authorizations_are_none(guarded):
    good = guarded.tokens["read"].secret
    with Wire(guarded) as wire:
        wire.send(f"GET /api/graphs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {good}\r\nAuthorization: Bearer {good}\r\n\r\n")
        assert wire.read().status == 401


def test_the_name_of_the_scheme_has_no_case(guarded):
    headers = {"Authorization": "bEARER   " + guarded.tokens["read"].secret}
    assert guarded.http.get("/api/graphs", headers=headers).status_code == 200


def test_one_connection_serves_different_tokens_each_for_what_it_is(guarded):
    with Wire(guarded) as wire:
        for _ in range(3):
            assert wire.request("GET", "/api/tokens", guarded.tokens["admin"].headers).status == 200
            assert wire.request("GET", "/api/tokens", guarded.tokens["read"].headers).status == 403
            assert wire.request("GET", "/api/tokens", bearer(WRONG)).status == 401
            assert wire.request("GET", "/api/tokens").status == 401


def test_a_body_without_a_token_is_refused_before_it_comes(guarded):
    """Strangers cannot make the daemon keep megabytes."""
    with Wire(guarded) as wire:
        wire.send("POST /api/graphs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 8000000\r\n\r\n{")
        assert wire.read().status == 401
        assert wire.is_closed_by_server()


# --- Tokens for some graphs ---


@pytest.mark.parametrize("path, method, scope", [operation for operation in CLOSED if operation[2] != "admin"])
def test_a_token_for_one_graph_tells_and_changes_nothing_of_another(guarded, path, method, scope):
    reply = ask(guarded, method, path, guarded.mine_only.headers, guarded.other, guarded.other_run)
    # Its own words back, in the text of a refusal, tell nothing.
    assert guarded.other not in reply.text and reply.text.count(guarded.other_run) <= 1
    if path.startswith("/api/graphs/{id}"):
        assert_problem(reply, 403, "graph_not_allowed")
    elif path.startswith("/api/executions/{id}"):
        assert_problem(reply, 404, "unknown_execution")


def test_lists_show_the_graphs_of_the_token_only(guarded):
    def get(path, **query):
        return guarded.http.get(path, params=query, headers=guarded.mine_only.headers).json()["items"]

    assert [item["id"] for item in get("/api/graphs")] == [guarded.mine]
    assert {item["graph_id"] for item in get("/api/executions")} == {guarded.mine}
    assert {item["graph_id"] for item in get("/api/executions", graph_id=guarded.mine)} == {guarded.mine}
    assert get("/api/executions", graph_id=guarded.other) == []


def test_executions_of_several_graphs_are_listed_newest_first_page_after_page(guarded):
    third = guarded.http.post("/api/graphs", json=graph([put("a")]), headers=guarded.tokens["edit"].headers).json()["id"]
    token = create(guarded, "run", "--graph", guarded.mine, "--graph", third)
    for id in [guarded.mine, third, guarded.mine, third, third]:
        assert guarded.http.post(f"/api/graphs/{id}/execute", headers=token.headers).status_code == 200
    assert guarded.http.post(f"/api/graphs/{guarded.other}/execute", headers=token.headers).status_code == 403
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = guarded.http.get("/api/executions", params=query, headers=token.headers).json()
        seen += page["items"]
        if not (cursor := page["next_cursor"]):
            break
    ids = [item["execution_id"] for item in seen]
    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) >= 6 and {item["graph_id"] for item in seen} == {guarded.mine, third}


def test_a_dashboard_shows_the_graphs_of_the_token_only(guarded):
    all_of_them = guarded.tokens["admin"].headers
    mine, other = (guarded.http.post("/api/graphs", json=graph([never_ends("a")]), headers=all_of_them).json()["id"] for _ in range(2))
    token = create(guarded, "run", "--graph", mine)
    runs = {}

    def start(graph_id):
        reply = guarded.http.post(f"/api/graphs/{graph_id}/execute", headers=all_of_them | {"Prefer": "respond-async"})
        runs.setdefault(graph_id, []).append(reply.json()["execution_id"])

    start(mine), start(other)
    with guarded.http.stream("GET", "/api/events", headers=token.headers) as reply:
        events = (json.loads(line[6:]) for line in reply.iter_lines() if line.startswith("data: "))
        assert [item["execution_id"] for item in next(events)["executions"]] == runs[mine]
        start(other), start(mine)
        while (event := next(events))["execution_id"] != runs[mine][1]:
            assert event["graph_id"] == mine
    for query in (f"graph_id={other}", f"executions={runs[other][0]}:0"):
        assert guarded.http.get(f"/api/events?{query}", headers=token.headers).status_code in (403, 404)
    for id in runs[mine] + runs[other]:
        guarded.http.post(f"/api/executions/{id}/cancel", headers=all_of_them)


def test_a_token_for_one_graph_makes_no_other(guarded):
    document = graph([put("a")])
    reply = guarded.http.post("/api/graphs", json=document, headers=guarded.mine_only.headers)
    assert_problem(reply, 403, "graph_not_allowed")
    assert guarded.http.get(f"/api/graphs/{document['id']}", headers=guarded.tokens["read"].headers).status_code == 404


def test_what_concerns_the_whole_daemon_is_not_for_a_token_of_one_graph(guarded):
    assert_problem(guarded.http.get("/metrics", headers=guarded.mine_only.headers), 403, "graph_not_allowed")

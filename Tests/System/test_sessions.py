"""The console's session: a token is shown once, and a cookie stands for it that scripts cannot read and other sites cannot use."""

import re

import httpx
import pytest

from graphs import graph, never_ends
from test_http_surface import assert_problem
from tokens import WRONG, create, revoke
from wire import Closed, Wire

SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def browser(guarded):
    """A client that keeps cookies, as a browser does."""
    with httpx.Client(base_url=guarded.url, timeout=60) as client:
        yield client


def the_cookie(reply):
    """Name and value of the session's cookie."""
    [cookie] = reply.cookies.items()
    return cookie


def log_in(browser, token, **headers):
    return browser.post("/api/session", json={"token": token.secret}, headers=headers)


def test_without_tokens_nobody_has_to_log_in(start_daemon):
    state = start_daemon().http.get("/api/session").json()
    assert state == {
        "auth_required": False, "authenticated": False, "name": None, "scopes": ["read", "run", "edit", "admin"], "graphs": None,
        "expires_at": None,
    }


def test_a_token_opens_a_session_and_the_cookie_is_as_strict_as_can_be(guarded, browser):
    assert browser.get("/api/session").json()["authenticated"] is False
    reply = log_in(browser, guarded.tokens["run"])
    assert reply.status_code == 200
    state = reply.json()
    assert (state["auth_required"], state["authenticated"], state["name"], state["scopes"]) == (True, True, "run", ["read", "run"])
    cookie = reply.headers["set-cookie"]
    assert re.fullmatch(r"millrace_session_[0-9a-f]{12}=[0-9A-Za-z]{43}; Path=/; Max-Age=4\d{4}; HttpOnly; SameSite=Strict", cookie)
    assert guarded.tokens["run"].secret not in cookie and "no-store" in reply.headers["cache-control"]
    again = browser.get("/api/session").json()
    assert again["authenticated"] and again["expires_at"][:16] == state["expires_at"][:16]
    assert browser.get("/api/graphs").status_code == 200
    assert browser.get("/api/tokens").status_code == 403


def test_leaving_ends_the_session_for_good(guarded, browser):
    log_in(browser, guarded.tokens["read"])
    name, cookie = the_cookie(browser)
    reply = browser.delete("/api/session", headers=SAME)
    assert reply.status_code == 204 and "Max-Age=0" in reply.headers["set-cookie"]
    assert browser.get("/api/graphs").status_code == 401
    assert guarded.http.get("/api/graphs", headers={"Cookie": f"{name}={cookie}"}).status_code == 401


def test_a_session_ends_with_its_token(guarded, browser):
    token = create(guarded, "read")
    log_in(browser, token)
    assert browser.get("/api/graphs").status_code == 200
    revoke(guarded, token)
    assert browser.get("/api/graphs").status_code == 401
    assert browser.get("/api/session").json()["authenticated"] is False


def test_a_session_does_not_outlive_its_token(guarded, browser, eventually):
    log_in(browser, create(guarded, "read", "--expires", "1s"))
    assert eventually(lambda: browser.get("/api/graphs").status_code == 401)


def test_what_a_session_watches_ends_when_it_is_left(start_daemon):
    daemon = start_daemon()
    graph_id = daemon.create(graph([never_ends("a")]))
    execution_id = daemon.begin(graph_id)
    token = create(daemon, "read")
    cookies = []
    for _ in range(2):
        cookies.append("=".join(the_cookie(daemon.http.post("/api/session", json={"token": token.secret}))))
        daemon.http.cookies.clear()
    with Wire(daemon) as leaves, Wire(daemon) as stays:
        for wire, cookie in zip((leaves, stays), cookies):
            wire.send(f"GET /api/executions/{execution_id}/events HTTP/1.1\r\nHost: localhost\r\nCookie: a=b; {cookie}\r\n\r\n")
        heads = [wire.read_head() for wire in (leaves, stays)]
        assert [head.status for head in heads] == [200, 200]
        assert daemon.http.delete("/api/session", headers=SAME | {"Cookie": cookies[0]}).status_code == 204
        with pytest.raises(Closed):
            list(leaves.read_body(heads[0]))
        assert next(stays.read_body(heads[1]))


@pytest.mark.parametrize("body, status", [({"token": WRONG}, 401), ({"token": "nonsense"}, 401), ({}, 422), ({"token": 1}, 422), ({"token": WRONG, "more": 1}, 422), ([], 422)])
def test_anything_else_opens_none(guarded, browser, body, status):
    reply = browser.post("/api/session", json=body)
    assert reply.status_code == status and "set-cookie" not in reply.headers


# --- Other sites (CSRF) ---


@pytest.mark.parametrize("headers, is_served", [({}, False), ({"Sec-Fetch-Site": "cross-site"}, False), ({"Sec-Fetch-Site": "same-site"}, False), ({"Sec-Fetch-Site": "none"}, False), (SAME, True), ({"Origin": "OWN"}, True), ({"Origin": "OWN"} | SAME, True), ({"Origin": "OWN", "Sec-Fetch-Site": "cross-site"}, False), ({"Origin": "null"}, False)])
def test_a_cookie_changes_something_only_for_the_consoles_own_pages(guarded, browser, headers, is_served):
    log_in(browser, guarded.tokens["run"])
    headers = {name: guarded.url if value == "OWN" else value for name, value in headers.items()}
    reply = browser.post(f"/api/graphs/{guarded.mine}/execute", headers=headers)
    if is_served:
        assert reply.status_code == 200
    else:
        assert reply.status_code == 403 and reply.json()["code"] in ("cross_site_request", "foreign_origin")


def test_another_sites_page_reads_nothing_by_cookie_even_if_it_may_call_the_api(new_daemon):
    friend = "http://localhost:3000"
    daemon = new_daemon().start("--set", f"http.allowed_origins={friend}")
    token = create(daemon, "admin")
    cookie = {"Cookie": "=".join(the_cookie(daemon.http.post("/api/session", json={"token": token.secret})))}
    daemon.http.cookies.clear()
    assert daemon.http.get("/api/graphs", headers=cookie).status_code == 200
    foreign = {"Origin": friend, "Sec-Fetch-Site": "same-site"}
    assert_problem(daemon.http.get("/api/graphs", headers=cookie | foreign), 401, "token_required")
    assert_problem(daemon.http.post("/api/tokens", json={"scopes": ["admin"]}, headers=cookie | foreign), 403, "cross_site_request")
    for path in ("/api/session", "/api/graphs"):
        assert daemon.http.post(path, json={"token": token.secret}, headers=foreign).status_code in (401, 403)
    # With a token it may, and it sees why it may not.
    reply = daemon.http.get("/api/graphs", headers=token.headers | foreign)
    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (200, friend)
    refused = daemon.http.get("/api/graphs", headers=foreign)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, friend)
    # Cookies are never for pages of others.
    assert "access-control-allow-credentials" not in reply.headers


def test_the_cookie_is_for_tls_only_where_a_trusted_proxy_says_that_there_is_tls(new_daemon):
    daemon = new_daemon().start("--set", "http.trusted_proxies=127.0.0.0/8")
    body = {"token": create(daemon, "read").secret}
    near = {"X-Forwarded-For": "203.0.113.7"}

    def cookie(**headers):
        return daemon.http.post("/api/session", json=body, headers={name.replace("_", "-"): value for name, value in headers.items()}).headers["set-cookie"]

    assert cookie(X_Forwarded_Proto="https").endswith("; Secure")
    assert cookie(Forwarded='for=203.0.113.7;proto="https"').endswith("; Secure")
    assert not cookie(X_Forwarded_Proto="https, http").endswith("; Secure")
    assert not cookie(**near).endswith("; Secure")
    untrusting = new_daemon().start()
    token = create(untrusting, "read")
    reply = untrusting.http.post("/api/session", json={"token": token.secret}, headers={"X-Forwarded-Proto": "https"})
    assert not reply.headers["set-cookie"].endswith("; Secure")


# --- What browsers are told ---


def test_every_page_and_answer_has_a_strict_policy(guarded):
    for path in ("/", "/console/app.js", "/healthz", "/api/graphs", "/nowhere"):
        reply = guarded.http.get(path, headers=guarded.tokens["read"].headers)
        policy = reply.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy, path
        assert reply.headers["x-content-type-options"] == "nosniff"
    assert guarded.http.get("/api/graphs", headers=guarded.tokens["read"].headers).headers["cache-control"] == "private, no-cache"

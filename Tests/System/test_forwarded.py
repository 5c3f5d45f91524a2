"""Where a page and a request come from is what the nearest trusted proxy says, and a refusal says which line mends it."""

import json

import httpx
import pytest

from graphs import chain, never_ends, put
from test_http_surface import assert_problem
from tokens import create

SAME = {"Sec-Fetch-Site": "same-origin"}
PUBLIC = "mill.example.com"
FORWARDED = {"X-Forwarded-Host": PUBLIC, "X-Forwarded-Proto": "https"}


def options(*settings):
    return [part for setting in settings for part in ("--set", setting)]


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    """A daemon that trusts whoever is near, and whose public name is known."""
    from daemon import Daemon

    daemon = Daemon(tmp_path_factory.mktemp("behind"))
    daemon.start(*options("http.trusted_proxies=127.0.0.1", f"http.allowed_hosts={PUBLIC}", "auth.allow_forwarded_without_tokens=true"))
    daemon.story = daemon.create(chain(put("a", x=1)))
    yield daemon
    daemon.kill()


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A daemon that trusts nobody."""
    from daemon import Daemon

    daemon = Daemon(tmp_path_factory.mktemp("alone"))
    daemon.start(*options(f"http.allowed_hosts={PUBLIC}", "auth.allow_forwarded_without_tokens=true"))
    yield daemon
    daemon.kill()


# --- The console's files ---


@pytest.mark.parametrize("origin", ["http://mill.example.com:8081", "https://x-8080.app.example", "null", "http://localhost"])
@pytest.mark.parametrize("path", ["/", "/console/app.js", "/console/settings.json", "/console/theme.css"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_consoles_files_are_for_pages_of_any_origin(daemon, origin, path, method):
    reply = daemon.http.request(method, path, headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"})
    assert reply.status_code == 200
    assert "access-control-allow-origin" not in reply.headers


def test_a_name_that_is_not_the_servers_gets_none_of_them(daemon):
    assert_problem(daemon.http.get("/", headers={"Host": "evil.example"}), 421, "unknown_host")


@pytest.mark.parametrize("origin, host", [("http://mill:8081", "localhost"), ("https://x-8080.app.example", "localhost:8080"), ("https://localhost:8443", "localhost")])
def test_a_refused_origin_is_told_the_line_that_is_missing_and_logged_once(start_daemon, eventually, origin, host):
    daemon = start_daemon()
    for _ in range(3):
        reply = daemon.http.post("/api/graphs", json={}, headers={"Origin": origin, "Host": host})
        assert_problem(reply, 403, "foreign_origin")
    words = reply.json()["detail"]
    for line in ("proxy_set_header Host $http_host;", "ProxyPreserveHost On", f"http.allowed_origins: [{origin}]", host):
        assert line in words
    eventually(lambda: f"http.allowed_origins: [{origin}]" in daemon.log)
    daemon.stop()
    assert daemon.log.count(f"http.allowed_origins: [{origin}]") == 1


@pytest.mark.parametrize("origin", ["null", "file://", "http://", "http://a b", "javascript:alert(1)", "http://x/y", "x" * 400])
def test_what_is_no_origin_of_the_web_is_not_suggested(daemon, origin):
    reply = daemon.http.post("/api/graphs", json={}, headers={"Origin": origin})
    assert_problem(reply, 403, "foreign_origin")
    assert "allowed_origins" not in reply.json()["detail"] and len(reply.json()["detail"]) < 300


def test_endless_origins_do_not_fill_the_log(start_daemon):
    daemon = start_daemon()
    for number in range(600):
        daemon.http.get("/api/graphs", headers={"Origin": f"http://o{number}.example"})
    assert daemon.log.count("http.allowed_origins: [") <= 256


# --- Sessions behind a proxy that changes the name ---


def test_a_listed_origin_signs_in_where_the_browser_vouches_for_it(start_daemon):
    page = "https://x-8080.app.example"
    daemon = start_daemon(*options(f"http.allowed_origins={page}"))
    graph_id = daemon.create(chain(put("a")))
    token = create(daemon, "run")
    with httpx.Client(base_url=daemon.url, headers={"Origin": page} | SAME) as browser:
        opened = browser.post("/api/session", json={"token": token.secret})
        assert opened.status_code == 200 and "Secure" in opened.headers["set-cookie"]
        [cookie] = opened.cookies.items()
        cookie = {"Cookie": "=".join(cookie)}
        assert browser.post(f"/api/graphs/{graph_id}/execute", headers=cookie).status_code == 200
        assert browser.get("/api/graphs", headers=cookie).status_code == 200
        assert browser.delete("/api/session", headers=cookie).status_code == 204
    for foreign in ({"Origin": page, "Sec-Fetch-Site": "cross-site"}, {"Origin": page}, {"Origin": page, "Sec-Fetch-Site": "same-site"}):
        assert_problem(httpx.post(f"{daemon.url}/api/session", json={"token": token.secret}, headers=foreign), 403, "cross_site_request")
    stranger = {"Origin": "https://evil.example"} | SAME
    assert_problem(httpx.post(f"{daemon.url}/api/session", json={"token": token.secret}, headers=stranger), 403, "foreign_origin")


def test_two_daemons_of_one_host_have_cookies_of_their_own(start_daemon):
    with httpx.Client() as browser:
        places = [start_daemon(), start_daemon()]
        for daemon in places:
            secret = create(daemon, "read").secret
            # To the browser both are one host: cookies know no ports.
            url = daemon.url.replace("127.0.0.1", "localhost")
            assert browser.post(f"{url}/api/session", json={"token": secret}, headers=SAME).status_code == 200
        assert [browser.get(f"{daemon.url.replace('127.0.0.1', 'localhost')}/api/graphs").status_code for daemon in places] == [200, 200]
    names = [cookie.name for cookie in browser.cookies.jar]
    assert len(set(names)) == 2


def test_a_restart_keeps_the_cookies_name(new_daemon):
    daemon, names = new_daemon(), []
    for _ in range(2):
        daemon.start()
        reply = daemon.http.post("/api/session", json={"token": create(daemon, "read").secret}, headers=SAME)
        names.append(list(reply.cookies))
        daemon.stop()
    assert names[0] == names[1]


# --- The host and protocol ---


@pytest.mark.parametrize("forwarded, origin, status", [
    (FORWARDED, f"https://{PUBLIC}", 200), (FORWARDED, f"https://{PUBLIC}:443", 200), (FORWARDED, f"http://{PUBLIC}", 403),
    (FORWARDED, "https://evil.example", 403), (FORWARDED, f"https://{PUBLIC}:8443", 403),
    ({"X-Forwarded-Host": f"{PUBLIC}:8443", "X-Forwarded-Proto": "https"}, f"https://{PUBLIC}:8443", 200),
    ({"X-Forwarded-Host": f"evil.example, {PUBLIC}", "X-Forwarded-Proto": "http, https"}, f"https://{PUBLIC}", 200),
    ({"X-Forwarded-Host": PUBLIC}, f"https://{PUBLIC}", 200), ({"X-Forwarded-Host": PUBLIC}, f"http://{PUBLIC}", 200),
    ({"X-Forwarded-Host": ""}, f"https://{PUBLIC}", 403), ({}, f"https://{PUBLIC}", 403),
])
def test_the_forwarded_host_is_the_servers_own_origin(behind, forwarded, origin, status):
    reply = behind.http.post(f"/api/graphs/{behind.story}/execute", headers=forwarded | {"Origin": origin})
    assert reply.status_code == status, reply.text


def test_tls_that_ended_before_the_nearest_proxy_is_vouched_for_by_the_browser(behind):
    forwarded = {"X-Forwarded-Host": PUBLIC, "X-Forwarded-Proto": "http", "Origin": f"https://{PUBLIC}"}
    path = f"/api/graphs/{behind.story}/execute"
    assert_problem(behind.http.post(path, headers=forwarded), 403, "foreign_origin")
    assert behind.http.post(path, headers=forwarded | SAME).status_code == 200


@pytest.mark.parametrize("fields", [
    {"X-Forwarded-Host": "evil.example"}, {"X-Forwarded-Host": f"{PUBLIC}, evil.example"}, {"X-Forwarded-Host": f"{PUBLIC}.evil.example"},
    {"X-Forwarded-Host": "localhost", "Host": "evil.example"},
])
def test_a_forwarded_host_must_be_allowed_like_any(behind, fields):
    for path in ("/api/graphs", "/", "/healthz"):
        assert_problem(behind.http.get(path, headers=fields), 421, "unknown_host")


@pytest.mark.parametrize("host", ["a b", "http://x", "x/y", ":80", "[::1", "a@b"])
def test_a_malformed_forwarded_host_is_refused(behind, host):
    assert_problem(behind.http.get("/api/graphs", headers={"X-Forwarded-Host": host}), 400, "invalid_forwarded_host")


def test_from_others_none_of_it_counts(alone):
    graph_id = alone.create(chain(put("a")))
    path = f"/api/graphs/{graph_id}/execute"
    assert_problem(alone.http.post(path, headers=FORWARDED | {"Origin": f"https://{PUBLIC}"}), 403, "foreign_origin")
    reply = alone.http.post(path, headers={"X-Forwarded-Prefix": "/millrace", "Prefer": "respond-async", "X-Forwarded-Host": "evil.example"})
    assert (reply.status_code, reply.headers["location"]) == (202, f"/api/executions/{reply.json()['execution_id']}")
    assert alone.http.get("/api/graphs", headers={"X-Forwarded-Prefix": "//evil"}).status_code == 200
    assert "servers" in alone.http.get("/openapi.json", headers={"X-Forwarded-Prefix": "/millrace"}).json()


# --- The prefix ---


@pytest.mark.parametrize("prefix", ["/millrace", "/a/b", "/a.b/c_d~e-f/9"])
def test_addresses_are_those_that_the_client_knows(behind, prefix):
    headers = {"X-Forwarded-Prefix": prefix}

    def ask(method, path, **more):
        return behind.http.request(method, path, headers=headers | more.pop("headers", {}), **more)

    document = chain(put("a"), never_ends())
    made = ask("POST", "/api/graphs", json=document)
    assert made.headers["location"] == f"{prefix}/api/graphs/{document['id']}"
    begun = ask("POST", f"/api/graphs/{document['id']}/execute", headers={"Prefer": "respond-async"})
    begun_id = begun.json()["execution_id"]
    assert begun.headers["location"] == f"{prefix}/api/executions/{begun_id}"
    with behind.http.stream("POST", f"/api/graphs/{document['id']}/execute/stream", headers=headers) as live:
        live_id = live.headers["content-location"].rpartition("/")[2]
        assert live.headers["content-location"] == f"{prefix}/api/executions/{live_id}"
        assert live.headers["location"] == f"{prefix}/api/executions/{live_id}/events"
    for execution_id in (begun_id, live_id):
        ask("POST", f"/api/executions/{execution_id}/cancel")
    done = ask("POST", f"/api/graphs/{behind.story}/execute")
    done_id = done.json()["execution_id"]
    assert done.headers["content-location"] == f"{prefix}/api/executions/{done_id}"
    again = ask("POST", f"/api/executions/{done_id}/rerun", json={})
    assert again.headers["location"] == f"{prefix}/api/executions/{again.json()['execution_id']}"
    page = ask("GET", "/api/executions?limit=1")
    assert page.headers["link"].startswith(f"<{prefix}/api/executions?limit=1&cursor=")
    link = ask("GET", "/api/graphs?limit=1").headers["link"]
    assert link.startswith(f"<{prefix}/api/graphs?") and link.endswith('>; rel="next"')
    assert ask("GET", "/openapi.json").json()["servers"] == [{"url": prefix}]
    url = ask("POST", f"/api/executions/{done_id}/ticket").json()["url"]
    assert url.startswith(f"{prefix}/api/executions/{done_id}/events?ticket=")
    assert behind.http.get(url.removeprefix(prefix)).status_code == 200


@pytest.mark.parametrize("prefix", [
    "millrace", "/millrace/", "//evil.example", "/", "/a//b", "/a b", "/%2e", "/a?b", "/ü", "/a\\b", "/..", "/a/./b", "/a;b", "/a:b", "https://evil.example/", "/a,b",
])
def test_a_prefix_that_is_no_path_is_refused(behind, prefix):
    for path in ("/api/graphs", "/", "/openapi.json"):
        reply = behind.http.get(path, headers={"X-Forwarded-Prefix": prefix.encode()})
        assert_problem(reply, 400, "invalid_forwarded_prefix")


def test_an_empty_prefix_is_none_and_of_several_the_nearest_counts(behind):
    path = f"/api/graphs/{behind.story}/execute"
    for prefix, expected in (("", ""), ("/far, /near", "/near")):
        reply = behind.http.post(path, headers={"X-Forwarded-Prefix": prefix})
        assert reply.headers["content-location"].startswith(f"{expected}/api/executions/")
    assert behind.http.get("/openapi.json", headers={"X-Forwarded-Prefix": ""}).json()["servers"] == json.loads(behind.http.get("/openapi.json").text)["servers"]


def test_the_cookie_stays_below_the_prefix(start_daemon):
    daemon = start_daemon(*options("http.trusted_proxies=127.0.0.1"))
    token = create(daemon, "read")
    headers = SAME | {"X-Forwarded-Prefix": "/millrace", "X-Forwarded-Proto": "https"}
    reply = daemon.http.post("/api/session", json={"token": token.secret}, headers=headers)
    assert "Path=/millrace/;" in reply.headers["set-cookie"] and reply.headers["set-cookie"].endswith("; Secure")
    plain = daemon.http.post("/api/session", json={"token": token.secret}, headers=SAME)
    assert "Path=/;" in plain.headers["set-cookie"] and "Secure" not in plain.headers["set-cookie"]


# --- What counts as forwarded ---


@pytest.mark.parametrize("field", ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded", "Via", "X-Real-IP"])
def test_without_tokens_nothing_is_served_that_was_passed_on(daemon, field):
    value = "/x" if field == "X-Forwarded-Prefix" else "localhost"
    for path in ("/api/graphs", "/metrics"):
        reply = daemon.http.get(path, headers={field: value})
        assert_problem(reply, 403, "forwarded_without_tokens")
        assert "auth.allow_forwarded_without_tokens" in reply.json()["detail"]

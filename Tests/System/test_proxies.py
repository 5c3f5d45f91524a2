"""Behind the proxies that people use: with the files that are shipped, and as people configure them by hand."""

import contextlib
import json

import httpx
import pytest

import proxies
from graphs import chain, graph, never_ends, process, put, works
from test_forwarded import SAME, options
from test_http_surface import assert_problem
from tokens import create

OPEN = "auth.allow_forwarded_without_tokens=true"


def gate(path, id):
    """A node that ends once the test has made a file."""
    return process(id, "sh", "-c", f"until [ -e {path}-{id} ]; do sleep 0.02; done")


@pytest.fixture
def put_before(tmp_path):
    """Starts a proxy, and ends it after the test."""
    running = []

    def start(make, *arguments, **named):
        folder = tmp_path / f"proxy{len(running)}"
        folder.mkdir(mode=0o755)
        running.append(make(folder, *arguments, **named))
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.fixture(params=list(proxies.SHIPPED))
def shipped(request, start_daemon, put_before):
    daemon = start_daemon(*options("http.trusted_proxies=127.0.0.1", OPEN))
    return daemon, put_before(proxies.SHIPPED[request.param], daemon)


def check_one_by_one(reply, path):
    """Lets each node end only when its start has arrived: had anything held it back, nothing would go on."""
    seqs = []
    for line in reply.iter_lines():
        if line.startswith("data: "):
            event = json.loads(line[6:])
            seqs.append(event["seq"])
            if event["type"] == "node_start":
                path.with_name(f"{path.name}-{event['node_id']}").touch()
    assert seqs == list(range(1, 9))


def test_each_event_comes_as_it_happens(shipped, tmp_path):
    daemon, proxy = shipped
    path = tmp_path / "gate"
    graph_id = daemon.create(chain(*(gate(path, id) for id in "abc")))
    with httpx.stream("POST", f"{proxy.url}/api/graphs/{graph_id}/execute/stream", timeout=30) as reply:
        assert (reply.status_code, reply.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert reply.headers["cache-control"] == "no-cache, no-transform"
        check_one_by_one(reply, path)


def test_each_classic_event_comes_as_it_happens(shipped, tmp_path):
    daemon, proxy = shipped
    path = tmp_path / "gate"
    graph_id = daemon.create(chain(*(gate(path, id) for id in "abc")))
    types = []
    with httpx.stream("POST", f"{proxy.url}/classic/api/graphs/{graph_id}/execute/stream", timeout=30) as reply:
        assert reply.status_code == 200
        for line in reply.iter_lines():
            if line:
                event = json.loads(line.removeprefix("data: "))
                types.append(event["event_type"])
                if event["event_type"] == "node_start":
                    path.with_name(f"{path.name}-{event['node_id']}").touch()
    assert types == ["start", *(["node_start", "node_complete"] * 3), "complete"]
    waited = httpx.post(f"{proxy.url}/classic/api/graphs/{graph_id}/execute", timeout=30)
    assert [event["event_type"] for event in waited.json()["execution_history"]] == types


@pytest.mark.parametrize("make", [proxies.nginx, proxies.haproxy, proxies.apache])
def test_a_classic_stream_may_be_silent(start_daemon, put_before, make):
    """It has no comments that keep it alive. (Caddy waits as long as it takes.)"""
    daemon = start_daemon(*options("http.trusted_proxies=127.0.0.1", OPEN))
    proxy = put_before(make, daemon, change=proxies.hurried)
    graph_id = daemon.create(chain(works("slow", 3)))
    reply = httpx.post(f"{proxy.url}/classic/api/graphs/{graph_id}/execute/stream", timeout=30)
    assert reply.text.endswith("\n\n") and '"event_type":"complete"' in reply.text


def test_its_pages_are_the_servers_own_and_nobody_elses(shipped):
    daemon, proxy = shipped
    graph_id = daemon.create(chain(put("a")))
    own = {"Origin": proxy.url}
    assert httpx.get(f"{proxy.url}/console/app.js", headers=own).status_code == 200
    assert httpx.post(f"{proxy.url}/api/graphs/{graph_id}/execute", headers=own).status_code == 200
    foreign = {"Origin": "https://evil.example"}
    assert_problem(httpx.post(f"{proxy.url}/api/graphs/{graph_id}/execute", headers=foreign), 403, "foreign_origin")


@pytest.mark.parametrize("fields", [
    {"X-Forwarded-Host": "evil.example"}, {"X-Forwarded-Prefix": "/evil"}, {"X-Forwarded-Prefix": "//evil"}, {"X-Forwarded-Proto": "https"},
    {"Forwarded": "for=192.0.2.1;host=evil.example;proto=https"}, {"X-Forwarded-For": "192.0.2.1"}, {"X-Real-IP": "192.0.2.1"},
])
def test_what_clients_say_of_themselves_is_not_passed_on(shipped, fields):
    daemon, proxy = shipped
    graph_id = daemon.create(chain(put("a")))
    reply = httpx.post(f"{proxy.url}/api/graphs/{graph_id}/execute", headers=fields | {"Origin": proxy.url})
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-location"].startswith("/api/executions/")
    create(daemon, "read")
    assert httpx.get(f"{proxy.url}/api/graphs", headers=fields).status_code == 401
    secret = create(daemon, "read").secret
    opened = httpx.post(f"{proxy.url}/api/session", json={"token": secret}, headers=fields | SAME | {"Origin": proxy.url})
    assert "Path=/;" in opened.headers["set-cookie"] and "Secure" not in opened.headers["set-cookie"]


def test_no_log_of_a_proxy_has_a_ticket(shipped):
    daemon, proxy = shipped
    execution_id = daemon.execute(daemon.create(chain(put("a"))))["execution_id"]
    url = httpx.post(f"{proxy.url}/api/executions/{execution_id}/ticket").json()["url"]
    assert httpx.get(proxy.url + url).status_code == 200
    assert url.split("ticket=")[1] not in proxy.log + daemon.log
    if proxy.log_path:
        assert "/events" in proxy.log


def test_no_log_of_a_proxy_has_the_ticket_of_a_stream_that_breaks(shipped):
    daemon, proxy = shipped
    execution_id = daemon.begin(daemon.create(graph([never_ends()])))
    url = httpx.post(f"{proxy.url}/api/executions/{execution_id}/ticket").json()["url"]
    with httpx.stream("GET", proxy.url + url) as reply:
        lines = reply.iter_lines()
        next(lines)
        daemon.kill()
        with contextlib.suppress(httpx.HTTPError):
            for _ in lines:
                pass
    # Whatever it says of that, it has said before it answers the next one.
    assert httpx.get(f"{proxy.url}/healthz").status_code in (502, 503)
    assert url.split("ticket=")[1] not in proxy.words


# --- As people configure them by hand ---


@pytest.fixture
def plain(start_daemon):
    """A daemon that serves what is forwarded, and believes nobody."""
    return start_daemon(*options(OPEN))


def test_nginx_as_debian_has_it_speaks_http_1_0_and_streams(plain, put_before, tmp_path):
    """Without proxy_http_version, and with buffers: the daemon's own fields turn them off."""
    proxy = put_before(proxies.nginx, plain, f"location / {{ proxy_pass http://127.0.0.1:{plain.port}; }}")
    path = tmp_path / "gate"
    graph_id = plain.create(chain(*(gate(path, id) for id in "abc")))
    with httpx.stream("POST", f"{proxy.url}/api/graphs/{graph_id}/execute/stream", timeout=30) as reply:
        assert reply.status_code == 200
        check_one_by_one(reply, path)
    execution_id = reply.headers["content-location"].rpartition("/")[2]
    assert httpx.get(f"{proxy.url}/api/executions/{execution_id}/events").content.count(b"\nid: ") == 8
    with httpx.stream("GET", f"{proxy.url}/api/events") as dashboard:
        assert any("snapshot" in line for line in dashboard.iter_lines() if line.startswith("data: "))


@pytest.mark.parametrize("line", ["", "proxy_set_header Host $host;"])
def test_an_nginx_that_loses_the_name_shows_the_page_and_the_line_that_mends_it(plain, put_before, line):
    location = f"location / {{ proxy_pass http://127.0.0.1:{plain.port}; LINE }}"
    graph_id = plain.create(chain(put("a")))
    for words, status in ((line, 403), ("proxy_set_header Host $http_host;", 200)):
        proxy = put_before(proxies.nginx, plain, location.replace("LINE", words))
        own = {"Origin": proxy.url, "Sec-Fetch-Site": "same-origin"}
        assert httpx.get(f"{proxy.url}/console/app.js", headers=own).status_code == 200
        reply = httpx.post(f"{proxy.url}/api/graphs/{graph_id}/execute", headers=own)
        assert reply.status_code == status
        if status == 403:
            assert "proxy_set_header Host $http_host;" in reply.json()["detail"]
            assert f"http.allowed_origins: [{proxy.url}]" in reply.json()["detail"]
        proxy.stop()


def test_an_apache_that_loses_the_name_is_believed_where_it_is_trusted(start_daemon, put_before):
    """Apache writes X-Forwarded-Host by itself."""
    trusting, alone = start_daemon(*options("http.trusted_proxies=127.0.0.1", OPEN)), start_daemon(*options(OPEN))
    for daemon, status in ((trusting, 200), (alone, 403)):
        graph_id = daemon.create(chain(put("a")))
        proxy = put_before(proxies.apache, daemon, f"ProxyPass / http://127.0.0.1:{daemon.port}/ flushpackets=on")
        reply = httpx.post(f"{proxy.url}/api/graphs/{graph_id}/execute", headers={"Origin": proxy.url})
        assert reply.status_code == status
        if status == 403:
            assert "ProxyPreserveHost On" in reply.json()["detail"]


def test_below_a_path_of_a_larger_site(start_daemon, put_before):
    daemon = start_daemon(*options("http.trusted_proxies=127.0.0.1", OPEN))
    proxy = put_before(
        proxies.nginx, daemon,
        f"location /millrace/ {{ proxy_pass http://127.0.0.1:{daemon.port}/; proxy_set_header Host $http_host; "
        "proxy_set_header X-Forwarded-Prefix /millrace; }",
    )
    base = f"{proxy.url}/millrace"
    document = chain(put("a", x=1))
    made = httpx.post(f"{base}/api/graphs", json=document)
    assert httpx.get(proxy.url + made.headers["location"]).json()["id"] == document["id"]
    run = httpx.post(f"{base}/api/graphs/{document['id']}/execute/stream")
    assert httpx.get(proxy.url + run.headers["content-location"]).json()["status"] == "success"
    assert httpx.get(proxy.url + run.headers["location"]).status_code == 200
    assert httpx.get(f"{base}/openapi.json").json()["servers"] == [{"url": "/millrace"}]
    assert httpx.get(f"{base}/").status_code == 200


def test_a_compressing_nginx_leaves_tags_that_still_lock(plain, put_before):
    proxy = put_before(
        proxies.nginx, plain,
        f"gzip on; gzip_types application/json application/yaml; gzip_min_length 1; gzip_proxied any; "
        f"location / {{ proxy_pass http://127.0.0.1:{plain.port}; }}",
    )
    document = chain(put("a", text="x" * 2_000))
    url = f"{proxy.url}/api/graphs/{plain.create(document)}"
    for name, accept in (("2", "application/json"), ("3", "application/yaml")):
        read = httpx.get(url, headers={"Accept": accept})
        assert read.headers["content-encoding"] == "gzip" and read.headers["etag"].startswith("W/")
        assert httpx.put(url, json=document | {"name": name}, headers={"If-Match": read.headers["etag"]}).status_code == 200
        assert httpx.put(url, json=document, headers={"If-Match": read.headers["etag"]}).status_code == 412

"""What was asked is done or refused, never something else: parameters, codings, media types, entity tags."""

import gzip
import json
import pathlib

import pytest

from graphs import chain, delay, fails, graph, put
from test_http_surface import assert_problem
from wire import Wire

DESCRIPTION = json.loads((pathlib.Path(__file__).resolve().parents[2] / "Sources" / "Server" / "openapi.json").read_text())
UNKNOWN = "0198c2f0-5f3a-7b51-8a6e-3f0a1c2d4e5f"


def operations():
    for path, item in DESCRIPTION["paths"].items():
        for method in ("get", "post", "put", "delete"):
            if path.startswith("/api/") and method in item:
                yield method.upper(), path


def names_of(path, method):
    item = DESCRIPTION["paths"][path]
    found = [*item.get("parameters", []), *item[method.lower()].get("parameters", [])]
    resolved = [DESCRIPTION["components"]["parameters"][each["$ref"].split("/")[-1]] if "$ref" in each else each for each in found]
    # Labels are parameters with names of their own.
    return ["label.x" if each["name"] == "label" else each["name"] for each in resolved if each["in"] == "query"]


def address(path, graph_id):
    return path.replace("/graphs/{id}", f"/graphs/{graph_id}").replace("/executions/{id}", f"/executions/{UNKNOWN}").replace("{id}", "x").replace("{node_id}", "x")


@pytest.fixture(scope="module")
def graph_id():
    return chain(put("a", x=1))


@pytest.fixture
def stored(daemon, graph_id):
    daemon.http.put(f"/api/graphs/{graph_id['id']}", json=graph_id)
    return graph_id["id"]


@pytest.mark.parametrize("method, path", list(operations()))
def test_unknown_and_repeated_parameters_are_refused_by_name(daemon, stored, method, path):
    target, names = address(path, stored), names_of(path, method)
    for query, code, name in [("?statsu=error", "unknown_parameter", "statsu"), *[(f"?{each}=1&{each}=1", "repeated_parameter", each) for each in names]]:
        reply = daemon.http.request(method, target + query)
        assert_problem(reply, 400, code)
        assert name in reply.json()["detail"]
    assert daemon.http.get(f"/api/graphs/{stored}").status_code == 200
    assert daemon.http.get("/api/executions", params={"graph_id": stored}).json()["items"] == []


@pytest.mark.parametrize("method, path", list(operations()))
def test_every_parameter_that_is_described_is_known(daemon, stored, method, path):
    for name in names_of(path, method):
        if path == "/api/events" and name != "executions":
            continue
        reply = daemon.http.request(method, f"{address(path, stored)}?{name}=!")
        assert reply.status_code == 200 or reply.json()["code"] not in ("unknown_parameter", "repeated_parameter")


@pytest.mark.parametrize("query", ["?v=1", "?a=1&a=2"])
@pytest.mark.parametrize("path", ["/", "/console/app.js", "/healthz"])
def test_files_and_probes_take_any_query(daemon, path, query):
    assert daemon.http.get(path + query).status_code == 200


def test_an_empty_cursor_begins_at_the_beginning(daemon, stored):
    daemon.execute(stored)
    for path in ("/api/executions", "/api/graphs"):
        assert daemon.http.get(f"{path}?cursor=").json()["items"] == daemon.http.get(path).json()["items"] != []


def test_statuses_are_a_list(start_daemon):
    daemon = start_daemon()
    good, bad = daemon.create(chain(put("a"))), daemon.create(chain(fails("a")))
    ids = [daemon.execute(graph_id)["execution_id"] for graph_id in (good, bad) * 3]
    stopped = daemon.begin(daemon.create(graph([delay("a", 600_000)])))
    daemon.cancel(stopped)

    def listed(**query):
        seen, cursor = [], None
        while True:
            page = daemon.http.get("/api/executions", params=query | ({"cursor": cursor} if cursor else {})).json()
            seen += [item["execution_id"] for item in page["items"]]
            if not (cursor := page["next_cursor"]):
                return seen

    assert listed(status="success,error", limit=2) == ids[::-1]
    assert listed(status="error,cancelled") == [stopped, *ids[1::2][::-1]]
    assert listed(status="error,success", graph_id=bad, limit=1) == ids[1::2][::-1]
    assert listed(status="queued,running") == []
    for wrong in ("success,none", "success,", ",", "success error"):
        assert_problem(daemon.http.get("/api/executions", params={"status": wrong}), 400, "invalid_parameter")


@pytest.mark.parametrize("name", ["since", "until"])
def test_the_plus_of_an_offset_is_explained(daemon, name):
    reply = daemon.http.get(f"/api/executions?{name}=2026-01-31T09:30:00+02:00")
    assert_problem(reply, 400, "invalid_parameter")
    assert "%2B" in reply.json()["detail"]
    assert daemon.http.get(f"/api/executions?{name}=2026-01-31T09:30:00%2B02:00").status_code == 200


# --- Bodies ---


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate", "identity, gzip", "GZIP", "x"])
@pytest.mark.parametrize("call", [("POST", "/api/graphs/{}/execute"), ("POST", "/api/graphs/{}/execute/stream"), ("PUT", "/api/graphs/{}"), ("POST", "/api/graphs/validate")])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_an_encoded_body_is_refused(daemon, stored, coding, call, is_chunked):
    method, path = call
    body = b'{"initial_state":{}}' if coding != "gzip" else gzip.compress(b"{}")
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    reply = daemon.http.request(method, path.format(stored), content=iter([body]) if is_chunked else body, headers=headers)
    assert_problem(reply, 415, "unsupported_content_encoding")
    assert reply.headers["accept-encoding"] == "identity"
    assert daemon.http.get("/api/executions", params={"graph_id": stored, "status": "running,queued"}).json()["items"] == []


def test_identity_is_no_coding_and_nothing_cannot_be_encoded(daemon, stored):
    for coding in ("identity", "Identity", "identity, identity"):
        reply = daemon.http.post(f"/api/graphs/{stored}/execute", json={}, headers={"Content-Encoding": coding})
        assert reply.status_code == 200
    assert daemon.http.get("/api/graphs", headers={"Content-Encoding": "gzip"}).status_code == 200


@pytest.mark.parametrize("type", ["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"])
def test_what_goes_in_comes_out(daemon, stored, type):
    text = daemon.http.get(f"/api/graphs/{stored}", headers={"Accept": type})
    assert (text.status_code, text.headers["content-type"]) == (200, type)
    assert text.headers["etag"].endswith('.yaml"')
    assert daemon.http.put(f"/api/graphs/{stored}", content=text.content, headers={"Content-Type": type}).status_code == 200


def test_a_tokens_name_is_a_string(daemon):
    reply = daemon.http.post("/api/tokens", json={"name": None, "scopes": ["read"]})
    assert_problem(reply, 422, "invalid_request")
    assert reply.json()["errors"][0]["pointer"] == "/name"
    assert daemon.http.get("/api/graphs").status_code == 200


# --- Revisions ---


def test_a_revision_that_is_not_there_is_told_by_its_number(daemon, stored):
    reply = daemon.http.get(f"/api/graphs/{stored}?revision=999")
    assert_problem(reply, 404, "unknown_revision")
    assert "999" in reply.json()["detail"]


def test_the_body_of_a_graph_says_its_revision_and_is_taken_back(daemon):
    wanted = chain(put("a", x=1))
    path = f"/api/graphs/{wanted['id']}"
    made = daemon.http.post("/api/graphs", json=wanted)
    assert made.json() == wanted | {"revision": 1}
    read = daemon.http.get(path).json()
    assert read == wanted | {"revision": 1}
    read["name"] = "Other"
    changed = daemon.http.put(path, json=read, headers={"If-Match": f'"{read["revision"]}"'})
    assert (changed.status_code, changed.json()) == (200, wanted | {"name": "Other", "revision": 2})
    assert daemon.http.get(path, params={"revision": 1}).json()["revision"] == 1
    assert daemon.http.put(path, json=read, headers={"If-Match": '"1"'}).status_code == 412
    assert "revision" not in daemon.http.get(path, headers={"Accept": "application/yaml"}).text
    for wrong in ("1", None, -1, 0, 1.5, [1]):
        assert_problem(daemon.http.put(path, json=read | {"revision": wrong}), 422, "invalid_graph")


@pytest.mark.parametrize("tag", ['W/"{}"', '"{}-gzip"', '"{}-br"', 'W/"{}-zstd"', '"{}.yaml"', 'W/"{}.yaml"', '"{}.yaml-gzip"', '"{}-x-gzip"'])
def test_a_tag_that_a_proxy_has_dressed_is_the_same_tag(daemon, tag):
    wanted = chain(put("a", x=1))
    path = f"/api/graphs/{daemon.create(wanted)}"
    assert daemon.http.get(path, headers={"If-None-Match": tag.format(1)}).status_code == 304
    assert daemon.http.put(path, json=wanted | {"name": "2"}, headers={"If-Match": tag.format(1)}).status_code == 200
    for stale in (tag.format(1), tag.format(20), tag.format(22)):
        assert daemon.http.put(path, json=wanted, headers={"If-Match": stale}).status_code == 412
        assert daemon.http.delete(path, headers={"If-Match": stale}).status_code == 412
    assert daemon.http.delete(path, headers={"If-Match": tag.format(2)}).status_code == 204


@pytest.mark.parametrize("tag", ['"1-7"', '"1-"', '"1gzip"', '"1 gzip"', '"-gzip"'])
def test_other_tags_are_others(daemon, tag):
    wanted = chain(put("a", x=1))
    path = f"/api/graphs/{daemon.create(wanted)}"
    assert daemon.http.put(path, json=wanted, headers={"If-Match": tag}).status_code in (400, 412)


# --- Ends ---


def test_a_failed_execution_says_which_nodes_had_failed(daemon):
    document = graph([fails("b"), put("a"), delay("c", 600_000)], ["b c"], limits={"timeout_ms": 300})
    run = daemon.execute(daemon.create(document))
    assert (run["status"], run["failed_nodes"]) == ("failed", ["b"])
    assert daemon.summary(run["execution_id"])["failed_nodes"] == ["b"]
    alone = daemon.execute(daemon.create(graph([delay("c", 600_000)], limits={"timeout_ms": 50})))
    assert (alone["status"], alone["failed_nodes"]) == ("failed", [])


def test_pages_may_send_what_tracers_and_caches_add(start_daemon):
    origin = "https://app.example"
    daemon = start_daemon("--set", f"http.allowed_origins={origin}")
    reply = daemon.http.options("/api/graphs", headers={"Origin": origin, "Access-Control-Request-Method": "GET"})
    allowed = {name.strip().lower() for name in reply.headers["access-control-allow-headers"].split(",")}
    assert {"cache-control", "traceparent", "tracestate", "baggage", "last-event-id", "idempotency-key"} <= allowed


def test_a_body_of_any_size_is_answered_in_chunks_too(guarded):
    """The sender looks for an answer only once it has sent all; the connection is not closed under it."""
    with Wire(guarded) as wire:
        wire.send("POST /api/graphs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
        for _ in range(40):
            wire.send(piece)
        wire.send(b"0\r\n\r\n")
        assert wire.read().status == 401

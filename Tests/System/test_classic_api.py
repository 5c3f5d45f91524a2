"""What is around the stream of the classic dialect: graphs, executions by pages, refusals; and who may have it."""

import pytest

from graphs import chain, graph, put
from test_classic import TIMESTAMP
from tokens import create


def check_refusal(reply, status, *words):
    """Whatever refuses, a front end of the original reads one member."""
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/json"), reply.text
    assert list(reply.json()) == ["detail"]
    for word in words:
        assert word in reply.json()["detail"]


# --- Graphs ---


def test_graphs_are_listed(start_daemon):
    daemon = start_daemon()
    assert daemon.http.get("/classic/api/graphs").json() == {"graphs": [], "total": 0}
    documents = [chain(put("a"), put("b"), name="One", description="The first."), graph([put("a")])]
    for document in documents:
        daemon.create(document)
    execution_id = daemon.execute(documents[0]["id"])["execution_id"]
    listed = daemon.http.get("/classic/api/graphs").json()
    assert listed["total"] == 2
    one, two = listed["graphs"]
    assert TIMESTAMP.fullmatch(one.pop("created_at"))
    assert one == {
        "graph_id": documents[0]["id"], "name": "One", "description": "The first.", "node_count": 2, "edge_count": 1,
        "last_executed": daemon.summary(execution_id)["started_at"],
    }
    assert (two["graph_id"], two["last_executed"], two["edge_count"]) == (documents[1]["id"], None, 0)


def test_more_graphs_than_are_looked_at_at_once_are_listed(start_daemon):
    daemon = start_daemon()
    ids = sorted(daemon.create(graph([put("a")])) for _ in range(201))
    listed = daemon.http.get("/classic/api/graphs").json()
    assert [each["graph_id"] for each in listed["graphs"]] == ids and listed["total"] == 201


def test_a_graph_has_its_structure(daemon):
    document = graph(
        [put("a") | {"position": {"x": 80, "y": 40}}, put("b", name="Second"), put("c")],
        [("a b", "state.x > 1"), "a c"], initial_state={"x": 1}, name="Forks",
    )
    document["nodes"][1]["name"] = "Second"
    daemon.create(document)
    read = daemon.http.get(f"/classic/api/graphs/{document['id']}").json()
    assert list(read) == ["graph_id", "name", "description", "structure", "created_at", "last_executed"]
    assert read["structure"] == {
        "nodes": {
            "a": {"id": "a", "name": "a", "node_type": "set", "is_testing": False, "metadata": {"position": {"x": 80, "y": 40}}},
            "b": {"id": "b", "name": "Second", "node_type": "set", "is_testing": False, "metadata": {}},
            "c": {"id": "c", "name": "c", "node_type": "set", "is_testing": False, "metadata": {}},
        },
        "edges": [
            {"source": "a", "target": "b", "conditional": True, "metadata": {"when": "state.x > 1"}},
            {"source": "a", "target": "c", "conditional": False, "metadata": {}},
        ],
        "start_nodes": ["a"], "end_nodes": ["b", "c"],
    }


def test_a_graph_was_created_once_however_often_it_is_edited(daemon):
    document = graph([put("a")])
    path = f"/classic/api/graphs/{daemon.create(document)}"
    created = daemon.http.get(path).json()["created_at"]
    assert daemon.http.put(f"/api/graphs/{document['id']}", json=document | {"name": "Again"}).status_code == 200
    read = daemon.http.get(path).json()
    assert (read["name"], read["created_at"]) == ("Again", created)
    daemon.http.delete(path)
    daemon.create(document)
    assert daemon.http.get(path).json()["created_at"] > created


def test_a_graph_is_deleted(daemon):
    document = graph([put("a")], name="Gone")
    path = f"/classic/api/graphs/{daemon.create(document)}"
    read = daemon.http.get(path).json()
    reply = daemon.http.delete(path)
    assert (reply.status_code, reply.json()) == (200, read)
    check_refusal(daemon.http.get(path), 404, document["id"])
    check_refusal(daemon.http.delete(path), 404)
    assert daemon.http.get(f"/api/graphs/{document['id']}").status_code == 404


# --- Executions by pages ---


def test_executions_are_listed_by_pages(start_daemon):
    daemon = start_daemon()
    one, two = (daemon.create(graph([put("a")])) for _ in range(2))
    ids = [daemon.execute(graph_id)["execution_id"] for graph_id in [one, two, one, one, two]]

    def page(**query):
        listed = daemon.http.get("/classic/api/executions", params=query).json()
        assert list(listed) == ["executions", "total", "page", "page_size"]
        return [each["execution_id"] for each in listed["executions"]], listed["total"], listed["page"], listed["page_size"]

    newest = ids[::-1]
    assert page() == (newest, 5, 1, 20)
    assert page(page=1, page_size=2) == (newest[:2], 5, 1, 2)
    assert page(page=3, page_size=2) == (newest[4:], 5, 3, 2)
    assert page(page=4, page_size=2) == ([], 5, 4, 2)
    assert page(page=1_000_000_000, page_size=500)[0] == []
    assert page(graph_id=one) == ([ids[3], ids[2], ids[0]], 3, 1, 20)
    assert page(graph_id=one, page=2, page_size=1) == ([ids[2]], 3, 2, 1)
    assert page(graph_id="none") == ([], 0, 1, 20)
    assert page(graph_id="") == (newest, 5, 1, 20)
    [each] = daemon.http.get("/classic/api/executions?page_size=1").json()["executions"]
    assert list(each) == ["execution_id", "graph_id", "status", "duration_ms", "started_at", "completed_at"]


@pytest.mark.parametrize("query", ["page=0", "page=x", "page_size=501", "page_size=0", "limit=5", "page=1&page=2"])
def test_pages_that_are_none_are_refused(daemon, query):
    check_refusal(daemon.http.get(f"/classic/api/executions?{query}"), 400, query.partition("=")[0])


# --- Refusals, tokens, other origins ---


@pytest.mark.parametrize("method, path, body, status", [
    ("GET", "/classic/api/nothing", None, 404),
    ("GET", "/classic", None, 404),
    ("GET", "/classic/api/graphs/no-such-graph", None, 404),
    ("POST", "/classic/api/graphs/no-such-graph/execute/stream", None, 404),
    ("POST", "/classic/api/graphs/no-such-graph/execute", {"initial_state": []}, 422),
    ("GET", "/classic/api/executions/none", None, 404),
    ("GET", "/classic/api/executions/0198c2f0-5f3a-7b51-8a6e-3f0a1c2d4e5f", None, 404),
    ("PUT", "/classic/api/graphs", {}, 405),
])
def test_refusals_are_a_sentence(daemon, method, path, body, status):
    check_refusal(daemon.http.request(method, path, json=body), status)


def test_bodies_that_are_none_are_refused(daemon):
    path = f"/classic/api/graphs/{daemon.create(graph([put('a')]))}/execute/stream"
    check_refusal(daemon.http.post(path, content=b"{", headers={"Content-Type": "application/json"}), 400)
    check_refusal(daemon.http.post(path, content=b"{}", headers={"Content-Type": "text/plain"}), 415)
    check_refusal(daemon.http.post(path, json={"initial_state": "text"}), 422, "/initial_state")
    reducing = daemon.create(graph([put("a")], reducers={"log": "append"}))
    check_refusal(daemon.http.post(f"/classic/api/graphs/{reducing}/execute", json={"initial_state": {"log": 1}}), 422, "log")


def test_health_is_for_everybody(start_daemon):
    daemon = start_daemon()
    healthy = {"status": "healthy", "service": "millrace"}
    assert daemon.http.get("/classic/health").json() == healthy
    create(daemon, "admin")
    assert daemon.http.get("/classic/health").json() == healthy
    check_refusal(daemon.http.get("/classic/api/graphs"), 401, "token")


def test_tokens_hold_as_they_do_elsewhere(start_daemon):
    daemon = start_daemon()
    mine, other = (daemon.create(graph([put("a")])) for _ in range(2))
    ids = {each: daemon.execute(each)["execution_id"] for each in (mine, other, mine)}
    reader, runner = create(daemon, "read").headers, create(daemon, "run", "--graph", mine).headers

    def ask(method, path, headers):
        return daemon.http.request(method, f"/classic/api{path}", headers=headers)

    check_refusal(ask("POST", f"/graphs/{mine}/execute", reader), 403, "run")
    check_refusal(ask("DELETE", f"/graphs/{mine}", runner), 403, "edit")
    check_refusal(ask("GET", f"/graphs/{other}", runner), 403)
    check_refusal(ask("POST", f"/graphs/{other}/execute/stream", runner), 403)
    check_refusal(ask("GET", f"/executions/{ids[other]}", runner), 404)
    assert [each["graph_id"] for each in ask("GET", "/graphs", runner).json()["graphs"]] == [mine]
    assert ask("POST", f"/graphs/{mine}/execute/stream", runner).status_code == 200
    listed = ask("GET", "/executions?page_size=2&page=2", runner).json()
    assert (listed["total"], [each["execution_id"] for each in listed["executions"]]) == (3, [
        each["execution_id"] for each in daemon.http.get("/api/executions", headers=runner).json()["items"]][2:])
    assert ask("GET", "/executions", reader).json()["total"] == 4
    check_refusal(ask("GET", "/executions?page=101&page_size=100", runner), 400)


def test_pages_of_other_origins_need_to_be_configured(start_daemon):
    daemon = start_daemon("--set", "http.allowed_origins=https://app.example")
    path = f"/classic/api/graphs/{daemon.create(graph([put('a')]))}/execute/stream"
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for origin, status in (("https://app.example", 200), ("https://evil.example", 403)):
        reply = daemon.http.post(path, json={}, headers={"Origin": origin})
        assert reply.status_code == status
        assert reply.headers.get("access-control-allow-origin") == (origin if status == 200 else None)
        preflight = daemon.http.options(path, headers=asked | {"Origin": origin})
        assert ("POST" in preflight.headers.get("access-control-allow-methods", "")) == (status == 200)
    check_refusal(reply, 403, "http.allowed_origins")

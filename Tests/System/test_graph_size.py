"""How many nodes a graph may have: graphs.nodes_max."""

import json

from graphs import graph, put
from test_http_surface import assert_problem


def wide(count):
    return graph([put(f"n{number}", x=1) for number in range(count)])


def test_a_graph_has_at_most_so_many_nodes_as_was_said(new_daemon):
    daemon = new_daemon().start("--set", "graphs.nodes_max=3")
    assert daemon.http.post("/api/graphs", json=wide(3)).status_code == 201
    text = json.dumps(wide(4))
    reply = daemon.http.post("/api/graphs", content=text, headers={"Content-Type": "application/json"})
    assert_problem(reply, 422, "invalid_graph")
    (fault,) = reply.json()["errors"]
    assert (fault["pointer"], fault["message"]) == ("/nodes", "must have at most 3 items, has 4")
    assert (fault["line"], fault["column"]) == (1, text.index("[") + 1)


def test_it_can_be_raised(new_daemon):
    for options, is_valid in ((), False), (("--set", "graphs.nodes_max=10001"), True):
        daemon = new_daemon().start(*options)
        reply = daemon.http.post("/api/graphs/validate", json=wide(10_001))
        assert reply.status_code == 200 and reply.json()["valid"] == is_valid, reply.text


def test_what_larger_graphs_did_stays_readable(start_daemon):
    daemon = start_daemon()
    execution_id = daemon.execute(daemon.create(wide(5)))["execution_id"]
    before = daemon.stream(execution_id).events
    assert daemon.stop() == 0
    daemon.start("--set", "graphs.nodes_max=3")
    assert daemon.stream(execution_id).events == before
    assert json.loads(daemon.http.get(f"/api/executions/{execution_id}").content)["status"] == "success"


def test_what_is_too_large_now_can_be_replaced_and_deleted(start_daemon):
    daemon = start_daemon()
    first, second = daemon.create(wide(5)), daemon.create(wide(4))
    assert daemon.stop() == 0
    daemon.start("--set", "graphs.nodes_max=3")
    assert daemon.http.get(f"/api/graphs/{first}").status_code == 404
    assert daemon.http.post("/api/graphs", json={**wide(2), "id": first}).status_code == 409
    reply = daemon.http.put(f"/api/graphs/{first}", json={**wide(2), "id": first})
    assert (reply.status_code, reply.headers["ETag"]) == (200, '"2"'), reply.text
    assert daemon.http.delete(f"/api/graphs/{second}").status_code == 204
    assert daemon.http.delete(f"/api/graphs/{second}").status_code == 404

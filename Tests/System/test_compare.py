"""Two runs of one graph, side by side."""

import json

import pytest

from graphs import chain, edge, graph, lua, node, put
from test_http_surface import assert_problem
from tokens import create


def compare(daemon, first, second, **options):
    return daemon.http.get(f"/api/executions/{first}/compare/{second}", **options)


DOCUMENT = graph(
    [put("a", x="{{ state.n }}"), lua("b", "if state.n == 3 then error('three') end return {y = state.n % 2}"), put("c", z=1), put("d", w="{{ state.y }}")],
    ["a b", ("a c", "state.n > 5"), "b d"], initial_state={"n": 0, "same": "x" * 300})


@pytest.fixture
def runs(daemon):
    graph_id = daemon.create({**DOCUMENT, "id": graph([])["id"]})
    return lambda n: daemon.execute(graph_id, {"n": n})["execution_id"]


def of(comparison, id):
    (found,) = [each for each in comparison["nodes"] if each["node_id"] == id]
    return found


def test_runs_that_are_the_same_part_nowhere(daemon, runs):
    first, second = runs(1), runs(1)
    comparison = compare(daemon, first, second).json()
    assert comparison["parts_at"] is None
    assert [comparison["first"]["execution_id"], comparison["second"]["execution_id"]] == [first, second]
    assert comparison["initial_state_diff"] == comparison["final_state_diff"] == []
    assert [each["node_id"] for each in comparison["nodes"]] == ["a", "b", "c", "d"]
    assert {each["differs"] for each in comparison["nodes"]} == {False}
    assert of(comparison, "a")["first"]["attempts"] == 1 and of(comparison, "c")["first"]["status"] == "skipped"


def test_what_differs_is_told_as_patches(daemon, runs):
    comparison = compare(daemon, runs(2), runs(7)).json()
    assert comparison["parts_at"] == {"node_id": None, "what": "initial_state"}
    assert comparison["initial_state_diff"] == [{"op": "replace", "path": "/n", "value": 7}]
    assert of(comparison, "a")["diff"] == [{"op": "replace", "path": "/x", "value": 7}]
    assert of(comparison, "b")["diff"] == [{"op": "replace", "path": "/y", "value": 1}]
    assert [of(comparison, "c")[side]["status"] for side in ("first", "second")] == ["skipped", "success"]
    changed = {patch["path"]: patch for patch in comparison["final_state_diff"]}
    assert changed["/z"] == {"op": "add", "path": "/z", "value": 1} and changed["/w"]["value"] == 1


def test_a_rerun_is_compared_with_what_it_came_from(daemon, runs):
    first = runs(3)
    reply = daemon.http.post(f"/api/executions/{first}/rerun", json={"from_node": "b", "state": {"n": 4}})
    second = reply.json()["execution_id"]
    daemon.all_events(second)
    comparison = compare(daemon, first, second).json()
    assert comparison["initial_state_diff"] == [{"op": "replace", "path": "/n", "value": 4}]
    assert of(comparison, "a")["second"]["status"] == "cached" and of(comparison, "a")["diff"] == []
    assert "three" in of(comparison, "b")["first"]["error"] and "error" not in of(comparison, "b")["second"]


def test_a_revision_that_has_other_nodes(daemon):
    document = chain(put("a", x=1), put("b", y=1))
    graph_id = daemon.create(document)
    first = daemon.execute(graph_id)["execution_id"]
    document = {**document, "nodes": [document["nodes"][0], put("c", y=1)], "edges": [edge("a c")]}
    assert daemon.http.put(f"/api/graphs/{graph_id}", json=document).status_code == 200
    second = daemon.execute(graph_id)["execution_id"]
    comparison = compare(daemon, first, second).json()
    assert [comparison[side]["graph_revision"] for side in ("first", "second")] == [1, 2]
    assert comparison["parts_at"] == {"node_id": "b", "what": "graph"}
    assert (of(comparison, "b")["second"], of(comparison, "c")["first"], of(comparison, "c")["diff"]) == (None, None, None)
    assert comparison["final_state_diff"] == []


def test_one_that_goes_on_is_compared_as_far_as_it_has_come(daemon, eventually):
    document = chain(put("a", x=1), node("wait", "approval", {"prompt": "?"}))
    graph_id = daemon.create(document)
    first, second = daemon.begin(graph_id), daemon.begin(graph_id)
    eventually(lambda: len(daemon.http.get("/api/approvals").json()["items"]) >= 2)
    comparison = compare(daemon, first, second).json()
    assert comparison["first"]["duration_ms"] is None and of(comparison, "wait")["first"]["status"] == "running"
    for execution_id in (first, second):
        daemon.cancel(execution_id)


def test_what_is_not_there_or_is_another_graphs(daemon, runs):
    execution_id = runs(1)
    other = daemon.execute(daemon.create(graph([put("a", x=1)])))["execution_id"]
    assert_problem(compare(daemon, execution_id, other), 422, "other_graph")
    for unknown in ("nonsense", "0198c2f0-5f3a-7b51-8a6e-3f0a1c2d4e5f"):
        assert_problem(compare(daemon, execution_id, unknown), 404, "unknown_execution")
        assert_problem(compare(daemon, unknown, execution_id), 404, "unknown_execution")
    assert_problem(compare(daemon, execution_id, execution_id, params={"deep": "1"}), 400, "unknown_parameter")


def test_a_token_of_one_graph_learns_nothing_of_others(start_daemon):
    daemon = start_daemon()
    mine, theirs = (daemon.execute(daemon.create(graph([put("a", x=1)])))["execution_id"] for _ in range(2))
    graph_id = daemon.summary(mine)["graph_id"]
    secret = create(daemon, "read", "--graph", graph_id).secret
    headers = {"Authorization": f"Bearer {secret}"}
    assert compare(daemon, mine, mine, headers=headers).status_code == 200
    assert_problem(compare(daemon, mine, theirs, headers=headers), 404, "unknown_execution")
    assert_problem(compare(daemon, theirs, mine, headers=headers), 404, "unknown_execution")


def test_on_the_terminal(daemon, runs):
    from cli import millrace

    first, second = runs(2), runs(8)
    environment = {"MILLRACE_STATE_DIR": str(daemon.state)}
    done = millrace("execution", "compare", first, second, environment=environment)
    assert done.returncode == 0 and "They began with different states." in done.stdout
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line}
    assert rows["c"][1] == "skipped" and "success" in rows["c"] and rows["d"][-1] == "same"
    done = millrace("execution", "compare", first, second, "--json", environment=environment)
    assert json.loads(done.stdout)["parts_at"]["what"] == "initial_state"

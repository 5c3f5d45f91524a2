"""Looking into graphs within nodes: inspection by path, lists of items, streams with a depth, reruns of what failed."""

import json

import pytest

from graphs import chain, graph, lua, node, put
from stream import Stream
from test_scopes import FAILS_AT_TWO, each, inner, outputs, sub


def ended(daemon, document, initial_state=None):
    """The id of an execution that has ended, and its events."""
    execution_id = daemon.execute(daemon.create(document), initial_state)["execution_id"]
    return execution_id, daemon.events(execution_id)


def look(daemon, execution_id, node_id, **query):
    return daemon.http.get(f"/api/executions/{execution_id}/nodes/{node_id}", params=query)


def items(daemon, execution_id, node_id, **query):
    reply = daemon.http.get(f"/api/executions/{execution_id}/nodes/{node_id}/items", params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_a_node_is_inspected_by_its_path(daemon):
    step = lua("step", "print('here') return {n = (state.n or 0) + 1}")
    loop = node("r", "repeat", {"until": "state.n >= state.item", "nodes": [step]})
    execution_id, events = ended(daemon, chain(put("a", n=0), each("m", [loop], result="{{ state.n }}"), put("z", y=1)),
                                 {"rows": [1, 2, 3]})
    for event in inner(events, "step"):
        found = look(daemon, execution_id, "step", path=",".join(map(str, event["path"])))
        assert found.status_code == 200, found.text
        found = found.json()
        assert found["path"] == event["path"]
        assert found["update"] == event["update"] and found["output_state"] == event["output_state"]
        (start,) = [e for e in inner(events, "step", "node_start") if e["path"] == event["path"]]
        assert found["input_state"] == start["input_state"]
        assert [log["data"] for log in found["logs"]] == ["here"]
        assert found["logs"][0]["seq"] in range(start["seq"], event["seq"])
        assert [attempt["status"] for attempt in found["attempts"]] == ["success"]
    assert look(daemon, execution_id, "r", path="m,1").json()["update"] == {"n": 2}
    assert look(daemon, execution_id, "m").json()["path"] == []


def test_a_node_of_another_graph_is_inspected(daemon):
    name = daemon.create(graph([lua("x", "return {y = state.base + state.n}")], initial_state={"base": 10}))
    execution_id, _ = ended(daemon, graph([sub("s", name)]), {"n": 1})
    found = look(daemon, execution_id, "x", path="s").json()
    assert (found["input_state"], found["update"]) == ({"base": 10, "n": 1}, {"y": 11})


@pytest.mark.parametrize("node_id, path, status, code", [
    ("f", "m,9", 404, "unknown_scope"), ("nothing", "m,0", 404, "unknown_node"), ("f", "other,0", 404, "unknown_node"),
    ("f", "m", 404, "unknown_scope"), ("f", "m,-1", 400, "invalid_parameter"), ("f", "", 400, "invalid_parameter"),
])
def test_a_path_that_leads_nowhere_is_said_to(daemon, node_id, path, status, code):
    execution_id, _ = ended(daemon, graph([each("m", [FAILS_AT_TWO], on_item_error="collect")]), {"rows": [1]})
    reply = look(daemon, execution_id, node_id, path=path)
    assert (reply.status_code, reply.json()["code"]) == (status, code)


def test_items_are_listed_a_page_at_a_time(daemon):
    document = graph([each("m", [FAILS_AT_TWO], on_item_error="collect")])
    execution_id, _ = ended(daemon, document, {"rows": [1, 2, 3] * 40})
    seen, cursor = [], {}
    while True:
        page = items(daemon, execution_id, "m", limit=50, **cursor)
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert [item["index"] for item in seen] == list(range(120))
    failed = items(daemon, execution_id, "m", status="error")["items"]
    assert [item["index"] for item in failed] == list(range(1, 120, 3))
    assert all("two" in item["error"] for item in failed)
    events = {event["seq"]: event for event in daemon.events(execution_id)}
    assert events[failed[0]["last_seq"]]["data"]["index"] == 1


def test_items_that_run_are_listed(daemon, eventually):
    document = graph([each("m", [node("d", "delay", {"duration_ms": 60_000})], parallel=2)])
    execution_id = daemon.begin(daemon.create(document), {"rows": [1, 2, 3]})
    eventually(lambda: len(items(daemon, execution_id, "m", status="running")["items"]) == 2)
    assert look(daemon, execution_id, "d", path="m,1").json()["status"] == "running"
    daemon.cancel(execution_id)
    daemon.all_events(execution_id)
    assert [item["status"] for item in items(daemon, execution_id, "m")["items"]] == ["cancelled"] * 2


def test_streams_leave_out_what_lies_deeper(daemon):
    loop = node("r", "repeat", {"until": "state.n >= 2", "nodes": [lua("step", "return {n = (state.n or 0) + 1}")]})
    execution_id, events = ended(daemon, graph([each("m", [loop], into=None), put("z", y=1)]), {"rows": list(range(30))})

    def deep(event):
        return sum(isinstance(part, str) for part in event.get("path", []))

    assert max(map(deep, events)) == 2
    for depth in range(3):
        expected = [event for event in events if deep(event) <= depth]
        assert daemon.events(execution_id, depth=depth) == expected
        assert daemon.all_events(execution_id, depth=depth) == expected
        # It goes on behind any of them.
        middle = expected[len(expected) // 2]["seq"]
        rest = daemon.all_events(execution_id, depth=depth, after=middle)
        assert rest == [event for event in expected if event["seq"] > middle]
    assert daemon.http.get(f"/api/executions/{execution_id}/events?depth=9").status_code == 400


def test_a_live_stream_has_a_depth(daemon):
    name = daemon.create(graph([each("m", [put("a", x=1)], into=None), put("z", y=1)]))
    reply = daemon.http.post(f"/api/graphs/{name}/execute/stream?depth=0", json={"initial_state": {"rows": [1, 2]}})
    events = Stream(reply.content).events
    assert all("path" not in event for event in events) and events[-1]["type"] == "complete"


def test_failed_items_alone_run_again(daemon, tmp_path):
    flag = tmp_path / "flag"
    command = ["sh", "-c", f"read n; test $n != 2 -o -e {flag}"]
    config = {"command": command, "input": "{{ state.item }}\n", "output": "text", "key": "out"}
    nodes = [node("n", "process", config), put("o", ok=1)]
    document = chain(each("m", nodes, [{"from": "n", "to": "o"}], on_item_error="collect", result="{{ state.item }}"),
                     put("z", y=1))
    execution_id, events = ended(daemon, document, {"rows": [1, 2, 3, 2]})
    assert events[-1]["final_state"]["results"] == [1, None, 3, None]
    flag.touch()
    reply = daemon.http.post(f"/api/executions/{execution_id}/rerun", json={"from_node": "m", "items": "failed"})
    assert reply.status_code == 202, reply.text
    events = daemon.all_events(reply.json()["execution_id"])
    assert events[-1]["final_state"]["results"] == [1, 2, 3, 2]
    assert events[-1]["final_state"]["results_errors"] == []
    assert sorted(event["path"][1] for event in inner(events, "n")) == [1, 3]
    statuses = {item["index"]: item["status"] for item in outputs(events, "m", "item")}
    assert statuses == {0: "cached", 1: "success", 2: "cached", 3: "success"}
    for body, pointer in (({"items": "failed"}, "/items"), ({"from_node": "z", "items": "failed"}, "/items"),
                          ({"from_node": "m", "items": "all"}, "/items")):
        reply = daemon.http.post(f"/api/executions/{execution_id}/rerun", json=body)
        assert reply.status_code == 422 and reply.json()["errors"][0]["pointer"] == pointer


def test_the_first_and_the_last_of_many_items_are_found(daemon):
    name = daemon.create(graph([each("m", [put("a", x=1)], into=None)]))
    execution_id = daemon.execute(name, {"rows": list(range(20_000))})["execution_id"]
    for index in (0, 9_999, 19_999):
        assert look(daemon, execution_id, "a", path=f"m,{index}").json()["input_state"]["item"] == index
    page = items(daemon, execution_id, "m", cursor="19997")
    assert [item["index"] for item in page["items"]] == [19_998, 19_999] and page["next_cursor"] is None


def test_a_deleted_execution_takes_its_items_with_it(daemon):
    execution_id, _ = ended(daemon, graph([each("m", [put("a", x=1)])]), {"rows": [1]})
    assert daemon.http.delete(f"/api/executions/{execution_id}").status_code == 204
    assert daemon.http.get(f"/api/executions/{execution_id}/nodes/m/items").status_code == 404


def test_a_dashboard_is_told_of_the_outer_nodes_alone(daemon):
    with daemon.http.stream("GET", "/api/events") as stream:
        lines = stream.iter_lines()
        execution_id, _ = ended(daemon, graph([each("m", [put("a", x=1)])]), {"rows": [1, 2, 3]})
        told = []
        for line in lines:
            if line.startswith("data: ") and execution_id in line:
                told.append(json.loads(line[6:]))
                if told[-1].get("status") == "success":
                    break
    assert {event.get("node_id") for event in told} <= {None, "m"}
    metrics = daemon.http.get("/metrics").text
    assert 'millrace_nodes_total{kind="map",status="success"}' in metrics


def profile(daemon, execution_id):
    reply = daemon.http.get(f"/api/executions/{execution_id}/profile")
    assert reply.status_code == 200, reply.text
    return reply.json()


def times(path):
    """How long each node is on a critical path."""
    total = {}
    for part in path:
        total[part["node_id"]] = total.get(part["node_id"], 0) + part["duration_ms"]
    return total


def test_the_time_of_a_map_is_that_of_its_slowest_item(daemon):
    command = ["sh", "-c", "read seconds; sleep $seconds"]
    sleep = node("sleep", "process", {"command": command, "input": "{{ state.item }}\n", "output": "text", "key": "k"})
    document = chain(each("m", [sleep, put("after", x=1)], edges=[{"from": "sleep", "to": "after"}], parallel=3), put("z", y=1))
    execution_id, events = ended(daemon, document, {"rows": [0, 1.2, 0.1]})
    whole = profile(daemon, execution_id)
    by_id = {each["node_id"]: each for each in whole["nodes"]}
    assert "slowest" not in by_id["z"]
    slowest = by_id["m"]["slowest"]
    assert slowest["path"] == ["m", 1]
    assert sum(part["duration_ms"] for part in slowest["critical_path"]) == pytest.approx(slowest["wall_ms"], rel=0.01)
    assert slowest["bottleneck"]["node_id"] == "sleep"
    assert times(slowest["critical_path"])["sleep"] > 1100
    assert {each["node_id"]: each["status"] for each in slowest["nodes"]} == {"sleep": "success", "after": "success"}
    # It lies within the time of its map.
    (run,) = [segment for segment in by_id["m"]["segments"] if segment["kind"] == "run"]
    assert run["start_ms"] <= slowest["start_ms"]
    assert slowest["start_ms"] + slowest["wall_ms"] <= run["start_ms"] + run["duration_ms"] + 1


def test_the_slowest_goes_on_to_the_innermost(daemon):
    step = lua("step", "for i = 1, state.n == 1 and 3e6 or 1 do end return {n = (state.n or 0) + 1}")
    loop = node("r", "repeat", {"until": "state.n >= 3", "nodes": [step]})
    other = daemon.create(chain(put("b", n=0), loop))
    execution_id, _ = ended(daemon, graph([each("m", [sub("g", other)])]), {"rows": [1, 2]})
    (m,) = profile(daemon, execution_id)["nodes"]
    (g,) = m["slowest"]["nodes"]
    assert g["slowest"]["path"] == [*m["slowest"]["path"], "g"]
    r = {each["node_id"]: each for each in g["slowest"]["nodes"]}["r"]
    assert r["slowest"]["path"] == [*g["slowest"]["path"], "r", 1]
    assert r["slowest"]["nodes"][0]["node_id"] == "step"

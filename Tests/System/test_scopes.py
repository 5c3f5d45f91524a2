"""Graphs within nodes: `graph`, `map` and `repeat`, with the real daemon, also when it is killed."""

import pytest

from graphs import chain, fails, graph, lua, node, put
from stream import is_whole, of_node


def sub(id, inner, **config):
    return node(id, "graph", {"graph": inner, **config})


def each(id, nodes, edges=(), **config):
    members = config.pop("members", {})
    return node(id, "map", {"items": "{{ state.rows }}", "nodes": nodes, "edges": list(edges), **config}, **members)


def ends(events, *ids):
    return [of_node(events, id, "node_complete")[-1] for id in ids]


def outputs(events, id, channel):
    return [event["data"] for event in of_node(events, id, "node_output") if event["channel"] == channel]


def inner(events, id, kind="node_complete"):
    """Events of a node within a scope."""
    return [event for event in of_node(events, id, kind) if "path" in event]


def test_a_graph_runs_another_one(daemon):
    name = daemon.create(chain(lua("double", "return {y = state.x * state.factor}"), initial_state={"factor": 2}))
    final, events = run(daemon, chain(put("first", x=21), sub("s", name), put("last", z="{{ state.y }}")))
    assert final == {"x": 21, "y": 42, "z": 42}
    (start,) = inner(events, "double", "node_start")
    assert start["path"] == ["s"]
    keys = list(start)
    assert keys[keys.index("path") + 1] == "node_id"
    assert start["input_state"] == {"factor": 2, "x": 21}
    assert [data["status"] for data in outputs(events, "s", "scope")] == ["running", "success"]


def test_the_final_state_of_an_inner_graph_may_go_into_a_key(daemon):
    name = daemon.create(graph([put("a", y=1)], initial_state={"x": 0}))
    final, _ = run(daemon, graph([sub("s", name, state={"x": "{{ state.n + 1 }}"}, into="all")]), {"n": 4})
    assert final == {"n": 4, "all": {"x": 5, "y": 1}}


def test_a_named_revision_stays(daemon):
    document = graph([put("a", y=1)])
    name = daemon.create(document)
    replace(daemon, document | {"nodes": [put("a", y=2)]})
    assert run(daemon, graph([sub("s", name, revision=1)]))[0] == {"y": 1}
    assert run(daemon, graph([sub("s", name)]))[0] == {"y": 2}


def test_an_inner_graph_that_is_gone_is_an_error_of_the_node(daemon):
    events = daemon.run(graph([sub("s", "nowhere")]))
    (end,) = of_node(events, "s", "node_complete")
    assert end["status"] == "error" and "nowhere" in end["error"]
    assert events[-1]["status"] == "error"


def test_no_graph_contains_itself(daemon):
    first = graph([put("a", y=1)])
    daemon.create(first)
    second = graph([sub("s", first["id"])])
    daemon.create(second)
    for nodes in (
        [sub("s", first["id"])],
        [sub("s", second["id"])],
        [node("m", "map", {"items": [1], "nodes": [sub("s", second["id"])]})],
    ):
        answer = daemon.http.put(f"/api/graphs/{first['id']}", json=first | {"nodes": nodes})
        assert answer.status_code == 422
        assert "contain itself" in answer.json()["errors"][0]["message"]
        assert answer.json()["errors"][0]["pointer"].endswith("/graph")


def test_graphs_nest_eight_deep(daemon):
    name = daemon.create(graph([put("a", y=1)]))
    for _ in range(8):
        name = daemon.create(graph([sub("s", name)]))
    events = daemon.run(daemon.http.get(f"/api/graphs/{name}").json() | {"id": "deepest"})
    assert events[-1]["status"] == "success"
    assert max(len(event.get("path", [])) for event in events) == 8
    events = daemon.run(graph([sub("s", name)]))
    assert events[-1]["status"] == "error"


def test_a_map_gives_results_in_order(daemon):
    slow_first = lua("square", "return {square = state.item * state.item, at = state.index}")
    document = graph([each("m", [slow_first], parallel=3, result="{{ state.square }}")])
    final, events = run(daemon, document, {"rows": list(range(50))})
    assert final == {"rows": list(range(50)), "results": [n * n for n in range(50)]}
    items = outputs(events, "m", "item")
    assert sorted(item["index"] for item in items) == list(range(50))
    assert {item["status"] for item in items} == {"success"}
    assert [event["path"] for event in inner(events, "square")][0] == ["m", 0]
    # The list itself is not in the state of an item.
    assert set(inner(events, "square", "node_start")[0]["input_state"]) == {"item", "index"}


def test_the_next_item_starts_when_one_ends(daemon):
    document = graph([each("m", [node("d", "delay", {"duration_ms": 150})], parallel=2)])
    _, events = run(daemon, document, {"rows": [0] * 6})
    running, most = set(), 0
    for event in events:
        if event.get("path") and event["type"] == "node_start":
            running.add(event["path"][1])
            most = max(most, len(running))
        if event.get("path") and event["type"] == "node_complete":
            running.discard(event["path"][1])
    assert most == 2
    first_end = next(event["seq"] for event in inner(events, "d"))
    third = next(event["seq"] for event in inner(events, "d", "node_start") if event["path"][1] == 2)
    second_end = [event["seq"] for event in inner(events, "d")][1]
    assert first_end < third < second_end or third < second_end + 4


def test_no_items_are_a_success(daemon):
    assert run(daemon, graph([each("m", [put("a", y=1)])]), {"rows": []})[0] == {"rows": [], "results": []}


FAILS_AT_TWO = lua("f", "if state.item == 2 then error('two') end return {ok = state.item}")


def test_failures_are_collected(daemon):
    document = graph([each("m", [FAILS_AT_TWO], on_item_error="collect", into="out")])
    final, events = run(daemon, document, {"rows": [1, 2, 3]})
    assert final["out"] == [{"ok": 1}, None, {"ok": 3}]
    (error,) = final["out_errors"]
    assert error["index"] == 1 and "two" in error["error"]
    assert events[-1]["failed_nodes"] == []
    assert [item for item in outputs(events, "m", "item") if item["status"] == "error"][0]["index"] == 1
    assert run(daemon, document | {"id": "none"}, {"rows": [1]})[0]["out_errors"] == []


def test_a_failure_cancels_the_rest(daemon):
    slow = [FAILS_AT_TWO | {"on_error": "skip"}, node("d", "delay", {"duration_ms": 60_000})]
    document = graph([each("m", slow, [{"from": "f", "to": "d"}], parallel=3)])
    events = daemon.run(document, {"rows": [1, 2, 3, 4, 5]})
    (end,) = of_node(events, "m", "node_complete")
    assert end["status"] == "error" and "item 1" in end["error"] and "two" in end["error"]
    statuses = {item["index"]: item["status"] for item in outputs(events, "m", "item")}
    # Whether the third had begun by then is a matter of chance.
    assert statuses | {2: "cancelled"} == {0: "cancelled", 1: "error", 2: "cancelled"}


def test_a_further_attempt_runs_only_what_did_not_succeed(daemon, tmp_path):
    flag = tmp_path / "flag"
    command = ["sh", "-c", f"read n; test $n != 2 || test -e {flag} || {{ touch {flag}; exit 1; }}"]
    config = {"command": command, "input": "{{ state.item }}\n", "output": "text", "key": "out"}
    nodes = [node("n", "process", config)]
    document = graph([each("m", nodes, parallel=1, members={"retry": {"max_attempts": 2, "delay_ms": 1}})])
    events = daemon.run(document, {"rows": [1, 2, 3]})
    assert events[-1]["status"] == "success"
    starts = [(event["path"][1], event["attempt"]) for event in inner(events, "n", "node_start")]
    assert starts == [(0, 1), (1, 1), (1, 2), (2, 1)]


def test_results_are_reduced(daemon):
    document = graph(
        [each("m", [lua("n", "return {count = 1, most = state.item, all = {state.item}}")], into=None,
              reduce={"count": "sum", "most": "max", "all": "append"})])
    final, _ = run(daemon, document, {"rows": [3, 9, 4]})
    assert final == {"rows": [3, 9, 4], "count": 3, "most": 9, "all": [3, 9, 4]}


def test_a_contribution_is_not_the_accumulated_value(daemon):
    inner_nodes = [lua("n", "return {log = {state.index}}")]
    document = graph(
        [node("r", "repeat", {"until": "#state.log >= 4", "nodes": [lua("n", "return {log = {#state.log}}")]})],
        reducers={"log": "append"}, initial_state={"log": ["begin"]})
    final, events = run(daemon, document)
    assert final == {"log": ["begin", 1, 2, 3]}
    assert of_node(events, "r", "node_complete")[0]["update"] == {"log": [1, 2, 3]}
    document = graph([each("m", inner_nodes, result="{{ state.log }}")], reducers={"log": "append"})
    assert run(daemon, document, {"rows": [0, 0], "log": ["x"]})[0]["results"] == [["x", 0], ["x", 1]]


def test_a_file_of_items_is_read_as_it_goes(new_daemon, tmp_path):
    folder = tmp_path / "graphs"
    folder.mkdir()
    (folder / "rows.ndjson").write_text("".join(f'{{"n": {n}}}\n\n' for n in range(3000)) + '{"n": 3000}')
    daemon = new_daemon(graphs=folder).start()
    document = graph([
        node("m", "map", {"items": {"file": "rows.ndjson"}, "into": None, "result": {"sum": "{{ state.item.n }}"},
                          "reduce": {"sum": "sum"}, "nodes": [put("a", y=1)]})])
    final, _ = run(daemon, document)
    assert final == {"sum": 3000 * 3001 // 2}


@pytest.mark.parametrize("config, word", [
    ({"items": "{{ state.word }}"}, "must be a list"),
    ({"items": "{{ state.missing }}"}, "must be a list"),
    ({"items": "{{ error('no') }}"}, "items:"),
    ({"items": {"file": "missing.ndjson"}}, "missing.ndjson"),
    ({"items": {"file": "../secret"}}, "secret"),
    ({"items": [1], "result": "{{ error('no') }}"}, "result:"),
    ({"items": [1], "reduce": {"y": "sum"}, "result": {"y": "word"}}, "no number"),
])
def test_bad_input_is_one_clear_error_at_the_node(daemon, config, word):
    events = daemon.run(graph([node("m", "map", {"nodes": [put("a", y=1)], **config}), put("beside", z=1)]),
                        {"word": "text"})
    (end,) = of_node(events, "m", "node_complete")
    assert end["status"] == "error" and word in end["error"]
    assert events[-1]["failed_nodes"] == ["m"] and events[-1]["final_state"]["z"] == 1


def test_a_loop_ends_with_its_condition(daemon):
    step = lua("step", "return {n = state.n + 1}")
    final, events = run(daemon, graph([node("r", "repeat", {"until": "state.n >= 3", "nodes": [step]})]), {"n": 0})
    assert final == {"n": 3}
    assert [event["path"] for event in inner(events, "step")] == [["r", 0], ["r", 1], ["r", 2]]
    assert [item["index"] for item in outputs(events, "r", "item")] == [0, 1, 2]


def test_a_loop_has_a_bound(daemon):
    nodes = [lua("step", "return {n = state.n + 1}")]
    loop = node("r", "repeat", {"until": "false", "max": 4, "nodes": nodes})
    (end,) = of_node(daemon.run(graph([loop]), {"n": 0}), "r", "node_complete")
    assert end["status"] == "error" and "4 iterations" in end["error"]
    loop["config"]["on_max"] = "continue"
    assert run(daemon, graph([loop]), {"n": 0})[0] == {"n": 4}


def test_a_condition_that_raises_and_an_iteration_that_fails_fail_the_loop(daemon):
    for config, word in (
        ({"until": "state.n.x > 1", "nodes": [put("a", n=1)]}, "until:"),
        ({"until": "true", "nodes": [fails("f", "on purpose")]}, "on purpose"),
    ):
        (end,) = of_node(daemon.run(graph([node("r", "repeat", config)])), "r", "node_complete")
        assert end["status"] == "error" and word in end["error"]


def test_faults_within_a_node_are_named_where_they_stand(daemon):
    nodes = [node("a", "nothing", {}), put("a", y=1)]
    document = graph([node("m", "map", {"items": [], "nodes": nodes, "edges": [{"from": "a", "to": "b"}]})])
    errors = daemon.http.post("/api/graphs", json=document).json()["errors"]
    pointers = [error["pointer"] for error in errors]
    assert "/nodes/0/config/nodes/0/kind" in pointers
    assert "/nodes/0/config/nodes/1/id" in pointers
    assert "/nodes/0/config/edges/0/to" in pointers


def test_scopes_within_scopes(daemon):
    loop = node("r", "repeat", {"until": "state.n >= state.item", "nodes": [lua("step", "return {n = (state.n or 0) + 1}")]})
    final, events = run(daemon, graph([each("m", [loop], result="{{ state.n }}")]), {"rows": [1, 2, 3], "n": 0})
    assert final["results"] == [1, 2, 3]
    paths = [event["path"] for event in inner(events, "step")]
    assert sorted(paths) == [["m", 0, "r", 0], ["m", 1, "r", 0], ["m", 1, "r", 1], ["m", 2, "r", 0], ["m", 2, "r", 1],
                             ["m", 2, "r", 2]]


def test_a_cancel_reaches_all_scopes(daemon, eventually):
    wait = each("m", [node("p", "process", {"command": ["sleep", "60"], "input": "none"})], parallel=2)
    execution_id = daemon.begin(daemon.create(graph([wait])), {"rows": [1, 2, 3]})
    eventually(lambda: len(inner(daemon.events(execution_id), "p", "node_start")) == 2)
    daemon.cancel(execution_id)
    events = daemon.all_events(execution_id)
    assert {event["status"] for event in inner(events, "p")} == {"cancelled"}
    assert of_node(events, "m", "node_complete")[0]["status"] == "cancelled"
    assert events[-1]["status"] == "cancelled"


def test_a_map_goes_on_after_a_kill(new_daemon, eventually):
    daemon = new_daemon().start()
    nodes = [lua("square", "return {square = state.item * state.item}"), node("d", "delay", {"duration_ms": 40})]
    document = graph([each("m", nodes, [{"from": "square", "to": "d"}], parallel=3, result="{{ state.square }}")])
    execution_id = daemon.begin(daemon.create(document), {"rows": list(range(60))})
    for part in (8, 25):
        eventually(lambda: len(outputs(daemon.events(execution_id), "m", "item")) >= part)
        daemon.kill()
        daemon.start()
    events = daemon.all_events(execution_id)
    assert is_whole(events)
    assert events[-1]["final_state"]["results"] == [n * n for n in range(60)]
    closed = [item["index"] for item in outputs(events, "m", "item")]
    assert sorted(closed) == list(range(60))
    # What has ended inside is not run again.
    ends = [(event["path"][1], event["node_id"]) for event in events if event["type"] == "node_complete" and "path" in event]
    assert len(ends) == len(set(ends)) == 120


def run(daemon, document, initial_state=None):
    events = daemon.run(document, initial_state)
    assert events[-1]["status"] == "success", events[-1]
    return events[-1]["final_state"], events


def replace(daemon, document):
    assert daemon.http.put(f"/api/graphs/{document['id']}", json=document).status_code == 200


def test_more_items_than_there_may_be_are_one_error_at_the_node(daemon, eventually):
    with open(daemon.graphs / "many.ndjson", "wb") as file:
        for _ in range(10):
            file.write(b"0\n" * 1_000_000)
        file.write(b"0\n")
    document = graph([
        node("file", "map", {"items": {"file": "many.ndjson"}, "nodes": [put("a", x=1)], "into": None}),
        node("list", "map", {"items": "{{ (function() local t = {} for i = 1, 1e8 do t[i] = i end return t end)() }}", "nodes": [put("a", x=1)]}),
        put("z", y=1)])
    events = daemon.run(document)
    assert [end["status"] for end in ends(events, "file", "list", "z")] == ["error", "error", "success"]
    assert of_node(events, "file", "node_complete")[0]["error"] == "there are more than 10000000 items"
    assert "100 ms of CPU time" in of_node(events, "list", "node_complete")[0]["error"]
    assert is_whole(events) and not outputs(events, "file", "item")

"""Looking into a run: what each node did, where the time went, and what got slower."""

import random

import jsonpatch
import pytest

from graphs import busy, chain, delay, fails, graph, lua, never_ends, process, put, python, works
from stream import of_node


def read_node(daemon, execution_id, node_id, **query):
    reply = daemon.http.get(f"/api/executions/{execution_id}/nodes/{node_id}", params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()


def profile(daemon, execution_id):
    reply = daemon.http.get(f"/api/executions/{execution_id}/profile")
    assert reply.status_code == 200, reply.text
    return reply.json()


# --- Random graphs ---


def random_graph(seed):
    """Up to twelve nodes of several kinds that write few keys, so that they meet; edges with conditions, errors, retries."""
    choose = random.Random(seed)
    nodes = [random_node(choose, f"n{number}") for number in range(choose.randint(2, 12))]
    edges = []
    for target in range(1, len(nodes)):
        for source in range(max(0, target - 5), target):
            if choose.random() < 0.4:
                when = choose.choice([None, None, "state.k0 ~= nil", "(state.k1 or 0) == 1", "false"])
                edges.append((f"n{source} n{target}", when) if when else f"n{source} n{target}")
    choose.shuffle(nodes)
    initial = {"k0": choose.choice([0, {"deep": [1, 2, {"a": 1}], "b": "text"}]), "kept": True}
    parallel = choose.choice([1, 2, 16])
    return graph(nodes, edges, initial_state=initial, limits={"max_parallel_nodes": parallel})


def random_node(choose, id):
    key = f"k{choose.randrange(3)}"
    deep = {"deep": [choose.randrange(3), 2, {"a": choose.randrange(3)}], "b": choose.choice(["text", None])}
    members = {"on_error": choose.choice(["continue", "continue", "skip"])}
    match choose.randrange(7):
        case 0:
            return delay(id, choose.randrange(25), **members)
        case 1:
            return fails(id, retry={"max_attempts": choose.randint(1, 3), "delay_ms": 5}, **members)
        case 2:
            return put(id, **{key: deep, f"own/{id}~": 1})
        case 3:
            return put(id, **{key: {}, f"k{choose.randrange(3)}": choose.randrange(3)})
        case 4:
            return lua(id, f"return {{{key} = state.{key}}}", **members)
        case 5:
            return lua(id, f"return {{{key} = array({{1, {choose.randrange(3)}}})}}", **members)
        case _:
            return put(id, **{key: choose.randrange(3)})


def topological_order(document):
    """Kahn's, always the ready node that stands first: as the contract says."""
    waiting = {node["id"]: {edge["from"] for edge in document.get("edges", []) if edge["to"] == node["id"]} for node in document["nodes"]}
    order = []
    while waiting:
        ready = next(id for id, sources in waiting.items() if not sources - set(order))
        order.append(ready)
        del waiting[ready]
    return order


@pytest.mark.parametrize("seed", range(40))
def test_all_diffs_in_topological_order_turn_the_initial_state_into_the_final_one(daemon, seed):
    document = random_graph(seed)
    execution_id = daemon.execute(daemon.create(document))["execution_id"]
    events = daemon.all_events(execution_id)
    state = events[0]["initial_state"]
    for id in topological_order(document):
        seen = read_node(daemon, execution_id, id)
        assert jsonpatch.apply_patch(seen["input_state"], seen["diff"]) == seen["output_state"]
        state = jsonpatch.apply_patch(state, seen["diff"])
    assert state == events[-1]["final_state"]


@pytest.mark.parametrize("seed", range(40, 60))
def test_a_node_is_shown_as_its_events_showed_it(daemon, seed):
    document = random_graph(seed)
    execution_id = daemon.execute(daemon.create(document))["execution_id"]
    events = daemon.all_events(execution_id)
    for id in topological_order(document):
        seen = read_node(daemon, execution_id, id)
        starts, ends = of_node(events, id, "node_start"), of_node(events, id, "node_complete")
        assert all(start["input_state"] == seen["input_state"] for start in starts)
        assert [attempt["attempt"] for attempt in seen["attempts"]] == [start["attempt"] for start in starts]
        assert [attempt["started_at"] for attempt in seen["attempts"]] == [start["timestamp"] for start in starts]
        for attempt, end in zip(seen["attempts"], ends):
            for name in ("status", "update", "queue_ms", "duration_ms", "error", "details", "will_retry"):
                assert attempt.get(name) == end.get(name)
        last = ends[-1]
        for name in ("status", "update", "output_state", "taken", "error"):
            assert seen.get(name) == last.get(name)
        assert seen["ended_at"] == last["timestamp"]


# --- Nodes ---


def test_nodes_side_by_side_see_only_their_ancestors(daemon):
    kept = {"text": "a value that is long enough to make a patch of its neighbour worth while" * 2}
    document = graph([put("a", x=kept | {"y": 1}), put("b", x=kept | {"y": 5}), put("c", w=1)], ["a c"], initial_state={"x": kept | {"y": 0}})
    execution_id = daemon.execute(daemon.create(document))["execution_id"]
    a, b, c = (read_node(daemon, execution_id, id) for id in "abc")
    assert a["diff"] == [{"op": "replace", "path": "/x/y", "value": 1}]
    # A has written the same key beside it, so that it is written as a whole.
    assert b["diff"] == [{"op": "add", "path": "/x", "value": kept | {"y": 5}}]
    assert (c["input_state"], c["output_state"]) == ({"x": kept | {"y": 1}}, {"x": kept | {"y": 1}, "w": 1})


def test_a_node_that_runs_has_an_input_and_no_output(daemon, eventually):
    document = chain(put("a", x=1), never_ends("b"), put("c"))
    execution_id = daemon.begin(daemon.create(document))
    eventually(lambda: of_node(daemon.events(execution_id), "b", "node_start"))
    b, c = read_node(daemon, execution_id, "b"), read_node(daemon, execution_id, "c")
    assert (b["status"], b["input_state"], b["output_state"], b["update"], b["diff"]) == ("running", {"x": 1}, None, None, None)
    [attempt] = b["attempts"]
    assert (attempt["status"], attempt["ended_at"], attempt["duration_ms"]) == ("running", None, None)
    assert (c["status"], c["input_state"], c["attempts"], c["started_at"]) == ("pending", None, [], None)
    assert daemon.cancel(execution_id).status_code == 202
    daemon.all_events(execution_id)
    assert read_node(daemon, execution_id, "b")["status"] == "cancelled"
    assert read_node(daemon, execution_id, "c")["status"] == "pending"


def test_a_nodes_attempts_and_output_are_there(daemon, tmp_path):
    code = "import millrace, os\n    print('line')\n    if not os.path.exists('{0}'):\n        open('{0}', 'w').close()\n        raise ValueError('once')\n    return {{'x': 1}}"
    document = graph([python("a", code.format(tmp_path / "once"), retry={"max_attempts": 2, "delay_ms": 30})])
    execution_id = daemon.execute(daemon.create(document))["execution_id"]
    a = read_node(daemon, execution_id, "a")
    assert [attempt["status"] for attempt in a["attempts"]] == ["error", "success"]
    assert a["attempts"][0]["will_retry"] and "once" in a["attempts"][0]["error"]
    assert a["retry_wait_ms"] > 0
    assert [(log["attempt"], log["channel"], log["data"]) for log in a["logs"] if log["channel"] == "stdout"] == [(1, "stdout", "line"), (2, "stdout", "line")]
    outputs = [event for event in daemon.events(execution_id) if event["type"] == "node_output"]
    assert [log["seq"] for log in a["logs"]] == [event["seq"] for event in outputs]
    assert not a["logs_truncated"]


def test_a_flood_of_output_is_cut_at_its_beginning(daemon):
    document = graph([process("a", "seq", "3000")])
    execution_id = daemon.execute(daemon.create(document))["execution_id"]
    outputs = [event for event in daemon.events(execution_id) if event["type"] == "node_output"]
    a = read_node(daemon, execution_id, "a")
    if len(outputs) > 1000:
        assert a["logs_truncated"] and len(a["logs"]) == 1000
    assert [log["seq"] for log in a["logs"]] == [event["seq"] for event in outputs][-len(a["logs"]) :]


def test_a_skipped_node_and_a_broken_edge_are_told(daemon):
    document = graph([put("a", x=1), put("b"), put("c")], [("a b", "false"), ("a c", "state.none.more")])
    execution_id = daemon.execute(daemon.create(document))["execution_id"]
    b, c = read_node(daemon, execution_id, "b"), read_node(daemon, execution_id, "c")
    assert (b["status"], b["attempts"], b["diff"], b["output_state"]) == ("skipped", [], [], {})
    assert (c["status"], c["attempts"]) == ("error", []) and "a → c" in c["error"]


def test_states_can_be_left_out(daemon):
    execution_id = daemon.execute(daemon.create(graph([put("a", x=1)])))["execution_id"]
    update, none = (read_node(daemon, execution_id, "a", state=detail) for detail in ("update", "none"))
    assert (update["input_state"], update["output_state"], update["update"]) == (None, None, {"x": 1})
    assert (none["update"], none["diff"], none["attempts"][0]["update"]) == (None, None, None)
    assert daemon.http.get(f"/api/executions/{execution_id}/nodes/a?state=all").status_code == 400


@pytest.mark.parametrize("path", ["nodes/none", "nodes/a%0d%0aX:1"])
def test_an_unknown_node_is_a_problem(daemon, path):
    execution_id = daemon.execute(daemon.create(graph([put("a")])))["execution_id"]
    reply = daemon.http.get(f"/api/executions/{execution_id}/{path}")
    assert (reply.status_code, reply.json()["code"]) == (404, "unknown_node")


@pytest.mark.parametrize("rest", ["nodes/a", "profile"])
def test_head_is_served_and_an_unknown_execution_is_a_problem(daemon, rest):
    execution_id = daemon.execute(daemon.create(graph([put("a")])))["execution_id"]
    reply = daemon.http.head(f"/api/executions/{execution_id}/{rest}")
    assert (reply.status_code, reply.content, reply.headers["content-type"]) == (200, b"", "application/json")
    reply = daemon.http.get(f"/api/executions/01930b1c-7d2e-7cc3-98c4-dc0c0c07398f/{rest}")
    assert (reply.status_code, reply.json()["code"]) == (404, "unknown_execution")
    reply = daemon.http.post(f"/api/executions/{execution_id}/{rest}")
    assert (reply.status_code, reply.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


# --- Profiles ---


def assert_adds_up(seen, wall_ms=None):
    """The rules of every profile. The path has neither hole nor overlap, so that it adds up."""
    path, wall = seen["critical_path"], seen["wall_ms"]
    total = sum(part["duration_ms"] for part in path)
    assert abs(total - wall) <= 0.01 * wall + 0.001
    if wall_ms is not None:
        assert abs(total - wall_ms) <= 0.01 * wall_ms + 0.001
    cursor = 0
    for part in path:
        assert part["start_ms"] == pytest.approx(cursor, abs=0.0015)
        cursor = part["start_ms"] + part["duration_ms"]
    critical = {node["node_id"] for node in seen["nodes"] if node["on_critical_path"]}
    assert {part["node_id"] for part in path} - {None} <= critical
    for node in seen["nodes"]:
        assert node["slack_ms"] is None or node["slack_ms"] >= 0
        assert node["on_critical_path"] == (node["slack_ms"] == 0)
        for kind in ("queue", "run", "retry_wait"):
            parts = [segment["duration_ms"] for segment in node["segments"] if segment["kind"] == kind]
            assert node[f"{kind}_ms"] == pytest.approx(sum(parts), abs=0.001 * (1 + len(parts)))


@pytest.mark.parametrize("seed", range(60, 90))
def test_the_critical_path_adds_up_to_the_wall_time(daemon, seed):
    document = random_graph(seed)
    execution_id = daemon.execute(daemon.create(document))["execution_id"]
    events, seen = daemon.all_events(execution_id), profile(daemon, execution_id)
    assert seen["is_final"] and seen["status"] == events[-1]["status"]
    assert_adds_up(seen, events[-1]["duration_ms"])
    assert [node["node_id"] for node in seen["nodes"]] == topological_order(document)
    for node in seen["nodes"]:
        ends = of_node(events, node["node_id"], "node_complete")
        assert node["status"] == ends[-1]["status"]
        assert node["attempts"] == ends[-1]["attempt"]


def test_the_way_leads_over_retries_queues_and_the_slower_branch(daemon):
    retried = fails("r", retry={"max_attempts": 2, "delay_ms": 1500})
    document = graph([put("a"), retried, works("s", 0.001), works("q", 0.001), put("z")], ["a r", "a s", "r z", "s z"], limits={"max_parallel_nodes": 1})
    execution_id = daemon.execute(daemon.create(document))["execution_id"]
    seen = profile(daemon, execution_id)
    assert_adds_up(seen, daemon.summary(execution_id)["duration_ms"])
    assert [part["kind"] for part in seen["critical_path"] if part["node_id"] == "r" and part["kind"] == "retry_wait"] == ["retry_wait"]
    assert (seen["bottleneck"]["node_id"], seen["nodes"][1]["attempts"]) == ("r", 2)
    assert "attempts" in seen["bottleneck"]["reason"]


def test_an_execution_that_was_stopped_or_cancelled_adds_up(daemon, eventually):
    stops = graph([delay("w", 30), fails("a", on_error="stop"), never_ends("b"), put("c")], ["w a", "a c"])
    execution_id = daemon.execute(daemon.create(stops))["execution_id"]
    assert_adds_up(profile(daemon, execution_id), daemon.summary(execution_id)["duration_ms"])
    waits = graph([works("a", 0.02), busy("b"), busy("c")], ["a b"], limits={"max_parallel_nodes": 1})
    execution_id = daemon.begin(daemon.create(waits))
    eventually(lambda: len([event for event in daemon.events(execution_id) if event["type"] == "node_start"]) == 2)
    running = profile(daemon, execution_id)
    assert (running["is_final"], running["status"]) == (False, "running")
    assert_adds_up(running)
    assert daemon.cancel(execution_id).status_code == 202
    daemon.all_events(execution_id)
    seen = profile(daemon, execution_id)
    assert (seen["is_final"], seen["status"]) == (True, "cancelled")
    assert_adds_up(seen, daemon.summary(execution_id)["duration_ms"])
    assert seen["wall_ms"] >= running["wall_ms"] - 1


def test_a_profile_of_what_waits_is_empty_and_not_final(start_daemon):
    daemon = start_daemon(environment={"MILLRACE_EXECUTIONS_MAX_RUNNING": "1"})
    graph_id = daemon.create(graph([busy("a")]))
    first, second = daemon.begin(graph_id), daemon.begin(graph_id)
    seen = profile(daemon, second)
    assert (seen["status"], seen["is_final"], seen["wall_ms"], seen["critical_path"], seen["bottleneck"]) == ("queued", False, 0, [], None)
    assert read_node(daemon, second, "a")["status"] == "pending"
    for id in (first, second):
        daemon.cancel(id)


def test_what_got_slower_is_named(daemon):
    document = chain(delay("steady", 5), delay("slow", 20))
    graph_id = daemon.create(document)
    for _ in range(8):
        daemon.execute(graph_id)
    document["nodes"][1]["config"]["duration_ms"] = 200
    assert daemon.http.put(f"/api/graphs/{graph_id}", json=document).status_code == 200
    for _ in range(4):
        daemon.execute(graph_id)
    seen = daemon.http.get(f"/api/graphs/{graph_id}/profile").json()
    assert (seen["executions"], seen["truncated"]) == (12, False)
    assert [(node["node_id"], node["runs"], node["errors"]) for node in seen["nodes"]] == [("steady", 12, 0), ("slow", 12, 0)]
    slow = seen["slower"][0]
    assert slow["node_id"] == "slow" and slow["factor"] > 1.25
    assert slow["recent_run_p50_ms"] >= 200 > slow["earlier_run_p50_ms"] >= 20
    assert seen["nodes"][1]["run_p95_ms"] >= seen["nodes"][1]["run_p50_ms"] >= 20
    few = daemon.http.get(f"/api/graphs/{graph_id}/profile?last=5").json()
    assert (few["executions"], few["slower"], few["nodes"][0]["change"]) == (5, [], None)


def test_a_graphs_profile_has_bounds(daemon):
    graph_id = daemon.create(graph([fails("a"), never_ends("b")]))
    assert daemon.http.get(f"/api/graphs/{graph_id}/profile").json() == {"graph_id": graph_id, "executions": 0, "truncated": False, "nodes": [], "slower": []}
    for last in ("0", "501", "many"):
        assert daemon.http.get(f"/api/graphs/{graph_id}/profile", params={"last": last}).status_code == 400
    assert daemon.http.get("/api/graphs/none/profile").json()["code"] == "unknown_graph"
    execution_id = daemon.begin(graph_id)
    daemon.cancel(execution_id)
    daemon.all_events(execution_id)
    # B was cut short, which says nothing of how long it takes.
    assert [node["node_id"] for node in daemon.http.get(f"/api/graphs/{graph_id}/profile").json()["nodes"]] in (["a"], [])


def test_a_run_that_a_crash_interrupted_adds_up_over_both_its_starts(new_daemon, eventually):
    daemon = new_daemon().start()
    document = graph(
        [put("a", x=1), python("b", "import time; time.sleep(1)"), delay("w", 1), fails("r", retry={"max_attempts": 2, "delay_ms": 5}), put("z", y=1)],
        ["a b", "b z", "r z"], limits={"max_parallel_nodes": 1},
    )
    execution_id = daemon.begin(daemon.create(document))
    eventually(lambda: of_node(daemon.events(execution_id), "b", "node_start"))
    daemon.kill()
    daemon.start()
    events = daemon.all_events(execution_id)
    assert [event["attempt"] for event in events if event["type"] == "start"] == [1, 2]
    seen = profile(daemon, execution_id)
    assert seen["is_final"]
    assert_adds_up(seen, events[-1]["duration_ms"])
    nodes = {node["node_id"]: node for node in seen["nodes"]}
    assert "interrupted" in [segment["kind"] for segment in nodes["b"]["segments"]]
    b = read_node(daemon, execution_id, "b")
    assert [attempt["status"] for attempt in b["attempts"]] == ["interrupted", "success"]
    assert (b["attempts"][0]["ended_at"], b["status"], b["output_state"]) == (None, "success", {"x": 1})
    state = events[0]["initial_state"]
    for id in topological_order(document):
        state = jsonpatch.apply_patch(state, read_node(daemon, execution_id, id)["diff"])
    assert state == events[-1]["final_state"]


def test_a_node_that_a_crash_ended_is_told_as_its_event_tells_it(new_daemon, eventually):
    daemon = new_daemon().start()
    execution_id = daemon.begin(daemon.create(chain(python("a", "import time; time.sleep(600)", idempotent=False), put("b", x=1))))
    eventually(lambda: of_node(daemon.events(execution_id), "a", "node_start"))
    daemon.kill()
    daemon.start()
    events = daemon.all_events(execution_id)
    a = read_node(daemon, execution_id, "a")
    assert [attempt["status"] for attempt in a["attempts"]] == ["error"]
    assert (a["status"], a["ended_at"]) == ("error", of_node(events, "a", "node_complete")[0]["timestamp"])
    assert_adds_up(profile(daemon, execution_id), events[-1]["duration_ms"])


def test_what_is_no_longer_kept_is_said_to_be_gone(start_daemon, eventually):
    daemon = start_daemon(environment={"MILLRACE_HISTORY_RETAIN_BYTES": "2MiB"})
    graph_id = daemon.create(graph([lua("a", "return {x = string.rep('x', 400000)}"), put("b")]))
    ids = [daemon.execute(graph_id)["execution_id"] for _ in range(12)]
    eventually(lambda: daemon.events(ids[0])[0]["type"] == "gap")
    for rest in ("nodes/a", "profile"):
        reply = daemon.http.get(f"/api/executions/{ids[0]}/{rest}")
        assert (reply.status_code, reply.json()["code"]) == (410, "events_dropped")
        assert daemon.http.get(f"/api/executions/{ids[-1]}/{rest}").status_code == 200
    assert 0 < daemon.http.get(f"/api/graphs/{graph_id}/profile").json()["executions"] < 12

"""What graphs mean: order, branches, errors, states. Each test runs a small graph and looks at its events."""

import json

import pytest

from graphs import chain, delay, fails, graph, lua, never_ends, node, process, put, python, works
from stream import is_whole, of_node, outline


def final_state(events):
    return events[-1]["final_state"]


def position(events, word):
    return outline(events).index(word)


def ran(events):
    return {event["node_id"] for event in events if event["type"] == "node_start"}


# --- Order and parallelism ---


def test_no_node_waits_for_a_sibling_that_it_does_not_depend_on(daemon):
    """C depends on B alone, so that it ends while A, which began with B, still waits."""
    events = daemon.run(graph([delay("a", 800), delay("b", 10), put("c", done=True)], ["b c"]))
    assert position(events, "c:success") < position(events, "a:success")
    assert is_whole(events)


def test_ready_nodes_run_side_by_side(daemon):
    """Three nodes that each wait until all three have begun: one after the other, they would wait for ever."""
    meet = daemon.folder / "meeting"
    meet.mkdir(exist_ok=True)
    for leftover in meet.iterdir():
        leftover.unlink()
    code = "import os, time\n    open('{0}/{1}', 'w').close()\n    while len(os.listdir('{0}')) < 3: time.sleep(0.005)\n    return {{}}"
    nodes = [python(id, code.format(meet, id), timeout_ms=30_000) for id in "abc"]
    assert final_status(daemon.run(graph(nodes))) == "success"


def final_status(events):
    return events[-1]["status"]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_no_more_nodes_run_at_once_than_the_graph_allows(daemon, limit):
    nodes = [works(f"n{number}", 0.02) for number in range(8)]
    events = daemon.run(graph(nodes, limits={"max_parallel_nodes": limit}))
    running, most = 0, 0
    for event in events:
        running += {"node_start": 1, "node_complete": -1}.get(event["type"], 0)
        most = max(most, running)
    assert most == limit


def test_a_node_starts_only_after_all_its_sources_have_ended(daemon):
    events = daemon.run(graph([delay("a", 50), delay("b", 100), put("c")], ["a c", "b c"]))
    assert position(events, "c>") > max(position(events, "a:success"), position(events, "b:success"))


# --- States ---


def test_states_flow_along_edges_and_meet_in_the_final_state(daemon):
    events = daemon.run(graph([put("a", x=1), put("b", y=2), put("c", z=3)], ["a c"], initial_state={"w": 0}))
    assert of_node(events, "b", "node_start")[0]["input_state"] == {"w": 0}
    assert of_node(events, "c", "node_start")[0]["input_state"] == {"w": 0, "x": 1}
    assert of_node(events, "c", "node_complete")[0]["output_state"] == {"w": 0, "x": 1, "z": 3}
    assert final_state(events) == {"w": 0, "x": 1, "y": 2, "z": 3}


def test_a_request_lays_its_initial_state_over_the_documents_key_by_key(daemon):
    graph_id = daemon.create(graph([put("a")], initial_state={"x": {"deep": 1}, "y": 2}))
    events = daemon.all_events(daemon.execute(graph_id, {"x": 7, "z": 3})["execution_id"])
    assert json.dumps(events[0]["initial_state"]) == '{"x": 7, "y": 2, "z": 3}'


@pytest.mark.parametrize("first_delay, second_delay", [(0, 60), (60, 0)])
def test_the_writer_of_higher_rank_wins_however_the_timing_falls(daemon, first_delay, second_delay):
    nodes = [delay("wait1", first_delay), delay("wait2", second_delay), put("a", x="a"), put("b", x="b"), put("c")]
    events = daemon.run(graph(nodes, ["wait1 a", "wait2 b", "a c", "b c"]))
    assert of_node(events, "c", "node_start")[0]["input_state"] == {"x": "b"}
    assert final_state(events)["x"] == "b"


def test_keys_stand_in_the_order_of_initial_state_and_then_of_their_first_writers(daemon):
    nodes = [delay("wait", 60), put("a", late=1), put("b", z=1, early=2, i=3), put("c")]
    events = daemon.run(graph(nodes, ["wait a", "a c", "b c"], initial_state={"i": 0}))
    # Kahn's order is wait, a, b, c: as soon as `wait` has its place, `a` is ready and stands before `b` in the document.
    assert list(final_state(events)) == ["i", "late", "z", "early"]


@pytest.mark.parametrize(
    "reducer, initial, first, second, result",
    [
        ("append", [0], [1], [2], [0, 1, 2]),
        ("append", [0], "x", {"k": 1}, [0, "x", {"k": 1}]),
        ("sum", 1, 2, 3.5, 6.5),
        ("min", 5, 3, 4, 3),
        ("max", 5, 7, 6, 7),
        ("merge", {"a": 1, "b": 2}, {"a": None}, {"c": {"d": 4}}, {"b": 2, "c": {"d": 4}}),
        ("replace", 1, 2, 3, 3),
    ],
)
@pytest.mark.parametrize("slow", ["a", "b"])
def test_reducers_combine_updates_in_the_order_of_rank(daemon, reducer, initial, first, second, result, slow):
    nodes = [delay("wait_a", 40 * (slow == "a")), delay("wait_b", 40 * (slow == "b")), put("a", k=first), put("b", k=second), put("c")]
    document = graph(nodes, ["wait_a a", "wait_b b", "a c", "b c"], initial_state={"k": initial}, reducers={"k": reducer})
    events = daemon.run(document)
    assert of_node(events, "c", "node_start")[0]["input_state"]["k"] == result
    assert final_state(events)["k"] == result


def test_a_word_under_sum_is_an_error_of_the_node(daemon):
    events = daemon.run(graph([put("a", k="one")], initial_state={"k": 1}, reducers={"k": "sum"}))
    assert outline(events) == ["start", "a>", "a:error", "complete"]
    assert final_state(events) == {"k": 1}


NUMBERS = '{"b":1.0,"a":1e2,"c":12345678901234567890,"d":-0,"e":0.10000000000000000000001,"f":1E+400,"g":"\\u00e9"}'


def test_numbers_and_key_order_pass_as_they_were_written(daemon):
    """Through the document, the request, a template, the states and the stream: text alone is compared, never a number."""
    graph_id = f"numbers-{daemon.port}"
    document = (
        f'{{"id":"{graph_id}","initial_state":{{"kept":{NUMBERS}}},"nodes":[{{"id":"a","kind":"set","config":'
        f'{{"values":{{"constant":{NUMBERS},"copy":"{{{{ state.kept }}}}"}}}}}}]}}'
    )
    assert put_text(daemon, graph_id, document).status_code in (200, 201)
    body = f'{{"initial_state": {{"given":  {NUMBERS} }}}}'
    reply = daemon.http.post(
        f"/api/graphs/{graph_id}/execute/stream", content=body, headers={"Content-Type": "application/json"}
    )
    end = reply.text.strip().split("\n")[-1]
    plain = NUMBERS.replace("\\u00e9", "é")
    assert f'"final_state":{{"kept":{NUMBERS},"given":{NUMBERS},"constant":{NUMBERS},' in end.replace(plain, NUMBERS)


def put_text(daemon, graph_id, text):
    return daemon.http.put(f"/api/graphs/{graph_id}", content=text, headers={"Content-Type": "application/json"})


def test_large_numbers_survive_a_python_node_that_does_not_touch_them(daemon):
    document = chain(python("a", "state['n'] = 1"), python("b", "return state"), initial_state={"big": 12345678901234567890})
    assert '"big":12345678901234567890' in daemon.http.get(
        f"/api/executions/{daemon.execute(daemon.create(document))['execution_id']}/events", params={"after": 3}
    ).text


def test_duplicate_keys_are_refused(daemon):
    graph_id = daemon.create(graph([put("a")]))
    reply = daemon.http.post(
        f"/api/graphs/{graph_id}/execute", content='{"initial_state":{"a":1,"a":2}}', headers={"Content-Type": "application/json"}
    )
    assert reply.status_code == 400


# --- Branches ---


@pytest.mark.parametrize("score, taken", [(0.9, "high"), (0.1, "low")])
def test_conditions_decide_which_branch_is_taken(daemon, score, taken):
    nodes = [put("rate", score=score), put("high", way="high"), put("low", way="low"), put("join")]
    edges = [("rate high", "state.score > 0.5"), ("rate low", "state.score <= 0.5"), "high join", "low join"]
    events = daemon.run(graph(nodes, edges))
    other = {"high": "low", "low": "high"}[taken]
    assert ran(events) == {"rate", taken, "join"}
    assert of_node(events, other)[0]["status"] == "skipped"
    assert of_node(events, "rate", "node_complete")[0]["taken"] == [taken]
    assert final_state(events)["way"] == taken


def test_a_skipped_node_never_starts_and_skips_what_depends_on_it_alone(daemon):
    nodes = [put("a"), put("b"), put("c"), put("d")]
    events = daemon.run(graph(nodes, [("a b", "false"), "b c", "c d"]))
    assert outline(events) == ["start", "a>", "a:success", "b:skipped", "c:skipped", "d:skipped", "complete"]
    assert final_status(events) == "success"


def test_conditions_see_how_the_nodes_before_ended(daemon):
    nodes = [fails("a"), put("b", x=5), put("c"), put("d")]
    edges = ["a b", ("b c", "nodes.a.status == 'error' and nodes.b.update.x == 5"), ("b d", "nodes.a.status == 'success'")]
    assert ran(daemon.run(graph(nodes, edges))) == {"a", "b", "c"}


@pytest.mark.parametrize("condition", ["state.missing.key", "error('no')", "(function() while true do end end)()"])
def test_a_condition_that_fails_ends_its_target_and_names_the_edge(daemon, condition):
    events = daemon.run(graph([put("a"), put("b")], [("a b", condition)]))
    [end] = of_node(events, "b")
    assert (end["type"], end["status"]) == ("node_complete", "error")
    assert "a" in end["error"] and "b" in end["error"] and "edge" in end["error"]
    assert final_status(events) == "error"


# --- Errors ---


def test_after_an_error_dependents_run_by_default(daemon):
    events = daemon.run(chain(fails("a"), put("b", x=1)))
    assert outline(events) == ["start", "a>", "a:error", "b>", "b:success", "complete"]
    assert (final_status(events), events[-1]["failed_nodes"], final_state(events)) == ("error", ["a"], {"x": 1})


def test_on_error_skip_skips_dependents_and_no_others(daemon):
    events = daemon.run(graph([fails("a", on_error="skip"), put("b"), put("c"), put("other", x=1)], ["a b", "b c"]))
    assert ran(events) == {"a", "other"}
    assert [of_node(events, id)[0]["status"] for id in "bc"] == ["skipped", "skipped"]
    assert final_status(events) == "error"


def test_on_error_stop_ends_the_execution_and_says_nothing_of_what_never_started(daemon):
    events = daemon.run(graph([delay("a", 50), fails("b", on_error="stop"), never_ends("c"), put("d")], ["a b", "b d"]))
    assert outline(events) == ["start", "a>", "c>", "a:success", "b>", "b:error", "c:cancelled", "complete"]
    assert (final_status(events), events[-1]["failed_nodes"]) == ("error", ["b"])


def test_a_retried_node_tells_of_every_attempt(daemon):
    document = graph([fails("a", retry={"max_attempts": 3, "delay_ms": 5, "backoff": 1})])
    events = daemon.run(document)
    assert outline(events) == ["start", *["a>", "a:error"] * 3, "complete"]
    assert [event["attempt"] for event in of_node(events, "a")] == [1, 1, 2, 2, 3, 3]
    assert [event.get("will_retry") for event in of_node(events, "a", "node_complete")] == [True, True, None]


def test_a_node_that_recovers_leaves_no_trace_of_its_failures_in_the_outcome(daemon):
    tries = daemon.graphs / "tries"
    tries.unlink(missing_ok=True)
    code = f"""
    path = {str(tries)!r}
    with open(path, "a") as file: file.write("x")
    tries = len(open(path).read())
    if tries < 3: raise ValueError(f"try {{tries}}")
    return {{"tries": tries}}"""
    events = daemon.run(chain(python("a", code.lstrip("\n"), retry={"max_attempts": 5, "delay_ms": 1}), put("b")))
    assert [event["status"] for event in of_node(events, "a", "node_complete")] == ["error", "error", "success"]
    assert (final_status(events), events[-1]["failed_nodes"], final_state(events)) == ("success", [], {"tries": 3})


def test_a_failing_python_node_gives_its_traceback(daemon):
    code = "    def inner():\n        raise KeyError('the key')\n    print('before')\n    inner()"
    events = daemon.run(graph([python("a", code)]))
    [end] = of_node(events, "a", "node_complete")
    assert end["status"] == "error"
    assert "KeyError" in end["error"] and "the key" in end["error"]
    trace = json.dumps(end["details"])
    assert "Traceback" in trace and "inner" in trace and "the key" in trace
    assert [event["data"] for event in of_node(events, "a", "node_output")] != []


@pytest.mark.parametrize(
    "slow",
    [
        never_ends("a"),
        process("a", "sleep", "600"),
        python("a", "import time; time.sleep(600)"),
        python("a", "while True: pass"),
        lua("a", "while true do end"),
    ],
    ids=["delay", "process", "sleeping python", "computing python", "computing lua"],
)
def test_a_node_that_takes_too_long_ends_in_error_and_the_rest_goes_on(daemon, slow):
    events = daemon.run(chain(slow | {"timeout_ms": 200}, put("b", x=1)))
    [end] = of_node(events, "a", "node_complete")
    assert end["status"] == "error"
    assert "timeout_ms" in end["error"] or slow["kind"] == "lua"
    assert final_state(events) == {"x": 1}


def test_an_execution_that_takes_too_long_fails_with_an_error_event(daemon):
    document = graph([never_ends("a"), put("b")], ["a b"], limits={"timeout_ms": 150})
    execution = daemon.execute(daemon.create(document))
    events = daemon.all_events(execution["execution_id"])
    assert outline(events) == ["start", "a>", "a:cancelled", "error"]
    assert "timeout_ms" in events[-1]["error"]
    assert (execution["status"], execution["error"]) == ("failed", events[-1]["error"])


def test_a_state_that_grows_too_large_fails_its_node(start_daemon):
    daemon = start_daemon("--set", "executions.state_bytes_max=4096")
    events = daemon.run(chain(put("a", x="y" * 3000), put("b", z="y" * 3000), put("c", small=1)))
    assert [event["status"] for event in events if event["type"] == "node_complete"] == ["success", "error", "success"]
    assert "state_bytes_max" in of_node(events, "b", "node_complete")[0]["error"]


# --- Kinds ---


@pytest.mark.parametrize(
    "code, update",
    [
        ("return {'y': state['x'] + 1}", {"y": 2}),
        ("state['y'] = 2", {"y": 2}),
        ("state['y'] = 2\n    return state", {"y": 2}),
        ("return dict(state, y=2)", {"y": 2}),
        ("return None", {}),
        ("state['list'].append(3)", {"list": [1, 3]}),
    ],
)
def test_python_nodes_may_return_an_update_or_the_whole_state_or_change_it(daemon, code, update):
    events = daemon.run(graph([python("a", code)], initial_state={"x": 1, "list": [1]}))
    assert of_node(events, "a", "node_complete")[0]["update"] == update


def test_a_class_with_execute_runs_unchanged(start_daemon, tmp_path):
    folder = tmp_path / "graphs"
    folder.mkdir()
    (folder / "nodes.py").write_text("class Doubler:\n    def execute(self, state):\n        state['n'] *= 2\n        return state\n\nready = Doubler()\n")
    configs = [{"file": "nodes.py", "class": "Doubler"}, {"file": "nodes.py", "object": "ready"}]
    document = chain(*(node(f"n{number}", "python", config) for number, config in enumerate(configs)), initial_state={"n": 5})
    (folder / "g.json").write_text(json.dumps(document))
    daemon = start_daemon(graphs=folder)
    assert daemon.execute(document["id"])["final_state"] == {"n": 20}


@pytest.mark.parametrize("code", ["return 5", "return [1]", "return 'text'", "return {'x': object()}"])
def test_a_node_that_returns_no_object_ends_in_error(daemon, code):
    events = daemon.run(graph([python("a", code)]))
    assert outline(events)[-2:] == ["a:error", "complete"]


def test_a_process_gets_the_state_and_gives_an_object_or_text(daemon):
    nodes = [
        node("a", "process", {"command": ["sh", "-c", "cat"], "input": "state", "output": "json"}),
        process("b", "printf", "two\\nlines"),
    ]
    events = daemon.run(chain(*nodes, initial_state={"x": 1}))
    assert final_status(events) == "success"
    assert final_state(events)["x"] == 1
    assert final_state(events)["b"].splitlines() == ["two", "lines"]


@pytest.mark.parametrize("command", [["false"], ["sh", "-c", "echo reason >&2; exit 3"], ["/no/such/program"], ["sh", "-c", "kill -9 $$"]])
def test_a_process_that_fails_says_why(daemon, command):
    events = daemon.run(graph([process("a", *command)]))
    [end] = of_node(events, "a", "node_complete")
    assert end["status"] == "error"
    assert end["error"]
    if "reason" in command[-1]:
        assert "3" in end["error"] and "reason" in json.dumps(events)


def test_a_graph_names_files_beside_it_and_never_outside(daemon):
    for name in ["../secret.py", "/etc/passwd", "a/../../b.py"]:
        document = graph([node("a", "python", {"file": name, "function": "f"})])
        reply = daemon.http.post("/api/graphs", json=document)
        assert (reply.status_code, reply.json()["code"]) == (422, "invalid_graph")
        assert reply.json()["errors"][0]["pointer"].startswith("/nodes/0/config")


def test_templates_keep_the_type_of_a_single_expression(daemon):
    values = {"sum": "{{ state.a + 1 }}", "text": "a is {{ state.a }}!", "list": ["{{ state.a }}"], "yes": "{{ state.a == 1 }}"}
    events = daemon.run(graph([put("n", **values)], initial_state={"a": 1}))
    assert of_node(events, "n", "node_complete")[0]["update"] == {"sum": 2, "text": "a is 1!", "list": [1], "yes": True}


def test_a_retry_of_one_node_does_not_hold_up_the_others(daemon):
    retry = {"max_attempts": 2, "delay_ms": 1000, "backoff": 1}
    events = daemon.run(graph([fails("a", retry=retry), delay("b", 20), put("c")], ["b c"]))
    assert position(events, "c:success") < len(outline(events)) - 3
    assert is_whole(events)

"""Reducers: the first value of a key goes through them as later ones do, and numbers keep what they are."""

import json
import re

import pytest

from graphs import chain, delay, fails, graph, lua, node, put
from stream import of_node

BIG = "123456789012345678901234567890"


def raw(id, text):
    """A node that sets `k` to a number that is written so."""
    return f'{{"id":"{id}","kind":"set","config":{{"values":{{"k":{text}}}}}}}'


_ids = iter(range(1, 10_000))


def create(daemon, reducer, initial, *updates):
    """A graph whose nodes, one after the other, set `k`, written as they are given."""
    nodes = ",".join(raw(f"n{place}", update) for place, update in enumerate(updates))
    edges = ",".join(f'{{"from":"n{place}","to":"n{place + 1}"}}' for place in range(len(updates) - 1))
    state = "{}" if initial is None else f'{{"k":{initial}}}'
    id = f"reduced{next(_ids)}"
    document = f'{{"id":"{id}","reducers":{{"k":"{reducer}"}},"initial_state":{state},"nodes":[{nodes}],"edges":[{edges}]}}'
    reply = daemon.http.post("/api/graphs", content=document, headers={"Content-Type": "application/json"})
    return id, reply


def final(daemon, graph_id):
    """The text of `k` in the final state, and how the execution ended."""
    execution = daemon.execute(graph_id)
    reply = daemon.http.get(f"/api/executions/{execution['execution_id']}/events", headers={"Accept": "application/json"})
    found = re.findall(r'"final_state":\{"k":(.*?)\},"duration_ms"', reply.text)
    return (found[-1] if found else None), execution["status"]


@pytest.mark.parametrize(
    "reducer, initial, updates, expected",
    [
        ("append", None, ["1"], "[1]"),
        ("append", None, ["[1]", "2"], "[1,2]"),
        ("append", None, ['{"a":1}'], '[{"a":1}]'),
        ("append", None, ["null"], "[null]"),
        ("append", "[]", ["1"], "[1]"),
        ("merge", None, ['{"a":null,"b":{"c":null}}'], '{"b":{}}'),
        ("merge", "{}", ['{"a":{"b":null,"c":1}}'], '{"a":{"c":1}}'),
        ("sum", None, ["1.50"], "1.50"),
        ("sum", "9223372036854775807", ["1"], "9223372036854775808"),
        ("sum", "-9223372036854775808", ["-1"], "-9223372036854775809"),
        ("sum", BIG, ["-" + BIG, "7"], "7"),
        ("sum", BIG, ["1"], "123456789012345678901234567891"),
        ("sum", "99999999999999999999", ["1"], "100000000000000000000"),
        ("sum", "100000000000000000000", ["-1"], "99999999999999999999"),
        ("max", "123456789012345678901", ["123456789012345678902"], "123456789012345678902"),
        ("min", "123456789012345678902", ["123456789012345678901"], "123456789012345678901"),
        ("max", "9007199254740993", ["9007199254740992.0"], "9007199254740993"),
        ("min", "-9007199254740993", ["-9007199254740992.0"], "-9007199254740993"),
        ("max", "1e300", [BIG], "1e300"),
        ("sum", "1" + "0" * 400, ["1"], "1" + "0" * 399 + "1"),
    ],
)
def test_a_key_comes_to_what_its_reducer_says(daemon, reducer, initial, updates, expected):
    graph_id, reply = create(daemon, reducer, initial, *updates)
    assert reply.status_code == 201, reply.text
    assert final(daemon, graph_id) == (expected, "success")


UNFIT = [
    ("append", "1"), ("append", "null"), ("append", '{"a":1}'), ("merge", "[]"), ("merge", "null"), ("sum", '"5"'), ("sum", "true"),
    ("sum", "[1]"), ("max", "null"), ("min", '"a"'), ("sum", "1e400"),
]


@pytest.mark.parametrize("reducer, initial", UNFIT)
def test_an_initial_value_that_does_not_fit_is_refused(daemon, reducer, initial):
    _, reply = create(daemon, reducer, initial, "1")
    assert reply.status_code == 422
    assert [each["pointer"] for each in reply.json()["errors"]] == ["/initial_state/k"]
    graph_id, reply = create(daemon, reducer, None, "1")
    assert reply.status_code == 201
    body = f'{{"initial_state":{{"k":{initial}}}}}'
    for way in ("execute", "execute/stream"):
        reply = daemon.http.post(f"/api/graphs/{graph_id}/{way}", content=body, headers={"Content-Type": "application/json"})
        assert reply.status_code == 422, reply.text
        assert [each["pointer"] for each in reply.json()["errors"]] == ["/initial_state/k"]


@pytest.mark.parametrize("reducer", ["sum", "min", "max"])
@pytest.mark.parametrize("value", ['"1"', "null", "true", "[1]", "{}", "1e400"])
def test_what_is_no_number_fails_the_node_that_writes_it(daemon, reducer, value):
    graph_id, _ = create(daemon, reducer, None, "1", value, "2")
    events = daemon.all_events(daemon.execute(graph_id)["execution_id"])
    end = of_node(events, "n1", "node_complete")[0]
    assert end["status"] == "error" and reducer in end["error"] and '"k"' in end["error"]
    assert of_node(events, "n2", "node_complete")[0]["status"] == "success"


def test_a_sum_beyond_all_numbers_fails_the_node(daemon):
    graph_id, _ = create(daemon, "sum", "1e308", "1e308", "1")
    events = daemon.all_events(daemon.execute(graph_id)["execution_id"])
    assert [of_node(events, id, "node_complete")[0]["status"] for id in ("n0", "n1")] == ["error", "success"]
    assert "sum beyond all doubles" in of_node(events, "n0", "node_complete")[0]["error"]


# --- How large states may be ---


def wide(count, bytes_each, join):
    nodes = [lua(f"n{number}", f"return {{k{number} = string.rep('x', {bytes_each})}}") for number in range(count)]
    if not join:
        return graph(nodes)
    return graph([*nodes, put("join", done=True), put("after", done=True)], [*(f"n{number} join" for number in range(count)), "join after"])


@pytest.fixture
def narrow(new_daemon):
    return new_daemon().start("--set", "executions.state_bytes_max=1048576")


def test_a_join_whose_input_is_too_large_ends_without_running(narrow):
    graph_id = narrow.create(wide(6, 300_000, join=True))
    summary = narrow.execute(graph_id)
    assert summary["status"] == "failed" and "state_bytes_max" in summary["error"]
    events = narrow.all_events(summary["execution_id"])
    assert not of_node(events, "join", "node_start")
    (end,) = of_node(events, "join", "node_complete")
    assert (end["status"], end["attempt"]) == ("error", 0) and "state_bytes_max" in end["error"]
    assert events[-1]["type"] == "error"
    assert max(len(json.dumps(event)) for event in events) < 1_500_000


def test_an_execution_whose_final_state_would_be_too_large_fails(narrow):
    summary = narrow.execute(narrow.create(wide(6, 300_000, join=False)))
    assert summary["status"] == "failed" and "final state" in summary["error"]
    events = narrow.all_events(summary["execution_id"])
    assert "final_state" not in events[-1]


def test_forty_large_updates_at_once_end_the_execution_early(narrow):
    summary = narrow.execute(narrow.create(wide(40, 300_000, join=False)))
    assert summary["status"] == "failed" and "state_bytes_max" in summary["error"]


@pytest.mark.parametrize("more, status", [(0, "success"), (1, "failed")])
def test_the_bound_of_a_final_state_is_exact(narrow, more, status):
    # {"k0":"…","k1":"…"} with texts of equal length, and one byte more.
    frame = len('{"k0":"","k1":""}')
    length = (1_048_576 - frame) // 2
    rest = 1_048_576 - frame - 2 * length
    nodes = [lua("n0", f"return {{k0 = string.rep('x', {length})}}"), lua("n1", f"return {{k1 = string.rep('x', {length + rest + more})}}")]
    assert narrow.execute(narrow.create(graph(nodes)))["status"] == status


def test_what_a_chain_overwrites_does_not_count(narrow):
    nodes = [lua(f"n{number}", "return {k = string.rep('x', 900000)}") for number in range(8)]
    assert narrow.execute(narrow.create(chain(*nodes)))["status"] == "success"


# --- Errors ---


@pytest.mark.parametrize("length", [8_192, 8_193, 3_000_000])
def test_the_message_of_an_error_is_bounded(daemon, length):
    events = daemon.run(graph([lua("n", f"error(string.rep('x', {length}), 0)")]))
    error = of_node(events, "n", "node_complete")[0]["error"]
    assert len(error.encode()) <= 8_192
    assert error.endswith("…") == (length > 8_192)
    assert len(json.dumps(of_node(events, "n", "node_complete")[0]["details"])) < 70_000

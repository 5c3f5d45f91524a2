"""Lua that takes long, wherever it does so: others are answered while it runs, a cancel ends it, and a limit does."""

import json

import pytest

from daemon import Daemon
from graphs import graph, lua, node, put
from stream import of_node

# Each is busy within functions of Lua's library, where no instruction ends, for far longer than any test.
BUSY = {
    "a frontier with a long set": "local s, p = ('a'):rep(1 << 20), '%f[' .. ('\\1'):rep(1 << 20) .. ']' return {s:find(p)}",
    "a long template of gsub": "return {(('x'):rep(1000):gsub('(y-)x', ('%1'):rep(1000000)))}",
    "captures within captures": "return {('a'):rep(100000):find(('a-'):rep(40) .. 'b')}",
    "a plain search, again and again": "local s, p = ('a'):rep(1 << 24), ('a'):rep(1 << 22) .. 'b' while true do s:find(p, 1, true) end",
    "a table moved in nothing": "table.move({}, 1, 1 << 60, 2)",
    "conversions of long texts": "local s = ('x'):rep(1 << 24) while true do s:upper():reverse() end",
    "one format of many": "local s, t = ('x'):rep(1 << 24), {} for i = 1, 60000 do t[i] = s end return {string.format(('%.1s'):rep(60000), table.unpack(t))}",
    "garbage": "while true do local t = {} for i = 1, 100000 do t[i] = {} end end",
    "a comparison for sorting": "local t = {} for i = 1, 100000 do t[i] = i end while true do table.sort(t, function(a, b) return a > b end) end",
    "an expression of characters": "local s = ('é'):rep(1 << 22) while true do utf8.len(s) utf8.offset(s, -1 << 40) end",
    "iteration that is sorted": "local t = {} for i = 1, 100000 do t['k' .. i] = i end while true do next(t) end",
}


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    """A daemon whose programs may take minutes, so that nothing but a cancel ends them here."""
    running = Daemon(tmp_path_factory.mktemp("patient")).start("--set", "kinds.lua.time_ms_max=600000")
    yield running
    running.kill()


@pytest.mark.parametrize("code", BUSY.values(), ids=BUSY)
def test_two_busy_programs_hold_up_neither_others_nor_their_cancel(patient, code):
    daemon = patient
    graph_id = daemon.create(graph([lua("a", code)]))
    busy = [daemon.begin(graph_id) for _ in range(2)]
    assert daemon.http.get("/api/executions").status_code == 200
    assert daemon.run(graph([put("b", x="{{ 1 + 1 }}")]))[-1]["final_state"] == {"x": 2}
    for execution_id in busy:
        assert daemon.summary(execution_id)["status"] == "running"
    for execution_id in busy:
        assert daemon.cancel(execution_id).status_code == 202
    for execution_id in busy:
        events = daemon.all_events(execution_id)
        assert events[-1]["status"] == "cancelled"
        assert of_node(events, "a", "node_complete")[-1]["status"] == "cancelled"


@pytest.mark.parametrize("kind", ["lua", "set"])
def test_nothing_repeated_very_often_is_nothing_at_once(daemon, kind):
    values = {"x": "{{ #string.rep('', 1e15) }}", "y": "{{ string.rep('', 5, ',') }}"}
    code = "return {x = #string.rep('', 1e15), y = string.rep('', 5, ',')}"
    events = daemon.run(graph([lua("a", code) if kind == "lua" else put("a", **values)]))
    assert events[-1]["final_state"] == {"x": 0, "y": ",,,,"}


@pytest.mark.parametrize(
    "code",
    [
        "string.find(string.rep('a', 1 << 20), '%f[' .. string.rep('\\1', 1 << 20) .. ']')",
        "string.gsub(string.rep('x', 100), '(y-)x', string.rep('%1', 1000000))",
    ],
)
def test_patterns_end_at_the_limit_of_time(daemon, code):
    end = of_node(daemon.run(graph([lua("a", code)])), "a", "node_complete")[-1]
    assert end["status"] == "error" and "used more than 1000 ms of CPU time" in end["error"]


def test_templates_end_at_their_limit_and_can_be_cancelled(daemon):
    looping = put("a", x="{{ (function() while true do end end)() }}")
    end = of_node(daemon.run(graph([looping])), "a", "node_complete")[-1]
    assert end["status"] == "error" and end["error"].startswith("x: template:1: used more than 100 ms of CPU time")


@pytest.mark.parametrize("count", [200, 2000, 200_000])
def test_print_is_refused_at_the_bound_of_output(start_daemon, count):
    daemon = start_daemon()
    before = peak_memory(daemon)
    code = f"local s, t = string.rep('x', 1 << 20), {{}} for i = 1, {count} do t[i] = s end print(table.unpack(t))"
    end = of_node(daemon.run(graph([lua("a", code)])), "a", "node_complete")[-1]
    assert "sent more than 16777216 bytes of output" in end["error"]
    assert peak_memory(daemon) - before < 150 << 20


def peak_memory(daemon):
    with open(f"/proc/{daemon.process.pid}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))


# --- Compiling ---

CHAIN = " or ".join(["a"] * 20_000)


def faults(daemon, document):
    return daemon.http.post("/api/graphs/validate", json=document).json()["errors"]


def test_a_condition_and_the_expressions_of_a_template_have_64_kib(daemon):
    largest = "1" + " " * ((64 << 10) - 1)
    for when, is_valid in [(largest, True), (largest + " ", False)]:
        found = faults(daemon, graph([put("a"), put("b")], [("a b", when)]))
        assert (found == []) == is_valid, found
    for text, is_valid in [("{{" + largest + "}}", True), ("{{" + largest + " }}", False)]:
        found = faults(daemon, graph([put("a", x=text)]))
        assert (found == []) == is_valid, found
    assert "longer than 65536 bytes" in faults(daemon, graph([put("a"), put("b")], [("a b", largest + " ")]))[0]["message"]


def test_a_chain_that_compiles_for_long_is_refused_and_nobody_waits(daemon):
    document = graph([lua("a", "return " + " or ".join(["a"] * 200_000))])
    [fault] = faults(daemon, document)
    assert fault["pointer"] == "/nodes/0/config/code" and "ms of CPU time to compile" in fault["message"]


def test_a_document_has_a_budget_for_all_that_it_compiles(daemon):
    # Each chain is within its own limit; all together are not.
    chain = "return " + " or ".join(["a"] * 20_000)
    document = graph([lua(f"n{number}", chain) for number in range(80)])
    found = faults(daemon, document)
    assert any("the document takes more than 5000 ms of CPU time to compile" in fault["message"] for fault in found)


def test_a_template_with_many_ends_is_read_once(daemon):
    text = "{{ {" + " or ".join(["a"] * 4000) + ", '}}'" * 120 + "} }} }}" * 120
    assert faults(daemon, graph([put("a", x=text)])) == []


def test_a_layout_compiles_nothing_and_opens_no_file(daemon):
    nodes = [lua("a", "this is no Lua"), node("b", "python", {"file": "nowhere.py", "function": "f"}), node("c", "unheard-of", {})]
    document = graph(nodes, [("a b", CHAIN * 5), "b c"])
    reply = daemon.http.post("/api/layout", json=document)
    assert reply.status_code == 200 and set(reply.json()["positions"]) == {"a", "b", "c"}


@pytest.mark.parametrize(
    "when, word",
    [
        ("state.a != 1", "~="), ("state.a && state.b", "`and`"), ("state.a || state.b", "`or`"), ("!state.a", "`not`"),
        ("state.a is None", "== null"), ("state.a is not None", "~="), ("state.a === 1", "`==`"),
    ],
)
def test_what_other_languages_write_is_told_in_lua(daemon, when, word):
    [fault] = faults(daemon, graph([put("a"), put("b")], [("a b", when)]))
    assert word in fault["message"], fault


# --- Values ---


def test_null_is_false_in_conditions_templates_and_programs(daemon):
    document = graph(
        [
            put("s", user=None, ok=True), put("taken", t=1), put("not_taken", n=1), put("both", b=1),
            put("name", who="{{ state.user or 'nobody' }}", hello="Hi {{ state.user or 'nobody' }}"),
            lua("l", "if state.user then return {l = 1} elseif not state.user then return {l = 2, copy = state.list} end"),
        ],
        [("s taken", "not state.user"), ("s not_taken", "state.user"), ("s both", "state.user and state.ok"), "s name", "s l"],
    )
    final = daemon.run(document, {"list": [1, None, {"a": None}]})[-1]["final_state"]
    assert final == {
        "list": [1, None, {"a": None}], "user": None, "ok": True, "t": 1, "who": "nobody", "hello": "Hi nobody", "l": 2,
        "copy": [1, None, {"a": None}],
    }


@pytest.mark.parametrize("number", ["1.10", "1E5", "-0", "100000000000000000000", "1e400", "0.1234567890123456789012"])
def test_a_number_that_is_only_handed_on_keeps_its_digits(daemon, number):
    document = graph([put("a", x="{{ state.v }}"), lua("b", "return {y = state.v, z = state.list, w = {state.v}}")])
    graph_id = daemon.create(document)
    body = f'{{"initial_state": {{"v": {number}, "list": [{number}, {{"k": {number}}}]}}}}'
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute", content=body, headers={"Content-Type": "application/json"})
    text = reply.text.replace(" ", "")
    assert json.loads(text)["status"] == "success", text
    assert f'"x":{number},' in text and f'"y":{number},' in text and f'"w":[{number}]' in text
    assert f'"z":[{number},{{"k":{number}}}]' in text


def test_what_would_lose_digits_fails_and_says_so(daemon):
    events = daemon.run(graph([lua("a", "return {x = state.v + 1}")]), {"v": 100000000000000000000})
    end = of_node(events, "a", "node_complete")[-1]
    assert end["status"] == "error" and "100000000000000000000 would not be exact" in end["error"]

"""What a Python node returns, the values it may hold, and what one run leaves for the next: through the whole daemon."""

import pytest

from graphs import chain, graph, node, python
from stream import is_whole, of_node


def ended(daemon, body, state=None, reducers=None, **members):
    """The events of a run of one node `a` with this body, and that node's end."""
    document = graph([python("a", body, **members)], initial_state=state or {}, **({"reducers": reducers} if reducers else {}))
    events = daemon.run(document)
    assert is_whole(events)
    return events, of_node(events, "a", "node_complete")[-1]


def outputs(events, channel, id="a"):
    return [event["data"] for event in of_node(events, id, "node_output") if event["channel"] == channel]


@pytest.mark.parametrize("body, state, reducers, update, final", [
    ("return {'s': 1}", {"s": 1, "o": 0}, {"s": "sum"}, {"s": 1}, {"s": 2, "o": 0}),
    ("return {'l': ['x']}", {"l": ["x"], "o": 0}, {"l": "append"}, {"l": ["x"]}, {"l": ["x", "x"], "o": 0}),
    ("state['l'].append('y'); state['s'] += 1; return state", {"l": ["x"], "s": 1}, {"l": "append", "s": "sum"},
     {"l": ["y"], "s": 1}, {"l": ["x", "y"], "s": 2}),
    ("state['l'].append('y'); return {'l': state['l'], 'n': 1}", {"l": ["x"], "n": 0}, {"l": "append"},
     {"l": ["y"], "n": 1}, {"l": ["x", "y"], "n": 1}),
    ("state['words'].append('b'); return {'n': 1}", {"words": ["a"], "n": 0}, None,
     {"n": 1, "words": ["a", "b"]}, {"words": ["a", "b"], "n": 1}),
    ("state['m']['b'] = 2; del state['m']['a']", {"m": {"a": 1, "c": 3}}, {"m": "merge"},
     {"m": {"b": 2, "a": None}}, {"m": {"c": 3, "b": 2}}),
])
def test_the_update_is_what_was_returned_and_what_was_changed(daemon, body, state, reducers, update, final):
    events, end = ended(daemon, body, state, reducers)
    assert (end["status"], end["update"]) == ("success", update)
    assert events[-1]["final_state"] == final


@pytest.mark.parametrize("code", ["def execute(state): {}", "async def execute(state): {}"])
def test_siblings_patch_one_object(daemon, code):
    nodes = [node(id, "python", {"code": code.format("state['m']['%s'] = 1" % id)}) for id in "ab"]
    events = daemon.run(graph(nodes, initial_state={"m": {"o": 0}}, reducers={"m": "merge"}))
    assert events[-1]["final_state"] == {"m": {"o": 0, "a": 1, "b": 1}}


def test_an_equal_value_wins_by_its_rank(daemon):
    nodes = [node("a", "set", {"values": {"x": 1}}), python("b", "return {'x': 0}"), node("c", "set", {"values": {}})]
    events = daemon.run(graph(nodes, ["a c", "b c"], initial_state={"x": 0, "y": 0}))
    assert events[-1]["final_state"] == {"x": 0, "y": 0}


@pytest.mark.parametrize("body, state, reducer", [
    ("state['k'] = ['z']", ["x"], "append"), ("state['k'].pop()", ["x"], "append"), ("state['k'] = 2", 1, "min"),
    ("state['k']['a'] = None", {"a": 1}, "merge"),
])
def test_where_no_update_leads_there_the_node_fails(daemon, body, state, reducer):
    _, end = ended(daemon, body, {"k": state}, {"k": reducer})
    assert end["status"] == "error"
    assert end["error"].startswith('no update leads "k" to what the node made of it: its reducer %s ' % reducer)


def test_a_removed_key_stays_and_is_named(daemon):
    events, end = ended(daemon, "del state['text']", {"text": "x"})
    assert end["update"] == {} and events[-1]["final_state"] == {"text": "x"}
    assert outputs(events, "log") == ['a key that is removed from the state stays in it: "text"']


def test_values_are_written_in_their_fields_form(daemon):
    events, end = ended(daemon, """\
    import datetime, decimal, uuid, enum, millrace
    millrace.emit({datetime.date(2026, 1, 2)})
    return {'rows': [{'v': datetime.datetime(2026, 1, 2)}], 'd': decimal.Decimal('1.10'), 's': {1}, 'b': b'x'}""")
    assert end["update"] == {"rows": [{"v": "2026-01-02T00:00:00"}], "d": "1.10", "s": [1], "b": "eA=="}
    assert outputs(events, "chunk") == [["2026-01-02"]]
    assert len(outputs(events, "log")) == 1


@pytest.mark.parametrize("body, message", [
    ("return {'rows': [{'v': {1: 'a', '1': 'b'}}]}",
     "the update is no JSON at /rows/0/v/1: two keys are one in JSON: 1 of type int and '1' of type str"),
    ("return {'v': __import__('threading').Lock()}", "the update is no JSON at /v: a value of type _thread.lock has no form in JSON"),
    ("import millrace; millrace.emit({None: 1, 'null': 2})",
     "ValueError: the output is no JSON at /null: two keys are one in JSON: None of type NoneType and 'null' of type str"),
])
def test_what_has_no_form_is_named(daemon, body, message):
    assert ended(daemon, body)[1]["error"] == message


def test_as_many_levels_as_python_writes_are_read(daemon):
    """128 with the update itself; the state of the next node holds them too, and so does what is stored."""
    deep = "v = 0\n    for _ in range(%d): v = [v]\n    return {'v': v}"
    document = chain(python("a", "    " + deep % 127), python("b", "return {'w': [state['v'][0]]}"))
    events = daemon.run(document)
    assert [of_node(events, id, "node_complete")[0]["status"] for id in "ab"] == ["success", "success"]
    assert "nested deeper than 128 levels" in ended(daemon, "    " + deep % 128)[1]["error"]
    events, end = ended(daemon, "import millrace; v = 0\n    for _ in range(127): v = [v]\n    millrace.emit(v)")
    assert end["status"] == "success" and len(outputs(events, "chunk")) == 1


def test_a_generator_streams(daemon):
    events, end = ended(daemon, "yield 'Hel'\n    yield 'lo'\n    return {'n': 2}")
    assert outputs(events, "chunk") == ["Hel", "lo"] and end["update"] == {"n": 2}


def test_a_cancelled_generator_is_closed(daemon, eventually, tmp_path):
    mark = tmp_path / "closed"
    document = graph([python("a", f"""\
    import pathlib, time
    try:
        yield 'up'
        time.sleep(1000)
    finally:
        pathlib.Path({str(mark)!r}).write_text('yes')""")])
    execution = daemon.begin(daemon.create(document))
    eventually(lambda: outputs(daemon.events(execution), "chunk") == ["up"])
    daemon.cancel(execution)
    assert of_node(daemon.all_events(execution), "a", "node_complete")[0]["status"] == "cancelled"
    assert mark.read_text() == "yes"


LEAVES = [
    "import os; os.chdir('/usr')", "import os; os.environ['LEFT'] = 'secret'", "import sys, io; sys.stdout = io.StringIO()",
    "import signal; signal.setitimer(signal.ITIMER_REAL, 0.2)", "exit(0)", "import json; json.loads = None",
    "import os; os.umask(0o777)", "import asyncio; asyncio.run(asyncio.sleep(0))", "import os; os.close(1); os.close(2)",
    "import logging; logging.basicConfig(level=10)", "import locale, socket; socket.setdefaulttimeout(0.01)",
    "import warnings; warnings.simplefilter('error')", "import sys; sys.path.clear(); sys.setrecursionlimit(200)",
]


def test_nothing_of_one_run_is_in_the_next(daemon):
    look = """
    import asyncio, json, logging, os, signal, socket, sys, warnings
    mask = os.umask(0); os.umask(mask)
    print("heard")
    if state['do']: exec(state['do'])
    async def co(): return 5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loop = asyncio.get_event_loop_policy().get_event_loop().run_until_complete(co())
    return {"do": None, "seen": [os.getcwd(), os.environ.get("LEFT"), mask, signal.getitimer(0), sys.path, logging.root.level,
            len(logging.root.handlers), socket.getdefaulttimeout(), sys.getrecursionlimit(), json.loads("[1]"), loop,
            [str(f) for f in warnings.filters]]}"""
    document = graph([python("a", look)], initial_state={"do": None})
    daemon.create(document)

    def seen(do):
        execution = daemon.execute(document["id"], {"do": do})
        return daemon.all_events(execution["execution_id"])
    first = seen(None)[-1]["final_state"]
    for leave in LEAVES:
        seen(leave)
        events = seen(None)
        assert events[-1]["final_state"] == first, leave
        assert outputs(events, "stdout") == ["heard"], leave


def test_a_process_that_a_node_leaves_is_ended(daemon):
    events, end = ended(daemon, "import subprocess; return {'pid': subprocess.Popen(['sleep', '955']).pid}")
    assert end["status"] == "success"
    assert outputs(events, "log") == ["ended, as the node left it running: sleep 955"]


def test_paths_and_arguments(new_daemon):
    daemon = new_daemon()
    daemon.write_graph_file("lib.py", """
class Step:
    def __init__(self, id): self.id = id
    def execute(self, state): return {self.id: True}
class graph: nodes = {"load": Step("load")}
steps = [Step("first")]
""")
    daemon.start()
    nodes = [
        node("a", "python", {"file": "lib.py", "object": "graph.nodes['load']"}),
        node("b", "python", {"file": "lib.py", "function": "steps[0].execute"}),
        node("c", "python", {"file": "lib.py", "class": "Step", "args": {"id": "made"}}),
    ]
    assert daemon.run(graph(nodes))[-1]["final_state"] == {"load": True, "first": True, "made": True}
    for config, pointer in [
            ({"file": "lib.py", "object": "graph.nodes["}, "/nodes/0/config/object"),
            ({"file": "lib.py", "function": "f()"}, "/nodes/0/config/function"),
            ({"file": "lib.py", "function": "steps[0].execute", "args": {}}, "/nodes/0/config/args")]:
        answer = daemon.http.post("/api/graphs/validate", json=graph([node("a", "python", config)])).json()
        assert [error["pointer"] for error in answer["errors"]] == [pointer]


def test_pools_of_inline_code_work(daemon):
    code = """
import multiprocessing
def sq(x): return x * x
def execute(state):
    with multiprocessing.get_context("spawn").Pool(2) as pool: return {"v": pool.map(sq, [2, 3])}
"""
    events = daemon.run(graph([node("a-b", "python", {"code": code})]))
    assert events[-1]["final_state"] == {"v": [4, 9]}


@pytest.mark.parametrize("prefix", ["", "async "])
def test_a_fresh_process_is_each_attempt_s_own(daemon, prefix):
    code = prefix + """def execute(state):
    import os, sys
    sys.count = getattr(sys, "count", 0) + 1
    if state["fails"]: raise ValueError(str(sys.count))
    return {"pid": os.getpid(), "count": sys.count}
"""
    kept, fresh = (graph([node("a", "python", {"code": code}, **more)], initial_state={"fails": False}) for more in (
        {}, {"python": {"fresh_process": True}, "retry": {"max_attempts": 2, "delay_ms": 1}}))
    for document in (kept, fresh):
        daemon.create(document)
    ends = [[daemon.execute(document["id"])["final_state"] for _ in range(3)] for document in (kept, fresh)]
    assert [end["count"] for end in ends[0]] == [1, 2, 3] and len({end["pid"] for end in ends[0]}) == 1
    assert [end["count"] for end in ends[1]] == [1, 1, 1] and len({end["pid"] for end in ends[1]}) == 3
    execution = daemon.execute(fresh["id"], {"fails": True})
    assert [end["error"] for end in of_node(daemon.all_events(execution["execution_id"]), "a", "node_complete")] == ["ValueError: 1"] * 2


def test_a_fresh_process_is_for_python(daemon):
    wrong = graph([node("a", "set", {"values": {}}, python={"fresh_process": True}),
                   node("b", "python", {"code": "def execute(state): pass"}, python={"fresh": True})])
    errors = daemon.http.post("/api/graphs/validate", json=wrong).json()["errors"]
    assert [error["pointer"] for error in errors] == ["/nodes/0/python", "/nodes/1/python/fresh"]

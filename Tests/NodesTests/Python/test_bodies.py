"""Functions of all kinds: plain, async, and those that yield."""

import signal

import pytest


def outputs(before):
    return [(output["output"], output["data"]) for output in before]


@pytest.mark.parametrize("code", [
    "def execute(state):\n    yield 'a'\n    yield {'b': 1}\n    return {'n': 1}",
    "def execute(state):\n    return (yield from steps())\ndef steps():\n    yield 'a'\n    yield {'b': 1}\n    return {'n': 1}",
    "async def execute(state):\n    yield 'a'\n    yield {'b': 1}\n    state['n'] = 1",
    "async def steps(state):\n    yield 'a'\n    yield {'b': 1}\n    state['n'] = 1\ndef execute(state): return steps(state)",
    "async def execute(state): return steps()\ndef steps():\n    yield 'a'\n    yield {'b': 1}\n    return {'n': 1}",
])
def test_what_is_yielded_is_put_out_and_the_rest_is_the_update(worker, code):
    for _ in range(2):
        end, before = worker.end(worker.call({"code": code}, {"o": 0}))
        assert end["update"] == {"n": 1}
        assert outputs(before) == [("chunk", "a"), ("chunk", {"b": 1})]


@pytest.mark.parametrize("prefix", ["", "async "])
def test_what_cannot_be_put_out_is_raised_where_it_is_yielded(worker, prefix):
    code = prefix + """def execute(state):
    try:
        yield object()
    except TypeError as error:
        yield str(error)
    state["done"] = True
    yield object()
"""
    end, before = worker.end(worker.call({"code": code}))
    said = "the output is no JSON at its root: a value of type object has no form in JSON"
    assert outputs(before) == [("chunk", said)]
    assert end["error"]["message"] == "TypeError: " + said
    assert end["error"]["details"]["traceback"].splitlines()[-2:] == ["    yield object()", "TypeError: " + said]


def test_a_yielded_value_in_another_form_is_told_once(worker):
    end, before = worker.end(worker.call({"code": "def execute(state):\n    yield {1}\n    yield {2}"}))
    assert end["update"] == {}
    assert [channel for channel, _ in outputs(before)] == ["chunk", "chunk", "log"]


def test_a_cancel_closes_an_async_generator(worker):
    code = """
import asyncio
async def execute(state):
    try:
        yield "up"
        await asyncio.sleep(1000)
    finally:
        print("closed")
"""
    number = worker.call({"code": code})
    while worker.reply().get("data") != "up":
        pass
    worker.send({"cancel": number})
    end, before = worker.end(number)
    assert end == {"call": number, "cancelled": True}
    assert outputs(before) == [("stdout", "closed")]


def test_sigterm_closes_a_generator(worker):
    mark = worker.folder / "mark"
    code = """
import pathlib, time
def execute(state):
    try:
        yield "up"
        time.sleep(1000)
    finally:
        pathlib.Path(state["mark"]).write_text("closed")
"""
    worker.call({"code": code}, {"mark": str(mark)})
    while worker.reply().get("data") != "up":
        pass
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(10) == 128 + signal.SIGTERM
    assert mark.read_text() == "closed"


@pytest.mark.parametrize("target, update", [
    ({"function": "run"}, {"by": "run"}),
    ({"function": "graph.nodes['load'].execute"}, {"by": "load"}),
    ({"function": "steps[0].execute"}, {"by": "first"}),
    ({"function": "steps[-1].execute"}, {"by": "last"}),
    ({"function": "graph.nodes[\"it's\"].execute"}, {"by": "quoted"}),
    ({"object": "graph.nodes['load']"}, {"by": "load"}),
    ({"object": "steps[1]"}, {"by": "last"}),
    ({"class": "Step", "args": {"id": "made"}}, {"by": "made"}),
    ({"class": "Holder.Inner"}, {"by": "inner"}),
])
def test_targets_are_paths(worker, target, update):
    (worker.folder / "lib.py").write_text("""
import types
class Step:
    def __init__(self, id): self.id = id
    def execute(self, state): return {"by": self.id}
class Holder:
    class Inner:
        def execute(self, state): return {"by": "inner"}
def run(state): return {"by": "run"}
graph = types.SimpleNamespace(nodes={"load": Step("load"), "it's": Step("quoted")})
steps = [Step("first"), Step("last")]
""")
    assert worker.end(worker.call({"file": "lib.py", **target}))[0]["update"] == update


def test_an_object_is_made_once_for_each_of_its_arguments(worker):
    (worker.folder / "lib.py").write_text("""
class Count:
    def __init__(self, start=0): self.n = start
    def execute(self, state):
        self.n += 1
        return {"n": self.n}
""")
    calls = [{}, {"args": {"start": 5}}, {}, {"args": {"start": 5}}]
    assert [worker.end(worker.call({"file": "lib.py", "class": "Count", **more}))[0]["update"]["n"] for more in calls] == [
        1, 6, 2, 7]


@pytest.mark.parametrize("target, message", [
    ({"function": "nothing"}, "lib.py has no nothing"),
    ({"object": "d['x']"}, "d['x'] of lib.py has no ['x']"),
    ({"object": "d['a'].b"}, "d['a'].b of lib.py has no b"),
    ({"object": "n[0]"}, "n[0] of lib.py is of type int and has no 0: 'int' object is not subscriptable"),
    ({"object": "d"}, "d of lib.py has no execute"),
    ({"function": "n"}, "n of lib.py is of type int and cannot be called"),
    ({"function": "d["}, "'d[' is no path such as graph.nodes['load'] or steps[0].run"),
    ({"function": "f()"}, "'f()' is no path such as graph.nodes['load'] or steps[0].run"),
    ({"class": "C", "args": {"x": 1}}, "TypeError: C() takes no arguments"),
])
def test_a_path_that_leads_nowhere_is_said(worker, target, message):
    (worker.folder / "lib.py").write_text("d = {'a': 1}\nn = 1\nclass C: pass\n")
    assert worker.end(worker.call({"file": "lib.py", **target}))[0]["error"]["message"] == message

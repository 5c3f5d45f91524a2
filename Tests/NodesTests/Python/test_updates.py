"""What a function's result changes: the contract's words for `python`, one by one."""

import json
import random

import pytest

from millrace_worker import updates
from millrace_worker.before import Before


@pytest.mark.parametrize("body, state, update", [
    # state itself, or None
    ("state['a'] = 2", {"a": 1, "b": 1}, {"a": 2}),
    ("state['a'] = 1; state['c'] = 1; return state", {"a": 1}, {"c": 1}),
    ("state['a']['b'].append(2)", {"a": {"b": [1]}}, {"a": {"b": [1, 2]}}),
    ("state['a'] = [1]", {"a": [1]}, {}),
    ("state['a'] = (1, 2)", {"a": [1, 2]}, {}),
    ("state['a'] = True", {"a": 1}, {"a": True}),
    ("state['a'] = 1.0", {"a": 1}, {"a": 1.0}),
    ("state['a'][0] = True", {"a": [1]}, {"a": [True]}),
    ("state['a'] = -0.0", {"a": 0.0}, {"a": -0.0}),
    ("state['a'], state['b'] = state['b'], state['a']", {"a": 1, "b": 2}, {"a": 2, "b": 1}),
    ("state['b'] = state.pop('a'); state['a'] = 0", {"a": 1, "b": 1}, {"a": 0}),
    ("state['a'] = dict(reversed(state['a'].items()))", {"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}),
    ("return None", {}, {}),
    # another mapping
    ("return {'a': 1}", {"a": 1, "b": 1}, {"a": 1}),
    ("return {'a': 1.5}", {"a": 1.5, "b": 1}, {"a": 1.5}),
    ("return {'a': None}", {}, {"a": None}),
    ("return {}", {"a": 1}, {}),
    ("state['w'].append('b'); return {'n': 1}", {"w": ["a"], "n": 0}, {"n": 1, "w": ["a", "b"]}),
    ("state['w'].append('b'); state['n'] = 2; return {'n': 1}", {"w": ["a"], "n": 0}, {"n": 1, "w": ["a", "b"]}),
    ("state['a'] = 2; state['c'] = 3; return {'d': 4}", {"a": 1, "b": 1}, {"d": 4, "a": 2, "c": 3}),
    ("import types; return types.MappingProxyType({'a': 1})", {"a": 1, "b": 1}, {"a": 1}),
    ("import collections; return collections.ChainMap({'c': 1}, state)", {"a": 1}, {"c": 1}),
    # a copy
    ("return {**state, 'c': 1}", {"a": 1, "b": [1]}, {"c": 1}),
    ("return state | {'a': 2}", {"a": 1, "b": 1}, {"a": 2}),
    ("return {'a': 1}", {"a": 1}, {}),
    ("return {'a': True}", {"a": 1}, {"a": True}),
    ("import copy; return copy.deepcopy(state)", {"a": [1], "b": {"c": 1.5}}, {}),
    ("state['a'] = 5; return dict(state)", {"a": 1, "b": 1}, {"a": 5}),
    ("state['a'].append(2); return dict(state)", {"a": [1], "b": 1}, {"a": [1, 2]}),
    ("return {'a': dict(reversed(state['a'].items()))}", {"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}),
    # the very list or dict
    ("return {'a': state['a'], 'n': 0}", {"a": [1], "n": 0, "o": 0}, {"n": 0}),
    ("state['a']['x'] = 1; return {'a': state['a']}", {"a": {}, "n": 0}, {"a": {"x": 1}}),
    ("return {'b': state['a']}", {"a": [1], "b": [1], "c": 0}, {"b": [1]}),
    ("state['new'] = [1]; return {'new': state['new']}", {"a": 1}, {"new": [1]}),
])
def test_without_a_reducer(run, body, state, update):
    got, logged = run(body, state)
    assert json.dumps(got) == json.dumps(update)
    assert logged == []


@pytest.mark.parametrize("reducer, before, body, update", [
    ("append", ["x"], "state['k'].append('y')", ["y"]),
    ("append", ["x"], "state['k'] = state['k'] + ['y']", ["y"]),
    ("append", ["x"], "state['k'] += 'yz'; return state", ["y", "z"]),
    ("append", ["x"], "state['k'].append('y'); return {'k': state['k'], 'n': 1}", ["y"]),
    ("append", ["x"], "state['k'].append('y'); return {'n': 1}", ["y"]),
    ("append", ["x"], "return {'k': ['x']}", ["x"]),
    ("append", ["x"], "return {'k': 'x'}", "x"),
    ("append", ["x"], "return {'k': state['k'] + ['y']}", ["x", "y"]),
    ("append", ["x"], "state['k'] = ('x', 'y')", ["y"]),
    ("append", [{"a": 1}], "state['k'].append({'a': 2})", [{"a": 2}]),
    ("append", [], "state['k'].append(None)", [None]),
    ("append", None, "state['k'] = [1]", [1]),
    ("append", None, "state['k'] = []", []),
    ("sum", 1, "return {'k': 1}", 1),
    ("sum", 1, "state['k'] += 1", 1),
    ("sum", 2**63, "state['k'] += 2**70", 2**70),
    ("sum", 0.1, "state['k'] += 0.2", 0.2),
    ("sum", 1, "state['k'] = 1.5", 0.5),
    ("sum", 10**20, "state['k'] = float(10**20) + 16384", 16384.0),
    ("sum", None, "state['k'] = 7", 7),
    ("min", 3, "state['k'] = 2", 2),
    ("max", 3, "state['k'] = 3.5", 3.5),
    ("max", 123456789012345678901, "state['k'] += 1", 123456789012345678902),
    ("merge", {"a": 1}, "state['k']['b'] = 2", {"b": 2}),
    ("merge", {"a": 1, "b": 2}, "del state['k']['a']", {"a": None}),
    ("merge", {"a": {"x": 1, "y": 1}, "b": 1}, "state['k']['a']['y'] = 2", {"a": {"y": 2}}),
    ("merge", {"a": {"x": 1}}, "state['k'] = {'a': 5}", {"a": 5}),
    ("merge", {"a": 5}, "state['k'] = {'a': {'x': 1}}", {"a": {"x": 1}}),
    ("merge", {"a": [1]}, "state['k']['a'].append(None)", {"a": [1, None]}),
    ("merge", {"a": 1}, "state['k']['a'] = True", {"a": True}),
    ("merge", None, "state['k'] = {}", {}),
    ("merge", {"a": 1}, "state['k'] = [1]", [1]),
])
def test_with_a_reducer_it_is_what_leads_there(run, reducer, before, body, update):
    state = {"o": 0, **({} if before is None else {"k": before})}
    got, logged = run(body, state, reducers={"k": reducer})
    assert json.dumps(got["k"]) == json.dumps(update)
    assert logged == []


@pytest.mark.parametrize("reducer, before, body", [
    ("append", ["x"], "state['k'] = ['x']"),
    ("append", ["x"], "return {'k': state['k']}"),
    ("append", ["x"], "return state | {'o': 0}"),
    ("sum", 1, "state['k'] = 1.0"),
    ("sum", 1, "state['k'] += 1; state['k'] -= 1"),
    ("merge", {"a": 1, "b": 2}, "state['k'] = {'b': 2, 'a': 1}"),
    ("merge", {"a": {}}, "return {'k': state['k']}"),
    ("min", 1, "state['k'] = 1"),
])
def test_with_a_reducer_nothing_is_no_update(run, reducer, before, body):
    assert run(body, {"k": before, "o": 0}, reducers={"k": reducer}) == ({}, [])


@pytest.mark.parametrize("reducer, before, body, reason", [
    ("append", ["x"], "state['k'] = ['z']", "append only adds at the end of a list, and what was there before was changed"),
    ("append", ["x"], "state['k'].clear()", "append only adds at the end of a list, and what was there before was changed"),
    ("append", [1], "state['k'][0] = True", "append only adds at the end of a list, and what was there before was changed"),
    ("append", [1], "state['k'].insert(0, 0)", "append only adds at the end of a list, and what was there before was changed"),
    ("append", [1], "state['k'] = {'a': 1}", "append makes lists, and it became an object"),
    ("append", None, "state['k'] = 'x'", "append makes lists, and it became a string"),
    ("min", 1, "state['k'] = 2", "min only goes down, and it went from 1 to 2"),
    ("max", 1, "state['k'] = 0", "max only goes up, and it went from 1 to 0"),
    ("max", 1, "state['k'] = '2'", "max takes numbers alone, and it became a string"),
    ("sum", 1, "state['k'] = True", "sum takes numbers alone, and it became a boolean"),
    ("sum", -1e308, "state['k'] = 1e308", "sum only adds, and the difference is beyond all numbers"),
    ("merge", {"a": 1}, "state['k']['a'] = None", "merge takes null for a removal, and \"a\" became null"),
    ("merge", {"a": 1}, "state['k']['b'] = {'c': {'d': None}}", "merge takes null for a removal, and \"d\" became null"),
])
def test_where_nothing_leads_there_the_node_fails(run, reducer, before, body, reason):
    state = {} if before is None else {"k": before}
    error, _ = run(body, state, reducers={"k": reducer})
    assert error["message"] == 'no update leads "k" to what the node made of it: its reducer ' + reason


@pytest.mark.parametrize("body", [
    "del state['text']", "state.pop('text'); return {}", "state.pop('text'); return state", "state.clear(); return {}",
])
def test_a_key_that_is_removed_stays_and_is_named(run, body):
    assert run(body, {"text": "x"}) == ({}, ['a key that is removed from the state stays in it: "text"'])


def test_a_removed_key_that_is_returned_is_none(run):
    assert run("return {'new': 1, 'old': state.pop('old')}", {"old": [1], "more": 1}) == ({"new": 1}, [])
    assert run("return {'new': 1, 'old': state.pop('old') + [2]}", {"old": [1], "more": 1})[0] == {"new": 1, "old": [1, 2]}


def test_in_a_copy_a_key_with_a_reducer_counts_once_more_and_is_named(run):
    told = ['returned as it is in the state, and counted once more by its reducer: "s", "l"']
    reducers = {"s": "sum", "l": "append"}
    assert run("import copy; return copy.deepcopy(state)", {"s": 1, "l": ["x"], "o": 0}, reducers=reducers) == (
        {"s": 1, "l": ["x"]}, told)
    assert run("return state | {'o': 1}", {"s": 1, "l": ["x"], "o": 0}, reducers=reducers) == (
        {"s": 1, "o": 1}, ['returned as it is in the state, and counted once more by its reducer: "s"'])


def test_many_names_are_cut(run):
    state = {"k%d" % number: 1 for number in range(updates._NAMES_SAID_MAX + 5)}
    said, = run("state.clear()", state)[1]
    assert said.endswith('"k%d" and 5 more' % (updates._NAMES_SAID_MAX - 1))


@pytest.mark.parametrize("body, message", [
    ("return [1]", "the node returned a value of type list; it takes a mapping or None"),
    ("import decimal; return decimal.Decimal(1)", "the node returned a value of type decimal.Decimal; it takes a mapping or None"),
    ("return {1: 2}", "the update has a key of type int, 1; keys are strings"),
    ("state[1] = 2", "the update has a key of type int, 1; keys are strings"),
    ("return {'a\\ud800': 1}", "the update is no JSON: a key of it, 'a\\ud800', has a lone surrogate"),
])
def test_what_is_no_update(run, body, message):
    assert run(body)[0]["message"] == message


def test_a_number_beyond_all_doubles_is_left_alone(worker):
    def call(body):
        worker.number += 1
        target = json.dumps({"code": "def execute(state): " + body})
        line = '{"call":%d,"node":"n","target":%s,"state":{"n":1e400,"l":[1e400],"d":0.1}}\n' % (worker.number, target)
        worker.process.stdin.write(line.encode())
        worker.process.stdin.flush()
        return worker.end(worker.number)[0]
    assert call("return state | {'d': 1}")["update"] == {"d": 1}
    assert call("return {'a': 1}")["update"] == {"a": 1}
    assert "/l/0" in call("state['l'].append(1)")["error"]["message"]


class Reference:
    """The same rules once more, by whole copies."""

    @staticmethod
    def changed(before, state):
        return [key for key in state if key not in before or json.dumps(before[key]) != json.dumps(state[key])]


def test_random_changes_of_a_state_are_found():
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)

    def value(depth):
        kind = chance.randrange(7 if depth else 5)
        if kind < 5:
            return chance.choice([0, 1, True, False, None, 1.0, 0.5, "", "1", -0.0, 2**65])
        if kind == 5:
            return [value(depth - 1) for _ in range(chance.randrange(4))]
        return {chance.choice("abc"): value(depth - 1) for _ in range(chance.randrange(4))}

    def change(holder):
        keys = list(range(len(holder))) if type(holder) is list else list(holder)
        if keys and chance.random() < 0.5 and type(holder[(inner := chance.choice(keys))]) in (list, dict):
            return change(holder[inner])
        if type(holder) is list:
            chance.choice([lambda: holder.append(value(1)), lambda: holder.clear(), lambda: holder.sort(key=repr)])()
        else:
            holder[chance.choice("abcdef")] = value(2)

    for _ in range(2000):
        text = json.dumps({key: value(3) for key in chance.sample("abcdef", chance.randrange(7))})
        state = json.loads(text)
        call = type("Call", (), {"state": state, "before": Before(state), "reducers": {}, "notes": {}})
        for _ in range(chance.randrange(3)):
            change(state)
        wanted = {key: state[key] for key in Reference.changed(json.loads(text), state)}
        got = updates.update_bytes(call, None, lambda said: None)
        assert got.decode() == json.dumps(wanted, separators=(",", ":")), (seed, text)

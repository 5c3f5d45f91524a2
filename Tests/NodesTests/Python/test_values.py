"""Values that JSON does not know are written in their field's form; what has none is named."""

import json

import pytest

from millrace_worker.values import LEVELS_MAX


@pytest.mark.parametrize("value, written", [
    ("datetime.datetime(2026, 1, 2)", "2026-01-02T00:00:00"),
    ("datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc)", "2026-01-02T03:04:05.000006+00:00"),
    ("datetime.date(2026, 1, 2)", "2026-01-02"),
    ("datetime.time(1, 2, 3)", "01:02:03"),
    ("datetime.timedelta(days=1, hours=2, seconds=3, microseconds=40)", "P1DT2H3.00004S"),
    ("datetime.timedelta(0)", "PT0S"),
    ("datetime.timedelta(days=-2)", "-P2D"),
    ("datetime.timedelta(minutes=-90)", "-PT1H30M"),
    ("datetime.timedelta(microseconds=1)", "PT0.000001S"),
    ("{3, 1, 2}", [1, 2, 3]),
    ("frozenset('ba')", ["a", "b"]),
    ("{'x', 1, None}", [None, 1, "x"]),
    ("{(1, 2)}", [[1, 2]]),
    ("decimal.Decimal('1.10')", "1.10"),
    ("fractions.Fraction(1, 3)", "1/3"),
    ("uuid.UUID(int=1)", "00000000-0000-0000-0000-000000000001"),
    ("pathlib.Path('a/b')", "a/b"),
    ("ipaddress.ip_address('::1')", "::1"),
    ("b'\\xff\\x00'", "/wA="),
    ("bytearray(b'a')", "YQ=="),
    ("memoryview(b'a')", "YQ=="),
    ("enum.Enum('Color', 'red blue').blue", 2),
    ("enum.Enum('Color', {'red': 'r'}, type=str).red", "r"),
    ("enum.Enum('When', {'then': datetime.date(2026, 1, 2)}).then", "2026-01-02"),
    ("Point(1, {2})", {"x": 1, "y": [2]}),
    ("range(3)", [0, 1, 2]),
    ("collections.deque([1, {2}])", [1, [2]]),
    ("array.array('d', [1, 2])", [1.0, 2.0]),
    ("{'a': 1}.keys()", ["a"]),
    ("{'b': 2, 'a': 1}.values()", [2, 1]),
    ("types.MappingProxyType({'a': (1,)})", {"a": [1]}),
    ("collections.ChainMap({'a': 1})", {"a": 1}),
    ("collections.UserDict(a=1)", {"a": 1}),
    ("collections.UserList([1])", [1]),
    ("collections.UserString('a')", "a"),
    ("{datetime.date(2026, 1, 2): 1}", {"2026-01-02": 1}),
    ("{uuid.UUID(int=1): 1}", {"00000000-0000-0000-0000-000000000001": 1}),
])
def test_a_value_is_written_in_the_form_of_its_field(run, value, written):
    got, logged = run(PRELUDE + "return {'rows': [{'v': %s}]}" % value)
    assert got == {"rows": [{"v": written}]}
    assert len(logged) == 1 and "/rows/0/v" in logged[0], logged


PRELUDE = """\
import array, collections, dataclasses, datetime, decimal, enum, fractions, ipaddress, pathlib, types, uuid
@dataclasses.dataclass
class Point:
    x: int
    y: object
"""


@pytest.mark.parametrize("value, written", [
    ("(1, (2,))", [1, [2]]),
    ("collections.namedtuple('P', 'x y')(1, 2)", [1, 2]),
    ("collections.OrderedDict(a=1)", {"a": 1}),
    ("collections.Counter('aa')", {"a": 2}),
    ("type('Text', (str,), {})('a')", "a"),
    ("type('Number', (int,), {})(5)", 5),
    ("type('Number', (float,), {})(-0.0)", -0.0),
    ("{1: 'a', 2.5: 'b', None: 'c', True: 'd'}", {"1": "a", "2.5": "b", "null": "c", "true": "d"} ),
])
def test_what_json_knows_is_written_without_a_word(run, value, written):
    if "True" in value:
        # 1 and True are one key in Python.
        value, written = value.replace(", True: 'd'", ""), {key: written[key] for key in ("1", "2.5", "null")}
    got, logged = run(PRELUDE + "return {'v': %s}" % value)
    assert json.dumps(got) == json.dumps({"v": written})
    assert logged == []


@pytest.mark.parametrize("value, written", [
    ("numpy.bool_(True)", True),
    ("numpy.int64(5)", 5),
    ("numpy.float64(1.5)", 1.5),
    ("numpy.float32(0.5)", 0.5),
    ("numpy.longdouble(0.5)", 0.5),
    ("numpy.str_('a')", "a"),
    ("numpy.datetime64('2026-01-02T03:04:05')", "2026-01-02T03:04:05"),
    ("numpy.datetime64('2026-01-02T03:04:05.000000001')", "2026-01-02T03:04:05.000000001"),
    ("numpy.datetime64('NaT')", None),
    ("numpy.timedelta64(90, 's')", "PT1M30S"),
    ("numpy.array([[1, 2], [3, 4]])", [[1, 2], [3, 4]]),
    ("numpy.array(5)", 5),
    ("numpy.array([True])", [True]),
    ("numpy.array(['2026-01-02', 'NaT'], dtype='datetime64[D]')", ["2026-01-02", None]),
    ("numpy.array([1], dtype='timedelta64[s]')", ["PT1S"]),
    ("numpy.array([{1}, None], dtype=object)", [[1], None]),
    ("numpy.zeros(2, dtype=[('a', 'i4'), ('b', 'f4')])", [[0, 0.0], [0, 0.0]]),
    ("{numpy.int64(1): 2}", {"1": 2}),
    ("{numpy.int64(2), numpy.int64(1)}", [1, 2]),
])
def test_numpy(run, value, written):
    pytest.importorskip("numpy")
    got, logged = run("import numpy\nreturn {'v': %s}" % value)
    assert got == {"v": written}
    assert len(logged) <= 1


def test_pydantic(run):
    pytest.importorskip("pydantic")
    got, logged = run("""
import datetime, pydantic, typing
class Message(pydantic.BaseModel):
    content: str
    at: datetime.datetime
    type: typing.Literal["ai"] = "ai"
    parts: set[int] = set()
return {'messages': [Message(content='x', at=datetime.datetime(2026, 1, 2), parts={1})]}""")
    assert got == {"messages": [{"content": "x", "at": "2026-01-02T00:00:00", "type": "ai", "parts": [1]}]}
    assert len(logged) == 1 and "Message as an object (at /messages/0)" in logged[0]


def test_it_is_told_once_per_call(run):
    got, logged = run(
        "import datetime, millrace\nd = datetime.date(2026, 1, 2)\nmillrace.emit([d])\nmillrace.emit({1})\n"
        "return {'a': d, 'b': {2}, 'c': [d]}")
    assert got == {"a": "2026-01-02", "b": [2], "c": ["2026-01-02"]}
    assert logged == [
        "JSON does not know all values of this node; written were datetime.date as ISO 8601 text (at /0), "
        "set as a list (at its root)"]


@pytest.mark.parametrize("value, fault", [
    ("{1: 'a', '1': 'b'}", "/rows/0/v/1: two keys are one in JSON: 1 of type int and '1' of type str"),
    ("{None: 1, 'null': 2}", "/rows/0/v/null: two keys are one in JSON: None of type NoneType and 'null' of type str"),
    ("{True: 1, 'true': 2}", "/rows/0/v/true: two keys are one in JSON: True of type bool and 'true' of type str"),
    ("{1.0: 1, '1.0': 2}", "/rows/0/v/1.0: two keys are one in JSON: 1.0 of type float and '1.0' of type str"),
    ("{(1, 2): 1}", "/rows/0/v: a key is of type tuple"),
    ("{float('nan'): 1}", "/rows/0/v: a key is the number nan, which JSON has no word for"),
    ("object()", "/rows/0/v: a value of type object has no form in JSON"),
    ("1j", "/rows/0/v: a value of type complex has no form in JSON"),
    ("print", "/rows/0/v: a value of type builtin_function_or_method has no form in JSON"),
    ("ValueError('x')", "/rows/0/v: a value of type ValueError has no form in JSON"),
    ("iter([])", "/rows/0/v: a value of type list_iterator has no form in JSON"),
    ("__import__('threading').Lock()", "/rows/0/v: a value of type _thread.lock has no form in JSON"),
    ("float('nan')", "/rows/0/v: the number is nan, which JSON has no word for"),
    ("[1, float('-inf')]", "/rows/0/v/1: the number is -inf, which JSON has no word for"),
    ("'\\ud800'", "/rows/0/v: a string with a lone surrogate, which is no Unicode"),
    ("{'\\ud800': 1}", "/rows/0/v: a key with a lone surrogate, which is no Unicode"),
    ("{'a/b~': object()}", "/rows/0/v/a~1b~0: a value of type object has no form in JSON"),
])
def test_what_has_no_form_is_named_with_its_place(run, value, fault):
    error, _ = run("return {'rows': [{'v': %s}]}" % value)
    assert error["message"] == "the update is no JSON at " + fault
    error, _ = run("import millrace\nmillrace.emit({'rows': [{'v': %s}]})" % value)
    assert error["message"].split(": ", 1)[1] == "the output is no JSON at " + fault
    assert error["details"]["type"] in ("TypeError", "ValueError")


def test_an_integer_of_thousands_of_digits_is_named(run):
    error, _ = run("return {'a': [10**5000]}")
    assert error["message"].startswith("the update is no JSON at /a/0: an integer of 16610 bits: Exceeds the limit (4300 digits)")


def test_what_holds_itself_is_named(run):
    assert run("a = [1]\na.append({'b': a})\nreturn {'a': a}")[0]["message"] == (
        "the update is no JSON at /a/1/b: it holds itself")
    assert run(PRELUDE + "p = Point(1, 2)\np.y = [p]\nreturn {'p': p}")[0]["message"] == (
        "the update is no JSON at /p/y/0: it holds itself")


def test_levels_have_a_limit(run):
    nested = "v = 0\nfor _ in range(%d): v = [v]\n"
    # The update, or the reply that an output stands in, is the first level.
    for end, name in [("return {'v': v}", "update"), ("import millrace; millrace.emit(v)", "output")]:
        assert "message" not in run(nested % (LEVELS_MAX - 1) + end)[0]
        error, _ = run(nested % LEVELS_MAX + end)
        assert "the %s is no JSON at " % name in error["message"]
        assert error["message"].endswith("/0/0: it is nested deeper than %d levels" % LEVELS_MAX)
    assert "nested deeper" in run(nested % 100_000 + "return {'v': v}")[0]["message"]


def test_an_emit_that_fails_can_be_caught(run):
    assert run("import millrace\ntry: millrace.emit(object())\nexcept TypeError as e: return {'e': str(e)}")[0] == {
        "e": "the output is no JSON at its root: a value of type object has no form in JSON"}


def test_a_value_whose_form_fails_is_named(run):
    error, _ = run(PRELUDE + """
class Bad(collections.UserDict):
    def __getitem__(self, key): raise OSError("gone")
return {'a': Bad(x=1)}""")
    assert error["message"].startswith("the update is no JSON at /a: a value of type millrace_code_node_")
    assert error["message"].endswith(".execute.<locals>.Bad cannot be written: OSError: gone")

"""The conversation with the worker: what it answers, line by line."""

import importlib
import json
import signal
import subprocess
import sys

import pytest
from conftest import FOLDER, Worker

from millrace_worker import errors, printers, replies


def test_the_nature_of_a_function_is_told_once(worker):
    for body, nature in [("def execute(state): pass", "plain"), ("async def execute(state): pass", "async")]:
        number = worker.call({"code": body})
        assert worker.reply() == {"call": number, "begun": nature}
        assert worker.reply() == {"call": number, "update": {}}
        number = worker.call({"code": body})
        assert worker.reply() == {"call": number, "update": {}}


def test_a_file_that_failed_to_load_is_loaded_anew(worker):
    file = worker.folder / "f.py"
    file.write_text("raise RuntimeError('not yet')")
    target = {"file": "f.py", "function": "f"}
    assert worker.end(worker.call(target))[0]["error"]["message"] == "RuntimeError: not yet"
    file.write_text("def f(state): return {'ok': 1}")
    assert worker.end(worker.call(target))[0]["update"] == {"ok": 1}


def test_requests_may_come_in_pieces_and_together(worker):
    text = "".join(
        json.dumps({"call": n, "node": "n", "target": {"code": "def execute(state): return state | {'m': state['n']}"},
                    "state": {"n": n, "big": "x" * 100_000}}) + "\n" for n in range(3)).encode()
    for start in range(0, len(text), 70_001):
        worker.process.stdin.write(text[start:start + 70_001])
        worker.process.stdin.flush()
    assert [worker.end(n)[0]["update"] for n in range(3)] == [{"m": 0}, {"m": 1}, {"m": 2}]


def test_prints_belong_to_the_call_that_prints(worker):
    code = """
import asyncio, threading
async def execute(state):
    for step in range(3):
        print(state["name"], step, end=";")
        await asyncio.sleep(0)
    await asyncio.to_thread(print, "thread")
    print()
"""
    numbers = {worker.call({"code": code}, {"name": name}): name for name in "ab"}
    printed = {}
    ended = 0
    while ended < 2:
        reply = worker.reply()
        if "output" in reply:
            printed.setdefault(numbers[reply["call"]], []).append(reply["data"])
        ended += "update" in reply
    assert printed == {name: ["%s 0;%s 1;%s 2;thread" % (name, name, name), ""] for name in "ab"}


def test_a_thread_of_a_lone_call_prints_for_it(worker):
    number = worker.call({"code": """
import threading
def execute(state):
    thread = threading.Thread(target=print, args=("from a thread",))
    thread.start()
    thread.join()
"""})
    assert worker.end(number)[1] == [{"call": number, "output": "stdout", "data": "from a thread"}]


def test_a_long_line_is_cut(worker):
    limit = replies.TEXT_LINE_MAX
    number = worker.call({"code": "def execute(state): print('x' * %d); print('y' * %d)" % (limit, limit + 1)})
    assert [len(output["data"]) for output in worker.end(number)[1]] == [limit, limit, 1]


def test_an_output_has_a_limit(worker):
    limit = replies.OUTPUT_BYTES_MAX
    body = "import millrace; millrace.emit('x' * %d)"
    assert worker.code(body % (limit - 2))["update"] == {}
    error = worker.code(body % (limit - 1))["error"]
    assert error["message"] == "ValueError: an output of %d characters is over the limit of %d" % (limit + 1, limit)


@pytest.mark.parametrize("body, message", [
    ("import millrace; millrace.emit(object())",
     "TypeError: the output is no JSON at its root: a value of type object has no form in JSON"),
    ("import millrace; millrace.emit(1, channel='')", "ValueError: a channel is named by 1 to 64 characters"),
    ("raise ExceptionGroup('several', [ValueError('one')])", "ExceptionGroup: several (1 sub-exception)"),
])
def test_errors_of_the_author_are_raised_where_they_are_made(worker, body, message):
    assert worker.code(body)["error"]["message"] == message


def test_messages_and_tracebacks_are_bounded(worker):
    error = worker.code("raise ValueError('x' * 10_000_000)")["error"]
    assert len(error["message"]) < errors.MESSAGE_MAX + 10
    assert len(error["details"]["traceback"]) < errors.TRACEBACK_MAX + 10


def test_a_cancel_may_overtake_its_call(worker):
    worker.send({"cancel": 1})
    number = worker.call({"code": "async def execute(state): raise SystemExit"})
    assert worker.end(number)[0] == {"call": 1, "cancelled": True}


def test_a_cancel_that_comes_with_its_call_is_answered(worker):
    code = {"code": "import asyncio\nasync def execute(state): await asyncio.sleep(state['s'])"}
    assert worker.end(worker.call(code, {"s": 0}))[0]["update"] == {}
    both = [{"call": 2, "node": "node", "target": code, "state": {"s": 1000}}, {"cancel": 2}]
    worker.process.stdin.write("".join(json.dumps(one) + "\n" for one in both).encode())
    worker.process.stdin.flush()
    assert worker.end(2)[0] == {"call": 2, "cancelled": True}


def test_a_task_left_behind_cannot_end_the_worker(worker):
    code = """
import asyncio
async def leave(): raise SystemExit(5)
async def execute(state):
    asyncio.ensure_future(leave())
    await asyncio.sleep(0.05)
    return {"n": 1}
"""
    for _ in range(2):
        assert worker.end(worker.call({"code": code}))[0]["update"] == {"n": 1}


def test_the_state_may_hold_an_integer_that_python_refuses(worker):
    worker.process.stdin.write(
        b'{"call":1,"node":"n","target":{"code":"def execute(state): pass"},"state":{"n":%s}}\n' % (b"9" * 5000))
    worker.process.stdin.flush()
    assert worker.reply()["error"]["message"].startswith("Python cannot read the state: Exceeds the limit")


def test_sigterm_ends_the_worker_through_finally(worker):
    mark = worker.folder / "mark"
    number = worker.call({"code": """
import pathlib, time
def execute(state):
    try:
        print("up")
        time.sleep(1000)
    except Exception:
        pass
    finally:
        pathlib.Path(state["mark"]).write_text("cleaned up")
"""}, {"mark": str(mark)})
    assert worker.reply() == {"call": number, "begun": "plain"}
    assert worker.reply() == {"call": number, "output": "stdout", "data": "up"}
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(10) == 128 + signal.SIGTERM
    assert mark.read_text() == "cleaned up"
    assert worker.process.stdout.read() == b""


def test_the_end_of_stdin_ends_the_worker_whatever_its_loop_does(tmp_path):
    for code in ["def execute(state): pass", "async def execute(state): pass"]:
        worker = Worker(tmp_path)
        worker.end(worker.call({"code": code}))
        assert worker.process.communicate(timeout=10) == (b"", b"")
        assert worker.process.returncode == 0


def test_importing_the_worker_has_no_effect():
    # multiprocessing imports it into every process that it spawns.
    importlib.import_module("worker")
    assert not isinstance(sys.stdout, printers.Printer)

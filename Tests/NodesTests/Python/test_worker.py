"""The conversation with the worker: what it answers, line by line."""

import importlib
import json
import signal
import subprocess
import sys

import pytest
from conftest import FOLDER, Worker

from millrace_worker import errors, printers, replies


def test_the_beginning_is_told_once_of_a_plain_function_and_each_time_of_a_coroutine(worker):
    for body, nature in [("def execute(state): pass", "plain"), ("async def execute(state): pass", "async")]:
        for isFirst in [True, False]:
            number = worker.call({"code": body})
            if isFirst or nature == "async":
                assert worker.reply() == {"call": number, "begun": nature}
            assert worker.reply() == {"call": number, "update": {}}


def test_a_cancel_that_came_during_the_import_is_heeded_before_the_function_begins(worker):
    code = {"code": "import os, time\nopen('%s/up', 'w').close()\n"
                    "while not os.path.exists('%s/go'): time.sleep(0.01)\n"
                    "def execute(state): open('%s/ran', 'w')" % ((worker.folder,) * 3)}
    number = worker.call(code)
    while not (worker.folder / "up").exists():
        pass
    worker.send({"cancel": number})
    (worker.folder / "go").touch()
    assert worker.end(number)[0] == {"call": number, "cancelled": True}
    assert not (worker.folder / "ran").exists()
    assert worker.end(worker.call(code))[0]["update"] == {}


def test_a_state_that_is_kept_need_not_be_sent_again(worker):
    code = {"code": "def execute(state): state['l'].append(len(state['l'])); return {'n': len(state['l']), 'l': state['l']}"}
    first = worker.call(code, {"l": [5]}, keep=True)
    assert worker.end(first)[0]["update"] == {"n": 2, "l": [5, 1]}

    def named(**name):
        worker.number += 1
        worker.send({"call": worker.number, "node": "node", "target": code, **name})
        return worker.end(worker.number)[0]

    assert named(state_of=first)["update"]["l"] == [5, 1]
    assert named(state_after=first)["update"]["l"] == [5, 1, 2]
    assert named(state_after=worker.number)["update"] == {"n": 4, "l": [5, 1, 2, 3]}
    assert named(state_of=99) == {"call": worker.number, "forgotten": True}
    for n in range(worker.hello["keeps"]):
        worker.end(worker.call(code, {"l": [n]}, keep=True))
    assert "forgotten" in named(state_of=first)


def test_an_unknown_version_ends_the_worker_and_unknown_orders_do_not(worker):
    worker.send({"polka": 1})
    assert worker.end(worker.call({"code": "def execute(state): pass"}, more=1))[0]["update"] == {}
    worker.send({"hello": 2})
    assert worker.process.wait(10) == 1


def test_text_is_sent_with_its_newline_its_return_or_a_flush(worker):
    number = worker.call({"code": """
import sys
def execute(state):
    for word in ["Hel", "lo "]: print(word, end="", flush=True)
    print("wor", end=""); print("ld"); print("50%", end="\\r"); print("rest", end="")
    sys.stderr.write("a"); sys.stderr.write("b"); sys.stderr.flush()
"""})
    _, said = worker.end(number)
    assert [output["data"] for output in said if output["output"] == "stdout"] == ["Hel", "lo ", "world", "50%\r", "rest"]
    assert [output["data"] for output in said if output["output"] == "stderr"] == ["ab"]


KEYS = """
import asyncio, concurrent.futures, threading, _thread, millrace
pool = concurrent.futures.ThreadPoolExecutor(2)
class Own(threading.Thread):
    def run(self): self.key = millrace.idempotency_key(); print("own")
def work():
    print("work"); millrace.emit(1)
    return millrace.idempotency_key()
async def execute(state):
    loop = asyncio.get_running_loop()
    keys = [await loop.run_in_executor(pool, work), await loop.run_in_executor(None, work), await asyncio.to_thread(work)]
    thread = Own(); thread.start()
    while thread.is_alive(): await asyncio.sleep(0.001)
    raw = []
    _thread.start_new_thread(lambda: raw.append(work()), ())
    while not raw: await asyncio.sleep(0.001)
    await asyncio.sleep(0.01)
    return {"keys": keys + raw + [thread.key, pool.submit(work).result(), list(pool.map(lambda n: work(), [1]))[0]]}
"""


def test_threads_and_executors_know_their_node(worker):
    numbers = {worker.call({"code": KEYS}, key="key-%d" % n): "key-%d" % n for n in range(3)}
    said = {number: [] for number in numbers}
    ended = 0
    while ended < len(numbers):
        reply = worker.reply()
        if "output" in reply:
            said[reply["call"]].append(reply["output"])
        if "update" in reply or "error" in reply:
            assert reply["update"] == {"keys": [numbers[reply["call"]]] * 7}
            ended += 1
    assert all(channels.count("chunk") == 6 and channels.count("stdout") == 7 for channels in said.values())


def test_a_thread_that_outlives_its_node_is_told_and_heard_no_more(worker):
    late = """
import threading, time, millrace
go, done = threading.Event(), threading.Event()
keys = []
def work():
    go.wait()
    print("late"); millrace.log("late"); millrace.emit("late")
    try: keys.append(millrace.idempotency_key())
    except RuntimeError as error: keys.append(str(error))
    done.set()
def execute(state):
    if state["n"] == 0: threading.Thread(target=work, name="straggler").start()
    else: go.set(); done.wait(); return {"keys": keys}
"""
    _, said = worker.end(worker.call({"code": late}, {"n": 0}))
    assert [(output["output"], output["data"]) for output in said] == [
        ("log", "the thread straggler of the node node outlives it; what it puts out from now on is dropped")]
    end, said = worker.end(worker.call({"code": late}, {"n": 1}))
    assert said == []
    assert end["update"] == {"keys": ["the node node, which has started this code, has ended"]}


def test_a_thread_that_python_did_not_start_has_no_key(worker):
    end, _ = worker.end(worker.call({"code": """
import ctypes, threading, millrace
said = []
@ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
def work(argument):
    try: said.append(millrace.idempotency_key())
    except RuntimeError as error: said.append("raised")
def execute(state):
    thread = ctypes.c_ulong()
    libc = ctypes.CDLL(None)
    libc.pthread_create(ctypes.byref(thread), None, work, None)
    libc.pthread_join(thread, None)
    return {"said": said}
"""}, key="key"))
    assert end["update"] == {"said": ["raised"]}


def test_a_process_that_a_node_has_started_gets_no_empty_key(tmp_path):
    for names, says in [(["MILLRACE_GRAPH_ID"], "raised"), (["MILLRACE_GRAPH_ID", "MILLRACE_IDEMPOTENCY_KEY"], "x")]:
        result = subprocess.run(
            [sys.executable, "-c", "import millrace\ntry: print(millrace.idempotency_key())\nexcept RuntimeError: print('raised')"],
            env={"PYTHONPATH": str(FOLDER)} | {name: "x" for name in names}, capture_output=True, text=True, check=True)
        assert result.stdout == says + "\n"


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


def test_a_long_text_goes_out_in_several_messages(worker):
    limit = replies.TEXT_MAX
    number = worker.call({"code": "def execute(state): print('x' * %d); print('y' * %d)" % (limit - 1, limit)})
    assert [len(output["data"]) for output in worker.end(number)[1]] == [limit - 1, limit, 0]


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


LEAVES = """
import asyncio, millrace
async def leave(say=None):
    try:
        await asyncio.sleep(1000)
    finally:
        if say: millrace.emit("heard")
async def execute(state):
    for name in ("one", "two"): asyncio.create_task(leave(), name=name)
    await asyncio.create_task(asyncio.sleep(0), name="awaited")
    return {"v": 1}
def plain(state):
    return execute(state)
"""


@pytest.mark.parametrize("function", ["execute", "plain"])
def test_tasks_that_a_node_leaves_on_the_loop_are_cancelled_and_told(worker, function):
    code = LEAVES if function == "execute" else LEAVES.replace("async def execute", "async def other").replace(
        "def plain(state):\n    return execute", "def execute(state):\n    return other")
    end, before = worker.end(worker.call({"code": code}))
    assert end["update"] == {"v": 1}
    [said] = [reply["data"] for reply in before if reply.get("output") == "log"]
    assert "the task one (leave), the task two (leave)" in said and "awaited" not in said


def test_a_task_that_ignores_its_cancel_is_told_too(worker):
    code = """
import asyncio
async def stay():
    while True:
        try: await asyncio.sleep(1000)
        except asyncio.CancelledError: pass
async def execute(state):
    asyncio.create_task(stay(), name="stubborn")
    await asyncio.sleep(0)
"""
    end, before = worker.end(worker.call({"code": code}))
    assert end["update"] == {}
    assert "ignores its cancel" in before[0]["data"] and "stubborn" in before[0]["data"]


def test_tasks_end_with_a_node_that_fails_or_is_cancelled(worker):
    failing = LEAVES.replace('return {"v": 1}', 'raise ValueError("no")')
    end, before = worker.end(worker.call({"code": failing}))
    assert "no" in end["error"]["message"] and "the task one" in before[0]["data"]
    waiting = LEAVES.replace('return {"v": 1}', 'print("here"); await asyncio.sleep(1000)')
    number = worker.call({"code": waiting})
    while "data" not in worker.reply():
        pass
    worker.send({"cancel": number})
    end, before = worker.end(number)
    assert end["cancelled"] and "the task two" in before[0]["data"]


def test_who_blocks_the_loop_is_named_while_others_wait(worker, tmp_path):
    waits = {"code": "import asyncio\nasync def execute(state): await asyncio.sleep(state['s'])"}
    worker.end(worker.call(waits, {"s": 0}))
    blocks = {"code": """
import os, time, asyncio
async def inner(state):
    while not os.path.exists(state["until"]): time.sleep(0.005)
async def execute(state):
    await asyncio.create_task(inner(state))
"""}
    neighbour = worker.call(waits, {"s": 0.01})
    blocker = worker.call(blocks, {"until": str(tmp_path / "go")})
    messages = []
    while not any("blocked" in message for message in messages):
        messages.append(worker.reply())
    assert messages[-1]["call"] == blocker
    (tmp_path / "go").touch()
    ends = {}
    while len(ends) < 2 or not any("unblocked" in message for message in messages):
        messages.append(worker.reply())
        if "update" in messages[-1]:
            ends[messages[-1]["call"]] = messages[-1]
    assert ends.keys() == {neighbour, blocker}


def test_nobody_is_said_to_block_who_is_alone(worker):
    code = "import time\nasync def execute(state):\n    time.sleep(0.3)\n    return {'v': 1}"
    end, before = worker.end(worker.call({"code": code}))
    assert end["update"] == {"v": 1} and not before

"""The worker alone, without the daemon: what it answers, line by line."""

import importlib
import json
import pathlib
import signal
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).parents[3] / "Sources" / "Nodes" / "Python"
sys.path.insert(0, str(FOLDER))

from millrace_worker import errors, printers, replies  # noqa: E402


class Worker:
    def __init__(self, folder):
        self.folder = folder
        self.number = 0
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-B", str(FOLDER / "worker.py"), str(folder), ""],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.send({"hello": 1})
        self.hello = json.loads(self.process.stdout.readline())
        self.texts = {}

    def send(self, request):
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()

    def call(self, target, state=None, **more):
        self.number += 1
        self.send({"call": self.number, "node": "node", "target": target, "state": state or {}, **more})
        return self.number

    def reply(self):
        """The next message, with the call that it is about; text comes as the lines that the daemon makes of it."""
        line = self.process.stdout.readline()
        assert line.endswith(b"}\n"), line
        message = json.loads(line)
        name, number = next(iter(message.items()))
        assert line.startswith(b'{"%b":%d' % (name.encode(), number))
        reply = {"call": number}
        if name == "update":
            reply["update"] = message["value"]
        elif name == "error":
            reply["error"] = {"message": message["message"], "details": message.get("details")}
        elif name == "began":
            reply["begun"] = "async" if message["async"] else "plain"
        elif name == "text":
            reply |= {"output": message["channel"], "data": message["data"].removesuffix("\n")}
        elif name == "log":
            reply |= {"output": "log", "data": message["data"]}
        elif name == "emit":
            reply |= {"output": message["channel"], "data": message["data"]}
        else:
            reply[name] = True
        return reply

    def end(self, number):
        """The last reply to a call, and what came before it but for `begun`."""
        before = []
        while True:
            reply = self.reply()
            if reply["call"] == number and not reply.keys() & {"begun", "output"}:
                return reply, before
            if "begun" not in reply:
                before.append(reply)

    def code(self, body, state=None, **more):
        return self.end(self.call({"code": "def execute(state):\n    " + body}, state, **more))[0]


@pytest.fixture
def worker(tmp_path):
    worker = Worker(tmp_path)
    yield worker
    worker.process.stdin.close()
    try:
        assert worker.process.wait(10) is not None
    finally:
        worker.process.kill()
        worker.process.stdout.close()
        worker.process.stderr.close()


@pytest.mark.parametrize("body, state, update", [
    ("return {'a': 1}", {"a": 1}, {}),
    ("return {'a': True}", {"a": 1}, {"a": True}),
    ("return {'a': 1.0}", {"a": 1}, {"a": 1.0}),
    ("state['a']['b'].append(2)", {"a": {"b": [1]}}, {"a": {"b": [1, 2]}}),
    ("state['a']['b'].append(2); return {'c': 1}", {"a": {"b": [1]}}, {"c": 1}),
    ("del state['a']", {"a": 1}, {}),
    ("state.clear(); return {}", {"a": 1}, {}),
    ("return {'a': dict(reversed(state['a'].items()))}", {"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}),
    ("return {'a': None}", {}, {"a": None}),
])
def test_the_update_is_what_changed(worker, body, state, update):
    reply = worker.code(body, state)
    assert json.dumps(reply["update"]) == json.dumps(update)


def test_what_is_returned_for_a_reducer_always_counts(worker):
    assert worker.code("return {'log': ['x'], 'a': 1}", {"log": ["x"], "a": 1}, always=["log"])["update"] == {"log": ["x"]}
    assert worker.code("return None", {"log": ["x"]}, always=["log"])["update"] == {}


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


def test_a_long_text_goes_out_in_several_messages(worker):
    limit = replies.TEXT_BYTES_MAX
    number = worker.call({"code": "def execute(state): print('x' * %d); print('y' * %d)" % (limit - 1, limit)})
    assert [len(output["data"]) for output in worker.end(number)[1]] == [limit - 1, limit, 0]


def test_an_output_has_a_limit(worker):
    limit = replies.OUTPUT_BYTES_MAX
    body = "import millrace; millrace.emit('x' * %d)"
    assert worker.code(body % (limit - 2))["update"] == {}
    error = worker.code(body % (limit - 1))["error"]
    assert error["message"] == "ValueError: an output of %d characters is over the limit of %d" % (limit + 1, limit)


@pytest.mark.parametrize("body, message", [
    ("import millrace; millrace.emit({1, 2})", "TypeError: Object of type set is not JSON serializable"),
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


def test_millrace_works_without_the_daemon():
    result = subprocess.run(
        [sys.executable, "-c", "import millrace; millrace.log('a', 1); millrace.emit([1])"], env={"PYTHONPATH": str(FOLDER)},
        capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("", "log: \"a 1\"\nchunk: [1]\n")


def test_importing_the_worker_has_no_effect():
    # multiprocessing imports it into every process that it spawns.
    importlib.import_module("worker")
    assert not isinstance(sys.stdout, printers.Printer)

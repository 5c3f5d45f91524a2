"""The worker alone, without the daemon."""

import json
import pathlib
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).parents[3] / "Sources" / "Nodes" / "Python"
sys.path.insert(0, str(FOLDER))


class Worker:
    def __init__(self, folder, named=()):
        self.folder = folder
        self.number = 0
        own = folder / "own"
        own.mkdir(exist_ok=True)
        (own / "graph.json").write_text(json.dumps({"folder": str(folder), "own": "", "named": list(named)}))
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-B", str(FOLDER / "worker.py"), str(own)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.send({"hello": 1})
        self.hello = json.loads(self.process.stdout.readline())

    def send(self, request):
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()

    def call(self, target, state=None, **more):
        self.number += 1
        self.send({"call": self.number, "node": "node", "target": target, "state": state or {}, **more})
        return self.number

    def reply(self):
        """The next message, with the call that it is about; text comes without the newline at its end."""
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
        elif name in ("log", "emit"):
            reply |= {"output": message.get("channel", name), "data": message["data"]}
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
            if not reply.keys() & {"begun", "leaving"}:
                before.append(reply)

    def code(self, body, state=None, **more):
        """How a call of a function with this body ends."""
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


@pytest.fixture
def run(worker):
    """Calls a function with this body; gives its update or error, and what it said on `log`."""
    def run(body, state=None, **more):
        end, before = worker.end(worker.call({"code": "def execute(state):\n    " + body.replace("\n", "\n    ")}, state, **more))
        logged = [output["data"] for output in before if output.get("output") == "log"]
        return end.get("update", end.get("error")), logged
    return run

"""Nodes that ask long-lived processes in any language, by the protocol of millrace-worker(7)."""

import json
import os

import pytest

from graphs import graph, node, put
from stream import is_whole, of_node, outline

# Knows nothing of Millrace but the protocol. What it does with a call is its target's `do`.
WORKER = """#!/usr/bin/env python3
import json, os, signal, sys, time

def say(**message):
    print(json.dumps(message), flush=True)

hello = json.loads(sys.stdin.readline())
assert hello["hello"] == 1
say(hello=int(os.environ.get("VERSION", "1")), name="test")
for line in sys.stdin:
    order = json.loads(line)
    if "call" not in order:
        continue
    number, state, target = order["call"], order["state"], order["target"] or {}
    what = target.get("do", "pid")
    if what == "state":
        what = state["do"]
    if what == "pid":
        say(update=number, value={"pid": os.getpid(), "edition": EDITION, "sum": state.get("a", 0) + target.get("add", 0)})
    elif what == "speak":
        say(emit=number, data={"n": 1})
        say(emit=number, channel="mine", data="x")
        say(log=number, data="logged")
        say(text=number, channel="stdout", data="a\\nb\\n")
        os.write(4, b"side\\n")
        os.write(2, b"oops\\n")
        say(update=number, value={})
    elif what == "about":
        say(update=number, value={
            "cwd": os.getcwd(), "node": order["node"], "attempt": order["attempt"], "key": order["key"],
            "graph": os.environ["MILLRACE_GRAPH_ID"], "arguments": sys.argv[1:], "reducers": order.get("reducers")})
    elif what == "fail":
        say(error=number, message="broken on purpose", details={"why": [1, 2.50]})
    elif what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "babble":
        print("hello there", flush=True)
    elif what == "list":
        say(update=number, value=[1])
    elif what == "wait":
        say(log=number, data="waits")
        order = json.loads(sys.stdin.readline())
        assert order == {"cancel": number}
        say(cancelled=number)
    elif what == "hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        say(log=number, data="hangs")
        time.sleep(600)
"""


@pytest.fixture
def daemon(start_daemon):
    daemon = start_daemon()
    write(daemon, 1)
    return daemon


def write(daemon, edition):
    path = daemon.graphs / "w"
    path.write_text(WORKER.replace("EDITION", str(edition)))
    path.chmod(0o755)


def worker(id="w", do="pid", command=("./w",), **members):
    target = members.pop("target", {})
    return node(id, "worker", {"command": list(command), "target": {"do": do, **target}}, **members)


def run(daemon, *nodes, edges=(), **members):
    graph_id = daemon.create(graph(nodes, edges, **members))
    events = daemon.all_events(daemon.execute(graph_id)["execution_id"])
    assert is_whole(events)
    return events


def end(events, id="w"):
    return of_node(events, id, "node_complete")[-1]


def test_one_process_serves_call_after_call(daemon):
    graph_id = daemon.create(graph([worker(target={"add": 3})], initial_state={"a": 4}))
    states = [daemon.execute(graph_id)["final_state"] for _ in range(3)]
    assert {state["sum"] for state in states} == {7}
    assert len({state["pid"] for state in states}) == 1


def test_nodes_at_once_are_all_served(daemon):
    events = run(daemon, worker("a"), worker("b"), worker("c"))
    assert outline(events)[-1] == "complete"
    assert {end(events, id)["status"] for id in "abc"} == {"success"}


def test_a_program_that_is_edited_is_started_anew(daemon):
    graph_id = daemon.create(graph([worker()]))
    first = daemon.execute(graph_id)["final_state"]
    write(daemon, 22)
    second = daemon.execute(graph_id)["final_state"]
    assert (first["edition"], second["edition"]) == (1, 22)
    assert first["pid"] != second["pid"]


def test_all_that_it_says_is_told(daemon):
    events = run(daemon, worker(do="speak"))
    said = {(event["channel"], json.dumps(event["data"])) for event in of_node(events, "w", "node_output")}
    assert said >= {
        ("chunk", '{"n": 1}'), ("mine", '"x"'), ("log", '"logged"'), ("stdout", '"a"'), ("stdout", '"b"'), ("stdout", '"side"'),
        ("stderr", '"oops"')}


def test_what_it_is_told(daemon):
    events = run(daemon, worker(do="about", command=("./w", "--mode", "x y")), reducers={"l": "append"})
    graph_id, update = events[0]["graph_id"], end(events)["update"]
    assert update["cwd"] == str(daemon.graphs)
    assert (update["node"], update["attempt"], update["graph"]) == ("w", 1, graph_id)
    assert update["arguments"] == ["--mode", "x y"] and update["reducers"] == {"l": "append"}
    assert update["key"]


FAULTS = {
    "fail": ("broken on purpose", {"why": [1, 2.5]}),
    "die": ("the worker's process ended while the node ran: killed by SIGKILL (signal 9)", None),
    "babble": ("the worker's process was killed: it wrote among its messages: hello there", None),
    "list": ("the update is no object", None),
}


@pytest.mark.parametrize("do", FAULTS)
def test_what_goes_wrong_is_an_error_of_its_node_alone(daemon, do):
    graph_id = daemon.create(graph([worker(do=do), put("z", x=1)]))
    execution = daemon.execute(graph_id)
    assert (execution["status"], execution["failed_nodes"], execution["final_state"]["x"]) == ("error", ["w"], 1)
    message, details = FAULTS[do]
    failed = end(daemon.all_events(execution["execution_id"]))
    assert failed["error"].startswith(message)
    if details:
        assert failed["details"] == details
    # The next one has a process that works.
    assert end(run(daemon, worker()))["status"] == "success"


@pytest.mark.parametrize("command, words", [
    (["./none"], "the worker could not be started: "),
    (["no-such-program-anywhere"], "the worker could not be started: "),
    (["false"], "the worker ended before it was ready: exit status 1"),
    (["env", "VERSION=2", "./w"], "it speaks version 2 of the worker protocol, and this daemon version 1"),
    (["echo", "hi"], "it wrote among its messages: hi"),
])
def test_a_program_that_is_no_worker_is_told_with_what_it_should_be(daemon, command, words):
    failed = end(run(daemon, worker(command=command)))
    assert failed["status"] == "error" and words in failed["error"]
    if "killed" not in failed["error"]:
        assert "millrace-worker(7)" in failed["error"]


def test_a_worker_that_heeds_a_cancel_lives_on(daemon, eventually):
    # What it does is the state's word, so that the same node asks the same process.
    graph_id = daemon.create(graph([worker(do="state")], initial_state={"do": "pid"}))
    first = daemon.execute(graph_id)["final_state"]["pid"]
    execution_id = daemon.begin(graph_id, {"do": "wait"})
    eventually(lambda: of_node(daemon.events(execution_id), "w", "node_output"))
    assert daemon.cancel(execution_id).status_code == 202
    assert outline(daemon.all_events(execution_id))[-2:] == ["w:cancelled", "complete"]
    assert daemon.execute(graph_id)["final_state"]["pid"] == first


def test_a_worker_that_heeds_nothing_is_ended(daemon, eventually):
    execution_id = daemon.begin(daemon.create(graph([worker(do="hang")])))
    eventually(lambda: of_node(daemon.events(execution_id), "w", "node_output"))
    assert daemon.cancel(execution_id).status_code == 202
    assert outline(daemon.all_events(execution_id))[-2:] == ["w:cancelled", "complete"]


@pytest.mark.parametrize("config, pointer", [
    ({}, "/nodes/0/config"), ({"command": []}, "/nodes/0/config/command"), ({"command": [""]}, "/nodes/0/config/command/0"),
    ({"command": ["a\u0000b"]}, "/nodes/0/config/command/0"), ({"command": ["a"], "cmd": 1}, "/nodes/0/config/cmd"),
])
def test_a_config_that_fits_no_worker_is_refused(daemon, config, pointer):
    reply = daemon.http.post("/api/graphs", json=graph([node("w", "worker", config)]))
    assert reply.status_code == 422
    assert pointer in [fault["pointer"] for fault in reply.json()["errors"]]


def test_it_is_off_where_it_is_not_enabled(start_daemon):
    daemon = start_daemon("--set", "kinds.enabled=set,process")
    reply = daemon.http.post("/api/graphs", json=graph([worker()]))
    assert reply.status_code == 422 and "worker" in reply.text

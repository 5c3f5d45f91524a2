"""Graphs of LangGraph, run by LangGraph itself within a node, with the real daemon."""

import json
import signal
import sys

from agents import CHAT, CYCLE, FAN, PAIR, SLOW, agents, hosting, inner, run
from stream import is_whole, of_node


def test_a_cycle_runs_as_it_does_alone(agents):
    daemon = agents(cycle=CYCLE)
    events = run(daemon, "cycle", {"n": 0, "log": ["given"], "word": ""})
    scope = {}
    exec(CYCLE, scope)
    assert events[-1]["final_state"] == scope["graph"].invoke({"n": 0, "log": ["given"], "word": ""})
    starts = inner(events, "node_start")
    assert [(event["path"], event["node_id"]) for event in starts] == [
        (["graph", step], "check it" if step % 2 == 0 else "count") for step in range(1, 7)]
    ends = inner(events, "node_complete")
    assert ends[0]["update"] == {"n": 1, "log": [0], "word": "xxx"}
    assert starts[0]["input_state"] == {"n": 0, "log": ["given"], "word": ""}
    assert ends[0]["output_state"] == {"n": 1, "log": ["given", 0], "word": "xxx"} == starts[1]["input_state"]
    assert ends[2]["output_state"]["word"] == "xxx"
    keys = list(starts[0])
    assert keys[keys.index("path") + 1] == "node_id"
    assert {event["attempt"] for event in starts} == {1}


def test_several_tasks_of_a_node_and_graphs_within_them_have_paths_of_their_own(agents):
    daemon = agents(fan=FAN)
    events = run(daemon, "fan", {"items": [2, 3], "sums": [], "done": False})
    assert events[-1]["final_state"] == {"items": [2, 3], "sums": [4, 9], "done": True}
    ends = {(tuple(event["path"]), event["node_id"]): event for event in inner(events, "node_complete")}
    assert set(ends) == {
        (("graph", 1), "split"), (("graph", 2, "work", 0), "work"), (("graph", 2, "work", 1), "work"),
        (("graph", 2, "work", 0, "work", 1), "square"), (("graph", 2, "work", 1, "work", 1), "square"),
        (("graph", 3), "choose")}
    assert ends[("graph", 2, "work", 1), "work"]["update"] == {"sums": [9]}
    assert ends[("graph", 3), "choose"]["update"] == {"done": True}
    starts = {(tuple(event["path"]), event["node_id"]): event for event in inner(events, "node_start")}
    assert starts[("graph", 2, "work", 1), "work"]["input_state"] == {"item": 3}
    custom = [event for event in events if event.get("channel") == "custom"]
    assert sorted(event["data"]["at"] for event in custom) == [2, 3]
    for event in custom:
        assert event["path"] == ["graph", 2, "work", {2: 0, 3: 1}[event["data"]["at"]]]


def test_tokens_of_a_model_come_as_chunks_of_its_node(agents):
    daemon = agents(chat=CHAT)
    events = run(daemon, "chat", {"messages": [{"role": "user", "content": "Hi", "id": "u"}]})
    chunks = [event for event in events if event.get("channel") == "chunk"]
    assert "".join(event["data"] for event in chunks) == "Hello to you" and len(chunks) > 2
    assert {(tuple(event["path"]), event["node_id"]) for event in chunks} == {(("graph", 1), "talk")}
    messages = events[-1]["final_state"]["messages"]
    assert [message["content"] for message in messages] == ["Hi", "Hello to you"]


def test_a_task_that_fails_ends_in_error_and_so_does_the_node(agents):
    daemon = agents(slow=SLOW)
    for name in ("go a", "go b", "break b"):
        (daemon.graphs / name).touch()
    events = run(daemon, "slow", {"folder": str(daemon.graphs), "log": []}, status="error")
    ends = {event["node_id"]: event for event in events if event["type"] == "node_complete"}
    assert ends["a"]["status"] == "success" and ends["b"]["status"] == ends["graph"]["status"] == "error"
    assert "broken on purpose" in ends["b"]["error"] and "broken on purpose" in ends["graph"]["error"]
    assert "c" not in ends and events[-1]["failed_nodes"] == ["graph"]


def test_a_cancel_ends_what_runs(agents, eventually):
    daemon = agents(slow=SLOW)
    (daemon.graphs / "go a").touch()
    id = daemon.begin("slow", {"folder": str(daemon.graphs), "log": []})
    eventually(lambda: (daemon.graphs / "b").exists())
    daemon.cancel(id)
    events = daemon.all_events(id)
    assert events[-1]["status"] == "cancelled" and is_whole(events)
    ends = {event["node_id"]: event["status"] for event in events if event["type"] == "node_complete"}
    assert ends == {"a": "success", "b": "cancelled", "graph": "cancelled"}


def test_what_a_task_did_can_be_looked_at(agents):
    daemon = agents(fan=FAN)
    events = run(daemon, "fan", {"items": [2, 3], "sums": [], "done": False})
    id = events[0]["execution_id"]
    for end in inner(events, "node_complete"):
        path = ",".join(map(str, end["path"]))
        found = daemon.http.get(f"/api/executions/{id}/nodes/{end['node_id']}", params={"path": path}).json()
        assert found["path"] == end["path"] and found["status"] == "success"
        assert (found["update"], found["output_state"]) == (end["update"], end["output_state"])
    steps = daemon.http.get(f"/api/executions/{id}/nodes/graph/items").json()["items"]
    assert [(step["index"], step["status"]) for step in steps] == [(1, "success"), (2, "success"), (3, "success")]
    kept = daemon.all_events(id, depth=0)
    assert not inner(kept, "node_start") and kept[-1] == events[-1]


def test_after_a_kill_it_goes_on_behind_what_had_ended(agents, eventually):
    daemon = agents(slow=SLOW)
    for name in ("go a", "go b"):
        (daemon.graphs / name).touch()
    id = daemon.begin("slow", {"folder": str(daemon.graphs), "log": ["given"]})
    eventually(lambda: (daemon.graphs / "c").exists())
    eventually(lambda: any(event.get("node_id") == "c" for event in daemon.events(id)))
    daemon.kill()
    (daemon.graphs / "go c").touch()
    daemon.start(environment={"MILLRACE_KINDS_PYTHON_INTERPRETER": sys.executable})
    events = daemon.all_events(id)
    assert events[-1]["status"] == "success" and is_whole(events)
    assert events[-1]["final_state"]["log"] == ["given", "a", "b", "c"]
    assert {name: (daemon.graphs / name).read_text() for name in "abc"} == {"a": "x", "b": "x", "c": "xx"}
    starts = [(event["path"], event["node_id"], event["attempt"]) for event in inner(events, "node_start")]
    assert starts == [(["graph", 1], "a", 1), (["graph", 2], "b", 1), (["graph", 3], "c", 1), (["graph", 3], "c", 2)]


def test_of_a_step_only_what_had_not_ended_runs_again(agents, eventually):
    daemon = agents(pair=PAIR)
    (daemon.graphs / "go a").touch()
    id = daemon.begin("pair", {"folder": str(daemon.graphs), "log": []})
    eventually(lambda: (daemon.graphs / "b").exists())
    eventually(lambda: any(event["type"] == "node_complete" and event["node_id"] == "a" for event in daemon.events(id)))
    daemon.kill()
    for name in ("go b", "go c"):
        (daemon.graphs / name).touch()
    daemon.start(environment={"MILLRACE_KINDS_PYTHON_INTERPRETER": sys.executable})
    events = daemon.all_events(id)
    assert events[-1]["status"] == "success" and is_whole(events)
    assert sorted(events[-1]["final_state"]["log"]) == ["a", "b", "c"]
    assert {name: (daemon.graphs / name).read_text() for name in "abc"} == {"a": "x", "b": "xx", "c": "x"}
    ends = [(event["path"], event["node_id"], event["attempt"]) for event in inner(events, "node_complete")]
    assert ends == [(["graph", 1], "a", 1), (["graph", 1], "b", 2), (["graph", 2], "c", 1)]


def test_a_further_attempt_goes_on_where_the_first_one_failed(agents):
    broken = SLOW.replace("raise ValueError", "os.remove(state['folder'] + '/break ' + name)\n            raise ValueError")
    daemon = agents(slow=broken)
    for name in ("go a", "go b", "go c", "break b"):
        (daemon.graphs / name).touch()
    document = {"id": "slow", "nodes": [hosting("slow.py") | {"retry": {"max_attempts": 2, "delay_ms": 1}}]}
    daemon.write_graph_file("slow.json", json.dumps(document))
    assert daemon.http.put("/api/graphs/slow", json=document).is_success
    events = run(daemon, "slow", {"folder": str(daemon.graphs), "log": []})
    assert {name: (daemon.graphs / name).read_text() for name in "abc"} == {"a": "x", "b": "xx", "c": "x"}
    starts = [(event["path"], event["node_id"], event["attempt"]) for event in inner(events, "node_start")]
    assert starts == [(["graph", 1], "a", 1), (["graph", 2], "b", 1), (["graph", 2], "b", 2), (["graph", 3], "c", 1)]


def test_the_classic_dialect_tells_of_its_nodes(agents):
    daemon = agents(cycle=CYCLE)
    reply = daemon.http.post("/classic/api/graphs/cycle/execute/stream", json={"initial_state": {"n": 2, "log": [], "word": ""}})
    events = [json.loads(line[len("data: "):]) for line in reply.text.splitlines() if line]
    assert [(event["event_type"], event["node_id"]) for event in events] == [
        ("start", None), ("node_start", "count"), ("node_complete", "count"), ("node_start", "check it"),
        ("node_complete", "check it"), ("complete", None)]
    assert events[1]["input_state"] == {"n": 2, "log": [], "word": ""}
    assert events[2]["output_state"] == {"n": 3, "log": [2], "word": "x"}
    assert events[-1]["output_state"] == {"n": 3, "log": [2, "checked"], "word": "x"}


def test_without_langgraph_the_node_says_what_to_install(new_daemon):
    daemon = new_daemon()
    daemon.write_graph_file("cycle.py", CYCLE)
    daemon.write_graph_file("cycle.json", json.dumps({"id": "cycle", "nodes": [hosting("cycle.py")]}))
    daemon.start(environment={"MILLRACE_KINDS_PYTHON_INTERPRETER": f"{sys.base_prefix}/bin/python3"})
    events = run(daemon, "cycle", {"n": 0, "log": [], "word": ""}, status="error")
    (end,) = of_node(events, "graph", "node_complete")
    assert "-m pip install langgraph" in end["error"] and "\n" not in end["error"]


def test_a_file_of_langgraph_is_a_graph_by_itself(new_daemon, eventually):
    daemon = new_daemon()
    daemon.write_graph_file("cycle.py", CYCLE)
    daemon.start(environment={"MILLRACE_KINDS_PYTHON_INTERPRETER": sys.executable})
    eventually(lambda: daemon.http.get("/api/graphs/cycle").is_success)
    events = run(daemon, "cycle", {"n": 2, "log": [], "word": ""})
    assert events[-1]["final_state"] == {"n": 3, "log": [2, "checked"], "word": "x"}
    assert [event["path"] for event in inner(events, "node_start")] == [["graph", 1], ["graph", 2]]
    names = {node["name"] for node in daemon.http.get("/api/graphs/cycle").json()["drawing"]["nodes"]}
    assert names >= {"count", "check it"}


def test_the_classic_api_shows_its_own_nodes(new_daemon, eventually):
    daemon = new_daemon()
    daemon.write_graph_file("cycle.py", CYCLE)
    daemon.start(environment={"MILLRACE_KINDS_PYTHON_INTERPRETER": sys.executable})
    eventually(lambda: daemon.http.get("/api/graphs/cycle").is_success)
    structure = daemon.http.get("/classic/api/graphs/cycle").json()["structure"]
    assert {"__start__", "__end__", "count"} <= set(structure["nodes"])
    assert (structure["start_nodes"], structure["end_nodes"]) == (["__start__"], ["__end__"])
    assert {("__start__", "count"), ("check it", "__end__")} <= {(edge["source"], edge["target"]) for edge in structure["edges"]}
    (listed,) = [each for each in daemon.http.get("/classic/api/graphs").json()["graphs"] if each["graph_id"] == "cycle"]
    assert (listed["node_count"], listed["edge_count"]) == (len(structure["nodes"]), len(structure["edges"]))
    body = {"initial_state": {"n": 2, "log": [], "word": ""}}
    text = daemon.http.post("/classic/api/graphs/cycle/execute/stream", json=body).text
    events = [json.loads(line[6:]) for line in text.split("\n") if line]
    assert [(event["event_type"], event["node_id"]) for event in events] == [
        ("start", None), ("node_start", "count"), ("node_complete", "count"), ("node_start", "check it"),
        ("node_complete", "check it"), ("complete", None)]
    assert events[-1]["output_state"] == {"n": 3, "log": [2, "checked"], "word": "x"}


def test_a_stop_lets_the_step_that_runs_come_to_its_end(agents, eventually):
    daemon = agents(slow=SLOW)
    (daemon.graphs / "go a").touch()
    id = daemon.begin("slow", {"folder": str(daemon.graphs), "log": []})
    eventually(lambda: (daemon.graphs / "b").exists())
    daemon.process.send_signal(signal.SIGTERM)
    eventually(lambda: daemon.http.get("/readyz").status_code == 503)
    (daemon.graphs / "go b").touch()
    assert daemon.wait() == 0
    # The next one was not begun any more, though it might have ended too.
    assert not (daemon.graphs / "c").exists()
    (daemon.graphs / "go c").touch()
    daemon.start(environment={"MILLRACE_KINDS_PYTHON_INTERPRETER": sys.executable})
    events = daemon.all_events(id)
    assert events[-1]["status"] == "success" and is_whole(events) and events[-1]["final_state"]["log"] == ["a", "b", "c"]
    assert {name: (daemon.graphs / name).read_text() for name in "abc"} == {"a": "x", "b": "x", "c": "x"}


def test_what_is_kept_lies_encrypted_in_the_history(agents, eventually):
    daemon = agents(slow=SLOW)
    key = daemon.state / "checkpoints.key"
    assert key.stat().st_mode & 0o777 == 0o600
    (daemon.graphs / "go a").touch()
    id = daemon.begin("slow", {"folder": str(daemon.graphs), "log": []})
    eventually(lambda: any(event.get("node_id") == "b" for event in daemon.events(id)))
    daemon.kill()
    history = b"".join(path.read_bytes() for path in daemon.state.glob("history.sqlite*"))
    # As LangGraph calls the form in which it writes checkpoints.
    assert b"msgpack" not in history and b'"sealed:' in history
    kept = key.read_text()
    key.unlink()
    daemon.start(environment={"MILLRACE_KINDS_PYTHON_INTERPRETER": sys.executable})
    (end,) = of_node(daemon.all_events(id), "graph", "node_complete")
    assert end["status"] == "error" and f"{key} is " in end["error"] and "put that file back" in end["error"]
    assert key.read_text() != kept

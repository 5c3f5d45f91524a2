"""What a graph may be started with: its input_schema."""

import json
import os
import pty
import subprocess

import pytest

from daemon import BINARY, clean_environment
from graphs import graph, node, put
from stream import of_node
from test_http_surface import assert_problem

SCHEMA = {
    "type": "object", "required": ["ticket"],
    "properties": {"ticket": {"$ref": "#/$defs/ticket"}, "count": {"type": "integer", "minimum": 1}},
    "$defs": {"ticket": {"type": "string", "pattern": "^T-[0-9]+$"}},
}


def checked(**members):
    return graph([put("seen", ticket="{{ state.ticket }}")], **({"input_schema": SCHEMA} | members))


def faults(reply, code="invalid_request"):
    assert_problem(reply, 422, code)
    return [(fault["pointer"], fault["message"]) for fault in reply.json()["errors"]]


@pytest.mark.parametrize("call", ["execute", "execute/stream"])
@pytest.mark.parametrize(
    "state, pointer",
    [(None, "/initial_state"), ({}, "/initial_state"), ({"ticket": 7}, "/initial_state/ticket"),
     ({"ticket": "x"}, "/initial_state/ticket"), ({"ticket": "T-1", "count": 0}, "/initial_state/count")],
)
def test_a_start_that_does_not_fit_is_refused_where_it_does_not(daemon, call, state, pointer):
    graph_id = daemon.create(checked())
    reply = daemon.http.post(f"/api/graphs/{graph_id}/{call}", json=None if state is None else {"initial_state": state})
    [(at, _)] = faults(reply)
    assert at.startswith(pointer)
    assert daemon.http.get("/api/executions", params={"graph_id": graph_id}).json()["items"] == []


def test_the_state_of_the_document_and_of_the_start_fit_together(daemon):
    graph_id = daemon.create(checked(initial_state={"ticket": "T-1"}))
    assert daemon.execute(graph_id)["final_state"] == {"ticket": "T-1"}
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute", json={"initial_state": {"count": 2.5}})
    assert [at for at, _ in faults(reply)] == ["/initial_state/count"]


def test_a_large_state_is_checked_too(daemon):
    graph_id = daemon.create(checked())
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute", json={"initial_state": {"text": "x" * 2_000_000}})
    assert len(faults(reply)) == 1


def test_a_rerun_is_a_start(daemon):
    graph_id = daemon.create(checked())
    execution_id = daemon.execute(graph_id, {"ticket": "T-1"})["execution_id"]
    reply = daemon.http.post(f"/api/executions/{execution_id}/rerun", json={"state": {"ticket": "none"}})
    assert [at for at, _ in faults(reply)] == ["/state/ticket"]
    assert daemon.http.post(f"/api/executions/{execution_id}/rerun", json={"state": {"ticket": "T-2"}}).status_code == 202


def test_a_key_gives_its_execution_whatever_fits_now(daemon):
    document = checked()
    graph_id = daemon.create(document)
    body = {"json": {"initial_state": {"ticket": "T-1"}}, "headers": {"Idempotency-Key": f"key-{graph_id}"}}
    first = daemon.http.post(f"/api/graphs/{graph_id}/execute", **body).json()["execution_id"]
    daemon.http.put(f"/api/graphs/{graph_id}", json=document | {"input_schema": {"required": ["more"]}}).raise_for_status()
    assert daemon.http.post(f"/api/graphs/{graph_id}/execute", **body).json()["execution_id"] == first
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute", **(body | {"headers": {"Idempotency-Key": f"other-{graph_id}"}}))
    assert [at for at, _ in faults(reply)] == ["/initial_state"]


def test_a_graph_within_a_graph_checks_what_it_is_given(daemon):
    inner = daemon.create(checked())
    outer = graph([node("sub", "graph", {"graph": inner, "state": {"ticket": "{{ state.ticket }}"}})])
    graph_id = daemon.create(outer)
    events = daemon.all_events(daemon.execute(graph_id, {"ticket": "T-5"})["execution_id"])
    assert of_node(events, "sub", "node_complete")[-1]["status"] == "success"
    events = daemon.all_events(daemon.execute(graph_id, {"ticket": "none"})["execution_id"])
    end = of_node(events, "sub", "node_complete")[-1]
    assert end["status"] == "error" and "/ticket of its state" in end["error"]


@pytest.mark.parametrize(
    "schema, pointer",
    [([], "/input_schema"), (True, "/input_schema"), ({"type": "strange"}, "/input_schema/type"),
     ({"properties": {"a": {"pattern": "(a)\\1"}}}, "/input_schema/properties/a/pattern"),
     ({"$ref": "https://example.org/other.json"}, "/input_schema/$ref"), ({"$ref": "#/$defs/none"}, "/input_schema")],
)
def test_a_schema_that_is_none_is_a_fault_of_the_document(daemon, schema, pointer):
    [(at, _)] = faults(daemon.http.post("/api/graphs", json=checked(input_schema=schema)), "invalid_graph")
    assert at == pointer


def test_a_document_that_runs_without_a_daemon_is_checked_too(tmp_path):
    path = tmp_path / "checked.json"
    path.write_text(json.dumps(checked(id="checked")))
    command = [BINARY, "run", path]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert refused.returncode != 0 and "ticket" in refused.stderr
    assert subprocess.run([*command, "--set", "ticket=T-1"], capture_output=True, timeout=60, stdin=subprocess.DEVNULL).returncode == 0


# --- At a terminal ---


def at_a_terminal(arguments, answers, environment=None):
    """Runs the command at a terminal, and answers each question with the next line; what it says, and its exit status."""
    master, slave = pty.openpty()
    run = subprocess.Popen(
        [BINARY, *arguments], stdin=slave, stderr=slave, stdout=subprocess.PIPE,
        env=environment or clean_environment(), start_new_session=True)
    os.close(slave)
    said, answers = "", list(answers)
    try:
        while True:
            try:
                piece = os.read(master, 4096).decode()
            except OSError:
                break
            said += piece
            if said.endswith(": ") and answers:
                os.write(master, answers.pop(0).encode())
                said += "\n"
        stdout = run.stdout.read().decode()
        return said, stdout, run.wait(30)
    finally:
        run.kill()
        run.stdout.close()
        os.close(master)


def test_the_command_asks_at_a_terminal_for_what_is_missing(tmp_path):
    path = tmp_path / "g.json"
    path.write_text(json.dumps(checked()))
    said, stdout, status = at_a_terminal(["run", str(path), "--json"], ["x\n", "T-7\n"])
    assert status == 0, said
    assert "ticket (text): " in said and "It " in said
    assert json.loads(stdout.splitlines()[-1])["final_state"] == {"ticket": "T-7"}


def test_the_command_asks_for_what_a_graph_of_the_daemon_needs(daemon):
    graph_id = daemon.create(checked())
    environment = clean_environment() | {"MILLRACE_SERVER": daemon.url}
    said, stdout, status = at_a_terminal(["run", graph_id, "--detach"], ["T-8\n"], environment)
    assert status == 0, said
    assert daemon.all_events(stdout.strip())[-1]["final_state"] == {"ticket": "T-8"}
    # What was given is not asked for, and who answers nothing gets the refusal.
    said, _, status = at_a_terminal(["run", graph_id, "--plain", "--set", "ticket=T-9"], [], environment)
    assert status == 0 and "ticket (text)" not in said
    said, _, status = at_a_terminal(["run", graph_id, "--plain"], ["\x04"], environment)
    assert status == 1 and "ticket" in said.partition(": ")[2]


def test_the_command_asks_nobody_on_a_pipe(tmp_path):
    path = tmp_path / "g.json"
    path.write_text(json.dumps(checked()))
    done = subprocess.run([BINARY, "run", str(path)], stdin=subprocess.PIPE, capture_output=True, text=True, env=clean_environment())
    assert done.returncode == 1 and "`ticket`" in done.stderr and "ticket (text)" not in done.stderr

"""What processes of nodes say, and what they get of the daemon: against the real daemon, with real programs."""

import os
import signal
import subprocess
import sys

import pytest

from daemon import run_to_failure
from graphs import chain, graph, node, process, python


def end_of(daemon, *nodes):
    """The last `node_complete` of a run of these nodes."""
    events = daemon.run(graph(nodes))
    return [event for event in events if event["type"] == "node_complete"][-1]


def shell(script, **members):
    return node("a", "process", {"command": ["sh", "-c", script], "input": "none"} | members.pop("config", {}), **members)


@pytest.mark.parametrize("config", [{}, {"output": "text", "key": "k"}])
def test_what_a_program_says_on_stdout_is_kept(daemon, config):
    end = end_of(daemon, shell("echo starting; echo 'ERROR: table is locked'; exit 1", config=config))
    assert end["error"] == "exit status 1: ERROR: table is locked"
    assert end["details"]["stdout_tail"] == "starting\nERROR: table is locked" and "stderr_tail" not in end["details"]


def test_both_are_kept_and_stderr_is_the_reason(daemon):
    end = end_of(daemon, shell("echo out; echo err >&2; exit 1"))
    assert end["error"] == "exit status 1: err"
    assert (end["details"]["stdout_tail"], end["details"]["stderr_tail"]) == ("out", "err")


@pytest.mark.parametrize("script, members, words", [
    ("echo in use; kill -TERM $$", {}, "SIGTERM (signal 15): in use"),
    ("echo in use; sleep 600", {"timeout_ms": 300}, "timeout_ms (300 ms): in use"),
    ("echo in use; sleep 600", {"idle_timeout_ms": 300}, "idle_timeout_ms (300 ms): in use"),
])
def test_a_signal_and_a_timeout_keep_it_too(daemon, script, members, words):
    end = end_of(daemon, shell(script, **members))
    assert end["error"].endswith(words) and end["details"]["stdout_tail"] == "in use"


def test_a_bar_moves(daemon):
    events = daemon.run(graph([shell(r"printf ' 10%%\r 55%%\r100%%\n' >&2")]))
    assert [event["data"] for event in events if event["type"] == "node_output"] == [" 10%", " 55%", "100%"]


SHOWN = "import os; return {'seen': {k: os.environ.get(k) for k in ('HTTPS_PROXY', 'OTHER_SECRET', 'UNSET_ONE')}}"
WANTED = {"HTTPS_PROXY": "http://user:pa55word@proxy:1", "OTHER_SECRET": None, "UNSET_ONE": None}


def test_nodes_get_the_variables_that_the_operator_names(start_daemon):
    daemon = start_daemon(
        "--set", "kinds.environment=HTTPS_PROXY,UNSET_ONE",
        environment={"HTTPS_PROXY": WANTED["HTTPS_PROXY"], "OTHER_SECRET": "x"})
    assert daemon.run(graph([python("a", SHOWN)]))[-1]["final_state"] == {"seen": WANTED}
    [*_, end] = daemon.run(graph([process("b", "sh", "-c", "printf '%s %s' \"$HTTPS_PROXY\" \"$OTHER_SECRET\"")]))
    assert end["final_state"] == {"b": WANTED["HTTPS_PROXY"] + " "}
    assert "pa55word" not in daemon.log


def test_a_name_that_is_none_is_refused():
    done = run_to_failure("--set", "kinds.environment=A=B")
    assert done.returncode == 78 and "kinds.environment" in done.stderr


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A virtual environment with a program of its own."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=120)
    tool = folder / "bin" / "own-tool"
    tool.write_text("#!/bin/sh\necho from the environment\n")
    tool.chmod(0o755)
    return folder


def test_the_interpreters_programs_are_found(start_daemon, environment):
    daemon = start_daemon("--set", f"kinds.python.interpreter={environment}")
    code = "import os, subprocess; return {'v': os.environ['VIRTUAL_ENV'], 't': subprocess.run('own-tool', capture_output=True, text=True).stdout}"
    wanted = {"v": str(environment), "t": "from the environment\n"}
    assert daemon.run(graph([python("a", code)]))[-1]["final_state"] == wanted
    assert daemon.run(graph([process("b", "own-tool")]))[-1]["final_state"] == {"b": "from the environment\n"}


def test_the_programs_of_a_graphs_own_interpreter_are_found(daemon, environment):
    document = chain(process("b", "own-tool"), python={"interpreter": str(environment)})
    assert daemon.run(document)[-1]["final_state"] == {"b": "from the environment\n"}


def test_an_interpreter_that_cannot_be_executed_is_named_at_start_and_reload(start_daemon, eventually):
    daemon = start_daemon("--set", "kinds.python.interpreter=/home/nobody/venv/bin/python")
    words = "the interpreter of python nodes cannot be executed"
    assert eventually(lambda: words in daemon.log) and "ProtectHome" in daemon.log
    daemon.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: daemon.log.count(words) == 2)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_state_folder_that_the_unit_keeps_closed_is_told_how_to_open():
    closed = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o ro tmpfs /mnt && exec "$@"', "sh")
    done = run_to_failure("--state-dir", "/mnt/millrace", environment={"INVOCATION_ID": "x"}, prefix=closed)
    assert done.returncode == 1 and "ReadWritePaths=/mnt/millrace" in done.stderr
    assert "--state-dir" in run_to_failure("--state-dir", "/mnt/millrace", prefix=closed).stderr

"""Programs that misbehave: whatever a node's process does, its end is clear, bounded, and nobody else's."""

import os
import signal
import subprocess

import pytest

from graphs import chain, graph, node, process, put, python
from stream import is_whole, of_node, outline

STDOUT_BYTES_MAX = 16 << 20


def shell(script, id="a", **config):
    return process(id, "sh", "-c", script, config=config)


def as_json(script):
    return node("a", "process", {"command": ["sh", "-c", script], "input": "none"})


def end_of(events, node_id="a"):
    assert is_whole(events)
    return of_node(events, node_id, "node_complete")[-1]


def child_with(word, eventually):
    """The process of a node, found by a word of its command line."""
    return int(eventually(lambda: subprocess.run(["pgrep", "-f", word], capture_output=True, text=True).stdout.split())[-1])


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter when it ends between the two calls
        return False


def test_a_process_that_is_killed_from_outside_names_the_signal_and_the_next_one_works(daemon, tmp_path, eventually):
    pid_file = tmp_path / "pid"
    graph_id = daemon.create(chain(shell(f"echo $$ >{pid_file}.new; mv {pid_file}.new {pid_file}; exec sleep 300"), put("b", x=1)))
    execution_id = daemon.begin(graph_id)
    eventually(pid_file.exists)
    os.kill(int(pid_file.read_text()), signal.SIGKILL)
    events = daemon.all_events(execution_id)
    assert "SIGKILL" in end_of(events)["error"] and end_of(events)["details"]["signal"] == 9
    assert end_of(events, "b")["status"] == "success"
    assert daemon.run(graph([shell("echo fine")]))[-1]["final_state"] == {"a": "fine\n"}


def test_a_python_worker_that_is_killed_from_outside_takes_its_call_along_and_the_next_one_works(daemon, tmp_path, eventually):
    pid_file = tmp_path / "pid"
    code = f"""\
    import os, time
    if state["sleeps"]:
        open({str(pid_file)!r} + ".new", "w").write(str(os.getpid()))
        os.rename({str(pid_file)!r} + ".new", {str(pid_file)!r})
        time.sleep(300)
    return {{"pid": os.getpid()}}
"""
    graph_id = daemon.create(graph([python("a", code)]))
    execution_id = daemon.begin(graph_id, {"sleeps": True})
    eventually(pid_file.exists)
    killed = int(pid_file.read_text())
    os.kill(killed, signal.SIGKILL)
    end = end_of(daemon.all_events(execution_id))
    assert end["status"] == "error" and "SIGKILL" in end["error"] and "Python process" in end["error"]
    done = daemon.execute(graph_id, {"sleeps": False})
    assert done["status"] == "success" and done["final_state"]["pid"] != killed


def test_coroutines_that_share_a_killed_worker_all_end_and_a_retry_helps(daemon, tmp_path):
    """One of ten kills the worker that they share; each then has another try."""
    once = tmp_path / "once"
    code = f"""
import asyncio, os, signal
async def execute(state):
    await asyncio.sleep(0.2)
    try:
        os.close(os.open({str(once)!r}, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return {{}}
    os.kill(os.getpid(), signal.SIGKILL)
"""
    nodes = [node(f"n{number}", "python", {"code": code}, retry={"max_attempts": 3, "delay_ms": 0}) for number in range(10)]
    events = daemon.run(graph(nodes))
    assert is_whole(events) and events[-1]["status"] == "success"
    failed = [event for event in events if event["type"] == "node_complete" and event.get("will_retry")]
    assert failed and all("SIGKILL" in event["error"] for event in failed)


def test_a_flood_on_stdout_is_stopped_at_its_limit(daemon):
    end = end_of(daemon.run(graph([shell("yes")])))
    assert end["status"] == "error" and str(STDOUT_BYTES_MAX) in end["error"]


def test_a_flood_on_stderr_is_kept_up_to_its_limit_and_marked(daemon):
    """The node goes on: what it says too much is dropped."""
    events = daemon.run(graph([shell("yes $(printf '%01000d' 0) | head -c 20000000 >&2; echo done")]))
    assert end_of(events)["status"] == "success" and end_of(events)["update"] == {"a": "done\n"}
    outputs = of_node(events, "a", "node_output")
    assert sum(len(event["data"]) for event in outputs) <= STDOUT_BYTES_MAX + 1000
    assert outputs[-1]["channel"] == "log" and "ends here" in outputs[-1]["data"]


@pytest.mark.parametrize(
    "script",
    [
        """printf '{"half": '""",
        """printf '{"a": 1} {"b": 2}'""",
        """printf '[1, 2]'""",
        """printf '{"a": "\\200\\377"}'""",
        """printf '{"a": "b\\0c"}'""",
        """printf '\\0\\0\\0'""",
        """printf '{"a": 1, "a": 2}'""",
        """printf '{"a": "\\\\ud800"}'""",
        """printf '{"a": NaN}'""",
        "head -c 100000 /dev/zero | tr '\\0' '['",
    ],
)
def test_what_is_no_json_object_is_an_error_that_shows_how_it_begins(daemon, script):
    end = end_of(daemon.run(graph([as_json(script)])))
    assert end["status"] == "error" and end["error"].startswith("stdout is ")
    assert len(end["error"]) < 2000 and "it begins with" in end["error"]


@pytest.mark.parametrize("script, text", [("printf 'a\\377b\\200'", "a\ufffdb\ufffd"), ("printf 'a\\0b'", "a\0b")])
def test_text_that_is_no_utf_8_is_mended(daemon, script, text):
    assert daemon.run(graph([shell(script)]))[-1]["final_state"] == {"a": text}


def test_lines_on_stderr_that_are_no_utf_8_are_mended(daemon):
    events = daemon.run(graph([shell("printf 'a\\377b\\nc\\0d\\n' >&2")]))
    assert [event["data"] for event in of_node(events, "a", "node_output")] == ["a\ufffdb", "c\0d"]


def test_a_process_may_close_its_stdout_long_before_it_ends(daemon):
    events = daemon.run(graph([shell("echo early; exec >&-; sleep 0.3; echo late >&2")]))
    assert end_of(events)["update"] == {"a": "early\n"}
    assert end_of(events)["duration_ms"] >= 300
    assert [event["data"] for event in of_node(events, "a", "node_output")] == ["late"]


def test_a_process_that_closes_everything_and_fails_is_a_failure(daemon):
    end = end_of(daemon.run(graph([shell("exec <&- >&- 2>&-; exit 3")])))
    assert (end["status"], end["details"]["exit_status"]) == ("error", 3)


def test_grandchildren_that_hold_the_pipe_do_not_hold_up_the_node(daemon, tmp_path, eventually):
    """What a node leaves behind ends with it."""
    pids = tmp_path / "pids"
    script = f"sleep 300 & echo $! >>{pids}; setsid sleep 300 & echo $! >>{pids}; (sleep 300 & echo $! >>{pids}); echo done"
    events = daemon.run(graph([shell(script)]))
    assert end_of(events)["update"] == {"a": "done\n"}
    assert len(pids.read_text().split()) == 3
    for pid in pids.read_text().split():
        eventually(lambda: not is_alive(int(pid)))


def test_a_python_node_that_forks_leaves_nothing_that_holds_up_its_worker(daemon):
    code = """\
    import os, time
    if os.fork() == 0:
        time.sleep(300)
    return {"parent": True}
"""
    graph_id = daemon.create(graph([python("a", code)]))
    for _ in range(3):
        assert daemon.execute(graph_id)["final_state"] == {"parent": True}


def test_a_node_that_uses_up_the_processes_it_may_have_harms_only_itself(daemon):
    """Not a fork bomb, but what is left of one: a hundred children that never end."""
    events = daemon.run(graph([shell("for i in $(seq 100); do sleep 300 & done; echo done", id="a"), put("b", x=1)]))
    assert outline(events)[-1] == "complete" and end_of(events, "b")["status"] == "success"
    assert end_of(events)["update"] == {"a": "done\n"}

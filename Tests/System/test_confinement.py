"""Node code tries to get at what is the daemon's alone: the history, tokens, credentials, the daemon itself."""

import os
import pathlib
import stat

from graphs import chain, graph, node, process, python
from spy import REFUSALS, SPY, confined, landlock_version
from tokens import create

def secrets(daemon):
    """Every file of the state folder."""
    return sorted(str(path) for path in daemon.state.rglob("*") if stat.S_ISREG(path.lstat().st_mode))


def spied(daemon, paths):
    daemon.create(graph([node("spy", "python", {"code": SPY})], id="spy"))
    # From here on nobody enters without a token but the commands of the daemon's own user.
    token = create(daemon, "admin")
    state = {"daemon": daemon.process.pid, "paths": paths, "socket": str(daemon.state / "millrace.sock")}
    reply = daemon.http.post("/api/graphs/spy/execute", json={"initial_state": state}, headers=token.headers)
    assert reply.json()["status"] == "success", reply.text
    return reply.json()["final_state"]


@confined
def test_a_python_node_gets_at_nothing_of_the_daemon(start_daemon):
    daemon = start_daemon(environment={"MILLRACE_LOG_LEVEL": "notice", "SECRET_OF_THE_DAEMON": "x"})
    paths = secrets(daemon)
    assert any(path.endswith("history.sqlite") for path in paths)
    state = spied(daemon, paths)
    told = {what: answer for what, answer in state["found"].items() if answer not in REFUSALS}
    if landlock_version() < 6:
        # Older kernels let a process signal others of its user.
        told = {what: answer for what, answer in told.items() if what != "signal"}
    assert told == {}
    assert not {"SECRET_OF_THE_DAEMON", "MILLRACE_LOG_LEVEL", "NOTIFY_SOCKET"} & state["environment"].keys()
    assert daemon.is_running


@confined
def test_a_process_node_gets_at_nothing_of_the_daemon(start_daemon):
    daemon = start_daemon(environment={"SECRET_OF_THE_DAEMON": "x"})
    history = next(path for path in secrets(daemon) if path.endswith("history.sqlite"))
    pid = daemon.process.pid
    script = f"""
        for path in {history} /proc/{pid}/environ /proc/{pid}/mem /proc/{pid}/root{history}; do cat "$path" 2>&1; done
        cat /proc/{pid}/fd/* 2>&1
        mv {history} /dev/shm/stolen 2>&1
        rm -f {history} 2>&1
        env
    """
    reply = daemon.execute(daemon.create(graph([process("spy", "bash", "-c", script)])))
    assert reply["status"] == "success", reply
    lines = reply["final_state"]["spy"].splitlines()
    assert not any("SQLite" in line or "SECRET" in line for line in lines)
    # Environment, memory and root each as refused as the file itself.
    assert sum(line.endswith("Permission denied") for line in lines) >= 5
    assert os.path.exists(history)


@confined
def test_code_reaches_all_else_that_it_may(start_daemon, tmp_path):
    (tmp_path / "work").mkdir()
    daemon = start_daemon()
    code = f"""
    import json, os, sqlite3, subprocess, tempfile
    path = {str(tmp_path / "work" / "own.txt")!r}
    with open(path, "w") as file:
        file.write("kept")
    os.rename(path, path + ".moved")
    with open(path + ".moved") as file:
        kept = file.read()
    with tempfile.TemporaryFile(dir="/dev/shm") as file:
        file.write(b"x")
    return {{"kept": kept, "echo": subprocess.run(["echo", "hi"], capture_output=True, text=True).stdout,
            "root": "etc" in os.listdir("/"), "limit": open("/proc/self/limits").read()}}
"""
    reply = daemon.execute(daemon.create(graph([python("a", code)])))
    state = reply["final_state"]
    assert (state["kept"], state["echo"], state["root"]) == ("kept", "hi\n", True)
    limits = {line[:26].strip(): line[26:].split()[:2] for line in state["limit"].splitlines()}
    assert limits["Max open files"] == ["1024", "1024"]
    assert limits["Max core file size"] == ["0", "0"]


@confined
def test_what_the_operator_hides_is_hidden_too(start_daemon, tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "a").write_text("key")
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "b").write_text("open")
    (tmp_path / "open" / "link").symlink_to(tmp_path / "keys" / "a")
    daemon = start_daemon("--set", f"kinds.hidden_paths={tmp_path}/keys,{tmp_path}/later")
    (tmp_path / "later").write_text("made after the start")
    script = f"cat {tmp_path}/keys/a {tmp_path}/open/b {tmp_path}/open/link {tmp_path}/later 2>/dev/null; exit 0"
    state = daemon.execute(daemon.create(graph([process("a", "sh", "-c", script)])))["final_state"]
    assert state["a"] == "open"


def test_whoever_confines_nothing_gets_what_permissions_give(start_daemon):
    daemon = start_daemon("--set", "kinds.confined=false", "--set", "kinds.open_files_max=77")
    history = next(path for path in secrets(daemon) if path.endswith("history.sqlite"))
    nodes = [process("a", "head", "-c", "6", history), process("b", "sh", "-c", "ulimit -n")]
    state = daemon.execute(daemon.create(chain(*nodes)))["final_state"]
    assert state == {"a": "SQLite", "b": "77\n"}


def test_nobody_but_root_may_look_into_the_daemon(start_daemon):
    daemon = start_daemon()
    # What PR_SET_DUMPABLE does: the folder's files belong to root, and the flag of core dumps is off.
    assert os.stat(f"/proc/{daemon.process.pid}/environ").st_uid == 0
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    assert "CoreDumping:\t0" in status

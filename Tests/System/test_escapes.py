"""Node code tries to get around what confines it: limits and signals of others, files by other calls, modes, its own helper.

All of it is harmless: what is set has that value already, and signals are 0."""

import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from graphs import graph, node, process
from spy import confined, landlock_version
from tokens import create

pytestmark = confined

SOURCE = pathlib.Path(__file__).parent / "old_landlock.c"


@pytest.fixture(scope="session")
def old_landlock(tmp_path_factory):
    """A command that runs another as on a kernel with an older Landlock."""
    if not shutil.which("cc"):
        pytest.skip("there is no C compiler")
    program = tmp_path_factory.mktemp("old") / "old_landlock"
    subprocess.run(["cc", "-O1", "-o", program, SOURCE], check=True)
    probe = "import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))"
    told = subprocess.run([program, "2", "python3", "-c", probe], capture_output=True, text=True)
    if told.stdout.strip() != "2":
        pytest.skip(f"this host lets no filter answer for the kernel: {told.stderr}")
    return program


@pytest.fixture(params=["native", 2])
def landlock(request):
    """The version that the daemon sees, and the command that it is started by."""
    if request.param == "native":
        return landlock_version(), ()
    return request.param, (request.getfixturevalue("old_landlock"), str(request.param))


# x86-64 and the numbers that all newer architectures share.
NUMBERS = {"x86_64": {"ioprio_set": 251, "sched_setattr": 314, "truncate": 76}, "aarch64": {"ioprio_set": 30, "sched_setattr": 274, "truncate": 45}}

SETTINGS = """
import ctypes, os, resource
libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    if libc.syscall(number, *arguments) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

def execute(state):
    found, numbers = {}, state["numbers"]
    def attempt(what, how):
        try:
            how()
            found[what] = "done"
        except OSError as error:
            found[what] = error.strerror
    for pid in (state["daemon"], os.getppid()):
        for name in ("RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_CPU"):
            limit = getattr(resource, name)
            attempt(f"limit {name} of {pid}", lambda: resource.prlimit(pid, limit, resource.getrlimit(limit)))
            attempt(f"look at {name} of {pid}", lambda: resource.prlimit(pid, limit))
        attempt(f"priority of {pid}", lambda: os.setpriority(os.PRIO_PROCESS, pid, 0))
        attempt(f"priority of group {pid}", lambda: os.setpriority(os.PRIO_PGRP, pid, 0))
        attempt(f"affinity of {pid}", lambda: os.sched_setaffinity(pid, os.sched_getaffinity(pid)))
        attempt(f"scheduler of {pid}", lambda: os.sched_setscheduler(pid, os.SCHED_OTHER, os.sched_param(0)))
        attempt(f"parameters of {pid}", lambda: os.sched_setparam(pid, os.sched_param(0)))
        attempt(f"i/o priority of {pid}", lambda: call(numbers["ioprio_set"], 1, pid, 0))
        attempt(f"attributes of {pid}", lambda: call(numbers["sched_setattr"], pid, None, 0))
        attempt(f"signal to {pid}", lambda: os.kill(pid, 0))
        attempt(f"signal to group {pid}", lambda: os.killpg(pid, 0))
        attempt(f"into the group of {pid}", lambda: os.setpgid(0, pid))
        for thread in os.listdir(f"/proc/{pid}/task"):
            attempt(f"signal to thread {thread}", lambda: os.kill(int(thread), 0))
    attempt("priority of all", lambda: os.setpriority(os.PRIO_USER, 0, 0))
    attempt("as of another architecture", lambda: call(0x40000000 | 39))
    return {"found": found}
"""


@pytest.mark.skipif(os.uname().machine not in NUMBERS, reason="the numbers of the calls are not known here")
def test_limits_priorities_and_signals_of_the_daemon_and_its_helper_are_out_of_reach(start_daemon, landlock):
    daemon = start_daemon(prefix=landlock[1])
    daemon.create(graph([node("a", "python", {"code": SETTINGS})], id="settings"))
    state = {"daemon": daemon.process.pid, "numbers": NUMBERS[os.uname().machine]}
    found = daemon.execute("settings", state)["final_state"]["found"]
    if os.uname().machine != "x86_64":
        found.pop("as of another architecture")
    assert {what: answer for what, answer in found.items() if answer not in ("Operation not permitted", "No such process")} == {}
    assert sum("No such process" == answer for answer in found.values()) <= 4, found


OWN = """
import multiprocessing, os, resource, signal, subprocess, threading

def double(number):
    return 2 * number

def execute(state):
    found = {}
    found["limit"] = resource.prlimit(0, resource.RLIMIT_NOFILE)[0] == resource.prlimit(os.getpid(), resource.RLIMIT_NOFILE)[0]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    found["nice"] = os.nice(1) >= 1
    os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0))
    os.setpriority(os.PRIO_PROCESS, os.getpid(), os.getpriority(os.PRIO_PROCESS, 0))
    for pid in (0, os.getpid()):
        os.sched_setaffinity(pid, os.sched_getaffinity(0))
        os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))
    script = "ulimit -n 100; ulimit -n; nice -n 3 taskset 1 true && echo nice; kill -0 $$ && echo signal; (sleep 60 & kill $!; wait $!; echo $?)"
    found["shell"] = subprocess.run(["bash", "-c", script], capture_output=True, text=True).stdout.split()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found["pool"] = pool.map(double, [1, 2])
    child = subprocess.Popen(["sleep", "60"])
    child.send_signal(signal.SIGTERM)
    found["child"] = child.wait()
    os.makedirs("work")
    with open("work/a", "w") as file:
        file.write("long")
    with open("work/a", "r+") as file:
        file.truncate(1)
    with open("work/a", "w") as file:
        file.write("b\\na\\n")
    os.chmod("work/a", 0o640)
    found["tools"] = subprocess.run("sort work/a && tar -C work -cf work.tar . && tar -tf work.tar | sort && cp -p work/a work/b && chmod 600 work/b && truncate -s 1 work/b && wc -c < work/b",
                                    shell=True, capture_output=True, text=True).stdout.split()
    if state["git"]:
        found["git"] = subprocess.run("git init -q repository && cd repository && git -c user.name=a -c user.email=a commit -q --allow-empty -m a && git log --oneline | wc -l",
                                      shell=True, capture_output=True, text=True).stdout.strip()
    return {"found": found}
"""


def test_what_is_the_nodes_own_still_works(start_daemon, landlock, tmp_path):
    daemon = start_daemon(prefix=landlock[1])
    (tmp_path / "own").mkdir()
    code = OWN.replace("    found = {}\n", f"    found = {{}}\n    os.chdir({str(tmp_path / 'own')!r})\n", 1)
    daemon.create(graph([node("a", "python", {"code": code})], id="own"))
    reply = daemon.execute("own", {"git": bool(shutil.which("git"))})
    assert reply["status"] == "success", reply
    found = reply["final_state"]["found"]
    assert found.pop("git", "1") == "1"
    assert found == {
        "limit": True, "nice": True, "shell": ["100", "nice", "signal", "143"], "pool": [2, 4], "child": -signal.SIGTERM,
        "tools": ["a", "b", "./", "./a", "1"],
    }


FILES = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)

def execute(state):
    found = {}
    def attempt(what, how):
        try:
            how()
            found[what] = "done"
        except OSError as error:
            found[what] = error.strerror
    def truncate(path, size):
        if libc.truncate(path.encode(), size) == -1:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    for path in state["paths"]:
        size = os.stat(path).st_size
        attempt("truncate " + path, lambda: truncate(path, size))
        for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR):
            attempt(f"open {flags} " + path, lambda: os.close(os.open(path, flags)))
            # Would empty it.
            if state["harmless"] is False:
                attempt(f"empty {flags} " + path, lambda: os.close(os.open(path, flags | os.O_TRUNC)))
        attempt("replace " + path, lambda: os.rename(path, path))
        attempt("link " + path, lambda: os.link(path, "/dev/shm/millrace-stolen"))
        attempt("beside " + path, lambda: os.close(os.open(path + ".new", os.O_CREAT | os.O_WRONLY)))
    return {"found": found}
"""


def test_the_state_cannot_be_shortened_by_any_call(start_daemon, landlock):
    daemon = start_daemon(prefix=landlock[1])
    create(daemon, "read")
    token = create(daemon, "admin")
    paths = [str(path) for path in daemon.state.iterdir() if path.is_file()]
    assert {pathlib.Path(path).name for path in paths} >= {"tokens.json", "millrace.key", "checkpoints.key", "history.sqlite", "lock"}
    document = graph([node("a", "python", {"code": FILES})], id="files")
    assert daemon.http.post("/api/graphs", json=document, headers=token.headers).status_code == 201
    reply = daemon.http.post("/api/graphs/files/execute", json={"initial_state": {"paths": paths, "harmless": False}}, headers=token.headers)
    found = reply.json()["final_state"]["found"]
    refusals = {"Permission denied", "Operation not permitted", "Invalid cross-device link"}
    # A file that is renamed to itself stays what it is.
    assert {what: answer for what, answer in found.items() if answer not in refusals and not what.startswith("replace ")} == {}
    assert all(os.stat(path).st_size > 0 for path in paths if not path.endswith(("-wal", "-shm")))


def test_the_programs_that_confine_are_only_read(start_daemon, landlock):
    daemon = start_daemon(prefix=landlock[1])
    from daemon import BINARY, ROOT

    binaries = BINARY.resolve().parent
    paths = [str(binaries / "millrace-exec"), str(binaries / "millrace"), str(ROOT / "Sources/Nodes/Python/worker.py"), str(ROOT / "Sources/Console/Files/index.html")]
    daemon.create(graph([node("a", "python", {"code": FILES})], id="programs"))
    found = daemon.execute("programs", {"paths": paths, "harmless": True})["final_state"]["found"]
    done = {what for what, answer in found.items() if answer == "done"}
    assert done == {f"open 0 {path}" for path in paths} | {f"replace {path}" for path in paths} & done


# --- Trees ---


def test_a_helper_that_is_killed_leaves_nothing_behind(start_daemon, eventually):
    daemon = start_daemon()
    script = "setsid sleep 987 & (sleep 986 & sleep 985) & echo $PPID; exec sleep 984"
    execution_id = daemon.begin(daemon.create(graph([process("a", "bash", "-c", script)])))
    children = pathlib.Path(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children")
    helper = int(eventually(lambda: children.read_text().split())[0])
    eventually(lambda: len(descendants(helper)) >= 5)
    tree = descendants(helper)
    os.kill(helper, signal.SIGKILL)
    eventually(lambda: not any(is_alive(pid) for pid in tree))
    assert eventually(lambda: daemon.summary(execution_id)["status"] in ("error", "success"))
    # Nothing is left to be reaped either, and the next node runs.
    eventually(lambda: not children.read_text().split())
    assert daemon.execute(daemon.create(graph([process("a", "true")])))["status"] == "success"


def descendants(pid):
    found = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        for child in pathlib.Path(f"/proc/{pid}/task/{thread}/children").read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def nobodys(new_daemon):
    """Starts a daemon as a user without any privileges."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    daemon = new_daemon()
    for path in (daemon.folder, daemon.graphs):
        os.chown(path, 65534, 65534)
    for parent in daemon.folder.parents[:-2]:
        parent.chmod(parent.stat().st_mode | 0o011)
    return lambda *arguments: daemon.start(*arguments, prefix=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"))


def test_a_node_cannot_start_processes_without_end(nobodys):
    daemon = nobodys("--set", "kinds.processes_max=10")
    # Where no cgroup counts, eight times as many may be had beside those that the daemon has already.
    code = """
import os, resource, time
count = 0
try:
    while count < 500:
        if os.fork() == 0:
            time.sleep(60)
        count += 1
except BlockingIOError:
    pass
print(count, resource.getrlimit(resource.RLIMIT_NPROC)[0])
"""
    state = daemon.execute(daemon.create(graph([process("a", "python3", "-c", code)])))["final_state"]
    assert "cgroup" in daemon.log
    started, limit = (int(word) for word in state["a"].split())
    assert 20 <= started <= 100 and 80 <= limit <= 300, state
    # The daemon and its other nodes go on.
    assert daemon.execute(daemon.create(graph([process("a", "echo", "on")])))["final_state"] == {"a": "on\n"}


def test_a_user_who_can_replace_the_helper_is_told_so(nobodys, eventually):
    daemon = nobodys()
    assert "runs as root" not in daemon.log
    # The programs of the tests belong to root.
    eventually(lambda: "node code is not confined in all" in daemon.log)
    assert "can replace" not in daemon.log


# --- What is said ---


def test_what_the_kernel_cannot_hold_is_said_in_the_log_and_by_config_show(start_daemon, old_landlock, eventually):
    from daemon import BINARY, clean_environment

    daemon = start_daemon(prefix=(old_landlock, "2"))
    for unknown in ("truncation", "signals"):
        eventually(lambda: f"Landlock 2, which does not know {unknown}" in daemon.log)
    shown = subprocess.run([old_landlock, "2", BINARY, "config", "show"], capture_output=True, text=True, env=clean_environment(), check=True)
    assert "# this kernel has Landlock 2, which does not know signals" in shown.stdout


def test_without_landlock_the_start_says_so_and_the_socket_asks_for_a_token(start_daemon, old_landlock, eventually):
    import tokens

    daemon = start_daemon(prefix=(old_landlock, "0"))
    eventually(lambda: "this kernel has no Landlock" in daemon.log)
    assert not (daemon.state / "millrace.key").exists()
    token = create(daemon, "admin")
    assert tokens.command(daemon, "list", check=False).returncode != 0
    assert tokens.command(daemon, "list", environment={"MILLRACE_TOKEN": token.secret}).returncode == 0
    # Node code runs all the same, and its helper is still out of its reach.
    daemon.http.headers.update(token.headers)
    found = daemon.execute(daemon.create(graph([node("a", "python", {"code": SETTINGS})])), {"daemon": daemon.process.pid, "numbers": NUMBERS["x86_64"]})
    answers = found["final_state"]["found"]
    assert {answer for what, answer in answers.items() if not what.startswith("into ")} <= {"Operation not permitted", "No such process"}

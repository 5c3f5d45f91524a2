"""Node code under the unit tries to get at what is the daemon's alone; the unit confines what millrace-exec does not."""

import json

import host as hosts
from spy import REFUSALS, SPY, confined

NO_TOKENS = '{"version": 1, "tokens": []}'


def install_graph(host, document):
    host.write("/etc/millrace/graphs/spy.yaml", json.dumps(document))


@confined
def test_node_code_gets_at_nothing_of_the_daemon(host):
    host.write("/etc/credstore/millrace.tokens", NO_TOKENS)
    install_graph(host, {"id": "spy", "nodes": [{"id": "spy", "kind": "python", "config": {"code": SPY}}]})
    host.systemctl("start", hosts.SERVICE)
    pid = host.main_pid
    credential = f"/run/credentials/{hosts.SERVICE}/tokens"
    environment = host.path(f"/proc/{pid}/environ").read_text()
    assert f"CREDENTIALS_DIRECTORY=/run/credentials/{hosts.SERVICE}" in environment
    paths = [credential, "/var/lib/millrace/state/history.sqlite", "/var/lib/millrace/state/lock", "/var/lib/millrace/state/millrace.key"]
    for path in paths:
        assert host.path(f"/proc/{pid}/root{path}").exists()
    token = json.loads(host.run("millrace", "token", "create", "--scope", "admin", "--json").stdout)["token"]
    state = {"daemon": pid, "paths": [*paths, "/var/lib/millrace/state/tokens.json"], "socket": "/var/lib/millrace/state/millrace.sock"}
    bearer = ("-H", f"Authorization: Bearer {token}")
    reply = host.post("/api/graphs/spy/execute", {"initial_state": state}, *bearer)
    assert reply["status"] == "success", reply
    found = reply["final_state"]["found"]
    assert {what: answer for what, answer in found.items() if answer not in REFUSALS} == {}
    assert "CREDENTIALS_DIRECTORY" not in reply["final_state"]["environment"]
    assert host.main_pid == pid
    # The same user on the host, by its own command, is who it says.
    own = host.run("setpriv", "--reuid=millrace", "--regid=millrace", "--clear-groups", "env",
                   "MILLRACE_STATE_DIR=/var/lib/millrace/state", "millrace", "execution", "list", "--json")
    assert reply["execution_id"] in own.stdout


def test_a_credential_that_is_not_there_is_no_reason_to_fail(host):
    host.systemctl("start", hosts.SERVICE)


PROBE = """
import ctypes, mmap, os, socket
def execute(state):
    found = {}
    def attempt(what, how):
        try:
            how()
            found[what] = "done"
        except (OSError, PermissionError) as error:
            found[what] = error.strerror
    libc = ctypes.CDLL(None, use_errno=True)
    def call(function, *arguments):
        if function(*arguments) == -1:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    attempt("write /usr", lambda: open("/usr/x", "w"))
    attempt("write /etc", lambda: open("/etc/millrace/x", "w"))
    attempt("home", lambda: os.listdir("/root"))
    attempt("code", lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC))
    attempt("namespace", lambda: call(libc.unshare, 0x10000000))
    attempt("raw socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
    attempt("packets", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
    attempt("mount", lambda: call(libc.mount, b"none", b"/tmp", b"tmpfs", 0, None))
    attempt("disk", lambda: os.mknod("/tmp/disk", 0o60600, os.makedev(8, 0)))
    attempt("own file", lambda: open("/tmp/x", "w").write("x"))
    return {"found": found, "uid": os.getuid()}
"""


def test_node_code_can_do_little_to_the_host(host):
    install_graph(host, {"id": "spy", "nodes": [{"id": "probe", "kind": "python", "config": {"code": PROBE}}]})
    state = host.post("/api/graphs/spy/execute")["final_state"]
    assert state["uid"] == int(host.run("id", "-u", "millrace").stdout)
    found = state["found"]
    assert found.pop("own file") == "done"
    assert all(answer != "done" for answer in found.values()), found


def test_the_shipped_examples_run_in_the_unit(host):
    host.run("bash", "-c", "cp -r /usr/share/millrace/examples/. /etc/millrace/graphs")
    host.systemctl("start", hosts.SERVICE)
    for example in ("text-stats", "host-check", "triage"):
        reply = host.post(f"/api/graphs/{example}/execute")
        assert reply["status"] == "success", reply


OPEN = """
import os
def execute(state):
    for path in ("/var/lib/millrace/state", *(f"/var/lib/millrace/state/{name}" for name in os.listdir("/var/lib/millrace/state"))):
        if not os.path.isdir(path) or path.endswith("state"):
            os.chmod(path, 0o777 if os.path.isdir(path) else 0o666)
    found = {}
    for path in ("/var/lib/millrace", "/var/lib"):
        try:
            os.chmod(path, 0o755)
            found[path] = "done"
        except OSError as error:
            found[path] = error.strerror
    return {"found": found, "mode": os.stat("/var/lib/millrace/state").st_mode & 0o777}
"""


def test_whatever_modes_node_code_sets_nobody_else_reaches_the_state(host, eventually):
    install_graph(host, {"id": "open", "nodes": [{"id": "open", "kind": "python", "config": {"code": OPEN}}]})
    state = host.post("/api/graphs/open/execute")["final_state"]
    assert state["mode"] == 0o777
    assert "done" not in state["found"].values(), state
    stranger = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    for command in (("ls", "/var/lib/millrace/state"), ("cat", "/var/lib/millrace/state/history.sqlite"), ("ls", "/var/lib/millrace")):
        assert host.run(*stranger, *command, check=False).returncode != 0
    assert host.run("stat", "-c", "%U:%G %a", "/var/lib/millrace").stdout.strip() == "root:millrace 750"
    eventually(lambda: host.run("stat", "-c", "%a", "/var/lib/millrace/state", "/var/lib/millrace/state/history.sqlite").stdout.split() == ["700", "600"])
    host.systemctl("restart", hosts.SERVICE)


TREE = """
import os
def execute(state):
    own = open("/proc/self/cgroup").read().split("::", 1)[1].strip()
    found = {}
    group = "/sys/fs/cgroup" + own
    for path in (group + "/cgroup.procs", os.path.dirname(group) + "/cgroup.procs", os.path.dirname(group) + "/daemon/cgroup.procs", os.path.dirname(group) + "/daemon/cgroup.kill"):
        try:
            os.close(os.open(path, os.O_WRONLY))
            found[path] = "done"
        except OSError as error:
            found[path] = error.strerror
    return {"own": own, "found": found}
"""


def test_each_tree_lives_in_a_cgroup_of_its_own_that_it_cannot_leave(host, eventually):
    install_graph(host, {"id": "tree", "nodes": [{"id": "tree", "kind": "python", "config": {"code": TREE}}]})
    state = host.post("/api/graphs/tree/execute")["final_state"]
    parent, _, name = state["own"].rpartition("/")
    assert parent.endswith(f"/{hosts.SERVICE}") and name.startswith("tree-")
    assert set(state["found"].values()) == {"Permission denied"}
    assert host.run("cat", f"/proc/{host.main_pid}/cgroup").stdout.strip().endswith(f"/{hosts.SERVICE}/daemon")
    # A helper that is killed leaves neither processes nor its cgroup.
    helper = int(name.removeprefix("tree-"))
    folder = f"/sys/fs/cgroup{state['own']}"
    assert host.run("cat", f"{folder}/cgroup.procs").stdout.split()
    host.run("kill", "-KILL", helper)
    eventually(lambda: host.run("test", "-e", folder, check=False).returncode != 0)
    host.systemctl("stop", hosts.SERVICE)


def test_a_state_from_before_is_moved_by_the_installation(host):
    host.systemctl("stop", hosts.SERVICE, "millrace.socket")
    host.run("bash", "-c", "rm -rf /var/lib/millrace && install -d -m 700 -o millrace -g millrace /var/lib/millrace")
    host.run("setpriv", "--reuid=millrace", "--regid=millrace", "--clear-groups", "timeout", "5", "millrace", "serve", "--state-dir",
             "/var/lib/millrace", "--listen", "127.0.0.1:9", "--graphs", "/etc/millrace/graphs", check=False)
    host.run("test", "-e", "/var/lib/millrace/history.sqlite")
    host.systemctl("start", "millrace.socket")
    # What does not know where its state is does not begin a new one.
    host.run("bash", "-c", "systemctl start millrace.service", check=False)
    assert host.show("ExecMainStatus") == "78"
    host.systemctl("reset-failed")
    assert "moved the state" in host.run(*hosts.INSTALLER, timeout=120).stdout
    host.run("test", "-e", "/var/lib/millrace/state/history.sqlite")
    host.run("test", "!", "-e", "/var/lib/millrace/history.sqlite")
    host.systemctl("start", hosts.SERVICE)


def test_the_kernel_may_end_a_node_and_not_the_service(host):
    assert host.show("OOMPolicy") == "continue"
    assert host.show("Delegate") == "yes"


COMPILES = {"kind": "process", "config": {
    "command": ["python3", "-c", "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)"],
    "input": "none", "output": "text", "key": "said",
}}


def test_what_the_unit_forbids_is_named_and_the_drop_in_allows_it(host):
    install_graph(host, {"id": "spy", "nodes": [{"id": "jit", **COMPILES}]})
    host.systemctl("start", hosts.SERVICE)
    reply = host.post("/api/graphs/spy/execute")
    assert (reply["status"], reply["failed_nodes"]) == ("error", ["jit"])
    failure = host.get(f"/api/executions/{reply['execution_id']}/nodes/jit")["error"]
    assert "MemoryDenyWriteExecute=no" in failure and "/usr/share/millrace/systemd/jit.conf" in failure
    host.drop_in("jit", host.path("/usr/share/millrace/systemd/jit.conf").read_text())
    host.systemctl("restart", hosts.SERVICE)
    reply = host.post("/api/graphs/spy/execute")
    assert reply["status"] == "success", reply

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
    paths = [credential, "/var/lib/millrace/history.sqlite", "/var/lib/millrace/lock"]
    for path in paths:
        assert host.path(f"/proc/{pid}/root{path}").exists()
    token = json.loads(host.run("millrace", "token", "create", "--scope", "admin", "--json").stdout)["token"]
    state = {"daemon": pid, "paths": [*paths, "/var/lib/millrace/tokens.json"], "socket": "/var/lib/millrace/millrace.sock"}
    bearer = ("-H", f"Authorization: Bearer {token}")
    reply = host.post("/api/graphs/spy/execute", {"initial_state": state}, *bearer)
    assert reply["status"] == "success", reply
    found = reply["final_state"]["found"]
    assert {what: answer for what, answer in found.items() if answer not in REFUSALS} == {}
    assert "CREDENTIALS_DIRECTORY" not in reply["final_state"]["environment"]
    assert host.main_pid == pid
    # The same user on the host, by its own command, is who it says.
    own = host.run("setpriv", "--reuid=millrace", "--regid=millrace", "--clear-groups", "env",
                   "MILLRACE_STATE_DIR=/var/lib/millrace", "millrace", "execution", "list", "--json")
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

"""Tokens that the host's administration sets: the unit hands them to the daemon as the credential `tokens`."""

import json

import host as hosts
from spy import REFUSALS, confined

SECRET = "/etc/keys/millrace-tokens.json"
CREDENTIAL = f"/run/credentials/{hosts.SERVICE}/tokens"

# Each command tries one way to the credential; the last one shows that a node can read at all.
GRAPH = {
    "id": "thief",
    "nodes": [
        {"id": name, "kind": "process", "on_error": "continue",
         "config": {"command": command, "input": "none", "output": "text", "key": name}}
        for name, command in {
            "by_path": ["cat", CREDENTIAL],
            "by_source": ["cat", SECRET],
            "by_root": ["cat", f"/proc/self/root{CREDENTIAL}"],
            "by_daemon": ["bash", "-c", f"cat /proc/[0-9]*/root{CREDENTIAL}"],
            "by_variable": ["bash", "-c", 'cat "$CREDENTIALS_DIRECTORY/tokens"'],
            "what_it_may": ["cat", "/etc/millrace/graphs/thief.yaml"],
        }.items()
    ],
}


def make(host, name):
    """The token itself; its hash goes into the file that the credential comes from."""
    made = host.run("millrace", "token", "create", "--name", name, "--scope", "admin", "--file", SECRET, "--json")
    return json.loads(made.stdout)["token"]


def status(host, token=None, *options, path="/api/graphs"):
    bearer = ("-H", f"Authorization: Bearer {token}") if token else ()
    options = ("--unix-socket", hosts.SOCKET_PATH, "-o", "/dev/null", "-w", "%{http_code}", *bearer, *options)
    return int(host.curl(*options, f"http://localhost{path}").stdout)


def install(host):
    host.run("install", "-d", "-m", "700", "/etc/keys")
    host.run("rm", "-f", SECRET)
    host.drop_in("tokens", f"[Service]\nLoadCredential=tokens:{SECRET}\n")
    return make(host, "admin")


def test_tokens_of_a_credential_open_the_doors_and_no_others(host):
    token = install(host)
    host.systemctl("start", hosts.SERVICE)
    assert status(host) == 401
    assert status(host, token[:-1] + ("a" if token[-1] != "a" else "b")) == 401
    assert status(host, token) == 200
    assert status(host, token, "-X", "POST", path="/api/graphs/hello/execute") == 200
    assert host.run("stat", "-c", "%U %a", SECRET).stdout == "root 600\n"
    # The daemon has a copy of its own: another set comes with a restart.
    host.run("rm", SECRET)
    other = make(host, "next")
    host.systemctl("restart", hosts.SERVICE)
    assert (status(host, token), status(host, other)) == (401, 200)


@confined
def test_a_node_cannot_read_the_credential(host):
    token = install(host)
    host.write("/etc/millrace/graphs/thief.yaml", json.dumps(GRAPH))
    host.systemctl("start", hosts.SERVICE)
    assert host.path(f"/proc/{host.main_pid}/root{CREDENTIAL}").exists()
    bearer = ("-H", f"Authorization: Bearer {token}")
    reply = host.post("/api/graphs/thief/execute", None, *bearer)
    names = [node["id"] for node in GRAPH["nodes"]]
    assert reply["failed_nodes"] == names[:-1], reply
    assert json.loads(reply["final_state"]["what_it_may"]) == GRAPH
    digest = json.loads(host.path(SECRET).read_text())["tokens"][0]["sha256"]
    events = host.get(f"/api/executions/{reply['execution_id']}/events", "-H", "Accept: application/json", *bearer)
    assert digest not in json.dumps(events)
    words = [event["data"] for event in events if event["type"] == "node_output" and event["channel"] == "stderr"]
    assert {word.rpartition(": ")[2] for word in words} <= REFUSALS, words

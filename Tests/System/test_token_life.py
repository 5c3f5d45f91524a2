"""How tokens come, are kept and go: the command, the file, the socket in the state folder, reloads, and the log of changes."""

import json
import os
import signal
import stat

import pytest

import tokens
from daemon import BINARY, DidNotStart
from graphs import graph, never_ends, put
from stream import Stream
from test_http_surface import assert_problem
from tokens import WRONG, bearer, create, key, revoke
from wire import Closed, Wire

# --- The command, the file and the socket in the state folder ---


def test_the_file_holds_no_secret_and_is_the_owners_alone(start_daemon):
    daemon = start_daemon()
    token = create(daemon, "run")
    file = daemon.state / "tokens.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert token.secret not in file.read_text() and token.secret[15:] not in file.read_text()
    [kept] = json.loads(file.read_text())["tokens"]
    import hashlib

    assert kept["sha256"] == hashlib.sha256(token.secret.encode()).hexdigest()


def test_tokens_are_made_listed_and_revoked_with_and_without_a_daemon(new_daemon):
    daemon = new_daemon()
    before = create(daemon, "admin", "--name", "before", "--expires", "90d")
    daemon.start()
    during = create(daemon, "run", "--graph", "x", "--graph", "y")
    assert daemon.http.get("/api/graphs", headers=before.headers).status_code == 200
    listing = tokens.command(daemon, "list").stdout
    assert before.id in listing and "before" in listing and "x, y" in listing and before.secret not in listing
    revoke(daemon, before)
    assert daemon.http.get("/api/graphs", headers=before.headers).status_code == 401
    daemon.stop()
    statuses = {item["id"]: item["status"] for item in json.loads(tokens.command(daemon, "list", "--json").stdout)["items"]}
    assert statuses == {before.id: "revoked", during.id: "active"}
    revoke(daemon, during)
    daemon.start()
    # All are revoked, and still nobody enters.
    assert daemon.http.get("/api/graphs", headers=during.headers).status_code == 401
    assert daemon.http.get("/api/graphs").status_code == 401


def test_the_token_alone_goes_to_stdout(start_daemon):
    daemon = start_daemon()
    done = tokens.command(daemon, "create", "--scope", "read")
    assert daemon.http.get("/api/graphs", headers=bearer(done.stdout.strip())).status_code == 200
    assert done.stdout.count("\n") == 1 and done.stdout.strip() not in done.stderr


@pytest.mark.parametrize("options", [("--scope", "root"), (), ("--scope", "read", "--expires", "soon"), ("--scope", "read", "--expires", "2001-01-01T00:00:00Z"), ("--scope", "read", "--graph", "A b"), ("--scope", "admin", "--graph", "a"), ("--scope", "read", "--name", "a\nb")])
def test_a_token_that_makes_no_sense_is_not_made(daemon, options):
    assert tokens.command(daemon, "create", *options, check=False).returncode in (1, 64)
    assert not (daemon.state / "tokens.json").exists()


def test_the_api_makes_and_revokes_tokens(guarded):
    headers = guarded.tokens["admin"].headers
    reply = guarded.http.post("/api/tokens", json={"name": "n", "scopes": ["read", "run"], "graphs": [guarded.mine]}, headers=headers)
    assert reply.status_code == 201 and reply.headers["location"] == f"/api/tokens/{reply.json()['id']}"
    assert reply.json()["scopes"] == ["read", "run"]
    mine = bearer(reply.json()["token"])
    assert guarded.http.get(f"/api/graphs/{guarded.mine}", headers=mine).status_code == 200
    for _ in range(2):
        assert guarded.http.delete(reply.headers["location"], headers=headers).status_code == 204
        assert guarded.http.get(f"/api/graphs/{guarded.mine}", headers=mine).status_code == 401
    assert_problem(guarded.http.delete("/api/tokens/none", headers=headers), 404, "unknown_token")


@pytest.mark.parametrize("body, member", [({"scopes": []}, "scopes"), ({}, "scopes"), ({"scopes": ["root"]}, "scopes"), ({"scopes": ["read"], "graphs": []}, "graphs"), ({"scopes": ["read"], "graphs": ["A"]}, "graphs"), ({"scopes": ["read"], "graphs": [1]}, "graphs"), ({"scopes": ["admin"], "graphs": ["a"]}, "graphs"), ({"scopes": ["read"], "expires_at": "soon"}, "expires_at"), ({"scopes": ["read"], "expires_at": "2001-01-01T00:00:00Z"}, "expires_at"), ({"scopes": ["read"], "name": "a\u2028b"}, "name"), ({"scopes": ["read"], "name": "n" * 129}, "name"), ({"scopes": ["read"], "more": 1}, "more")])
def test_an_order_that_makes_no_sense_is_refused_by_member(guarded, body, member):
    reply = guarded.http.post("/api/tokens", json=body, headers=guarded.tokens["admin"].headers)
    assert_problem(reply, 422, "invalid_request")
    assert [error["pointer"] for error in reply.json()["errors"]] == [f"/{member}"]


def test_who_has_the_key_of_the_state_folder_administers_by_the_socket_in_it_and_by_no_other(guarded):
    with Wire(unix=guarded.state / "millrace.sock") as own, Wire(unix=guarded.socket_path) as public:
        assert own.request("GET", "/api/tokens", key(guarded)).status == 200
        assert own.request("GET", "/api/tokens").status == 401
        assert public.request("GET", "/api/tokens", key(guarded)).status == 401
        assert public.request("GET", "/api/tokens", guarded.tokens["admin"].headers).status == 200


@pytest.mark.parametrize("field", ["X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "X-Real-IP: 192.0.2.1", "Via: 1.1 proxy", "X-Forwarded-Proto: https", "X-Forwarded-Host: a"])
def test_a_request_that_somebody_passed_on_is_not_the_owners(guarded, field):
    name, _, value = field.partition(": ")
    with Wire(unix=guarded.state / "millrace.sock") as own:
        assert own.request("GET", "/api/tokens", {name: value} | key(guarded)).status == 401
        assert own.request("GET", "/api/tokens", {name: value} | guarded.tokens["admin"].headers).status == 200


def test_a_token_counts_on_the_owners_socket_too(guarded):
    with Wire(unix=guarded.state / "millrace.sock") as own:
        assert own.request("GET", "/api/tokens", guarded.tokens["read"].headers | key(guarded)).status == 403
        assert own.request("GET", "/api/tokens", bearer(WRONG) | key(guarded)).status == 401


@pytest.mark.parametrize("wrong", ["", "x", "0" * 43, "0" * 44, "\u00e9"])
def test_a_wrong_key_is_no_key(guarded, wrong):
    with Wire(unix=guarded.state / "millrace.sock") as own:
        own.send(f"GET /api/tokens HTTP/1.1\r\nHost: localhost\r\nMillrace-Key: {wrong}\r\n\r\n".encode())
        assert own.read().status == 401
        twice = f"Millrace-Key: {key(guarded)['Millrace-Key']}\r\n" * 2
        own.send(f"GET /api/tokens HTTP/1.1\r\nHost: localhost\r\n{twice}\r\n")
        assert own.read().status == 401


def test_the_key_is_a_new_one_at_each_start_and_its_users_alone(start_daemon):
    daemon = start_daemon()
    path, before = daemon.state / "millrace.key", key(daemon)
    assert path.stat().st_mode & 0o7777 == 0o600
    daemon.stop()
    daemon.start()
    assert key(daemon) != before


def test_where_nothing_keeps_node_code_from_the_key_the_socket_asks_for_a_token(start_daemon, eventually):
    daemon = start_daemon("--set", "kinds.confined=false")
    assert not (daemon.state / "millrace.key").exists()
    eventually(lambda: "kinds.confined is off" in daemon.log)
    token = create(daemon, "admin")
    refused = tokens.command(daemon, "list", check=False)
    assert refused.returncode != 0 and "token" in refused.stderr
    assert token.id in tokens.command(daemon, "list", environment={"MILLRACE_TOKEN": token.secret}).stdout
    # No kind that runs code: nobody could read the key but its owner.
    other = start_daemon("--set", "kinds.confined=false", "--set", "kinds.enabled=set,lua")
    create(other, "admin")
    assert tokens.command(other, "list").returncode == 0


def test_another_user_is_nobody_on_the_owners_socket(start_daemon):
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    import subprocess
    import sys

    daemon = start_daemon()
    create(daemon, "admin")
    # As if somebody had opened the folder up: the permissions are not what decides.
    for path, mode in [(daemon.state / "millrace.sock", 0o666), *((parent, 0o755) for parent in [daemon.state, *daemon.state.parents][:-2])]:
        path.chmod(mode)
    script = "import os,socket,sys; os.setgid(65534); os.setuid(65534); s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(b'GET /api/tokens HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n'); print(s.recv(12).decode())"
    done = subprocess.run([sys.executable, "-c", script, str(daemon.state / "millrace.sock")], capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "HTTP/1.1 401", done.stderr


def test_commands_use_the_token_of_the_environment(guarded):
    from subprocess import run

    from daemon import clean_environment

    def listing(**environment):
        return run([str(BINARY), "graph", "list", "--server", f"127.0.0.1:{guarded.port}"], capture_output=True, text=True, timeout=30, env=clean_environment() | environment)

    assert guarded.mine in listing(MILLRACE_TOKEN=guarded.tokens["read"].secret).stdout
    refused = listing()
    assert refused.returncode == 1 and "token" in refused.stderr


def reload(daemon, eventually):
    mark = len(daemon.log)
    daemon.process.send_signal(signal.SIGHUP)
    eventually(lambda: "reloaded the configuration" in daemon.log[mark:] or "cannot be reloaded" in daemon.log[mark:])
    return mark


def test_a_reload_takes_up_tokens_and_keeps_the_old_ones_when_the_file_is_bad(new_daemon, eventually):
    daemon = new_daemon().start()
    other = new_daemon()
    token = create(other, "read")
    text = (other.state / "tokens.json").read_text()
    assert daemon.http.get("/api/graphs").status_code == 200
    (daemon.state / "tokens.json").write_text(text)
    reload(daemon, eventually)
    assert eventually(lambda: daemon.http.get("/api/graphs").status_code == 401)
    assert daemon.http.get("/api/graphs", headers=token.headers).status_code == 200
    for bad in ["", "{}", text.replace('"read"', '"root"'), text.replace('"version":1', '"version":2'), text[:-10], text.replace('"graphs":null', '"graphs":[1]')]:
        (daemon.state / "tokens.json").write_text(bad)
        mark = reload(daemon, eventually)
        eventually(lambda: "tokens cannot be reloaded" in daemon.log[mark:])
        assert daemon.http.get("/api/graphs", headers=token.headers).status_code == 200
        assert daemon.http.get("/api/graphs").status_code == 401


def test_a_bad_file_of_tokens_keeps_the_daemon_from_starting(new_daemon):
    daemon = new_daemon()
    daemon.state.mkdir()
    (daemon.state / "tokens.json").write_text("nonsense")
    with pytest.raises(DidNotStart, match="tokens.json"):
        daemon.start()


def test_tokens_that_the_service_manager_hands_over_are_fixed(new_daemon, tmp_path):
    daemon = new_daemon()
    folder = tmp_path / "credentials"
    folder.mkdir()
    fixed = create(daemon, "admin", "--file", folder / "tokens")
    daemon.start(environment={"CREDENTIALS_DIRECTORY": str(folder)})
    assert daemon.http.get("/api/graphs").status_code == 401
    assert daemon.http.get("/api/graphs", headers=fixed.headers).status_code == 200
    assert_problem(daemon.http.delete(f"/api/tokens/{fixed.id}", headers=fixed.headers), 409, "fixed_token")
    own = create(daemon, "read")
    items = daemon.http.get("/api/tokens", headers=fixed.headers).json()["items"]
    assert {item["id"]: item["source"] for item in items} == {own.id: "file", fixed.id: "credential"}


def test_many_tokens_made_at_once_are_all_kept(start_daemon):
    from concurrent.futures import ThreadPoolExecutor

    daemon = start_daemon()
    admin = create(daemon, "admin")
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: daemon.http.post("/api/tokens", json={"scopes": ["read"]}, headers=admin.headers), range(100)))
    assert {reply.status_code for reply in replies} == {201}
    ids = {reply.json()["id"] for reply in replies}
    assert {item["id"] for item in json.loads((daemon.state / "tokens.json").read_text())["tokens"]} == ids | {admin.id}


# --- What was entered ends ---


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_a_stream_ends_with_its_token(start_daemon, end):
    daemon = start_daemon()
    graph_id = daemon.create(graph([never_ends("a")]))
    token = create(daemon, "run", *(["--expires", "2s"] if end == "expired" else []))
    with Wire(daemon) as wire, Wire(daemon) as other:
        wire.send(f"POST /api/graphs/{graph_id}/execute/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token.secret}\r\n\r\n")
        head = wire.read_head()
        assert head.status == 200
        if end == "revoked":
            revoke(daemon, token)
        with pytest.raises(Closed):
            list(wire.read_body(head))
        assert other.request("GET", "/healthz").status == 200


def test_the_first_token_ends_what_anybody_watched_by_whichever_door(start_daemon):
    daemon = start_daemon()
    execution_id = daemon.begin(daemon.create(graph([never_ends("a")])))
    socket = daemon.state / "millrace.sock"

    def watch(wire, shown=""):
        wire.send(f"GET /api/executions/{execution_id}/events HTTP/1.1\r\nHost: localhost\r\n{shown}\r\n")
        head = wire.read_head()
        assert head.status == 200
        return head

    with Wire(daemon) as stranger, Wire(unix=socket) as nobody, Wire(unix=socket) as owner:
        heads = [(wire, watch(wire)) for wire in (stranger, nobody)]
        create(daemon, "read")
        for wire, head in heads:
            with pytest.raises(Closed):
                list(wire.read_body(head))
        # The rule that lets this one in does not end with further tokens.
        owners = watch(owner, f"Millrace-Key: {key(daemon)['Millrace-Key']}\r\n")
        create(daemon, "read")
        with Wire(unix=socket) as command:
            assert command.request("POST", f"/api/executions/{execution_id}/cancel", key(daemon)).status == 202
        assert Stream(b"".join(owner.read_body(owners))).events[-1]["status"] == "cancelled"


# --- Where the daemon may be reached ---


def test_addresses_beyond_loopback_need_tokens(new_daemon):
    daemon = new_daemon()
    with pytest.raises(DidNotStart, match="token create"):
        daemon.start(listen=("0.0.0.0:0",))
    token = create(daemon, "read")
    daemon.start(listen=("0.0.0.0:0",))
    import re

    daemon.port = int(re.search(r"http://0\.0\.0\.0:(\d+)", daemon.ready_line)[1])
    assert daemon.http.get("/api/graphs").status_code == 401
    assert daemon.http.get("/api/graphs", headers=token.headers).status_code == 200
    # An address is as good a name as any; a name that nobody configured is not.
    assert daemon.http.get("/api/graphs", headers=token.headers | {"Host": "192.0.2.9"}).status_code == 200
    assert daemon.http.get("/api/graphs", headers=token.headers | {"Host": "evil.example"}).status_code == 421


def test_tokens_do_not_vanish_while_others_can_reach_the_daemon(new_daemon, eventually):
    daemon = new_daemon()
    create(daemon, "read")
    daemon.start(listen=("127.0.0.1:0", "0.0.0.0:0"))
    (daemon.state / "tokens.json").unlink()
    mark = reload(daemon, eventually)
    eventually(lambda: "tokens cannot be reloaded" in daemon.log[mark:])
    assert daemon.http.get("/api/graphs").status_code == 401


def test_forwarded_requests_are_served_by_token(guarded):
    for field in ("X-Forwarded-For", "Forwarded"):
        assert_problem(guarded.http.get("/api/graphs", headers={field: "for=192.0.2.1"}), 401, "token_required")
        headers = {field: "for=192.0.2.1"} | guarded.tokens["read"].headers
        assert guarded.http.get("/api/graphs", headers=headers).status_code == 200


# --- The log ---


def test_each_change_leaves_a_line_of_who_what_and_how_it_ended(start_daemon, eventually):
    daemon = start_daemon("--set", "log.format=json")
    admin = create(daemon, "admin", "--name", "the admin")
    small = create(daemon, "read", "--name", "small")
    document = graph([never_ends("a")])
    id = document["id"]
    assert daemon.http.post("/api/graphs", json=document, headers=admin.headers).status_code == 201
    assert daemon.http.put(f"/api/graphs/{id}", json=document, headers=admin.headers).status_code == 200
    assert daemon.http.delete(f"/api/graphs/{id}", headers=small.headers).status_code == 403
    started = daemon.http.post(f"/api/graphs/{id}/execute", headers=admin.headers | {"Prefer": "respond-async"}).json()["execution_id"]
    assert daemon.http.post(f"/api/executions/{started}/cancel", headers=admin.headers).status_code == 202
    assert daemon.http.delete(f"/api/graphs/{id}", headers=admin.headers).status_code == 204
    revoke(daemon, small)

    def entries():
        return [line for line in map(json.loads, daemon.log.splitlines()) if line["message"] == "audit"]

    eventually(lambda: len(entries()) == 9)
    by = {"by": f"token:{admin.id}", "name": "the admin", "address": "127.0.0.1"}
    own = {"by": f"uid:{os.getuid()}", "address": "unix"}
    wanted = [
        {"action": "token.create", "subject": admin.id, "status": 201, "by": "anyone", "address": "unix"},
        {"action": "token.create", "subject": small.id, "status": 201} | own,
        {"action": "graph.create", "subject": id, "status": 201} | by,
        {"action": "graph.put", "subject": id, "status": 200} | by,
        {"action": "graph.delete", "subject": id, "status": 403, "by": f"token:{small.id}", "name": "small", "address": "127.0.0.1"},
        {"action": "execution.start", "subject": id, "status": 202, "execution_id": started} | by,
        {"action": "execution.cancel", "subject": started, "status": 202} | by,
        {"action": "graph.delete", "subject": id, "status": 204} | by,
        {"action": "token.revoke", "subject": small.id, "status": 204} | own,
    ]
    assert [{key: value for key, value in entry.items() if key not in ("time", "level", "message")} for entry in entries()] == wanted

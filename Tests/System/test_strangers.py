"""What somebody gets who has shown no token, or a wrong one, or comes through somebody else."""

import json
import os
import pathlib
import subprocess

import httpx
import pytest

import tokens
from daemon import BINARY, run_to_failure
from graphs import chain, graph, never_ends, put
from test_http_surface import assert_problem
from tokens import WRONG, bearer, create, key
from wire import Closed, Wire

# What anybody may send.
STRANGERS_BYTES = 4096


def head(method, path, length, *fields):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *fields]
    lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
    return "\r\n".join(lines) + "\r\n\r\n"


# --- Bodies ---

REFUSED = [("POST", "/api/session", 413), ("DELETE", "/api/session", 413), ("POST", "/api/graphs", 401), ("PUT", "/api/graphs/a", 401),
           ("POST", "/api/tokens", 401), ("POST", "/nowhere", 401), ("PATCH", "/api/graphs", 401), ("GET", "/healthz", 413),
           ("GET", "/", 413), ("POST", "/healthz", 401), ("POST", "/api/layout", 401), ("GET", "/api/session", 413)]


@pytest.mark.parametrize("method, path, status", REFUSED)
@pytest.mark.parametrize("length", [STRANGERS_BYTES + 1, 8 << 20])
def test_a_strangers_large_body_is_refused_at_its_head(guarded, method, path, status, length):
    with Wire(guarded) as wire:
        wire.send(head(method, path, length))
        assert wire.read().status == status
        assert wire.is_closed_by_server()


@pytest.mark.parametrize("method, path, status", REFUSED)
def test_a_strangers_chunks_are_read_up_to_the_same_size(guarded, method, path, status):
    with Wire(guarded) as wire:
        wire.send(head(method, path, None))
        chunk = b"400\r\n" + b" " * 0x400 + b"\r\n"
        for _ in range(STRANGERS_BYTES // 0x400 + 1):
            wire.send(chunk)
        assert wire.read().status == status


@pytest.mark.parametrize("field", [bearer(WRONG), {"Cookie": "millrace_session=" + "0" * 43}])
def test_who_shows_what_is_no_good_is_a_stranger(guarded, field):
    (name, value), = field.items()
    with Wire(guarded) as wire:
        wire.send(head("POST", "/api/graphs", 8 << 20, f"{name}: {value}"))
        assert wire.read().status == 401


def test_a_strangers_small_body_is_read_so_that_it_can_open_a_session(guarded):
    body = json.dumps({"token": guarded.tokens["read"].secret}).encode()
    with Wire(guarded) as wire:
        for padding in (0, STRANGERS_BYTES - len(body)):
            reply = wire.request("POST", "/api/session", {"Content-Type": "application/json", "Content-Length": len(body) + padding}, body + b" " * padding)
            assert reply.status == 200
        # One byte more in one piece with its head.
        padding = STRANGERS_BYTES + 1 - len(body)
        wire.send(head("POST", "/api/session", len(body) + padding).encode() + body + b" " * padding)
        assert wire.read().status == 413


def test_who_waits_to_be_told_to_go_on_is_told_only_if_it_may(guarded):
    with Wire(guarded) as wire:
        wire.send(head("POST", "/api/session", 8 << 20, "Expect: 100-continue"))
        assert wire.read().status == 413
    with Wire(guarded) as wire:
        wire.send(head("POST", "/api/graphs", 5, "Expect: 100-continue"))
        assert wire.read().status == 401


def test_a_large_body_of_a_holder_is_read_and_one_for_nothing_is_not(guarded):
    holder = "Authorization: Bearer " + guarded.tokens["edit"].secret
    reader = "Authorization: Bearer " + guarded.tokens["read"].secret
    body = json.dumps(chain(put("a", text="x" * 100_000))).encode()
    with Wire(guarded) as wire:
        wire.send(head("POST", "/api/graphs/validate", len(body), holder).encode())
        wire.send(body)
        assert wire.read().status == 200
    for line, method, path, status in [(reader, "POST", "/api/graphs", 403), (holder, "POST", "/nowhere", 404), (holder, "PATCH", "/api/graphs", 405)]:
        with Wire(guarded) as wire:
            wire.send(head(method, path, 8 << 20, line))
            assert wire.read().status == status


def test_the_answer_arrives_whatever_is_still_being_sent(guarded):
    """RFC 9112, 9.6: read on and throw away."""
    for _ in range(5):
        for size, status in ((12_000_000, 413), (5_000_000, 401)):
            with httpx.Client(base_url=guarded.url, timeout=30) as client:
                reply = client.post("/api/graphs", content=b" " * size, headers={"Content-Type": "application/json"})
                assert reply.status_code == status


def test_strangers_who_hold_back_the_end_of_a_body_cost_next_to_nothing(start_daemon):
    daemon = start_daemon()
    create(daemon, "read")
    before = resident(daemon)
    wires = [Wire(daemon) for _ in range(40)]
    try:
        for wire in wires:
            wire.send(head("POST", "/api/session", 8 << 20))
            try:
                wire.send(b" " * ((8 << 20) - 1))
            except OSError:
                pass
        # What they would hold without the bound is 320 MiB.
        assert resident(daemon) - before < 64 << 20
        assert [wire.read().status for wire in wires] == [413] * len(wires)
    finally:
        for wire in wires:
            wire.socket.close()


def test_bodies_in_hand_have_a_bound_together_and_small_ones_go_on(start_daemon):
    daemon = start_daemon()
    before = resident(daemon)
    wires, statuses = [Wire(daemon) for _ in range(50)], []
    try:
        for wire in wires:
            wire.send(head("POST", "/api/graphs/validate", 8 << 20))
            try:
                wire.send(b" " * ((8 << 20) - 1))
            except OSError:
                pass
        # 400 MiB are offered, 256 are taken.
        assert resident(daemon) - before < 340 << 20
        assert daemon.http.post("/api/graphs/validate", json=chain(put("a"))).status_code == 200
        for wire in wires:
            wire.send(b"{")
            statuses.append(wire.read().status)
        assert set(statuses) == {400, 503} or set(statuses) == {200, 503}, statuses
        assert statuses.count(503) >= 10
    finally:
        for wire in wires:
            wire.socket.close()
    # What was given up is given back.
    body = json.dumps(chain(put("a", text="x" * 1_000_000)))
    assert daemon.http.post("/api/graphs/validate", content=body, headers={"Content-Type": "application/json"}).status_code == 200


def resident(daemon):
    pages = int(pathlib.Path(f"/proc/{daemon.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


# --- Wrong tokens ---


@pytest.mark.parametrize("method, path, length", [("POST", "/api/graphs", 8 << 20), ("GET", "/api/session", 0), ("POST", "/nowhere", 8 << 20)])
def test_wrong_tokens_are_counted_wherever_they_are_refused(new_daemon, method, path, length):
    daemon = new_daemon()
    create(daemon, "read")
    daemon.start("--set", "http.trusted_proxies=127.0.0.0/8")
    statuses = []
    for _ in range(40):
        with Wire(daemon) as wire:
            wire.send(head(method, path, length, "X-Forwarded-For: 203.0.113.7", f"Authorization: Bearer {WRONG}"))
            statuses.append(wire.read().status)
    assert statuses.count(429) >= 5
    assert set(statuses[:30]) <= {401, 200}


# --- Who was passed on ---


@pytest.mark.parametrize("field", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Forwarded-Port", "x-forwarded-anything", "CF-Connecting-IP", "True-Client-IP"])
def test_a_forwarded_request_without_tokens_is_refused_and_told_why(daemon, field):
    reply = daemon.http.get("/api/graphs", headers={field: "192.0.2.1"})
    assert_problem(reply, 403, "forwarded_without_tokens")
    assert "auth.allow_forwarded_without_tokens" in reply.json()["detail"]


def test_who_knows_what_it_means_serves_forwarded_requests_without_tokens(start_daemon):
    daemon = start_daemon(environment={"MILLRACE_AUTH_ALLOW_FORWARDED_WITHOUT_TOKENS": "true"})
    for field in ("X-Real-IP", "X-Forwarded-For"):
        assert daemon.http.get("/api/graphs", headers={field: "192.0.2.1"}).status_code == 200
    assert "whoever a proxy here lets through" in daemon.entry_rule


@pytest.mark.parametrize("site, status", [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)])
def test_another_sites_page_changes_nothing_though_it_names_no_origin(daemon, site, status):
    graph_id = daemon.create(chain(put("a")))
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute", headers={"Sec-Fetch-Site": site})
    assert reply.status_code == status
    assert daemon.http.get(f"/api/graphs/{graph_id}", headers={"Sec-Fetch-Site": site}).status_code == 200


def test_no_answer_may_be_embedded_by_pages_of_others(daemon):
    for path in ("/api/graphs", "/healthz", "/nowhere", "/", "/metrics"):
        assert daemon.http.get(path).headers["cross-origin-resource-policy"] == "same-origin"


# --- Who may enter is said, and no doubt opens the door ---


def test_each_start_says_who_may_enter(new_daemon, eventually):
    daemon = new_daemon().start()
    assert daemon.entry_rule == "no tokens: everybody on this host may do everything"
    eventually(lambda: f'rule="{daemon.entry_rule}"' in daemon.log)
    assert metric(daemon, "millrace_tokens") == 0
    daemon.stop()
    made = [create(daemon, "read") for _ in range(3)]
    daemon.start()
    assert daemon.entry_rule == "3 tokens"
    daemon.http.headers.update(made[0].headers)
    assert metric(daemon, "millrace_tokens") == 3
    daemon.stop()
    for token in made:
        tokens.revoke(daemon, token)
    assert daemon.start().entry_rule == "tokens are wanted, and none is valid any more"
    assert daemon.http.get("/api/graphs").status_code == 401


def metric(daemon, name):
    lines = daemon.http.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(name + " ")).split()[1])


@pytest.mark.parametrize("content", ["", "{}", "no json", '{"version": 2, "tokens": []}', '{"version": 1, "tokens": [{}]}'])
def test_tokens_that_cannot_be_understood_refuse_the_start(tmp_path, content):
    state = tmp_path / "state"
    state.mkdir(0o700)
    (state / "tokens.json").write_text(content)
    (state / "tokens.json").chmod(0o600)
    done = run_to_failure("--state-dir", state, "--listen", "127.0.0.1:0")
    assert done.returncode == 78, done.stderr
    assert "tokens.json" in done.stderr and done.stdout == ""


def test_a_link_that_leads_nowhere_is_not_no_file(tmp_path):
    state = tmp_path / "state"
    state.mkdir(0o700)
    (state / "tokens.json").symlink_to(tmp_path / "nowhere")
    assert run_to_failure("--state-dir", state, "--listen", "127.0.0.1:0").returncode == 78


@pytest.fixture
def credentials(tmp_path):
    """A folder of credentials with a token, and another user to whom the state folder belongs."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    folder, state = tmp_path / "credentials", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    os.chown(state, 65534, 65534)
    for parent in [state, *state.parents][:-2]:
        parent.chmod(parent.stat().st_mode | 0o011)
    make = [BINARY, "token", "create", "--file", folder / "tokens", "--name", "a", "--scope", "admin"]
    subprocess.run(make, check=True, capture_output=True)

    def start():
        user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "timeout", "10")
        return run_to_failure(
            "--state-dir", state, "--listen", f"unix:{state}/api.sock", prefix=user, environment={"CREDENTIALS_DIRECTORY": str(folder)}, folder="/tmp",
        )

    return folder, start


@pytest.mark.parametrize("doubt", ["folder", "file", "others", "gone", "dangling"])
def test_credentials_that_cannot_be_read_refuse_the_start(credentials, doubt):
    folder, start = credentials
    file = folder / "tokens"
    folder.chmod(0o755)
    if doubt == "folder":
        file.chmod(0o644)
        folder.chmod(0o700)
    elif doubt == "file":
        file.chmod(0o600)
    elif doubt == "others":
        file.chmod(0o666)
    elif doubt == "gone":
        file.unlink()
        folder.rmdir()
    else:
        file.unlink()
        file.symlink_to("/nowhere/at/all")
    done = start()
    assert done.returncode == 78, done.stderr
    assert "tokens" in done.stderr


def test_credentials_without_tokens_are_none(credentials):
    folder, start = credentials
    (folder / "tokens").unlink()
    folder.chmod(0o755)
    # It serves until `timeout` ends it, by SIGTERM.
    done = start()
    assert done.returncode == 124, done.stderr
    assert "no tokens: everybody on this host may do everything" in done.stdout


def test_readiness_tells_strangers_nothing_of_the_disk(guarded):
    assert guarded.http.get("/readyz").json() == {"status": "ready"}


# --- The first token ---


def test_whoever_asks_for_the_first_token_gets_it(start_daemon):
    daemon = start_daemon()
    execution_id = daemon.begin(daemon.create(graph([never_ends("a")])))
    with Wire(daemon) as watcher, Wire(daemon) as asker:
        watcher.send(f"GET /api/executions/{execution_id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        watched = watcher.read_head()
        body = b'{"name": "first", "scopes": ["admin"]}'
        reply = asker.request("POST", "/api/tokens", {"Content-Type": "application/json", "Content-Length": len(body)}, body)
        assert reply.status == 201
        secret = json.loads(reply.body)["token"]
        with pytest.raises(Closed):
            list(watcher.read_body(watched))
        assert asker.request("GET", "/api/tokens", bearer(secret)).status == 200
        assert asker.request("GET", "/api/tokens").status == 401


def test_a_token_that_revokes_itself_is_told_so(start_daemon):
    daemon = start_daemon()
    token = create(daemon, "admin")
    assert daemon.http.delete(f"/api/tokens/{token.id}", headers=token.headers).status_code == 204


# --- Who has started what ---


def test_each_start_leaves_a_line_that_says_who_and_which(start_daemon, eventually):
    daemon = start_daemon(environment={"MILLRACE_LOG_FORMAT": "json"})
    graph_id = daemon.create(chain(put("a")))
    anybodys = daemon.execute(graph_id)["execution_id"]
    # Whoever shows the key when nobody needs to is anybody.
    with Wire(unix=daemon.state / "millrace.sock") as own:
        also = json.loads(own.request("POST", f"/api/graphs/{graph_id}/execute", key(daemon)).body)["execution_id"]
    token = create(daemon, "run", "--name", "ci")
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute", headers=token.headers)
    tokens_own = reply.json()["execution_id"]
    with daemon.http.stream("POST", f"/api/graphs/{graph_id}/execute/stream", headers=token.headers) as stream:
        streamed = stream.headers["content-location"].rsplit("/", 1)[1]
        stream.read()
    rerun = daemon.http.post(f"/api/executions/{tokens_own}/rerun", headers=token.headers).json()["execution_id"]
    with Wire(unix=daemon.state / "millrace.sock") as own:
        owners = json.loads(own.request("POST", f"/api/graphs/{graph_id}/execute", key(daemon)).body)["execution_id"]

    def starts_logged():
        lines = [json.loads(line) for line in daemon.log.splitlines()]
        found = [line for line in lines if line["message"] == "audit" and line["action"] == "execution.start"]
        return found if len(found) >= 6 else None

    starts = eventually(starts_logged)
    assert [(line["execution_id"], line["subject"]) for line in starts] == [(id, graph_id) for id in (anybodys, also, tokens_own, streamed, rerun, owners)]
    assert [line["by"] for line in starts] == ["anyone", "anyone", *[f"token:{token.id}"] * 3, f"uid:{os.getuid()}"]
    assert [line.get("name") for line in starts] == [None, None, "ci", "ci", "ci", None]
    by = {id: daemon.http.get(f"/api/executions/{id}", headers=token.headers).json()["started_by"] for id in (anybodys, also, tokens_own, streamed, rerun, owners)}
    assert list(by.values()) == ["anyone", "anyone", "ci", "ci", "ci", "local user"]


def test_who_started_it_is_known_after_a_restart(new_daemon):
    daemon = new_daemon().start()
    graph_id = daemon.create(chain(put("a")))
    anybodys = daemon.execute(graph_id)["execution_id"]
    nameless = create(daemon, "run")
    id = daemon.http.post(f"/api/graphs/{graph_id}/execute", headers=nameless.headers).json()["execution_id"]
    secret = json.dumps({"token": nameless.secret})
    session = daemon.http.post("/api/session", content=secret, headers={"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"})
    [cookie] = session.cookies.items()
    cookie = {"Cookie": "=".join(cookie), "Sec-Fetch-Site": "same-origin", "Origin": daemon.url}
    daemon.http.cookies.clear()
    sessions = daemon.http.post(f"/api/graphs/{graph_id}/execute", headers=cookie).json()["execution_id"]
    daemon.stop()
    daemon.start()
    items = daemon.http.get("/api/executions", headers=nameless.headers).json()["items"]
    assert {item["execution_id"]: item["started_by"] for item in items} == {anybodys: "anyone", id: nameless.id, sessions: f"session {nameless.id}"}

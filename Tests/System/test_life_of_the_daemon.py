"""Starting, refusing to start, stopping, and what is still there after a restart."""

import json
import os
import re
import signal
import socket
import sqlite3

import pytest

from daemon import CRASH, DidNotStart, run_to_failure
from graphs import chain, graph, never_ends, put
from wire import Wire


def assert_one_clear_line(done, status, *words):
    """The one line on stderr that says what is wrong and what to do."""
    lines = done.stderr.splitlines()
    assert done.returncode == status, done.stderr
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("millrace: ")
    assert not CRASH.search(done.stderr)
    for word in words:
        assert word in lines[0]
    assert done.stdout == ""


def arguments(tmp_path, *more):
    return ["--state-dir", tmp_path / "state", "--graphs", tmp_path, "--listen", "127.0.0.1:0", *more]


# --- Refusing to start ---


def test_a_configuration_file_that_is_missing_is_named(tmp_path):
    done = run_to_failure(*arguments(tmp_path, "--config", tmp_path / "none.yaml"))
    assert_one_clear_line(done, 78, "none.yaml")


@pytest.mark.parametrize(
    "text, word",
    [
        ("listen: [", "config.yaml"),
        ("listne: ['127.0.0.1:0']\n", "listne"),
        ("workers: { threads: many }\n", "workers.threads"),
        ("workers: { threads: -1 }\n", "workers.threads"),
        ("- a\n- list\n", "config.yaml"),
        ("http: { body_bytes_max: 1 }\n", "http.body_bytes_max"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_explained(tmp_path, text, word):
    (tmp_path / "config.yaml").write_text(text)
    done = run_to_failure(*arguments(tmp_path, "--config", tmp_path / "config.yaml"))
    assert done.returncode == 78, done.stderr
    assert word in done.stderr
    assert not CRASH.search(done.stderr)
    assert all(line.startswith("millrace: ") for line in done.stderr.splitlines())


def test_a_variable_that_cannot_be_used_is_named(tmp_path):
    done = run_to_failure(*arguments(tmp_path), environment={"MILLRACE_LOG_LEVEL": "loud"})
    assert_one_clear_line(done, 78, "MILLRACE_LOG_LEVEL")


def test_every_fault_of_a_configuration_is_named_at_once(tmp_path):
    (tmp_path / "config.yaml").write_text("listne: []\nworkers: { threads: many }\n")
    done = run_to_failure(*arguments(tmp_path, "--config", tmp_path / "config.yaml"))
    assert "listne" in done.stderr and "workers.threads" in done.stderr


def test_a_port_that_is_in_use_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_to_failure("--state-dir", tmp_path / "state", "--graphs", tmp_path, "--listen", f"127.0.0.1:{port}")
    assert_one_clear_line(done, 1, str(port), "in use")


def test_listening_beyond_loopback_without_tokens_is_refused(tmp_path):
    for address in ["0.0.0.0:0", "[::]:0"]:
        done = run_to_failure("--state-dir", tmp_path / "state", "--graphs", tmp_path, "--listen", address)
        assert_one_clear_line(done, 1, "tokens")


@pytest.mark.parametrize("address", ["8080", "localhost", "127.0.0.1:99999", "unix:", "127.0.0.1:http", ""])
def test_an_address_that_is_none_is_refused(tmp_path, address):
    done = run_to_failure("--state-dir", tmp_path / "state", "--graphs", tmp_path, "--listen", address)
    assert done.returncode == 78, done.stderr
    assert "listen" in done.stderr and not CRASH.search(done.stderr)


def test_a_state_folder_that_cannot_be_written_is_named(tmp_path):
    """Root may write everywhere, so it becomes nobody first."""
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(0o500)
    for parent in [tmp_path, *tmp_path.parents][:4]:
        parent.chmod(parent.stat().st_mode | 0o055)
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    done = run_to_failure(*arguments(tmp_path), prefix=prefix)
    assert_one_clear_line(done, 1, str(folder))


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    done = run_to_failure("--state-dir", tmp_path / "file" / "state", "--graphs", tmp_path, "--listen", "127.0.0.1:0")
    assert_one_clear_line(done, 1, "file")


@pytest.mark.parametrize("content", [b"this is no database, however long it may be" * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_history_file_that_is_no_database_is_named_and_left_alone(tmp_path, content):
    (tmp_path / "state").mkdir()
    path = tmp_path / "state" / "history.sqlite"
    path.write_bytes(content)
    done = run_to_failure(*arguments(tmp_path))
    assert_one_clear_line(done, 1, "history.sqlite")
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "pragma, words", [("user_version = 99", ["newer version", "99"]), ("application_id = 7", ["another application"])]
)
def test_a_history_that_this_version_does_not_know_is_refused(tmp_path, new_daemon, pragma, words):
    daemon = new_daemon()
    daemon.start().stop()
    with sqlite3.connect(daemon.state / "history.sqlite") as database:
        database.execute(f"PRAGMA {pragma}")
    done = run_to_failure("--state-dir", daemon.state, "--graphs", tmp_path, "--listen", "127.0.0.1:0")
    assert_one_clear_line(done, 1, "history.sqlite", *words)


def test_a_second_daemon_on_the_same_state_folder_names_the_first(daemon):
    done = run_to_failure("--state-dir", daemon.state, "--graphs", daemon.graphs, "--listen", "127.0.0.1:0")
    assert_one_clear_line(done, 1, str(daemon.process.pid), str(daemon.state))
    assert daemon.http.get("/healthz").status_code == 200


def test_a_graph_file_that_is_wrong_is_reported_and_the_others_are_served(new_daemon):
    daemon = new_daemon()
    daemon.write_graph_file("good.yaml", "id: good\nnodes: [{ id: a, kind: set, config: { values: {} } }]\n")
    daemon.write_graph_file("bad.yaml", "id: bad\nnodes: [{ id: a, kind: sett }]\n")
    daemon.write_graph_file("broken.json", "{")
    daemon.start()
    assert [item["id"] for item in daemon.http.get("/api/graphs").json()["items"]] == ["good"]
    complaints = [line for line in daemon.log.splitlines() if "warn" in line.lower()]
    assert sorted(name for name in ["bad.yaml", "broken.json"] if any(name in line for line in complaints)) == ["bad.yaml", "broken.json"]
    assert any("sett" in line for line in complaints)


def test_a_graphs_folder_that_is_missing_is_reported(new_daemon, eventually):
    """It may be refused or warned about; it must be said."""
    daemon = new_daemon()
    daemon.graphs.rmdir()
    try:
        daemon.start()
    except DidNotStart:
        pass
    eventually(lambda: str(daemon.graphs) in daemon.log)


# --- Being ready ---


def test_the_ready_line_names_every_address(new_daemon):
    daemon = new_daemon().start(listen=["127.0.0.1:0", "127.0.0.1:0", "[::1]:0"])
    ports = re.findall(r"http://(?:127\.0\.0\.1|\[::1\]):(\d+)", daemon.ready_line)
    assert len(set(ports)) == 3
    assert f"unix:{daemon.socket_path}" in daemon.ready_line
    for unix in [daemon.socket_path, daemon.state / "millrace.sock"]:
        with Wire(unix=unix) as wire:
            assert wire.request("GET", "/readyz").status == 200


def test_without_any_configuration_it_serves_the_examples(tmp_path):
    """`millrace serve` alone, but for the port."""
    import subprocess

    from daemon import BINARY, clean_environment

    environment = clean_environment() | {"HOME": str(tmp_path), "STATE_DIRECTORY": str(tmp_path / "state")}
    command = [BINARY, "serve", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        port = int(re.search(r":(\d+)", process.stdout.readline())[1])
        with Wire(port=port) as wire:
            items = json.loads(wire.request("GET", "/api/graphs").body)["items"]
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert {item["id"] for item in items} >= {"hello", "partial-failure"}


def test_the_socket_of_a_daemon_that_was_killed_is_taken_over(new_daemon):
    daemon = new_daemon().start()
    daemon.kill()
    assert daemon.socket_path.exists()
    daemon.start()
    with Wire(unix=daemon.socket_path) as wire:
        assert wire.request("GET", "/readyz").status == 200


def test_the_state_folder_is_for_its_owner_alone(new_daemon):
    daemon = new_daemon().start()
    assert daemon.state.stat().st_mode & 0o077 == 0
    assert (daemon.state / "history.sqlite").exists()
    assert (daemon.state / "millrace.sock").stat().st_mode & 0o077 == 0


# --- After a restart ---


def test_graphs_and_history_are_still_there(new_daemon):
    daemon = new_daemon().start()
    graph_id = daemon.create(chain(put("a", x=1), put("b", y=2)))
    execution_id = daemon.execute(graph_id)["execution_id"]
    before = daemon.summary(execution_id), daemon.stream(execution_id).blocks, daemon.http.get(f"/api/graphs/{graph_id}").text
    assert daemon.stop() == 0
    daemon.start()
    after = daemon.summary(execution_id), daemon.stream(execution_id).blocks, daemon.http.get(f"/api/graphs/{graph_id}").text
    assert after == before
    newer = daemon.execute(graph_id)["execution_id"]
    assert newer > execution_id
    items = daemon.http.get("/api/executions").json()["items"]
    assert [item["execution_id"] for item in items] == [newer, execution_id]


def test_what_a_client_saw_survives_kill_9(new_daemon):
    daemon = new_daemon().start()
    graph_id = daemon.create(graph([put("a", x=1), never_ends("b")]))
    with Wire(daemon) as wire:
        wire.send(f"POST /api/graphs/{graph_id}/execute/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = wire.read_head()
        seen = b""
        for piece in wire.read_body(head):
            seen += piece
            if b'"node_id":"a"' in seen and b'"node_id":"b"' in seen and b"node_complete" in seen:
                break
    daemon.kill()
    daemon.start()
    execution_id = head["content-location"].rpartition("/")[2]
    blocks = seen.split(b"\n\n")[1:-1]
    stored = daemon.http.get(f"/api/executions/{execution_id}/events", headers={"Accept": "application/json"}).content
    assert stored.startswith(b"[" + b",".join(block.split(b"\ndata: ")[1] for block in blocks))


FILE = "id: from-file\nnodes:\n  - {{ id: a, kind: set, config: {{ values: {{ x: {0} }} }} }}\n"


def revisions(daemon):
    return sorted(item["revision"] for item in daemon.http.get("/api/graphs/from-file/revisions").json()["items"])


def test_a_changed_graph_file_makes_a_new_revision_and_an_unchanged_one_does_not(new_daemon):
    daemon = new_daemon()
    daemon.write_graph_file("g.yaml", FILE.format(1))
    daemon.start()
    assert revisions(daemon) == [1]
    daemon.stop()
    daemon.start()
    assert revisions(daemon) == [1]
    daemon.stop()
    daemon.write_graph_file("g.yaml", FILE.format(2))
    daemon.start()
    assert revisions(daemon) == [1, 2]
    assert daemon.execute("from-file")["final_state"] == {"x": 2}


def test_a_reload_takes_what_has_changed(new_daemon, eventually):
    daemon = new_daemon()
    daemon.write_graph_file("g.yaml", FILE.format(1))
    daemon.start()
    daemon.write_graph_file("g.yaml", FILE.format(2))
    daemon.write_graph_file("new.yaml", FILE.format(1).replace("from-file", "new-one"))
    daemon.process.send_signal(signal.SIGHUP)
    eventually(lambda: daemon.http.get("/api/graphs/new-one").status_code == 200)
    assert revisions(daemon) == [1, 2]


def test_an_edit_by_the_api_stays_until_the_file_changes_and_never_touches_it(new_daemon):
    daemon = new_daemon()
    daemon.write_graph_file("g.yaml", FILE.format(1))
    daemon.start()
    edited = graph([put("a", x="edited")]) | {"id": "from-file"}
    assert daemon.http.put("/api/graphs/from-file", json=edited).headers["etag"] == '"2"'
    assert (daemon.graphs / "g.yaml").read_text() == FILE.format(1)
    daemon.stop()
    daemon.start()
    assert daemon.execute("from-file")["final_state"] == {"x": "edited"}


def test_executions_of_a_graph_whose_python_file_has_changed_use_the_new_file(new_daemon):
    daemon = new_daemon()
    daemon.write_graph_file("g.yaml", "id: code\nnodes: [{ id: a, kind: python, config: { file: code.py, function: f } }]\n")
    daemon.write_graph_file("code.py", "def f(state): return {'x': 1}\n")
    daemon.start()
    first = daemon.execute("code")
    daemon.write_graph_file("code.py", "def f(state): return {'x': 2}\n")
    daemon.stop()
    daemon.start()
    second = daemon.execute("code")
    assert (first["final_state"], second["final_state"]) == ({"x": 1}, {"x": 2})
    assert second["graph_revision"] == first["graph_revision"] + 1


def test_each_start_and_end_is_logged_with_its_ids(daemon, eventually):
    mark = len(daemon.log)
    execution_id = daemon.execute(daemon.create(graph([put("only")])))["execution_id"]

    def lines():
        # And one that says who has started it.
        return [line for line in daemon.log[mark:].splitlines() if execution_id in line and " audit " not in line]

    eventually(lambda: len(lines()) == 4)
    words = [next(word for word in ("started", "ended") if word in line) for line in lines()]
    assert words == ["started", "started", "ended", "ended"]
    assert ["only" in line for line in lines()] == [False, True, True, False]


def test_the_log_can_be_json(start_daemon):
    daemon = start_daemon("--set", "log.format=json")
    execution_id = daemon.execute(daemon.create(graph([put("a", text='quote " newline \n')])))["execution_id"]
    daemon.stop()
    lines = [json.loads(line) for line in daemon.log.splitlines()]
    assert any(execution_id in json.dumps(line) for line in lines)


def test_a_new_line_in_a_graph_forges_no_line_of_the_log(start_daemon):
    daemon = start_daemon()
    forged = "2026-01-01T00:00:00Z error forged"
    daemon.execute(daemon.create(graph([{"id": "a", "kind": "lua", "config": {"code": f"error('x\\n{forged}')"}}])))
    daemon.stop()
    assert forged in daemon.log
    assert not any(line.startswith(forged) for line in daemon.log.splitlines())

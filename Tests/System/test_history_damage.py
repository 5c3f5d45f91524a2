"""A history that something else has damaged: refused or reported in words that help, never replaced, never a crash."""

import random
import shutil
import sqlite3

import pytest

from daemon import CRASH, DidNotStart, run_to_failure
from graphs import chain, graph, put
from test_life_of_the_daemon import assert_one_clear_line

PAGE_BYTES = 16 << 10


@pytest.fixture
def history(new_daemon):
    """A daemon that has stopped, and left a history of some hundred pages."""
    daemon = new_daemon().start()
    graph_id = daemon.create(chain(put("a", text="x" * 3000), put("b", text="y" * 3000)))
    daemon.execution_ids = [daemon.execute(graph_id)["execution_id"] for _ in range(60)]
    assert daemon.stop() == 0
    daemon.history = daemon.state / "history.sqlite"
    assert daemon.history.stat().st_size > 20 * PAGE_BYTES
    return daemon


def refused(daemon, tmp_path, *words):
    """It does not start, says why in one line, and leaves the files as they are."""
    before = {path.name: path.read_bytes() for path in daemon.state.glob("history.sqlite*") if not path.name.endswith("-shm")}
    done = run_to_failure("--state-dir", daemon.state, "--graphs", tmp_path, "--listen", "127.0.0.1:0")
    assert_one_clear_line(done, 1, "history.sqlite", *words)
    after = {path.name: path.read_bytes() for path in daemon.state.glob("history.sqlite*") if not path.name.endswith("-shm")}
    assert {name: after[name] for name in before if before[name]} == {name: data for name, data in before.items() if data}


def overwrite(path, pages, byte=0xA5):
    with open(path, "r+b") as file:
        for page in pages:
            file.seek(page * PAGE_BYTES)
            file.write(bytes([byte]) * PAGE_BYTES)


def page_count(daemon):
    return daemon.history.stat().st_size // PAGE_BYTES


def test_a_history_without_its_second_half_is_refused(history, tmp_path):
    data = history.history.read_bytes()
    history.history.write_bytes(data[: len(data) // 2])
    refused(history, tmp_path, "damaged", ".recover", "move it away")


def test_a_history_all_of_whose_pages_are_overwritten_is_refused(history, tmp_path):
    overwrite(history.history, range(1, page_count(history)))
    refused(history, tmp_path, "damaged", ".recover", "move it away")


@pytest.mark.parametrize("seed", range(6))
def test_a_history_with_some_damaged_pages_is_refused_or_says_so_when_it_meets_them(history, tmp_path, seed):
    """Whatever is overwritten: a clear refusal at the start, or at the request that needs it; the rest is served."""
    pages = random.Random(seed).sample(range(1, page_count(history)), 4)
    overwrite(history.history, pages, byte=[0xA5, 0x00][seed % 2])
    try:
        history.start()
    except DidNotStart:
        done = run_to_failure("--state-dir", history.state, "--graphs", tmp_path, "--listen", "127.0.0.1:0")
        assert_one_clear_line(done, 1, "history.sqlite", "damaged")
        return
    answers = [history.http.get(f"/api/executions/{id}/events", headers={"Accept": "application/json"}) for id in history.execution_ids]
    answers += [history.http.get(f"/api/executions/{id}") for id in history.execution_ids]
    answers += [history.http.get("/api/executions"), history.http.get("/api/graphs")]
    for answer in answers:
        assert answer.status_code in (200, 404, 503), answer.text
        if answer.status_code == 503:
            assert answer.json()["code"] == "store_unavailable" and "damaged" in answer.json()["detail"]
    assert history.http.get("/healthz").status_code == 200
    assert history.is_running and not CRASH.search(history.log)


def kill_with_a_journal(daemon):
    """Leaves commits that lie in the -wal file alone."""
    daemon.start()
    execution_id = daemon.execute(daemon.create(graph([put("a", x=1)])))["execution_id"]
    daemon.kill()
    journal = daemon.state / "history.sqlite-wal"
    assert journal.stat().st_size > PAGE_BYTES
    return execution_id, journal


def test_a_journal_that_is_none_is_refused_and_left_alone(history, tmp_path):
    execution_id, journal = kill_with_a_journal(history)
    whole = journal.read_bytes()
    journal.write_bytes(b"no journal of SQLite" * 5000)
    refused(history, tmp_path, "history.sqlite-wal", "no journal", "move it away")
    journal.write_bytes(whole)
    history.start()
    assert history.summary(execution_id)["status"] == "success"


def test_a_journal_without_its_history_is_refused_and_left_alone(history, tmp_path):
    execution_id, _ = kill_with_a_journal(history)
    shutil.move(history.history, tmp_path / "elsewhere")
    refused(history, tmp_path, "history.sqlite-wal", "missing")
    assert not history.history.exists()
    shutil.move(tmp_path / "elsewhere", history.history)
    history.start()
    assert history.summary(execution_id)["status"] == "success"


def test_the_journal_of_another_history_is_refused_and_left_alone(history, new_daemon, tmp_path):
    """SQLite would take it for the history's own: its checksums are right."""
    execution_id, journal = kill_with_a_journal(history)
    own = journal.read_bytes()
    for executions in (1, 20):
        other = new_daemon().start()
        graph_id = other.create(graph([put("a", text="x" * 3000)]))
        for _ in range(executions):
            other.execute(graph_id)
        other.kill()
        shutil.copy(other.state / "history.sqlite-wal", journal)
        refused(history, tmp_path, "history.sqlite-wal", "another history", "move it away")
    journal.write_bytes(own)
    history.start()
    assert history.summary(execution_id)["status"] == "success"


def test_a_journal_that_is_cut_off_costs_what_was_cut_off_and_no_more(history):
    _, journal = kill_with_a_journal(history)
    with open(journal, "r+b") as file:
        file.truncate(journal.stat().st_size - PAGE_BYTES // 2)
    history.start()
    assert history.summary(history.execution_ids[-1])["status"] == "success"
    assert history.run(graph([put("a", x=1)]))[-1]["status"] == "success"


def test_the_way_back_that_the_refusal_names_is_one(history, tmp_path):
    """Moving the file away begins anew; what it held is still to be had from the file."""
    data = history.history.read_bytes()
    history.history.write_bytes(data[: len(data) // 2])
    refused(history, tmp_path, "move it away")
    aside = tmp_path / "damaged"
    aside.mkdir()
    for path in history.state.glob("history.sqlite*"):
        shutil.move(path, aside)
    history.start()
    assert history.http.get("/api/executions").json()["items"] == []
    history.stop()
    # And a backup can be put in its place.
    history.history.write_bytes(data)
    for name in ("-wal", "-shm"):
        (history.state / f"history.sqlite{name}").unlink(missing_ok=True)
    history.start()
    assert history.summary(history.execution_ids[0])["status"] == "success"


def test_a_history_can_be_copied_by_sqlite_while_the_daemon_runs(history, tmp_path):
    """The backup that the messages speak of."""
    history.start()
    with sqlite3.connect(history.history) as source, sqlite3.connect(tmp_path / "backup") as target:
        source.backup(target)
    history.stop()
    shutil.copy(tmp_path / "backup", history.history)
    history.start()
    assert history.summary(history.execution_ids[-1])["status"] == "success"

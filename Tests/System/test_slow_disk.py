"""A disk that takes half a second for each sync: what waits for it waits for one commit, and what does not need it not at all."""

import pathlib
import subprocess
import threading
import time

import httpx
import pytest

from graphs import chain, graph, put

SOURCE = pathlib.Path(__file__).with_name("slow_sync.c")
SYNC_MILLISECONDS = 500
DELETIONS = 40


@pytest.fixture
def slow(tmp_path, new_daemon):
    library, file = tmp_path / "slow_sync.so", tmp_path / "sync"
    file.write_text("0\n")
    # The compiler of the Swift toolchain.
    subprocess.run(["clang", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, SOURCE], check=True)
    daemon = new_daemon()
    daemon.start(
        "--set", "history.durability=power",
        environment={"LD_PRELOAD": str(library), "SLOW_SYNC_FILE": str(file)})
    return daemon, lambda milliseconds: file.write_text(f"{milliseconds}\n")


def together(*calls):
    """Runs them at once; gives what each gave, in their order, and in how many seconds."""
    results = [None] * len(calls)

    def run(index, call):
        begin = time.monotonic()
        results[index] = (call(), time.monotonic() - begin)

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_forty_deletions_ride_in_few_commits_and_hold_up_nobody(slow):
    daemon, sync = slow
    graph_id = daemon.create(chain(put("a")))
    ids = [daemon.execute(graph_id)["execution_id"] for _ in range(DELETIONS)]
    sync(SYNC_MILLISECONDS)

    def delete(execution_id):
        return lambda: httpx.delete(f"{daemon.url}/api/executions/{execution_id}", timeout=60).status_code

    def read():
        return httpx.get(f"{daemon.url}/api/executions", timeout=60).status_code

    def run():
        return httpx.post(f"{daemon.url}/api/graphs/{graph_id}/execute", timeout=60).status_code

    results = together(*[delete(each) for each in ids], run, read)
    sync(0)
    *deletions, (ran, run_seconds), (listed, list_seconds) = results
    assert [status for status, _ in deletions] == [204] * DELETIONS
    assert (ran, listed) == (200, 200)
    # One after another they would take 20 seconds.
    assert max(seconds for _, seconds in deletions) < 8
    assert run_seconds < 8
    assert list_seconds < run_seconds + 1
    metrics = daemon.http.get("/metrics").text
    assert "millrace_lane_jobs_queued" in metrics
    left = {item["execution_id"] for item in daemon.http.get("/api/executions").json()["items"]}
    assert not left & set(ids)


def test_many_documents_are_stored_in_few_commits(slow):
    daemon, sync = slow
    sync(SYNC_MILLISECONDS)

    def create(number):
        document = graph([put("a", x=number)], id=f"g{number}")
        return lambda: httpx.post(f"{daemon.url}/api/graphs", json=document, timeout=60).status_code

    results = together(*[create(number) for number in range(30)])
    sync(0)
    assert [status for status, _ in results] == [201] * 30
    assert max(seconds for _, seconds in results) < 8

"""Idempotency-Key: a start that is repeated is one start."""

import threading

import httpx
import pytest

from graphs import busy, chain, delay, fails, graph, never_ends, put
from stream import Stream, is_whole
from wire import Wire, request

ASYNC = {"Prefer": "respond-async"}


def start(daemon, graph_id, key, path="execute", content=b"", headers=None):
    headers = {"Idempotency-Key": key, **(headers or {})}
    if content:
        headers["Content-Type"] = "application/json"
    return daemon.http.post(f"/api/graphs/{graph_id}/{path}", content=content, headers=headers)


def count(daemon, graph_id):
    return len(daemon.http.get("/api/executions", params={"graph_id": graph_id}).json()["items"])


def id_of(reply):
    location = reply.headers.get("content-location") or reply.headers["location"]
    return location.rsplit("/", 1)[1]


@pytest.fixture
def graph_id(daemon):
    return daemon.create(chain(put("a", x=1), put("b", y=2)))


def test_a_repeated_start_is_the_same_execution(daemon, graph_id):
    first, again = (start(daemon, graph_id, "k1", content=b'{"initial_state": {"z": 1}}') for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert first.json()["final_state"] == {"z": 1, "x": 1, "y": 2}
    assert count(daemon, graph_id) == 1


def test_a_repeated_stream_is_the_same_from_its_beginning(daemon, graph_id):
    first, again = (start(daemon, graph_id, "k2", "execute/stream") for _ in range(2))
    assert Stream(first.content).blocks == Stream(again.content).blocks
    assert is_whole(Stream(again.content).events)
    assert first.headers["location"] == again.headers["location"]
    assert count(daemon, graph_id) == 1


def test_a_repeated_respond_async_is_accepted_again(daemon):
    graph_id = daemon.create(graph([never_ends()]))
    first, again = (start(daemon, graph_id, "k3", headers=ASYNC) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert id_of(first) == id_of(again)
    daemon.cancel(id_of(first))
    reply = start(daemon, graph_id, "k3", headers=ASYNC)
    assert (reply.status_code, reply.json()["status"]) == (202, "cancelled")


def test_while_it_runs_a_repeated_stream_joins_it(daemon):
    graph_id = daemon.create(chain(put("a"), delay("b", 300), put("c")))
    replies = []
    threads = [
        threading.Thread(target=lambda: replies.append(httpx.post(
            f"{daemon.url}/api/graphs/{graph_id}/execute/stream", headers={"Idempotency-Key": "k4"}, timeout=30)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    good = [reply for reply in replies if reply.status_code == 200]
    assert good
    assert len({tuple(Stream(reply.content).blocks) for reply in good}) == 1
    for reply in replies:
        if reply.status_code != 200:
            assert (reply.status_code, reply.json()["code"]) == (409, "start_in_progress")
            assert int(reply.headers["retry-after"]) >= 1
    assert count(daemon, graph_id) == 1


def test_of_two_starts_at_once_one_is_told_to_wait_or_gets_the_same(daemon, graph_id):
    """Both requests arrive in one turn of the loop, so that the second meets the first while it is being made."""
    message = request("POST", f"/api/graphs/{graph_id}/execute", {"Idempotency-Key": "k5", **ASYNC})
    codes = set()
    for number in range(50):
        message = request("POST", f"/api/graphs/{graph_id}/execute", {"Idempotency-Key": f"k5-{number}", **ASYNC})
        with Wire(daemon) as one, Wire(daemon) as other:
            one.send(message)
            other.send(message)
            replies = [one.read(), other.read()]
        codes |= {reply.status for reply in replies}
        assert 202 in {reply.status for reply in replies} <= {202, 409}
        for reply in replies:
            if reply.status == 409:
                assert int(reply["retry-after"]) >= 1
        assert len({reply["location"] for reply in replies if reply.status == 202}) == 1
    assert count(daemon, graph_id) == 50


def test_another_body_is_refused(daemon, graph_id):
    assert start(daemon, graph_id, "k6", content=b'{"initial_state":{}}').status_code == 200
    for other in (b'{"initial_state": {}}', b""):
        reply = start(daemon, graph_id, "k6", content=other)
        assert (reply.status_code, reply.json()["code"]) == (422, "idempotency_key_reused")
    assert count(daemon, graph_id) == 1


def test_other_keys_and_other_paths_are_other_starts(daemon, graph_id):
    other = daemon.create(chain(put("a")))
    ids = {
        id_of(start(daemon, graph_id, "k7")), id_of(start(daemon, graph_id, "K7")), id_of(start(daemon, other, "k7")),
        id_of(start(daemon, graph_id, "k7", "execute/stream")),
    }
    assert len(ids) == 4


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "a\tb", "ü"])
def test_a_key_is_one_word_of_visible_ascii(daemon, graph_id, key):
    with Wire(daemon) as wire:
        wire.send(request("POST", f"/api/graphs/{graph_id}/execute", {"Idempotency-Key": "@"}).replace(b"@", key.encode()))
        reply = wire.read()
    assert reply.status == 400
    assert b'"invalid_idempotency_key"' in reply.body
    assert count(daemon, graph_id) == 0


def test_the_longest_key_is_taken_and_two_keys_are_not(daemon, graph_id):
    assert start(daemon, graph_id, "~" * 255).status_code == 200
    with Wire(daemon) as wire:
        wire.send(request("POST", f"/api/graphs/{graph_id}/execute", {"Idempotency-Key": "a\r\nIdempotency-Key: a"}))
        assert wire.read().status == 400


def test_a_failed_execution_is_not_run_again(daemon):
    graph_id = daemon.create(chain(fails("a")))
    first, again = (start(daemon, graph_id, "k8") for _ in range(2))
    assert (first.json()["status"], first.json()) == ("error", again.json())


def test_a_refusal_is_not_recorded(start_daemon, eventually):
    daemon = start_daemon(environment={"MILLRACE_EXECUTIONS_MAX_RUNNING": "1", "MILLRACE_EXECUTIONS_MAX_QUEUED": "0"})
    graph_id = daemon.create(graph([busy()]))
    blocker = daemon.begin(graph_id)
    assert start(daemon, graph_id, "k9", headers=ASYNC).status_code == 429
    assert start(daemon, "none", "k9").status_code == 404
    assert start(daemon, graph_id, "k9", content=b"{", headers=ASYNC).status_code == 400
    daemon.cancel(blocker)
    eventually(lambda: daemon.summary(blocker)["status"] == "cancelled")
    # The place is free a moment after the end is visible.
    reply = eventually(lambda: (reply := start(daemon, graph_id, "k9", content=b"{}", headers=ASYNC)).status_code == 202 and reply)
    assert id_of(start(daemon, graph_id, "k9", content=b"{}", headers=ASYNC)) == id_of(reply)


def test_it_survives_a_restart_and_a_kill(start_daemon):
    daemon = start_daemon()
    graph_id = daemon.create(chain(put("a", x=1)))
    first = start(daemon, graph_id, "k10").json()
    daemon.kill()
    daemon.start()
    assert start(daemon, graph_id, "k10").json() == first
    daemon.stop()
    daemon.start()
    assert start(daemon, graph_id, "k10").json() == first
    assert start(daemon, graph_id, "k10", content=b"{}").status_code == 422
    assert count(daemon, graph_id) == 1


def test_kills_at_any_moment_never_make_two(start_daemon):
    """The client repeats what it does not know the outcome of, as it should."""
    daemon = start_daemon()
    graph_id = daemon.create(chain(put("a")))
    seen = {}
    for number in range(8):
        key = f"kill-{number}"
        with Wire(daemon) as wire:
            wire.send(request("POST", f"/api/graphs/{graph_id}/execute", {"Idempotency-Key": key, **ASYNC}))
            if number % 2:
                seen[key] = wire.read()["location"].rsplit("/", 1)[1]
            daemon.kill()
        daemon.start()
        execution_id = id_of(start(daemon, graph_id, key, headers=ASYNC))
        assert seen.setdefault(key, execution_id) == execution_id
    assert count(daemon, graph_id) == 8

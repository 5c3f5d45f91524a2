"""How many executions run and wait at once, in which order, and what those beyond are told."""

import httpx
import pytest

from graphs import graph, busy, put


@pytest.fixture
def narrow(start_daemon):
    """A daemon that runs one execution at once, and lets three wait."""
    return start_daemon(environment={"MILLRACE_EXECUTIONS_MAX_RUNNING": "1", "MILLRACE_EXECUTIONS_MAX_QUEUED": "3"})


def positions(daemon):
    items = daemon.http.get("/api/executions", params={"status": "queued"}).json()["items"]
    return {item["execution_id"]: item["queue_position"] for item in items}


def test_executions_beyond_the_places_wait_with_a_position_and_graphs_take_turns(narrow, eventually):
    one, other = narrow.create(graph([busy()])), narrow.create(graph([busy()]))
    running = narrow.begin(one)
    flood = [narrow.begin(one), narrow.begin(one)]
    late = narrow.begin(other)
    assert "queue_position" not in narrow.summary(running)
    assert {id: narrow.summary(id)["status"] for id in [*flood, late]} == dict.fromkeys([*flood, late], "queued")
    assert [narrow.summary(id)["queue_position"] for id in [flood[0], late, flood[1]]] == [1, 2, 3]
    assert positions(narrow) == {flood[0]: 1, late: 2, flood[1]: 3}
    for ended, next in [(running, flood[0]), (flood[0], late), (late, flood[1])]:
        assert narrow.cancel(ended).status_code == 202
        eventually(lambda: narrow.summary(next)["status"] == "running")
        assert "queue_position" not in narrow.summary(next)
    narrow.cancel(flood[1])


def test_the_answer_to_a_queued_start_names_its_position(narrow):
    graph_id = narrow.create(graph([busy()]))
    narrow.begin(graph_id)
    reply = narrow.http.post(f"/api/graphs/{graph_id}/execute", headers={"Prefer": "respond-async"})
    assert (reply.status_code, reply.json()["status"], reply.json()["queue_position"]) == (202, "queued", 1)


def test_a_full_queue_refuses_and_records_nothing(narrow, eventually):
    graph_id = narrow.create(graph([busy()]))
    ids = [narrow.begin(graph_id) for _ in range(4)]
    for path in ("execute", "execute/stream"):
        reply = narrow.http.post(f"/api/graphs/{graph_id}/{path}")
        assert (reply.status_code, reply.json()["code"]) == (429, "queue_full")
        assert int(reply.headers["retry-after"]) >= 1
    listed = narrow.http.get("/api/executions").json()["items"]
    assert {item["execution_id"] for item in listed} == set(ids)
    assert narrow.cancel(ids[-1]).status_code == 202
    eventually(lambda: narrow.summary(ids[-1])["status"] == "cancelled")
    narrow.begin(graph_id)


def test_the_stream_of_a_queued_execution_is_silent_until_it_starts(start_daemon):
    daemon = start_daemon(
        environment={"MILLRACE_EXECUTIONS_MAX_RUNNING": "1", "MILLRACE_STREAM_KEEP_ALIVE_MS": "100"}
    )
    blocker = daemon.begin(daemon.create(graph([busy()])))
    graph_id = daemon.create(graph([put("a", x=1)]))
    with httpx.Client(base_url=daemon.url, timeout=30) as client:
        with client.stream("POST", f"/api/graphs/{graph_id}/execute/stream") as reply:
            lines = reply.iter_lines()
            assert next(lines).startswith("retry: ")
            assert next(line for line in lines if line) == ": keep-alive"
            daemon.cancel(blocker)
            first = next(line for line in lines if line and not line.startswith(":"))
            assert first == "id: 1"

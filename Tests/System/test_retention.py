"""What is kept of the past, how it is deleted, and what a reader is told of what is gone."""

import json
import subprocess

import pytest

import daemon as daemons
from daemon import clean_environment
from feed import Feed
from graphs import chain, graph, lua, never_ends, put
from stream import KEEP_ALIVE, RETRY

# The daemon looks at the limits every two seconds.
SECONDS = 40


def loud(size=120_000, **members):
    """A graph whose execution stores about three times that many bytes in its events."""
    return chain(*(lua(id, f"return {{{id} = string.rep('x', {size})}}") for id in "abc"), put("end"), **members)


def messages(body):
    """The blocks of a stream behind its opening, each as (id or None, message)."""
    opening, *blocks = body.removesuffix(b"\n\n").split(b"\n\n")
    assert RETRY.fullmatch(opening)
    pairs = []
    for block in blocks:
        if block == KEEP_ALIVE:
            continue
        lines = block.split(b"\n")
        id = int(lines.pop(0)[4:]) if lines[0].startswith(b"id: ") else None
        [data] = lines
        pairs.append((id, data.removeprefix(b"data: ")))
    return pairs


def listed(daemon):
    return [item["execution_id"] for item in daemon.http.get("/api/executions").json()["items"]]


def test_the_oldest_executions_beyond_the_number_go_and_unfinished_ones_stay(start_daemon, eventually):
    daemon = start_daemon(environment={"MILLRACE_HISTORY_RETAIN_EXECUTIONS": "4"})
    waiting = daemon.begin(daemon.create(graph([never_ends()])))
    graph_id = daemon.create(chain(put("a")))
    ids = [daemon.execute(graph_id)["execution_id"] for _ in range(10)]
    eventually(lambda: len(listed(daemon)) == 4, SECONDS)
    assert listed(daemon) == [*reversed(ids[-3:]), waiting]
    assert daemon.http.get(f"/api/executions/{ids[0]}").status_code == 404
    assert daemon.http.get(f"/api/executions/{ids[0]}/events").status_code == 404
    assert [event["type"] for event in daemon.events(ids[-1])][-1] == "complete"
    daemon.kill()
    daemon.start()
    assert set(ids[-3:]) <= set(listed(daemon))


@pytest.fixture
def crowded(start_daemon, eventually):
    """A daemon whose history may use few bytes, and the ids of two executions: one whose events had to go, and a late one."""
    daemon = start_daemon(environment={"MILLRACE_HISTORY_RETAIN_BYTES": "2MiB"})
    graph_id = daemon.create(loud())
    ids = [daemon.execute(graph_id)["execution_id"] for _ in range(12)]
    eventually(lambda: daemon.events(ids[0])[0]["type"] == "gap", SECONDS)
    return daemon, ids[0], ids[-1]


def test_of_what_is_too_large_the_events_go_and_the_summary_stays(crowded):
    daemon, old, new = crowded
    summary = daemon.summary(old)
    last = summary["last_seq"]
    assert (summary["status"], last) == ("success", 10)
    reply = daemon.http.get(f"/api/executions/{old}/events")
    gap, *rest = messages(reply.content)
    assert gap == (None, f'{{"type":"gap","execution_id":"{old}","from":1,"to":{last - 1}}}'.encode())
    # The last event stays, so that a reader learns how it ended, and the stream ends as every other does.
    [(id, data)] = rest
    end = json.loads(data)
    assert (id, end["seq"], end["type"], end["status"]) == (last, last, "complete", "success")
    assert "final_state" not in end
    assert daemon.events(old) == [json.loads(gap[1]), end]
    assert len(daemon.events(new)) == last


def test_a_cursor_in_the_gap_is_told_the_rest_of_it(crowded):
    daemon, old, _ = crowded
    for state in ("full", "update", "none"):
        reply = daemon.http.get(f"/api/executions/{old}/events", params={"state": state}, headers={"Last-Event-ID": "4"})
        assert messages(reply.content)[0] == (None, f'{{"type":"gap","execution_id":"{old}","from":5,"to":9}}'.encode())
        assert daemon.events(old, after=4, state=state)[0] == {"type": "gap", "execution_id": old, "from": 5, "to": 9}
    assert [id for id, _ in messages(daemon.http.get(f"/api/executions/{old}/events?after=9").content)] == [10]
    assert daemon.http.get(f"/api/executions/{old}/events?after=10").status_code == 204
    assert daemon.http.get(f"/api/executions/{old}/events?after=11").status_code == 400
    with daemon.http.stream("GET", f"/api/events?executions={old}:2") as reply:
        body = b""
        for piece in reply.iter_raw():
            body += piece
            if b'"complete"' in body:
                break
    assert f'data: {{"type":"gap","execution_id":"{old}","from":3,"to":9}}\n\n'.encode() in body


def test_the_file_stops_growing(crowded, eventually):
    daemon, *_ = crowded
    graph_id = daemon.create(loud())
    file = daemon.state / "history.sqlite"
    sizes = []
    for _ in range(2):
        new = [daemon.execute(graph_id)["execution_id"] for _ in range(8)]
        eventually(lambda: daemon.events(new[1])[0]["type"] == "gap", SECONDS)
        sizes.append(file.stat().st_size)
    # Space that was freed is used again.
    assert sizes[1] <= sizes[0] + (1 << 20)


# --- DELETE ---


def test_a_finished_execution_is_deleted_for_good(start_daemon):
    daemon = start_daemon()
    graph_id = daemon.create(loud())
    gone, kept = (daemon.execute(graph_id)["execution_id"] for _ in range(2))
    with Feed(daemon) as feed:
        feed.next()
        reply = daemon.http.delete(f"/api/executions/{gone}")
        assert (reply.status_code, reply.content) == (204, b"")
        told = feed.next()
        assert (told["type"], told["execution_id"], told["graph_id"], told["status"]) == ("execution_deleted", gone, graph_id, "success")
    daemon.kill()
    daemon.start()
    assert listed(daemon) == [kept]
    for path in ("", "/events"):
        assert daemon.http.get(f"/api/executions/{gone}{path}").status_code == 404
    assert daemon.http.delete(f"/api/executions/{gone}").status_code == 404
    assert len(daemon.events(kept)) == 10


def test_one_that_has_not_ended_is_not_deleted(daemon, eventually):
    execution_id = daemon.begin(daemon.create(graph([never_ends()])))
    reply = daemon.http.delete(f"/api/executions/{execution_id}")
    assert (reply.status_code, reply.json()["code"]) == (409, "execution_running")
    daemon.cancel(execution_id)
    eventually(lambda: daemon.summary(execution_id)["status"] == "cancelled")
    assert daemon.http.delete(f"/api/executions/{execution_id}").status_code == 204


@pytest.mark.parametrize("id", ["none", "01930b1c-7d2e-7cc3-98c4-dc0c0c07398f"])
def test_what_is_not_there_is_not_deleted(daemon, id):
    reply = daemon.http.delete(f"/api/executions/{id}")
    assert (reply.status_code, reply.json()["code"]) == (404, "unknown_execution")


def test_a_key_whose_execution_was_deleted_starts_nothing(daemon):
    graph_id, key = daemon.create(chain(put("a"))), {"Idempotency-Key": "gone"}
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute", headers=key)
    daemon.http.delete(reply.headers["content-location"])
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute", headers=key)
    assert (reply.status_code, reply.json()["code"]) == (410, "execution_deleted")


def test_the_command_line_deletes(daemon):
    graph_id = daemon.create(chain(put("a")))
    ids = [daemon.execute(graph_id)["execution_id"] for _ in range(2)]
    running = daemon.begin(daemon.create(graph([never_ends()])))
    done = subprocess.run(
        [daemons.BINARY, "execution", "delete", ids[0], running, ids[1], "--server", daemon.url],
        capture_output=True, text=True, timeout=30, env=clean_environment(),
    )
    assert done.stdout == "".join(f"{id}  deleted\n" for id in ids), done.stderr
    assert "has not ended" in done.stderr
    assert done.returncode != 0
    assert not set(ids) & set(listed(daemon))
    daemon.cancel(running)

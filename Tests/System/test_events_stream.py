"""One stream for a whole dashboard: GET /api/events."""

import pytest

from feed import Feed
from graphs import busy, chain, delay, fails, graph, lua, never_ends, put, python
from wire import Wire

UNKNOWN = "01930b1c-7d2e-7cc3-98c4-dc0c0c07398f"


def of(messages, execution_id):
    return [message for message in messages if not message.is_snapshot and message["execution_id"] == execution_id]


def words(messages, execution_id):
    return [message.word for message in of(messages, execution_id) if message.is_light]


def data_of_own_stream(daemon, execution_id, after=0, **query):
    """What stands behind `data:` in the execution's own stream."""
    blocks = daemon.stream(execution_id, after=after, **query).blocks
    return [block.split(b"\ndata: ", 1)[1] for block in blocks]


# --- Snapshot and light events ---


def test_it_opens_with_the_unfinished_executions_and_goes_on_with_what_happens(start_daemon, eventually):
    daemon = start_daemon()
    daemon.execute(daemon.create(chain(put("before"))))
    waiting = daemon.begin(daemon.create(graph([never_ends()])))
    eventually(lambda: daemon.summary(waiting)["last_seq"] == 2)
    story = daemon.create(
        chain(put("a", x=1), fails("b", retry={"max_attempts": 2, "delay_ms": 1}, on_error="skip"), put("c"))
    )
    with Feed(daemon) as feed:
        assert (feed.head.status, feed.head["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert feed.head["x-accel-buffering"] == "no"
        snapshot = feed.next()
        assert list(snapshot) == ["type", "executions", "timestamp"]
        [summary] = snapshot["executions"]
        assert (summary["execution_id"], summary["status"]) == (waiting, "running")
        assert summary["last_seq"] == 2
        execution_id = daemon.execute(story)["execution_id"]
        messages = feed.until_end_of(execution_id)
        assert [message["execution_id"] for message in messages] == [execution_id] * len(messages)
        assert words(messages, execution_id) == [
            "execution_started", "node_started a", "node_ended a", "node_started b", "node_ended b", "node_started b",
            "node_ended b", "node_ended c", "execution_ended",
        ]
        assert [message["node_status"] for message in messages if "node_status" in message] == [
            "success", "error", "error", "skipped",
        ]
        assert [message["attempt"] for message in messages if message.get("node_id") == "b"] == [1, 1, 2, 2]
        assert [message.get("will_retry") for message in messages if message.get("node_id") == "b"] == [
            None, True, None, None,
        ]
        assert {message["status"] for message in messages[:-1]} == {"running"}
        assert messages[-1]["status"] == "error"
        assert all(b'"seq"' not in message.data for message in messages)
        times = [message["timestamp"] for message in messages]
        assert times == [event["timestamp"] for event in daemon.events(execution_id)]
        daemon.cancel(waiting)
        assert feed.until_end_of(waiting)[-1]["status"] == "cancelled"


def test_a_critical_fault_is_told(daemon):
    graph_id = daemon.create(graph([never_ends()], limits={"timeout_ms": 50}))
    with Feed(daemon) as feed:
        execution_id = daemon.begin(graph_id)
        last = feed.until_end_of(execution_id)[-1]
        assert (last["type"], last["status"]) == ("execution_ended", "failed")


def test_it_filters_by_graph(daemon):
    mine, other, third = (daemon.create(chain(put("a"), put("b"))) for _ in range(3))
    held = daemon.begin(daemon.create(graph([never_ends()])))
    with Feed(daemon, f"?graph_id={mine},{third}") as feed:
        assert feed.next()["executions"] == []
        for graph_id in (mine, other, third):
            last = daemon.execute(graph_id)["execution_id"]
        messages = feed.until_end_of(last)
        assert {message["graph_id"] for message in messages} == {mine, third}
        assert len(messages) == 2 * 6
    daemon.cancel(held)


def test_queued_executions_are_told_and_stand_in_the_snapshot(start_daemon, eventually):
    daemon = start_daemon(environment={"MILLRACE_EXECUTIONS_MAX_RUNNING": "1"})
    graph_id = daemon.create(graph([busy("wait")]))
    with Feed(daemon) as early:
        running, queued = daemon.begin(graph_id), daemon.begin(graph_id)
        messages = early.until(lambda message: message["type"] == "execution_queued")
        assert (messages[-1]["execution_id"], messages[-1]["status"]) == (queued, "queued")
        eventually(lambda: daemon.summary(running)["last_seq"] == 2)
        with Feed(daemon) as late:
            assert [(item["execution_id"], item["status"]) for item in late.next()["executions"]] == [
                (running, "running"), (queued, "queued"),
            ]
            daemon.cancel(running)
            messages = late.until(lambda message: message.word == "node_started wait")
            assert [message.word for message in messages] == ["node_ended wait", "execution_ended", "execution_started", "node_started wait"]
            daemon.cancel(queued)


def test_a_snapshot_of_many_pages_and_what_happens_meanwhile_agree(start_daemon):
    daemon = start_daemon()
    held = daemon.create(graph([never_ends()]))
    ids = [daemon.begin(held) for _ in range(400)]
    with Feed(daemon) as feed:
        for execution_id in ids[::2]:
            daemon.cancel(execution_id)
        snapshot = feed.next()
        statuses = {item["execution_id"]: item["status"] for item in snapshot["executions"]}
        assert [item["execution_id"] for item in snapshot["executions"]] == sorted(statuses)
        assert set(ids[1::2]) <= set(statuses) <= set(ids)
        # Whoever was still in the snapshot ends once; whoever was not has ended before.
        last = daemon.execute(daemon.create(chain(put("a"))))["execution_id"]
        ended = [message["execution_id"] for message in feed.until_end_of(last)[:-1] if message["type"] == "execution_ended"]
        assert sorted(ended) == sorted(set(statuses) & set(ids[::2]))
    with Feed(daemon) as feed:
        assert {item["execution_id"] for item in feed.next()["executions"]} == set(ids[1::2])


def test_what_was_seen_survives_a_kill(start_daemon):
    daemon = start_daemon()
    graph_id = daemon.create(chain(put("a"), put("b")))
    with Feed(daemon) as feed:
        execution_id = daemon.begin(graph_id)
        feed.until_end_of(execution_id)
        daemon.kill()
    daemon.start()
    assert daemon.summary(execution_id)["status"] == "success"


# --- Whole events ---


@pytest.mark.parametrize("state", ["full", "update", "none"])
def test_it_carries_whole_events_byte_for_byte(daemon, state):
    story = chain(put("a", x=1), python("b", 'print("said")\n    return {"y": "ü\\u2028"}'), lua("c", "error('no')"))
    graph_id = daemon.create(story)
    first, second = (daemon.execute(graph_id)["execution_id"] for _ in range(2))
    with Feed(daemon, f"?executions={first}:0,{second}:3&state={state}") as feed:
        wanted = data_of_own_stream(daemon, first, state=state) + data_of_own_stream(daemon, second, 3, state=state)
        messages = [feed.next()]
        while sum(message.is_whole for message in messages) < len(wanted):
            messages.append(feed.next())
        assert messages[0].is_snapshot
        for execution_id, after in ((first, 0), (second, 3)):
            whole = [message.data for message in of(messages, execution_id) if message.is_whole]
            assert whole == data_of_own_stream(daemon, execution_id, after, state=state)
        # It goes on with whatever else happens.
        third = daemon.execute(graph_id)["execution_id"]
        assert all(message.is_light for message in feed.until_end_of(third))


def test_it_follows_running_executions_and_their_light_events_too(daemon):
    graph_id = daemon.create(chain(put("a", x=1), delay("b", 300), put("c", y=1)))
    execution_id = daemon.begin(graph_id)
    with Feed(daemon, f"?executions={execution_id}:1") as feed:
        messages = feed.until_end_of(execution_id, whole=True)
        whole = [message.data for message in messages if message.is_whole]
        assert whole == data_of_own_stream(daemon, execution_id, 1)


def test_large_events_are_not_cut_into(daemon):
    """The events are larger than what is written at once, while other executions go on."""
    big = daemon.create(chain(lua("a", "return {text = string.rep('x', 2000000)}"), lua("b", "return {more = 1}")))
    small = daemon.create(chain(put("a"), put("b")))
    execution_id = daemon.execute(big)["execution_id"]
    with Feed(daemon, f"?executions={execution_id}:0") as feed:
        others = [daemon.execute(small)["execution_id"] for _ in range(5)]
        messages = feed.until_end_of(execution_id, whole=True)
        while words(messages, others[-1])[-1:] != ["execution_ended"]:
            messages.append(feed.next())
        assert [message.data for message in messages if message.is_whole] == data_of_own_stream(daemon, execution_id)
        for other in others:
            assert len(words(messages, other)) == 6


def test_what_the_client_has_already_is_not_sent_again(daemon):
    graph_id = daemon.create(chain(put("a")))
    done = daemon.execute(graph_id)["execution_id"]
    with Feed(daemon, f"?executions={done}:{daemon.summary(done)['last_seq']}") as feed:
        other = daemon.execute(graph_id)["execution_id"]
        assert not any(message.is_whole for message in feed.until_end_of(other))


# --- Refusals ---


@pytest.mark.parametrize(
    "query, status, code",
    [
        ("executions=none:0", 400, "invalid_parameter"),
        ("executions=,", 400, "invalid_parameter"),
        ("executions={id}:x", 400, "invalid_cursor"),
        ("executions={id}:-1", 400, "invalid_cursor"),
        ("executions={id}:99", 400, "cursor_ahead"),
        ("executions={id}:0,{id}:1", 400, "invalid_parameter"),
        (f"executions={UNKNOWN}:0", 404, "unknown_execution"),
        ("state=all", 400, "invalid_parameter"),
    ],
)
def test_it_refuses_what_it_cannot_follow(daemon, query, status, code):
    execution_id = daemon.execute(daemon.create(chain(put("a"))))["execution_id"]
    reply = daemon.http.get(f"/api/events?{query.format(id=execution_id)}")
    assert (reply.status_code, reply.json()["code"]) == (status, code)


def test_it_follows_as_many_executions_as_it_says_and_no_more(daemon):
    graph_id = daemon.create(chain(put("a")))
    ids = [daemon.execute(graph_id)["execution_id"] for _ in range(33)]
    with Feed(daemon, f"?executions={','.join(ids[:32])}") as feed:
        messages = feed.until(lambda message, seen=[]: seen.append(message["type"] == "complete") or sum(seen) == 32)
        assert {message["execution_id"] for message in messages if message.is_whole} == set(ids[:32])
    reply = daemon.http.get(f"/api/events?executions={','.join(ids)}")
    assert (reply.status_code, reply.json()["code"]) == (400, "too_many_executions")


def test_it_wants_a_reader_of_event_streams(daemon):
    assert daemon.http.get("/api/events", headers={"Accept": "application/json"}).status_code == 406
    reply = daemon.http.head("/api/events")
    assert (reply.status_code, reply.headers["content-type"], reply.content) == (200, "text/event-stream; charset=utf-8", b"")


# --- Framing, slow readers, the end ---


def test_silence_carries_comments(start_daemon):
    daemon = start_daemon(environment={"MILLRACE_STREAM_KEEP_ALIVE_MS": "100"})
    with Feed(daemon) as feed:
        assert feed.next()["executions"] == []
        feed.wait_for_keep_alive()
        feed.wait_for_keep_alive()
        execution_id = daemon.execute(daemon.create(chain(put("a"))))["execution_id"]
        feed.until_end_of(execution_id)


def test_a_reader_that_falls_behind_is_told_the_snapshot_again(start_daemon):
    daemon = start_daemon()
    held = daemon.begin(daemon.create(graph([never_ends()])))
    long = daemon.create(chain(*(put(f"n{index}") for index in range(200))))
    with Feed(daemon, receive_buffer=4096) as feed, Feed(daemon) as healthy:
        for _ in range(60):
            execution_id = daemon.execute(long)["execution_id"]
            # Another reader gets every line meanwhile.
            assert len(words(healthy.until_end_of(execution_id), execution_id)) == 402
        messages = feed.until(lambda message, seen=[]: seen.append(message.is_snapshot) or sum(seen) == 2)
        assert messages[0].is_snapshot
        assert [item["execution_id"] for item in messages[-1]["executions"]] == [held]
        again = daemon.execute(long)["execution_id"]
        assert len(words(feed.until_end_of(again), again)) == 402


def test_many_readers_come_and_go(daemon):
    graph_id = daemon.create(chain(put("a"), put("b")))
    for _ in range(20):
        with Feed(daemon) as one, Feed(daemon) as other:
            execution_id = daemon.execute(graph_id)["execution_id"]
            for feed in (one, other):
                messages = feed.until_end_of(execution_id)
                assert words(messages, execution_id)[0] == "execution_started"


def test_a_stop_ends_it_properly(start_daemon):
    daemon = start_daemon()
    with Feed(daemon) as feed:
        assert feed.next().is_snapshot
        daemon.process.terminate()
        assert list(feed) == []
        assert feed.wire.is_closed_by_server()
    assert daemon.wait() == 0

"""Many at once, long, and wide. Nothing is measured against a limit; times are printed to be looked at."""

import asyncio
import random
import time

import pytest

from graphs import chain, delay, graph, put
from ledger import all_of, stream

SEED = 20260131


def seconds_since(began):
    return f"{time.monotonic() - began:.1f} s"


def test_a_thousand_executions_started_at_once_each_tell_their_whole_story(start_daemon, say):
    daemon, count = start_daemon(), 1000
    graph_id = daemon.create(chain(put("a", x=1), put("b", y=2)))
    began = time.monotonic()
    ledgers = asyncio.run(all_of(stream(daemon.port, "POST", f"/api/graphs/{graph_id}/execute/stream") for _ in range(count)))
    say(f"{count} executions: {seconds_since(began)}")
    assert {(ledger.count, ledger.status) for ledger in ledgers} == {(6, "success")}
    assert len({ledger.execution_id for ledger in ledgers}) == count
    stored, cursor = set(), ""
    while cursor is not None:
        page = daemon.http.get("/api/executions", params={"limit": 500} | ({"cursor": cursor} if cursor else {})).json()
        stored |= {(item["execution_id"].encode(), item["status"]) for item in page["items"]}
        cursor = page["next_cursor"]
    assert stored == {(ledger.execution_id, "success") for ledger in ledgers}


def test_a_thousand_watchers_who_join_at_any_moment_see_the_same_bytes(start_daemon, say):
    daemon, count = start_daemon(), 1000
    moments = random.Random(SEED)
    steps = [node for number in range(60) for node in (delay(f"d{number}", 30), put(f"n{number}", **{f"k{number}": "x" * 20}))]
    graph_id = daemon.create(chain(*steps))
    length = 2 * len(steps) + 2

    async def join(path, moment, after):
        await asyncio.sleep(moment)
        return await stream(daemon.port, "GET", f"{path}?after={after}", after)

    async def watch():
        execution_id = daemon.begin(graph_id)
        path = f"/api/executions/{execution_id}/events"
        # Half from the beginning, half from the first node's end on: that one has been for all who come later.
        joins = [(moments.uniform(0, 2.5), 0) for _ in range(count // 2)]
        joins += [(moments.uniform(0.7, 2.5), moments.choice([1, 2, 3])) for _ in range(count // 2)]
        ledgers = await all_of(join(path, moment, after) for moment, after in joins)
        whole = [await stream(daemon.port, "GET", f"{path}?after={after}", after) for after in range(4)]
        return ledgers, whole

    began = time.monotonic()
    ledgers, whole = asyncio.run(watch())
    say(f"{count} watchers of {length} events, seed {SEED}: {seconds_since(began)}")
    assert {ledger.next_seq for ledger in ledgers} == {length + 1}
    expected = {ledger.after: ledger.hash.digest() for ledger in whole}
    assert len(set(expected.values())) == 4
    assert all(ledger.hash.digest() == expected[ledger.after] for ledger in ledgers)


def test_five_thousand_executions_that_wait_need_no_five_thousand_threads(start_daemon, say):
    daemon, count = start_daemon("--set", "workers.threads=2"), 5000
    graph_id = daemon.create(graph([delay("wait", 2000)]))
    began = time.monotonic()
    ledgers = asyncio.run(all_of(stream(daemon.port, "POST", f"/api/graphs/{graph_id}/execute/stream") for _ in range(count)))
    threads = len(list((daemon_proc(daemon) / "task").iterdir()))
    say(f"{count} executions that wait 2 s, on {threads} threads: {seconds_since(began)}")
    assert {(ledger.count, ledger.status) for ledger in ledgers} == {(4, "success")}
    assert len({ledger.execution_id for ledger in ledgers}) == count
    assert threads < 50


def daemon_proc(daemon):
    import pathlib

    return pathlib.Path("/proc") / str(daemon.process.pid)


def long_chain(count):
    return chain(*(put(f"n{number}", last=number) for number in range(count)))


def wide_fan(count):
    ends = ["first", "last"]
    middle = [f"n{number}" for number in range(count - len(ends))]
    edges = [f"first {id}" for id in middle] + [f"{id} last" for id in middle]
    return graph([put("first"), *(put(id, **{id: 1}) for id in middle), put("last", done=True)], edges)


@pytest.mark.parametrize("make", [long_chain, wide_fan])
def test_a_graph_of_ten_thousand_nodes_runs_to_its_end(start_daemon, say, make):
    daemon, count = start_daemon(), 10_000
    graph_id = daemon.create(make(count))
    began = time.monotonic()
    path = f"/api/graphs/{graph_id}/execute/stream?state=update"
    ledger = asyncio.run(stream(daemon.port, "POST", path))
    say(f"{make.__name__} of {count} nodes: {seconds_since(began)}")
    assert (ledger.count, ledger.status) == (2 * count + 2, "success")
    again = asyncio.run(stream(daemon.port, "GET", f"/api/executions/{ledger.execution_id.decode()}/events?state=update"))
    assert again.hash.digest() == ledger.hash.digest()


def test_one_node_more_than_ten_thousand_is_refused(start_daemon):
    reply = start_daemon().http.post("/api/graphs", json=wide_fan(10_001))
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_graph")
    first = reply.json()["errors"][0]
    assert first["pointer"] == "/nodes" and "10000" in first["message"].replace(",", "").replace(" ", "")

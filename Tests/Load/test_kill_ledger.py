"""The plug is pulled again and again, at random moments, under load. Watchers account for all that they saw.

The number of kills, of executions that run at once and of watchers can be set: MILLRACE_KILLS, MILLRACE_EXECUTIONS,
MILLRACE_WATCHERS; MILLRACE_SEED repeats the moments of an earlier run.
"""

import asyncio
import ctypes
import itertools
import json
import os
import random
import signal
import time

import pytest

from daemon import CRASH, Daemon, require_binary
from graphs import delay, graph, lua, node, process, put, python
from stream import KEEP_ALIVE, RETRY, event_of, is_whole

KILLS = int(os.environ.get("MILLRACE_KILLS", 15))
EXECUTIONS = int(os.environ.get("MILLRACE_EXECUTIONS", 50))
WATCHERS = int(os.environ.get("MILLRACE_WATCHERS", 100))
SEED = int(os.environ.get("MILLRACE_SEED", random.SystemRandom().randrange(1 << 32)))

# /proc/uptime counts in hundredths.
UPTIME_GRAIN_SECONDS = 0.02
SECONDS_MAX = 120 + 15 * KILLS

PR_SET_CHILD_SUBREAPER = 36


# --- What runs ---


def leaving_traces(traces):
    """Three graphs of all kinds of nodes. Those that can leave a trace of each time that they run."""
    note = f'read up _ </proc/uptime; echo "$up $MILLRACE_IDEMPOTENCY_KEY" >>{traces}'
    code = f"""\
    import millrace
    with open("/proc/uptime") as uptime, open({str(traces)!r}, "a") as traces:
        traces.write(uptime.read().split()[0] + " " + millrace.idempotency_key() + "\\n")
"""
    retry = {"max_attempts": 3, "delay_ms": 20}

    def python_node(id, rest, head="def execute(state):"):
        return node(id, "python", {"code": f"{head}\n{code}    {rest}\n"})

    nodes = [
        put("first", a=1),
        python_node("plain", "return {'plain': state['n'] * 2}"),
        python_node("coroutine", "await asyncio.sleep(0.05); return {'coroutine': state['n']}", "import asyncio\nasync def execute(state):"),
        process("shell", "sh", "-c", f"{note}; sleep 0.1; echo done"),
        process("flaky", "sh", "-c", f'{note}; [ "$MILLRACE_ATTEMPT" -gt 1 ] || exit 3; echo at last', retry=retry),
        process("family", "sh", "-c", f"{note}; sleep 0.1 & setsid sleep 0.1 & wait; echo all"),
        delay("wait", 150),
        lua("total", "return {total = state.plain + state.coroutine}"),
        python("fails", "raise ValueError('on purpose')", retry={"max_attempts": 2, "delay_ms": 10}),
        put("last", z=1),
    ]
    fan = ["first plain", "first coroutine", "first shell", "first wait", "plain total", "coroutine total", "total last", "wait last", "shell last"]
    # Among kills, on a busy machine, an execution may take as long as the whole test.
    limits = {"timeout_ms": 1000 * SECONDS_MAX}
    return [
        graph(nodes[:4] + [nodes[6], nodes[7], nodes[9]], fan, limits=limits),
        graph([nodes[0], nodes[4], nodes[5], nodes[9]], ["first flaky", "flaky family", "family last"], limits=limits),
        graph([nodes[0], nodes[8], nodes[6], nodes[9]], ["first fails", "first wait", "fails last", "wait last"], limits=limits),
    ]


# --- Who looks ---


class Away(Exception):
    """The daemon is not there, or has gone in the middle of a word."""


async def ask(server, request):
    """Opens a connection, half the time over the unix socket, and gives the head of the reply and the connection."""
    try:
        if server.dice.random() < 0.5:
            reader, writer = await asyncio.open_unix_connection(str(server.daemon.socket_path))
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
        except BaseException:
            writer.close()
            raise
        return head, reader, writer
    except (OSError, asyncio.IncompleteReadError) as error:
        raise Away from error


class Ledger:
    """All that one watcher has seen of one execution, as it came."""

    def __init__(self, execution_id):
        self.execution_id = execution_id
        self.blocks = []
        self.is_at_end = False

    def take(self, block, server):
        event = event_of(block)
        assert not self.is_at_end, f"{event['type']} after the end"
        assert event["seq"] == len(self.blocks) + 1, f"seq {event['seq']} where {len(self.blocks) + 1} was due"
        self.blocks.append(block)
        self.is_at_end = event["type"] in ("complete", "error")
        if event["type"] == "node_complete" and not event.get("will_retry"):
            server.note_seen_end(self.execution_id, event["node_id"])

    async def watch(self, server):
        """Reads to the end of the execution, over as many connections as it takes."""
        while not self.is_at_end:
            try:
                await self._read_on(server)
            except Away:
                await asyncio.sleep(server.dice.uniform(0.01, 0.1))

    async def _read_on(self, server):
        path, last = f"/api/executions/{self.execution_id}/events", len(self.blocks)
        cursor = f"Last-Event-ID: {last}\r\n" if server.dice.random() < 0.5 else ""
        query = "" if cursor else f"?after={last}"
        head, reader, writer = await ask(server, f"GET {path}{query} HTTP/1.1\r\nHost: localhost\r\n{cursor}\r\n".encode())
        # Now and then a watcher leaves by itself.
        events_left = server.dice.randrange(1, 40)
        try:
            assert head.startswith(b"HTTP/1.1 200 "), head
            rest, is_open = b"", False
            while size := int(await reader.readuntil(b"\r\n"), 16):
                *blocks, rest = (rest + (await reader.readexactly(size + 2))[:-2]).split(b"\n\n")
                for block in blocks:
                    if not is_open:
                        assert RETRY.fullmatch(block), block
                        is_open = True
                    elif block != KEEP_ALIVE:
                        self.take(block, server)
                        events_left -= 1
                if events_left <= 0:
                    return
            assert self.is_at_end and not rest, f"the stream ends after event {len(self.blocks)}"
        except (OSError, asyncio.IncompleteReadError) as error:
            raise Away from error
        finally:
            writer.close()


class Server:
    """The daemon through all its lives, and what is known of it from outside."""

    def __init__(self, folder, dice, others):
        folder.mkdir()
        self.daemon, self.dice, self.others = Daemon(folder), dice, others
        self.port = None
        # When the end of a node was first seen: (execution, node) to seconds since the system's start.
        self.seen_ends = {}
        self.started = {}
        self.is_over = False

    def start(self):
        # Whoever kills as often as here does not want what runs beside it to be held for that.
        settings = ("--set", "log.level=warning", "--set", "executions.deaths_max=0")
        self.daemon.start(*settings, listen=(f"127.0.0.1:{self.port or 0}",))
        self.port = self.daemon.port

    def kill(self):
        os.kill(self.daemon.process.pid, signal.SIGKILL)
        self.daemon.wait()
        self.daemon.process.stdout.close()

    def note_seen_end(self, execution_id, node_id):
        self.seen_ends.setdefault(f"{execution_id}/{node_id}", time.clock_gettime(time.CLOCK_BOOTTIME))

    async def begin(self, graph_id, number):
        """Starts an execution, and asks again under the same key as long as there is no answer."""
        body = json.dumps({"initial_state": {"n": number}}).encode()
        request = (
            f"POST /api/graphs/{graph_id}/execute HTTP/1.1\r\nHost: localhost\r\nPrefer: respond-async\r\nConnection: close\r\n"
            f"Idempotency-Key: start-{number}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body
        while True:
            try:
                head, _, writer = await ask(self, request)
                writer.close()
            except Away:
                await asyncio.sleep(0.05)
                continue
            if head.startswith(b"HTTP/1.1 409 "):
                await asyncio.sleep(0.05)
                continue
            assert head.startswith(b"HTTP/1.1 202 "), head
            location = next(line for line in head.decode().split("\r\n") if line.lower().startswith("location: "))
            execution_id = location.rpartition("/")[2]
            self.started[execution_id] = graph_id, number
            return execution_id


async def run_all(server, graph_ids):
    """Keeps so many executions running, each with its watchers, until the kills are over."""
    numbers, ledgers = itertools.count(), []
    each = [WATCHERS // EXECUTIONS + (place < WATCHERS % EXECUTIONS) for place in range(EXECUTIONS)]

    async def keep_one_running(watchers):
        while not server.is_over:
            number = next(numbers)
            execution_id = await server.begin(graph_ids[number % len(graph_ids)], number)
            mine = [Ledger(execution_id) for _ in range(max(watchers, 1))]
            ledgers.extend(mine)
            async with asyncio.TaskGroup() as watching:
                for ledger in mine:
                    watching.create_task(ledger.watch(server))

    async def pull_the_plug():
        loop = asyncio.get_running_loop()
        for _ in range(KILLS):
            await asyncio.sleep(server.dice.choice([0.02, 0.2, 0.6, 1.5]) * server.dice.random())
            await loop.run_in_executor(None, server.kill)
            if server.dice.random() < 0.5:
                await outlive_orphans(server)
            await loop.run_in_executor(None, server.start)
            await outlive_orphans(server)
        server.is_over = True

    async with asyncio.TaskGroup() as group:
        group.create_task(pull_the_plug())
        for watchers in each:
            group.create_task(keep_one_running(watchers))
    return ledgers


# --- What must not be left ---


@pytest.fixture
def reaper():
    """Whoever loses a parent below this process becomes its child (prctl(2)): nothing escapes the count."""
    others = set(children())
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    yield others
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def children():
    for thread in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{thread}/children") as pids:
            yield from map(int, pids.read().split())


def orphans(server):
    """The children of this process other than the daemon and whoever was there before; those that are dead are buried."""
    left = set(children()) - server.others - {server.daemon.process.pid}
    return [pid for pid in left if os.waitpid(pid, os.WNOHANG) == (0, 0)]


async def outlive_orphans(server):
    deadline = time.monotonic() + 20
    while left := orphans(server):
        assert time.monotonic() < deadline, [command_of(pid) for pid in left]
        await asyncio.sleep(0.01)


def command_of(pid):
    with open(f"/proc/{pid}/cmdline") as line:
        return line.read().replace("\0", " ")


# --- The account ---


@pytest.mark.timeout(SECONDS_MAX)
def test_no_kill_takes_back_what_was_seen_or_repeats_what_was_done(tmp_path, say, reaper):
    require_binary()
    say(f"{KILLS} kills, {EXECUTIONS} executions at once, {WATCHERS} watchers, MILLRACE_SEED={SEED}")
    server, traces, began = Server(tmp_path / "daemon", random.Random(SEED), reaper), tmp_path / "traces" / "lines", time.monotonic()
    # Nodes may not write where the daemon's state is.
    traces.parent.mkdir()
    documents = {document["id"]: document for document in leaving_traces(traces)}
    server.start()
    try:
        ledgers = asyncio.run(run_all(server, [server.daemon.create(document) for document in documents.values()]))
        stored = {id: server.daemon.stream(id) for id in server.started}
        say(f"{len(stored)} executions, {sum(len(ledger.blocks) for ledger in ledgers)} events seen: {time.monotonic() - began:.0f} s")
        check_ledgers(ledgers, stored)
        check_executions(server, documents, stored)
        check_traces(server, traces)
        assert server.daemon.stop() == 0
    finally:
        server.daemon.kill()
    assert not CRASH.search(server.daemon.log), server.daemon.log[-3000:]


def check_ledgers(ledgers, stored):
    for ledger in ledgers:
        assert ledger.blocks == stored[ledger.execution_id].blocks


def check_executions(server, documents, stored):
    resumed = 0
    for id, stream in stored.items():
        graph_id, number = server.started[id]
        events, nodes = stream.events, [node["id"] for node in documents[graph_id]["nodes"]]
        assert is_whole(events)
        assert events[-1]["type"] == "complete", events[-1]
        assert events[-1]["status"] == ("error" if "fails" in nodes else "success")
        assert events[-1]["final_state"]["n"] == number and events[-1]["final_state"]["z"] == 1
        ends = [event["node_id"] for event in events if event["type"] == "node_complete" and not event.get("will_retry")]
        assert sorted(ends) == sorted(nodes)
        starts = [event["attempt"] for event in events if event["type"] == "start"]
        assert starts == list(range(1, len(starts) + 1))
        resumed += len(starts) - 1
    # One key, one execution: none was lost, none was started twice.
    assert set(all_executions(server.daemon)) == set(stored)
    assert resumed >= KILLS


def all_executions(daemon):
    cursor = ""
    while cursor is not None:
        page = daemon.http.get("/api/executions", params={"limit": 500} | ({"cursor": cursor} if cursor else {})).json()
        yield from (item["execution_id"] for item in page["items"])
        cursor = page["next_cursor"]


def check_traces(server, traces):
    """No node has run after somebody saw its end."""
    late = [
        (key, float(moment) - server.seen_ends[key])
        for moment, key in (line.split() for line in traces.read_text().splitlines())
        if key in server.seen_ends and float(moment) > server.seen_ends[key] + UPTIME_GRAIN_SECONDS
    ]
    assert not late

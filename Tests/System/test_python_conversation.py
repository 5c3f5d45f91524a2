"""Python nodes between daemon and worker: whose time it is, whose turn, whose output."""

import textwrap

import pytest

from graphs import chain, graph, node, process, put, python
from stream import is_whole, of_node

WORKERS = "MILLRACE_KINDS_PYTHON_MAX_WORKERS"


def code(id, source, **members):
    """A Python node of whole code."""
    return node(id, "python", {"code": textwrap.dedent(source)}, **members)


def end_of(events, id):
    return of_node(events, id, "node_complete")[-1]


def said(events, id, channel):
    return [event["data"] for event in of_node(events, id, "node_output") if event["channel"] == channel]


# --- Time ---


def test_waiting_for_a_worker_does_not_count_for_a_nodes_timeout(start_daemon):
    """Of the nodes only one can run at a time, and each takes half of what it may."""
    daemon = start_daemon(environment={WORKERS: "1"})
    nodes = [python(f"n{n}", "import time; time.sleep(1)", timeout_ms=8000) for n in range(12)]
    events = daemon.run(graph(nodes, limits={"max_parallel_nodes": 12}))
    ends = [end_of(events, f"n{n}") for n in range(12)]
    assert {end["status"] for end in ends} == {"success"}
    assert is_whole(events)
    waits = sorted(end["queue_ms"] for end in ends)
    # Each began after the one before it had ended.
    assert all(wait > 900 * n for n, wait in enumerate(waits))
    assert all(end["duration_ms"] < 8000 for end in ends)


def test_an_import_does_not_count_for_a_nodes_timeout_and_the_next_call_finds_it_done(daemon):
    source = """
        import os, time
        time.sleep(1.5)
        def execute(state): return {"pid": os.getpid()}
    """
    id = daemon.create(graph([code("slow", source, timeout_ms=1000)]))
    runs = [daemon.all_events(daemon.execute(id)["execution_id"]) for _ in range(2)]
    first, second = (end_of(events, "slow") for events in runs)
    assert first["status"] == second["status"] == "success"
    assert first["update"] == second["update"]
    assert first["queue_ms"] > 1400 and first["duration_ms"] < 1000


def test_an_import_goes_on_when_its_call_is_cancelled(daemon, eventually):
    folder = daemon.folder / "import"
    folder.mkdir()
    up, go = folder / "up", folder / "go"
    source = f"""
        import os, time
        open({str(up)!r}, "a").write("x")
        while not os.path.exists({str(go)!r}): time.sleep(0.01)
        def execute(state): return {{"n": 1}}
    """
    id = daemon.create(graph([code("slow", source)]))
    execution = daemon.begin(id)
    eventually(up.exists)
    daemon.cancel(execution)
    assert end_of(daemon.all_events(execution), "slow")["status"] == "cancelled"
    go.touch()
    assert daemon.execute(id)["status"] == "success"
    assert up.read_text() == "x"


def test_an_import_has_a_limit_of_its_own(start_daemon):
    daemon = start_daemon(environment={"MILLRACE_KINDS_PYTHON_START_MS": "1000"})
    source = "import time\ntime.sleep(600)\ndef execute(state): pass"
    end = end_of(daemon.run(graph([code("slow", source)])), "slow")
    assert end["status"] == "error" and "kinds.python.start_ms (1000 ms)" in end["error"]
    # The interpreter's own start is much faster.
    assert end_of(daemon.run(graph([python("fast", "return {'n': 1}")])), "fast")["status"] == "success"


def test_a_coroutine_that_blocks_costs_its_own_node_a_timeout_and_not_its_neighbours(daemon):
    """They share a loop, and one blocks it once all have begun; the others begin anew elsewhere, and meet a fourth there."""
    daemon.write_graph_file("shared_loop.py", textwrap.dedent("""
        import asyncio, time
        begun = 0
        async def wait(state):
            global begun
            if state["warm"]: return
            begun += 1
            while begun < 4: await asyncio.sleep(0.005)
        async def block(state):
            if state["warm"]: return
            while begun < 3: await asyncio.sleep(0.005)
            time.sleep(600)
    """))
    nodes = [
        node(id, "python", {"file": "shared_loop.py", "function": "wait" if id.startswith("w") else "block"},
             **({"timeout_ms": 1500} if id == "block" else {})) for id in ["block", "w0", "w1", "w2", "w3"]]
    id = daemon.create(graph(nodes, ["block w3"]))
    daemon.execute(id, {"warm": True})
    events = daemon.all_events(daemon.execute(id, {"warm": False})["execution_id"])
    assert end_of(events, "block")["status"] == "error" and "timeout_ms" in end_of(events, "block")["error"]
    for id_of_node in ["w0", "w1", "w2", "w3"]:
        assert end_of(events, id_of_node)["status"] == "success"
        assert end_of(events, id_of_node)["attempt"] == 1


BESIDE = """
    import asyncio
    async def execute(state):
        for _ in range(state["steps"]): await asyncio.sleep(0.1)
        return {"v": 1}
"""
BLOCKS = """
    import asyncio, time
    async def execute(state):
        await asyncio.sleep(0.1)
        time.sleep(state["blocks"])
"""


def run_in_one_process(daemon, nodes, **state):
    """Once what they are is known, coroutines of a graph share a worker."""
    id = daemon.create(graph(nodes))
    assert daemon.execute(id, {"steps": 0, "blocks": 0})["status"] == "success"
    return daemon.all_events(daemon.execute(id, state)["execution_id"])


def test_time_that_another_coroutine_takes_from_a_node_is_not_its_own(daemon):
    """It blocks for longer than its neighbours may take, and has no timeout."""
    nodes = [code(f"n{n}", BESIDE, timeout_ms=1500, idle_timeout_ms=1400) for n in range(3)] + [code("blocker", BLOCKS)]
    events = run_in_one_process(daemon, nodes, steps=3, blocks=3)
    assert events[-1]["status"] == "success", events[-1]
    assert {len(of_node(events, f"n{n}", "node_start")) for n in range(3)} == {1}
    # They had to wait for it.
    assert events.index(end_of(events, "n0")) > events.index(end_of(events, "blocker"))
    assert end_of(events, "n0")["duration_ms"] < 1500


def test_who_is_kept_from_its_process_for_long_begins_anew_elsewhere(daemon):
    nodes = [code("n", BESIDE, timeout_ms=4000), code("blocker", BLOCKS)]
    events = run_in_one_process(daemon, nodes, steps=3, blocks=10)
    assert events[-1]["status"] == "success"
    assert end_of(events, "n")["attempt"] == 1
    assert events.index(end_of(events, "n")) < events.index(end_of(events, "blocker"))


def test_what_several_calls_may_have_printed_is_told_to_each(daemon):
    raw = """
        import asyncio, os
        async def execute(state):
            await asyncio.sleep(0.2)
            os.write(1, b"from C\\n")
            await asyncio.sleep(0.2)
    """
    events = run_in_one_process(daemon, [code("a", raw), code("b", raw)])
    # Each said it once, and both heard both.
    assert [said(events, id, "stdout") for id in "ab"] == [["from C", "from C"]] * 2


@pytest.mark.parametrize("kind", ["python", "process"])
def test_a_node_that_puts_out_nothing_for_too_long_ends(daemon, kind):
    silent = {
        "python": python("n", "import time; print('up'); time.sleep(600)", idle_timeout_ms=700),
        "process": process("n", "sh", "-c", "echo up >&2; sleep 600", idle_timeout_ms=700),
    }[kind]
    talks = {
        "python": python("n", "    import time\n    for n in range(8): print(n); time.sleep(0.3)", idle_timeout_ms=2000),
        "process": process("n", "sh", "-c", "for n in 1 2 3 4 5 6 7 8; do echo $n; sleep 0.3; done", idle_timeout_ms=2000),
    }[kind]
    end = end_of(daemon.run(graph([silent])), "n")
    assert end["status"] == "error"
    # What a child said last on its stderr often says why.
    assert end["error"] == "the node put out nothing for its idle_timeout_ms (700 ms)" + (": up" if kind == "process" else "")
    assert end_of(daemon.run(graph([talks])), "n")["status"] == "success"


# --- Turns ---


def test_a_graph_that_keeps_all_workers_busy_keeps_no_other_from_its_turn(start_daemon, eventually):
    daemon = start_daemon(environment={WORKERS: "2"})
    go = daemon.folder / "go"
    busy = daemon.create(graph([python("n", f"    import os, time\n    while not os.path.exists({str(go)!r}): time.sleep(0.01)")]))
    executions = [daemon.begin(busy) for _ in range(10)]
    eventually(lambda: sum(of_node(daemon.events(each), "n", "node_start") != [] for each in executions) == 10)
    for _ in range(2):
        assert end_of(daemon.run(graph([python("n", "return {'n': 1}")])), "n")["status"] == "success"
    go.touch()
    for each in executions:
        assert end_of(daemon.all_events(each), "n")["status"] == "success"


# --- Output ---


@pytest.mark.parametrize("kind", ["python", "process"])
def test_what_is_flushed_without_a_newline_is_heard_while_the_node_runs(daemon, eventually, kind):
    """Each word waits until the test has heard the one before."""
    folder = daemon.folder / f"words-{kind}"
    folder.mkdir()
    words = ["Hel", "lo ", "wör", "ld €"]
    if kind == "python":
        body = f"""
            import os, time
            def execute(state):
                for n, word in enumerate({words!r}):
                    print(word, end="", flush=True)
                    while not os.path.exists("{folder}/%d" % n): time.sleep(0.005)
        """
        speaker, channel = code("n", body), "stdout"
    else:
        script = "n=0; for word in 'Hel' 'lo ' 'wör' 'ld €'; do printf %s \"$word\" >&2; " \
                 f"while [ ! -e {folder}/$n ]; do sleep 0.01; done; n=$((n+1)); done"
        speaker, channel = process("n", "sh", "-c", script), "stderr"
    execution = daemon.begin(daemon.create(graph([speaker])))
    for n in range(len(words)):
        eventually(lambda: said(daemon.events(execution), "n", channel) == words[:n + 1])
        (folder / str(n)).touch()
    assert said(daemon.all_events(execution), "n", channel) == words


@pytest.mark.parametrize("kind", ["python", "process"])
def test_a_carriage_return_ends_a_line(daemon, kind):
    bars = "    import sys\n    for n in range(1, 4): sys.stderr.write('\\r%d%%' % n); sys.stderr.flush()\n    print(file=sys.stderr)"
    speaker = {
        "python": python("n", bars),
        "process": process("n", "sh", "-c", r"printf '\r1%%\r2%%\r3%%\r\n' >&2"),
    }[kind]
    heard = said(daemon.run(graph([speaker])), "n", "stderr")
    assert [line for line in heard if line] == ["1%", "2%", "3%"]


def test_small_pieces_come_at_most_every_30_ms(daemon):
    body = "    import time\n    for n in range(1000): print('%03d;' % n, end='', flush=True); time.sleep(0.0005)"
    events = daemon.run(graph([python("n", body)]))
    pieces = said(events, "n", "stdout")
    assert "".join(pieces) == "".join("%03d;" % n for n in range(1000))
    assert 2 < len(pieces) <= end_of(events, "n")["duration_ms"] / 30 + 2


def test_output_of_subprocesses_comes_on_the_channel_that_they_wrote_to(daemon):
    body = "    import subprocess\n    subprocess.run(['sh', '-c', 'echo out; echo err >&2; printf rest'])"
    events = daemon.run(graph([python("n", body)]))
    assert said(events, "n", "stdout") == ["out", "rest"] and said(events, "n", "stderr") == ["err"]


def test_characters_that_are_written_in_pieces_are_put_together(daemon):
    body = r"    import sys, os; b = sys.stdout.buffer" \
           "\n" r"    for part in b'\xe2', b'\x82', b'\xac': b.write(part); b.flush()" \
           "\n" r"    print()" "\n" r"    os.write(2, b'\xc3'); os.write(2, b'\xa4\n')"
    events = daemon.run(graph([python("n", body)]))
    assert "".join(said(events, "n", "stdout")) == "€" and said(events, "n", "stderr") == ["ä"]


# --- Threads ---


def test_code_in_executors_knows_its_node_also_beside_another(daemon):
    source = """
        import asyncio, concurrent.futures, millrace
        together = None
        running = 0
        def work():
            print("printed"); millrace.log("logged"); millrace.emit("emitted")
            return millrace.idempotency_key()
        async def execute(state):
            global running
            running += 1
            while running < 2: await asyncio.sleep(0.005)
            pool = concurrent.futures.ThreadPoolExecutor(1)
            key = await asyncio.get_running_loop().run_in_executor(pool, work)
            await asyncio.sleep(0.1)
            running = 0
            return {state["name"]: key}
    """
    daemon.write_graph_file("knows.py", textwrap.dedent(source).replace('state["name"]', "millrace.idempotency_key().split('/')[1]"))
    nodes = [node(id, "python", {"file": "knows.py", "function": "execute"}) for id in "ab"]
    id = daemon.create(graph(nodes))
    for _ in range(2):
        execution = daemon.execute(id)["execution_id"]
        events = daemon.all_events(execution)
        for id_of_node in "ab":
            assert end_of(events, id_of_node)["update"] == {id_of_node: f"{execution}/{id_of_node}"}
            assert [said(events, id_of_node, channel) for channel in ("stdout", "log", "chunk")] == [
                ["printed"], ["logged"], ["emitted"]]


def test_states_that_a_worker_has_need_not_be_sent_again(daemon):
    """A chain and a fan of nodes over a large state: what they see is the same as ever."""
    big = "x" * 100_000
    read = "return {'%s': [len(state['big']), state['n'], sorted(state)]}"
    nodes = [
        put("first", n=1), python("a", "state['n'] += 1"), python("b", "state['n'] += 1; return state"),
        python("c", read % "c"), python("d", read % "d"), python("e", read % "e"),
    ]
    edges = ["first a", "a b", "b c", "b d", "b e"]
    id = daemon.create(graph(nodes, edges, initial_state={"big": big}))
    for _ in range(3):
        final = daemon.all_events(daemon.execute(id)["execution_id"])[-1]["final_state"]
        assert final["c"] == final["d"] == final["e"] == [100_000, 3, ["big", "n"]]


# --- Errors ---


def test_a_crash_of_python_is_named_by_its_first_line(daemon):
    end = end_of(daemon.run(graph([python("n", "import ctypes; ctypes.string_at(0)")])), "n")
    assert end["status"] == "error"
    assert "Fatal Python error: Segmentation fault" in end["error"] and "ctypes/__init__.py" in end["error"]
    assert "Extension modules" not in end["error"]


def test_an_interpreter_that_is_none_is_named_with_what_to_do(start_daemon):
    for interpreter in ["/bin/true", "/nowhere/python3"]:
        daemon = start_daemon(environment={"MILLRACE_KINDS_PYTHON_INTERPRETER": interpreter})
        end = end_of(daemon.run(graph([python("n", "pass")])), "n")
        assert f"kinds.python.interpreter is {interpreter}" in end["error"]


def test_a_chain_of_nodes_keeps_its_order_of_output(daemon):
    events = daemon.run(chain(python("a", "print('one'); print('two', end='')"), python("b", "print('three')")))
    assert said(events, "a", "stdout") == ["one", "two"] and said(events, "b", "stdout") == ["three"]
    assert is_whole(events)

"""What Millrace adds to a graph of LangGraph: the CPU time of a run in the daemon and its worker together, against that of the
same `astream` in a bare process. The figures are printed, and judged by people: machines differ, and a debug build is slow.
"""

import os
import pathlib
import subprocess
import sys

RUNS = 200
GRAPH = """
from typing import TypedDict
from langgraph.graph import START, StateGraph


class State(TypedDict):
    n: int


def step(state):
    return {"n": state["n"] + 1}


builder = StateGraph(State)
for number in range(5):
    builder.add_node("step%d" % number, step)
    builder.add_edge("step%d" % (number - 1) if number else START, "step%d" % number)
graph = builder.compile()
"""
HERE = pathlib.Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(root):
    """Of a process alone, and of it with all that descend from it."""
    total, parents, times = 0, {}, {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(folder.name)] = int(fields[1])
        times[int(folder.name)] = (int(fields[11]) + int(fields[12])) / TICKS
    for process, seconds in times.items():
        ancestor = process
        while ancestor in parents and ancestor != root:
            ancestor = parents[ancestor]
        total += seconds if ancestor == root else 0
    return times[root], total


def bare(path, saver):
    done = subprocess.run([sys.executable, HERE / "bare_langgraph.py", path, saver, str(RUNS)], capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def test_five_trivial_nodes_beside_a_bare_process(start_daemon, say, tmp_path):
    daemon = start_daemon("--set", f"kinds.python.interpreter={sys.executable}")
    path = tmp_path / "five.py"
    path.write_text(GRAPH)
    daemon.write_graph_file("five.py", GRAPH)
    document = {"id": "fives", "nodes": [{"id": "graph", "kind": "langgraph", "config": {"file": "five.py", "graph": "graph"}}]}
    daemon.create(document)
    for _ in range(RUNS // 4):
        assert daemon.execute("fives", {"n": 0})["final_state"] == {"n": 5}
    own_before, before = cpu_seconds(daemon.process.pid)
    for _ in range(RUNS):
        daemon.execute("fives", {"n": 0})
    own, whole = cpu_seconds(daemon.process.pid)
    own, here = ((after - first) / RUNS * 1e6 for after, first in ((own, own_before), (whole, before)))
    say(f"a run of five nodes of LangGraph: {here:,.0f} µs of CPU time, {own:,.0f} of them in the daemon")
    for saver in ("memory", "sqlite"):
        alone = bare(path, saver)
        say(f"the same in a bare process, checkpoints in {saver}: {alone:,.0f} µs; runs per core here are {alone / here:.2f} times its")

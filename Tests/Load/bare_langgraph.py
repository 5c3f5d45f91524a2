"""Runs a graph of LangGraph without Millrace, and prints how much CPU time a run takes, in microseconds.

    bare_langgraph.py FILE memory|sqlite RUNS
"""

import asyncio
import contextlib
import importlib.util
import json
import os
import sys
import tempfile
import time


async def main(path, saver, runs):
    spec = importlib.util.spec_from_file_location("bare", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    async with checkpointer(saver) as kept:
        graph = module.builder.compile(checkpointer=kept)
        for number in range(runs // 4):
            await run(graph, f"warm {number}")
        before = time.process_time()
        for number in range(runs):
            await run(graph, str(number))
        print((time.process_time() - before) / runs * 1e6)


async def run(graph, thread):
    """Writes what comes as a server would."""
    with open(os.devnull, "w") as out:
        async for part in graph.astream({"n": 0}, {"configurable": {"thread_id": thread}}, stream_mode=["tasks", "messages", "custom"], durability="sync"):
            out.write(json.dumps(part, default=str))


@contextlib.asynccontextmanager
async def checkpointer(kind):
    if kind == "memory":
        from langgraph.checkpoint.memory import InMemorySaver

        yield InMemorySaver()
        return
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    with tempfile.TemporaryDirectory() as folder:
        async with AsyncSqliteSaver.from_conn_string(folder + "/checkpoints.db") as saver:
            yield saver


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))

"""Runs a graph of LangGraph by LangGraph itself, and tells the daemon what its tasks do while they do it.

LangGraph is the team's own: nothing of it is imported before the file of a graph has done so.
"""

import importlib.metadata
import inspect
import sys

from .bodies import is_async
from .calls import current
from .errors import NodeError, type_name
from .hosted_tasks import HostedTasks, Said

RUNTIME_KEY = "__pregel_runtime"  # where LangGraph looks for what whoever starts it adds to the runtime
MODES = ["debug", "values", "messages", "custom"]


class Hosting:
    """What the target of a node of kind `langgraph` is: called with the state, it gives a coroutine."""

    def __init__(self, graph, target, replies):
        self.graph = graph
        self.config = target.get("config") or {}
        self.context = target.get("context")
        self.replies = replies

    def __call__(self, state):
        return self.run(state, current.get())

    async def run(self, state, call):
        from .hosted_saver import HostedSaver

        saver = HostedSaver(call.key)
        graph = with_saver(self.graph, saver, self.replies.log)
        tasks = HostedTasks(call, self.replies, saver)
        if call.kept:
            saver.load(call.kept)
        own = {"thread_id": call.key, RUNTIME_KEY: naming_runtime()}
        config = {**self.config, "configurable": {**self.config.get("configurable", {}), **own}}
        values = {}
        options = {} if self.context is None else {"context": self.context}
        try:
            async for namespace, mode, payload in graph.astream(
                    None if call.kept else dict(state), config, stream_mode=MODES, subgraphs=True, durability="sync", **options):
                if mode != "values":
                    tasks.take(namespace, mode, payload)
                elif not namespace:
                    values = payload
        finally:
            tasks.end()
        if tasks.asked:
            return  # it goes on in another call, with the answers
        if isinstance(values, dict) and "__interrupt__" in values:
            raise NodeError("the graph stops before or behind a node, as interrupt_before and interrupt_after say, and "
                            "nothing would let it go on; interrupt() in a node asks for an answer")
        # What leads from the old values to the new is found out as for any node that changes its state.
        for key, value in (values if isinstance(values, dict) else {"output": values}).items():
            state[key] = value


def graph_of(found, name, file):
    """The compiled graph that a value of the file is, or makes. Raises NodeError."""
    pregel, builder = _kind("langgraph.pregel", "Pregel"), _kind("langgraph.graph.state", "StateGraph")
    if pregel is not None and isinstance(found, pregel):
        return found
    if builder is not None and isinstance(found, builder):
        return found.compile()
    if callable(found) and not isinstance(found, type) and not is_async(found):
        made = found(*([{"configurable": {}}] * len(_required(found))))
        if not inspect.isawaitable(made) and not callable(getattr(made, "__call__", None)):
            return graph_of(made, name, file)
        if pregel is not None and isinstance(made, pregel) or builder is not None and isinstance(made, builder):
            return graph_of(made, name, file)
    raise NodeError("%s of %s is of type %s, which is no graph of LangGraph" % (name, file, type_name(type(found))))


def _required(function):
    return [one for one in inspect.signature(function).parameters.values() if one.default is one.empty]


def _kind(module, name):
    """A class of LangGraph, if the file has imported it: what nobody imported, nothing is an object of."""
    return getattr(sys.modules.get(module), name, None)


def check_version():
    try:
        version = importlib.metadata.version("langgraph")
    except importlib.metadata.PackageNotFoundError:
        raise missing() from None
    if int(version.partition(".")[0]) < 1:
        raise NodeError("the graph needs LangGraph 1, and this Python has %s: %s -m pip install -U 'langgraph>=1'"
                        % (version, sys.executable))


def missing():
    return NodeError(
        "the graph needs LangGraph, which this Python does not have: %s -m pip install langgraph" % sys.executable)


def is_missing(error):
    """Whether a file could not be imported for want of LangGraph."""
    return isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == "langgraph"


def naming_runtime():
    """A runtime whose writer of custom output says which task writes. LangGraph itself tells no more than the graph."""
    from langgraph.config import get_config
    from langgraph.runtime import Runtime

    class NamingRuntime(Runtime):
        def merge(self, other):
            write = other.stream_writer

            def write_named(data):
                write(Said(get_config()["configurable"].get("checkpoint_ns", ""), data))

            return super().merge(other.override(stream_writer=write_named))

    return NamingRuntime()


def with_saver(graph, saver, say):
    """The graph with our checkpointer."""
    own = graph.checkpointer
    if own not in (None, True, False):
        say("Millrace keeps the checkpoints of this run, in place of the %s of the graph" % type_name(type(own)))
    return graph.copy({"checkpointer": saver})

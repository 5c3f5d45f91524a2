"""Runs a graph of LangGraph by LangGraph itself, and tells the daemon what its tasks do while they do it.

LangGraph is the team's own: nothing of it is imported before the file of a graph has done so.
"""

import importlib.metadata
import inspect
import sys

from millrace_graphs.factories import opened
from millrace_graphs.faults import GraphFault
from millrace_graphs.langgraphs import is_builder, is_compiled, is_factory

from .calls import current
from .errors import Drained, NodeError, type_name
from .hosted_tasks import HostedTasks, Said

PLACES = ("checkpoint_id", "checkpoint_ns")  # that a run is not begun at by a config
RUNTIME_KEY = "__pregel_runtime"  # where LangGraph looks for what whoever starts it adds to the runtime
MODES = ["debug", "values", "messages", "custom"]


class Hosting:
    """What the target of a node of kind `langgraph` is: called with the state, it gives a coroutine."""

    def __init__(self, found, target, replies):
        self.found = found  # the graph, or what makes one for each run
        self.name = "%s of %s" % (target["graph"], target["file"])
        self.config = target.get("config") or {}
        self.context = target.get("context")
        self.replies = replies

    def __call__(self, state):
        return self.run(state, current.get())

    async def run(self, state, call):
        config = self.config_of(call)
        if not is_factory(self.found):
            await self.run_graph(self.found, config, state, call)
            return
        from langgraph.runtime import Runtime

        try:
            # As it would get it: what only this run knows is not its affair.
            async with opened(self.found, config, Runtime(context=self.context)) as graph:
                await self.run_graph(compiled(graph, self.name), config, state, call)
        except GraphFault as fault:
            raise NodeError(str(fault)) from None

    def config_of(self, call):
        """The node's config, and over it that of the start."""
        config, configurable = {}, {}
        for each in (self.config, call.config):
            config.update(each)
            own = each.get("configurable")
            if own is not None and not isinstance(own, dict):
                raise NodeError("configurable, in the config of a graph of LangGraph, must be an object")
            configurable.update(own or {})
        if call.thread is not None:
            configurable["thread_id"] = call.thread
        configurable["thread_id"] = str(configurable.get("thread_id") or call.key)
        for name in PLACES:
            configurable.pop(name, None)
        return {**config, "configurable": configurable}

    async def run_graph(self, own, config, state, call):
        from .hosted_saver import HostedSaver

        saver = HostedSaver(config["configurable"]["thread_id"])
        graph = with_saver(own, saver, self.replies.log)
        tasks = HostedTasks(call, self.replies, saver)
        goes_on = await self.load(graph, saver, call.kept) if call.kept else False
        config["configurable"] = {**config["configurable"], RUNTIME_KEY: naming_runtime()}
        values = {}
        options = {} if self.context is None else {"context": self.context}
        call.control = run_control(graph)
        if call.control is not None:
            options["control"] = call.control
        try:
            async for namespace, mode, payload in graph.astream(
                    None if goes_on else dict(state), config, stream_mode=MODES, subgraphs=True, durability="sync", **options):
                if mode != "values":
                    tasks.take(namespace, mode, payload)
                elif not namespace:
                    values = payload
        except BaseException as error:
            if call.control is None or type(error).__name__ != "GraphDrained":
                raise
            raise Drained from None
        finally:
            tasks.end()
        if tasks.asked:
            return  # it goes on in another call, with the answers
        if isinstance(values, dict) and "__interrupt__" in values:
            raise NodeError("the graph stops before or behind a node, as interrupt_before and interrupt_after say, and "
                            "nothing would let it go on; interrupt() in a node asks for an answer")
        if call.thread is not None:
            tasks.tell_kept(values)
        # What leads from the old values to the new is found out as for any node that changes its state.
        for key, value in (values if isinstance(values, dict) else {"output": values}).items():
            state[key] = value

    async def load(self, graph, saver, kept):
        """Takes over what is there already. Says whether the run goes on with that, and takes no input."""
        saver.load(kept)
        edits = kept["spaces"].get("", {}).get("edits")
        if edits:
            await update_state(graph, {"configurable": {"thread_id": saver.thread}}, edits)
        return not kept.get("begins")


async def update_state(graph, config, values):
    """As the node that has written last; of several that did so in one step, as the first of them."""
    from langgraph.errors import InvalidUpdateError

    try:
        await graph.aupdate_state(config, values)
    except InvalidUpdateError:
        checkpoint = graph.checkpointer.get_tuple(config).checkpoint
        seen = {node: max(versions.values()) for node, versions in checkpoint["versions_seen"].items()
                if versions and node in graph.nodes}
        if not seen:
            raise
        await graph.aupdate_state(config, values, as_node=min(node for node in seen if seen[node] == max(seen.values())))


def run_control(graph):
    """By which LangGraph is asked to end a run behind its step, where the version knows how."""
    from langgraph import runtime

    if hasattr(runtime, "RunControl") and "control" in inspect.signature(graph.astream).parameters:
        return runtime.RunControl()
    return None


def graph_of(found, name, file):
    """What a value of the file gives: a compiled graph, or what makes one for each run. Raises NodeError."""
    return found if is_factory(found) else compiled(found, "%s of %s" % (name, file))


def compiled(found, name):
    if is_compiled(found):
        return found
    if is_builder(found):
        return found.compile()
    raise NodeError("%s is of type %s, which is no graph of LangGraph" % (name, type_name(type(found))))


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

"""Calls what makes a graph, as `langgraph dev` does: functions and context managers, async ones too."""

import asyncio
import contextlib
import inspect

from .faults import GraphFault


def made(factory, config=None, runtime=None):
    """The graph that a factory gives. A context manager is entered, looked at, and left again."""
    return asyncio.run(_made(factory, config if config is not None else {"configurable": {}}, runtime))


async def _made(factory, config, runtime):
    async with opened(factory, config, runtime) as graph:
        return graph


@contextlib.asynccontextmanager
async def opened(factory, config, runtime=None):
    """Holds open what the factory gives."""
    result = factory(*_arguments(factory, config, runtime))
    if inspect.isawaitable(result):
        result = await result
    if hasattr(result, "__aenter__"):
        async with result as graph:
            yield graph
    elif hasattr(result, "__enter__"):
        with result as graph:
            yield graph
    else:
        yield result


def _arguments(factory, config, runtime):
    """The config goes where no other name is asked for: (), (config), (runtime), (config, runtime) in any order."""
    parameters = [
        parameter for parameter in inspect.signature(factory).parameters.values()
        if parameter.default is parameter.empty and parameter.kind in (
            parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)]
    if len(parameters) > 2:
        raise GraphFault("%s asks for %d arguments; a config and a runtime are there" % (
            getattr(factory, "__name__", "the factory"), len(parameters)))
    return [runtime if _is_runtime(parameter) else config for parameter in parameters]


def _is_runtime(parameter):
    return "runtime" in parameter.name.lower() or "Runtime" in str(parameter.annotation)

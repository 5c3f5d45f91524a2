"""Runs a node's function to its end, whatever kind of function it is: what it yields is put out on the way."""

import functools
import inspect
from collections.abc import AsyncGenerator, Generator

CHANNEL = "chunk"  # that of millrace.emit
VERDICT = "millrace: condition"  # no key that a state would have


def is_async(function):
    """Whether a call of it is to be awaited, or iterated with `async for`."""
    return any(map(_is_async, (function, getattr(function, "__call__", None))))


def _is_async(function):
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def condition(function):
    """What is called to judge an edge by a function over the state."""
    if is_async(function):
        @functools.wraps(function)
        async def judge(state):
            return {VERDICT: bool(await function(state))}
    else:
        @functools.wraps(function)
        def judge(state):
            return {VERDICT: bool(function(state))}
    return judge


def result_of(function, state, emit, run):
    """What a plain function returns at last. `run` runs a coroutine, which it may return as well."""
    result = function(state)
    if type(result) is dict or result is None:
        return result
    if isinstance(result, Generator):
        return drained(result, emit)
    if isinstance(result, AsyncGenerator) or inspect.isawaitable(result):
        return run(awaited(result, emit))
    return result


async def awaited(result, emit):
    """What a coroutine or an async generator gives at last."""
    if isinstance(result, AsyncGenerator):
        return await drained_async(result, emit)
    result = await result
    return drained(result, emit) if isinstance(result, Generator) else result


def drained(generator, emit):
    """Puts out what is yielded; what cannot be put out is raised where it was yielded."""
    try:
        item = next(generator)
        while True:
            try:
                emit(CHANNEL, item)
            except Exception as error:
                item = generator.throw(error)
            else:
                item = next(generator)
    except StopIteration as end:
        return end.value
    finally:
        generator.close()


async def drained_async(generator, emit):
    try:
        item = await generator.__anext__()
        while True:
            try:
                emit(CHANNEL, item)
            except Exception as error:
                item = await generator.athrow(error)
            else:
                item = await generator.__anext__()
    except StopAsyncIteration:
        return None
    finally:
        await generator.aclose()

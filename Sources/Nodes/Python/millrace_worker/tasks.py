"""Tasks of the shared event loop know the call whose code has made them: what it leaves there ends with it."""

import asyncio
import weakref

from .calls import current

GRACE_SECONDS = 0.25  # for what is cancelled to come to its end
NAMES_MAX = 8


def make_task(loop, coroutine, **named):
    """The factory of the loop's tasks."""
    task = asyncio.Task(coroutine, loop=loop, **named)
    call = current.get()
    if call is None or call.ended:
        return task
    if call.tasks is None:
        call.tasks = ()  # the first is the call's own
    else:
        if not call.tasks:
            call.tasks = weakref.WeakSet()
        call.tasks.add(task)
    return task


def left_by(call):
    return [task for task in call.tasks if not task.done()] if call.tasks else []


async def end(tasks, say):
    """Cancels these tasks, and tells what became of them."""
    for task in tasks:
        task.cancel()
    _, running = await asyncio.wait(tasks, timeout=GRACE_SECONDS)
    ended = [task for task in tasks if task not in running]
    if ended:
        say("cancelled, as the node left it running: %s" % names(ended))
    if running:
        say("the node left it running, and it ignores its cancel; what it puts out from now on is dropped: %s"
            % names(running))


def names(tasks):
    words = sorted("the task %s (%s)" % (task.get_name(), _code(task)) for task in tasks)
    return ", ".join(words[:NAMES_MAX] + ["%d more" % (len(words) - NAMES_MAX)] * (len(words) > NAMES_MAX))


def _code(task):
    coroutine = task.get_coro()
    return getattr(coroutine, "__qualname__", None) or type(coroutine).__name__

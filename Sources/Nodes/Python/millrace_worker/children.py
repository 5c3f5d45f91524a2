"""Processes that a node has started and left behind are ended with it."""

import os
import signal
import sys
import time

GRACE_SECONDS = 0.5  # between SIGTERM and SIGKILL
_STEP_SECONDS = 0.005
NAME_LENGTH_MAX = 200

kill, sleep, now, waitid = os.kill, time.sleep, time.monotonic, os.waitid


def end_children(children, say):
    """Ends what still runs of these children (process id -> words), with all below it, and takes note of the end of the
    others."""
    running = {pid for pid in children if _is_running(pid)} - _servants()
    if not running:
        return
    names = sorted(_name(children[pid]) for pid in running)
    say("ended, as the node left it running: %s" % ", ".join(names))
    _signal_trees(running, signal.SIGTERM)
    deadline = now() + GRACE_SECONDS
    trees = _trees(running)
    while True:
        running = {pid for pid in running if _is_running(pid)}
        if not running and not any(map(_exists, trees)):
            return
        if now() > deadline:
            break
        sleep(_STEP_SECONDS)
    for pid in trees | running:
        _signal(pid, signal.SIGKILL)
    for pid in running:
        try:
            waitid(os.P_PID, pid, os.WEXITED)
        except ChildProcessError:
            pass


def _is_running(pid):
    """Reaps it if it has ended."""
    try:
        return waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG) is None
    except ChildProcessError:
        return False


def _servants():
    """What multiprocessing keeps for all to come, and what starts its processes."""
    servants = set()
    for module, name, number in (
            ("multiprocessing.resource_tracker", "_resource_tracker", "_pid"),
            ("multiprocessing.forkserver", "_forkserver", "_forkserver_pid")):
        servants.add(getattr(getattr(sys.modules.get(module), name, None), number, None))
    return servants


def _trees(pids):
    """The children of these, and theirs."""
    below = {}
    for entry in _processes():
        if entry.isdigit():
            try:
                with open("/proc/%s/stat" % entry, "rb") as file:
                    # The name, in parentheses, may hold anything.
                    parent = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            below.setdefault(parent, set()).add(int(entry))
    found, waiting = set(), list(pids)
    while waiting:
        inner = below.get(waiting.pop(), set()) - found
        found |= inner
        waiting.extend(inner)
    return found


def _processes():
    try:
        return os.listdir("/proc")
    except OSError:
        return ()


def _signal_trees(pids, number):
    for pid in _trees(pids) | pids:
        _signal(pid, number)


def _signal(pid, number):
    try:
        kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _exists(pid):
    try:
        kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _name(words):
    return " ".join(map(os.fsdecode, words))[:NAME_LENGTH_MAX] or "a fork of itself"

"""Processes that multiprocessing starts for a node begin as Python does with a file, not as with `-c`.

Python puts the working directory first for `-c`, so that a graph's random.py would be taken for the one that multiprocessing
itself needs, and no such process would ever come up. What a node's own code imports there is decided later, as in the worker.
"""

import _posixsubprocess
import functools
import subprocess

_OWN = "from multiprocessing."
_BEFORE = "import sys; sys.path[:] = [entry for entry in sys.path if entry]; "


def install():
    for holder, name in ((_posixsubprocess, "fork_exec"), (subprocess, "_fork_exec")):
        real = getattr(holder, name, None)
        if real is not None:
            setattr(holder, name, _without_folder(real))


def _without_folder(real):
    @functools.wraps(real)
    def fork_exec(arguments, *rest):
        return real([_amended(argument) for argument in arguments], *rest)
    return fork_exec


def _amended(argument):
    if isinstance(argument, str) and argument.startswith(_OWN):
        return _BEFORE + argument
    if isinstance(argument, bytes) and argument.startswith(_OWN.encode()):
        return _BEFORE.encode() + argument
    return argument

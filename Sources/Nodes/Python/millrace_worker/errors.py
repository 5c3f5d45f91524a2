"""How a node's failure is told."""

import os
import traceback

from .json_text import encode

MESSAGE_MAX = 8 << 10
TRACEBACK_MAX = 64 << 10

HERE = os.path.dirname(os.path.abspath(__file__))
MAINS = tuple(os.path.join(os.path.dirname(HERE), name) for name in ("worker.py", "look.py"))
GRAPHS = os.path.join(os.path.dirname(HERE), "millrace_graphs")
OWN = (HERE + os.sep, GRAPHS + os.sep, "<frozen importlib")


class Drained(Exception):
    """A graph has ended because the daemon stops, and goes on later."""


class NodeError(Exception):
    """A failure that is told in its own words, without a traceback."""


def error_bytes(error):
    if isinstance(error, NodeError):
        body = {"message": str(error), "details": {}}
    else:
        report = traceback.TracebackException(type(error), error, error.__traceback__)
        drop_own_frames(report)
        message = "".join(report.format_exception_only()).strip().split("\n")
        # A syntax error shows its place first; notes may follow the message.
        said = message[-1] if isinstance(error, SyntaxError) else "\n".join(message)
        body = {
            "message": shortened(said, MESSAGE_MAX),
            "details": {
                "type": type_name(type(error)),
                "traceback": shortened("".join(report.format()), TRACEBACK_MAX),
            },
        }
    return encode(body).encode("utf-8", "replace")


def type_name(kind):
    """The name of a type, with its module where it is not Python's own."""
    name, module = kind.__qualname__, kind.__module__
    return name if module in ("builtins", "__main__") else module + "." + name


def drop_own_frames(report):
    """A traceback begins with the node's code: neither the worker nor the import system is news to its author."""
    seen = set()
    waiting = [report]
    while waiting:
        report = waiting.pop()
        if report is None or id(report) in seen:
            continue
        seen.add(id(report))
        report.stack[:] = [frame for frame in report.stack if not is_own(frame.filename)]
        waiting += [report.__cause__, report.__context__]
        waiting += getattr(report, "exceptions", None) or []


def is_own(file):
    return file in MAINS or file.startswith(OWN)


def shortened(text, length):
    """The beginning and the end of a text that is too long."""
    if len(text) <= length:
        return text
    return text[: length // 4] + "\n...\n" + text[-(length - length // 4):]

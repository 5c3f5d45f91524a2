"""What Python code can use while it runs as a node of Millrace.

    import millrace
    millrace.log("read", count, "tickets")
    millrace.emit({"token": "Hel"})                     # a node_output event on the channel "chunk"
    millrace.emit(0.4, channel="progress")
    charge(card, key=millrace.idempotency_key())        # the same in each attempt of this node

Outside Millrace, in a test or a notebook, both print to stdout, so the same file runs there unchanged:
`pip install "$(millrace python-path)"`, or PYTHONPATH with that folder.
"""

import json
import os
import sys

__all__ = ["emit", "idempotency_key", "log", "traceparent"]

CHANNEL_LENGTH_MAX = 64
OUTSIDE_KEY = "00000000-0000-7000-8000-000000000000/outside"  # of the form of those inside


def emit(data, channel="chunk"):
    """Sends data, anything that JSON can hold, as a node_output event of the running node."""
    if not isinstance(channel, str) or not 0 < len(channel) <= CHANNEL_LENGTH_MAX:
        raise ValueError("a channel is named by 1 to %d characters" % CHANNEL_LENGTH_MAX)
    _sink(channel, data)


def log(*values):
    """Sends a line of text, made of the values as print does it, on the channel "log"."""
    _sink("log", " ".join(str(value) for value in values))


def idempotency_key():
    """The same text for all attempts of the running node in this execution, also across restarts of the daemon: give it to
    whatever has side effects, so that an attempt that is made again does nothing twice. Outside Millrace it is always the
    same. Raises RuntimeError in code that has outlived its node, and where nobody can say which node it belongs to."""
    return _key()


def traceparent():
    """The W3C traceparent of this attempt, a span of the trace that the execution was started in: for the header of that
    name in requests that the node makes. "" if it was started in none, and outside Millrace."""
    return _trace()


def _key():
    # The worker puts its own in this place.
    return _variable("MILLRACE_IDEMPOTENCY_KEY", "idempotency_key") or OUTSIDE_KEY


def _trace():
    # The worker puts its own in this place.
    return _variable("TRACEPARENT", "traceparent")


def _variable(name, function):
    """Of a node's own process. A process that the function of a node has started serves nobody knows whom."""
    if name not in os.environ and "MILLRACE_GRAPH_ID" in os.environ and "MILLRACE_NODE_ID" not in os.environ:
        raise RuntimeError(
            "millrace.%s() was called in another process than the node's; call it in the node's function, and hand on what "
            "it gives" % function)
    return os.environ.get(name, "")


def _sink(channel, data):
    # The worker puts its own in this place.
    # What a process node prints to stdout is its result.
    stream = sys.stderr if "MILLRACE_NODE_ID" in os.environ else sys.stdout
    print("%s: %s" % (channel, json.dumps(data, ensure_ascii=False, default=str)), file=stream, flush=True)

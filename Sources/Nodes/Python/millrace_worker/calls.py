"""One call of one node, and which one the running code belongs to."""

import contextvars
import json

current = contextvars.ContextVar("millrace_call", default=None)


class Call:
    """One attempt of one node, from its request to its end."""

    __slots__ = ("number", "node", "key", "trace", "target", "always", "line", "state", "keys", "text", "task", "cancelled", "ended")

    def __init__(self, request, line):
        self.number = request["call"]
        self.node = request["node"]
        self.key = request.get("key", "")
        self.trace = request.get("trace", "")
        self.target = request["target"]
        self.always = request.get("always") or ()
        self.state = request["state"]
        self.keys = frozenset(self.state)
        self.line = line
        self.text = {}  # channel -> the beginning of a line that print has not ended yet
        self.task = None
        self.cancelled = False
        self.ended = False

    def pristine(self):
        """The state as it came, however the function has changed the one that it was given."""
        return json.loads(self.line)["state"]

"""One call of one node, and which one the running code belongs to."""

import contextvars

from .before import Before

current = contextvars.ContextVar("millrace_call", default=None)


class Call:
    """One attempt of one node, from its request to its end."""

    __slots__ = (
        "number", "node", "key", "trace", "target", "reducers", "state", "before", "notes", "text", "decoders", "task",
        "cancelled", "ended")

    def __init__(self, request):
        self.number = request["call"]
        self.node = request["node"]
        self.key = request.get("key", "")
        self.trace = request.get("trace", "")
        self.target = request["target"]
        self.reducers = request.get("reducers") or {}
        self.state = request["state"]
        self.before = Before(self.state)
        self.notes = {}  # type -> (the form in which it was written, the first place)
        self.text = {}  # channel -> the beginning of a line that print has not ended yet
        self.decoders = {}  # channel -> of bytes, which may begin a character that others end
        self.task = None
        self.cancelled = False
        self.ended = False

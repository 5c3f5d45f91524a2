"""One call of one node, and which one the running code belongs to."""

import contextvars

current = contextvars.ContextVar("millrace_call", default=None)


class Call:
    """One attempt of one node, from its request to its end."""

    __slots__ = (
        "number", "node", "attempt", "key", "trace", "target", "reducers", "source", "is_kept", "state", "keys",
        "texts", "threads", "futures", "task", "cancelled", "ended",
    )

    def __init__(self, request, source, state, is_kept=False):
        self.number = request["call"]
        self.node = request["node"]
        self.attempt = request.get("attempt", 1)
        self.key = request.get("key", "")
        self.trace = request.get("traceparent", "")
        self.target = request["target"]
        self.reducers = request.get("reducers") or {}  # key -> its reducer's name
        self.source = source
        self.is_kept = is_kept  # the state after it may be asked for
        self.state = state
        self.keys = frozenset(state)
        self.texts = {}  # channel -> bytes that were written and not flushed
        self.threads = []  # that the node has started
        self.futures = []  # what it has handed to executors
        self.task = None
        self.cancelled = False
        self.ended = False

    def pristine(self):
        """The state as it came, however the function has changed the one that it was given."""
        return self.source.load()

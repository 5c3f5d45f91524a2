"""One call of one node, and which one the running code belongs to."""

import contextvars

from .before import Before

current = contextvars.ContextVar("millrace_call", default=None)


class Call:
    """One attempt of one node, from its request to its end."""

    __slots__ = (
        "number", "node", "attempt", "key", "trace", "target", "reducers", "source", "is_kept", "is_begun", "state", "before",
        "state_type", "notes", "kept", "thread", "config", "control", "texts", "decoders", "threads", "futures", "task", "tasks", "cancelled", "ended",
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
        self.is_begun = request.get("begun", False)  # nobody waits for the word
        self.state = state
        self.state_type = None  # what its function wants the state to be
        self.before = Before(state)
        self.kept = request.get("kept")  # of a graph that it hosts: what an earlier attempt has left
        self.thread = request.get("thread")  # that such a graph goes on with
        self.config = request.get("config") or {}  # what is laid over the config of such a graph
        self.control = None  # by which LangGraph is asked to end such a graph at a good place
        self.notes = {}  # type -> (the form in which it was written, the first place)
        self.texts = {}  # channel -> what was printed since the last newline, and not flushed
        self.decoders = {}  # channel -> of bytes, which may begin a character that others end
        self.threads = []  # that the node has started
        self.futures = []  # what it has handed to executors
        self.task = None
        self.tasks = None  # that its code has made on the shared loop, beside its own
        self.cancelled = False
        self.ended = False

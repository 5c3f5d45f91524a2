"""States of calls as text, so that each call gets one of its own, and calls to come need not be sent it again."""

import collections

from .json_text import decode

STATES_MAX = 16  # as the hello says
STATES_BYTES_MAX = 16 << 20
UPDATES_MAX = 16  # on top of one text; a longer chain is written anew by the daemon


class StateSource:
    """A state: that of a request, with updates laid over it. None of them has a reducer."""

    __slots__ = ("line", "updates", "bytes")

    def __init__(self, line, updates=()):
        self.line = line
        self.updates = updates
        self.bytes = len(line) + sum(map(len, updates))

    def load(self):
        state = decode(self.line)["state"]
        for update in self.updates:
            state.update(decode(update.decode()))
        return state

    def after(self, update):
        return StateSource(self.line, self.updates + (update,))


class KeptStates:
    """The latest states that the daemon may name instead of sending them."""

    def __init__(self):
        self.sources = collections.OrderedDict()  # ("state_of" or "state_after", number) -> StateSource
        self.bytes = 0

    def find(self, request):
        for name in ("state_of", "state_after"):
            if name in request:
                return self.sources.get((name, request[name]))
        return None

    def keep(self, name, number, source):
        if len(source.updates) > UPDATES_MAX:
            return
        self.sources[name, number] = source
        self.bytes += source.bytes
        while len(self.sources) > STATES_MAX or self.bytes > STATES_BYTES_MAX:
            self.bytes -= self.sources.popitem(last=False)[1].bytes

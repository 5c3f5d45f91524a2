"""The state as it came, however a function changes the one that it was given."""

from marshal import dumps, loads
from operator import is_

MISSING = object()
# This version writes a value the same way each time: later ones write references, and which strings are interned.
_VERSION = 2
_CONTAINERS = (dict, list)


class Before:
    """Remembers a state of JSON values, for little: containers as bytes that are quickly made and compared."""

    __slots__ = ("state", "objects", "values", "_containers", "_bytes")

    def __init__(self, state):
        self.state = state
        self.objects = dict(state)
        self.values = self.objects  # as long as nothing inside them is changed
        self._containers = [value for value in state.values() if type(value) in _CONTAINERS]
        self._bytes = dumps(self._containers, _VERSION) if self._containers else None

    def settle(self):
        """The function is done: `values` is what came from now on, whatever was changed inside. Returns whether the state is
        as it was."""
        if self._bytes is not None and _bytes_of(self._containers) != self._bytes:
            whole = iter(loads(self._bytes))
            self.values = {
                key: next(whole) if type(value) in _CONTAINERS else value for key, value in self.objects.items()}
            return False
        state, values = self.state, self.values
        return len(state) == len(values) and all(map(is_, state, values)) and all(map(is_, state.values(), values.values()))

    def is_very(self, key, value):
        """Whether the value is the very list or dict that the state has, or had, under the key."""
        return type(value) in _CONTAINERS and (value is self.state.get(key) or value is self.objects.get(key))

    def is_same(self, key, value):
        """Whether it is certain, without much work, that the value is what came under the key."""
        before = self.values.get(key, MISSING)
        if value is before:
            return True
        kind = type(value)
        if kind is not type(before):
            return False
        if kind in _CONTAINERS:
            return same(value, before)
        return kind is not float and value == before


def same(one, other):
    """Whether two values are the same in all types and orders. False where one of them is not of JSON values alone."""
    first = _bytes_of(one)
    return first is not None and first == _bytes_of(other)


def _bytes_of(value):
    try:
        return dumps(value, _VERSION)
    except ValueError:
        return None

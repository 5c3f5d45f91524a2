"""What a call's result changes: the contract's words for `python`, in one place.

`state` itself, or None: the keys added or changed in it. Another mapping: its keys as they stand, and what was changed in
`state` besides; a mapping that has every key of the state is taken for a copy of it.
"""

from collections.abc import Mapping

from .before import MISSING
from .errors import NodeError, type_name
from .json_text import encode, encode_loosely
from .leads import NoWay, leading_text
from .values import LEVELS_MAX, ValueFault, is_unicode, json_text, note_text, pointer_part

_NAMES_SAID_MAX = 20  # of keys, in one line of the log


def update_bytes(call, result, say):
    """The update as a JSON object in UTF-8. `say` takes lines for the log."""
    is_untouched = call.before.settle()
    if is_untouched and (result is None or result is call.state) and not call.notes:
        return b"{}"
    update = _Update(call)
    if result is not None and result is not call.state:
        if not isinstance(result, Mapping):
            raise NodeError(
                "the node returned a value of type %s; it takes a mapping or None" % type_name(type(result)))
        update.take_returned(result)
    if not is_untouched:
        update.take_changed()
    update.tell(say)
    return ("{" + ",".join(update.members) + "}").encode()


class _Update:
    def __init__(self, call):
        self.state = call.state
        self.before = call.before
        self.reducers = call.reducers
        self.notes = call.notes
        self.members = []
        self.returned = {}  # the keys that the mapping had, whatever became of them
        self.repeated = []
        self.removed = []

    def take_returned(self, result):
        known = self.before.values
        is_copy = bool(known) and all(key in result for key in known)
        for key in result:
            value = result[key]
            name = self.name(key)
            self.returned[name] = None
            if self.before.is_very(name, value):
                self.add_changed(name, value)
            elif not is_copy or name not in known:
                self.add(name, self.text(name, value))
            elif name not in self.reducers:
                self.add_changed(name, value)
            else:
                text = self.text(name, value)
                if self.before.is_same(name, value) or text == encode_loosely(known[name]):
                    self.repeated.append(name)
                self.add(name, text)

    def take_changed(self):
        """What was changed in the state and does not stand in the mapping that was returned."""
        for key, value in self.state.items():
            name = self.name(key)
            if name not in self.returned:
                self.add_changed(name, value)
        self.removed = [key for key in self.before.values if key not in self.state and key not in self.returned]

    def add(self, name, text):
        self.members.append(encode(name) + ":" + text)

    def add_changed(self, name, value):
        """What leads from what was there to the value, if it is another one."""
        if self.before.is_same(name, value):
            return
        reducer = self.reducers.get(name)
        old = self.before.values.get(name, MISSING)
        if reducer is None:
            text = self.text(name, value)
            if old is not MISSING and text == encode_loosely(old):
                return
        else:
            text = self.leading(reducer, name, old, value)
        if text is not None:
            self.add(name, text)

    def leading(self, reducer, name, old, value):
        try:
            return leading_text(reducer, old, value, "/" + pointer_part(name), LEVELS_MAX - 1, self.notes)
        except ValueFault as fault:
            raise NodeError("the update is no JSON %s" % fault) from None
        except NoWay as reason:
            raise NodeError(
                "no update leads %s to what the node made of it: its reducer %s %s" % (encode(name), reducer, reason)) from None

    def text(self, name, value):
        try:
            return json_text(value, "/" + pointer_part(name), LEVELS_MAX - 1, self.notes)
        except ValueFault as fault:
            raise NodeError("the update is no JSON %s" % fault) from None

    def name(self, key):
        """The key of the update as a string of no class of its own."""
        if isinstance(key, str):
            if not is_unicode(key):
                raise NodeError("the update is no JSON: a key of it, %.100r, has a lone surrogate" % key)
            return key if type(key) is str else str.__str__(key)
        raise NodeError("the update has a key of type %s, %.100r; keys are strings" % (type_name(type(key)), key))

    def tell(self, say):
        if self.removed:
            say("a key that is removed from the state stays in it: %s" % _names(self.removed))
        if self.repeated:
            say("returned as it is in the state, and counted once more by its reducer: %s" % _names(self.repeated))
        if self.notes:
            say(note_text(self.notes))


def _names(keys):
    said = ", ".join(encode(key[:100]) for key in keys[:_NAMES_SAID_MAX])
    return said if len(keys) <= _NAMES_SAID_MAX else "%s and %d more" % (said, len(keys) - _NAMES_SAID_MAX)

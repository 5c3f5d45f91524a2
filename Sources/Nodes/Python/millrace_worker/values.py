"""Values of Python as JSON, and what cannot be.

What JSON knows is written as it stands, after a look at the types: the standard encoder takes two keys that become one (1 and
"1") without a word. What JSON does not know is written in its field's form, and noted, so that its author learns of it.
"""

from .errors import type_name
from .json_text import encode
from .known_types import NoForm, key_text, simpler

LEVELS_MAX = 128  # what the daemon reads; the update itself, or the output, is the first

_SCALARS = frozenset((str, int, float, bool, type(None)))
_CONTAINERS = frozenset((dict, list))
_INFINITE = float("inf")
_BITS_ALWAYS = 2000  # Python's own limit of digits cannot be set lower than 640


class ValueFault(Exception):
    """A value is no JSON: where (RFC 6901) and why."""

    def __init__(self, place, reason, is_type=False):
        super().__init__("at %s: %s" % (place or "its root", reason))
        self.is_type = is_type


def json_text(value, place, levels, notes):
    """The value as JSON text.

    `place` is the pointer to it, `levels` how many levels it may have. `notes` maps a type that was written in another form to
    that form and the first place; it grows.
    """
    kind = type(value)
    is_plain = kind in _SCALARS or kind in _CONTAINERS and _is_plain(value, levels)
    if is_plain:
        try:
            text = encode(value)
            if is_unicode(text):
                return text
        except (ValueError, RecursionError):
            pass
    # Finds what is wrong, or makes what is right.
    return encode(_plain(value, place, levels, (), notes))


def _is_plain(value, levels):
    """Whether there is nothing in a dict or list but what JSON knows, with keys that cannot collide."""
    if levels == 0:
        return False
    if type(value) is dict:
        for kind in set(map(type, value)):
            if kind is not str:
                return False
        value = value.values()
    kinds = set(map(type, value))
    if kinds <= _SCALARS:
        return True
    for item in value:
        kind = type(item)
        if kind not in _SCALARS and (kind not in _CONTAINERS or not _is_plain(item, levels - 1)):
            return False
    return True


def _plain(value, place, levels, above, notes):
    """The value made of what JSON knows alone."""
    kind = type(value)
    if kind in _SCALARS:
        return _scalar(value, place)
    if kind is dict or kind is list:
        return _container(value, place, levels, above, notes)
    try:
        form, simple = simpler(value)
    except NoForm as error:
        raise ValueFault(place, str(error), is_type=True) from None
    if form is not None and kind not in notes:
        notes[kind] = (form, place)
    if type(simple) in _SCALARS:
        return _scalar(simple, place)
    if any(value is one for one in above) or len(above) > 2 * LEVELS_MAX:
        raise ValueFault(place, "it holds itself")
    return _plain(simple, place, levels, above + (value,), notes)


def _scalar(value, place):
    kind = type(value)
    if kind is str:
        if not is_unicode(value):
            raise ValueFault(place, "a string with a lone surrogate, which is no Unicode")
    elif kind is float:
        if value != value or value in (_INFINITE, -_INFINITE):
            raise ValueFault(place, "the number is %r, which JSON has no word for" % value)
    elif kind is int and value.bit_length() > _BITS_ALWAYS:
        try:
            encode(value)
        except ValueError as error:
            raise ValueFault(place, "an integer of %d bits: %s" % (value.bit_length(), error)) from None
    return value


def _container(value, place, levels, above, notes):
    if any(value is one for one in above):
        raise ValueFault(place, "it holds itself")
    if levels == 0:
        raise ValueFault(place, "it is nested deeper than %d levels" % LEVELS_MAX)
    above += (value,)
    if type(value) is list:
        return [_plain(item, "%s/%d" % (place, index), levels - 1, above, notes) for index, item in enumerate(value)]
    members, keys = {}, {}
    for key, item in value.items():
        text = _key(key, place, notes)
        where = place + "/" + pointer_part(text)
        if text in keys:
            raise ValueFault(where, "two keys are one in JSON: %s and %s" % (_spoken(keys[text]), _spoken(key)))
        keys[text] = key
        members[text] = _plain(item, where, levels - 1, above, notes)
    return members


def _key(key, place, notes):
    try:
        form, text = key_text(key)
    except NoForm as error:
        raise ValueFault(place, "a key is %s" % error, is_type=True) from None
    if form is not None and type(key) not in notes:
        notes[type(key)] = (form, place + "/" + pointer_part(text))
    if not is_unicode(text):
        raise ValueFault(place, "a key with a lone surrogate, which is no Unicode")
    return text


def _spoken(key):
    return "%.100r of type %s" % (key, type_name(type(key)))


def note_text(notes):
    """What is told of values that were written in another form."""
    parts = ["%s as %s (at %s)" % (type_name(kind), form, place or "its root") for kind, (form, place) in notes.items()]
    return "JSON does not know all values of this node; written were " + ", ".join(parts)


def pointer_part(key):
    return str(key).replace("~", "~0").replace("/", "~1")


def is_unicode(text):
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

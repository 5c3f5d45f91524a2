"""What leads from one value of a key to another through its reducer."""

import math
from fractions import Fraction

from .before import MISSING, same
from .json_text import decode, encode
from .values import json_text


class NoWay(Exception):
    """No update leads there."""


def leading_text(reducer, old, new, place, levels, notes):
    """The update, as JSON text, that makes the reducer give `new` where it had given `old`, or MISSING; None if nothing is to
    be done. Raises NoWay with what the reducer can do."""
    if reducer == "append" and type(new) is list:
        return _tail(old, new, place, levels, notes)
    text = json_text(new, place, levels, notes)
    new = decode(text)
    if reducer == "merge":
        return _patch_text(old, new)
    if reducer == "append":
        return _tail(old, new, place, levels, notes)
    if type(new) not in (int, float):
        raise NoWay("takes numbers alone, and it became %s" % _spoken(new))
    if old is MISSING:
        return text
    if reducer == "sum":
        return _difference(old, new)
    return _extreme(reducer, old, new, text)


def _tail(old, new, place, levels, notes):
    if type(new) is not list:
        raise NoWay("makes lists, and it became %s" % _spoken(new))
    count = 0 if old is MISSING else len(old)
    if count and not same(new[:count], old) and json_text(new[:count], place, levels, {}) != encode(old):
        raise NoWay("only adds at the end of a list, and what was there before was changed")
    if count == len(new) and old is not MISSING:
        return None
    items = [json_text(new[index], "%s/%d" % (place, index), levels - 1, notes) for index in range(count, len(new))]
    return "[" + ",".join(items) + "]"


def _difference(old, new):
    if new == old:
        return None
    if type(old) is int and type(new) is int:
        return encode(new - old)
    try:
        difference = float(Fraction(new) - Fraction(old))
        # The shortest that gives just this sum: who added 0.2 to 0.1 gets 0.2 and not its neighbour.
        near = [difference, math.nextafter(difference, math.inf), math.nextafter(difference, -math.inf)]
        for candidate in [float("%.15g" % difference), float("%.16g" % difference)] + near:
            if old + candidate == new:
                return encode(candidate)
        return encode(difference)
    except OverflowError:
        raise NoWay("only adds, and the difference is beyond all numbers") from None


def _extreme(reducer, old, new, text):
    if new == old:
        return None
    if (new < old) == (reducer == "min"):
        return text
    raise NoWay("only goes %s, and it went from %r to %r" % ("down" if reducer == "min" else "up", old, new))


def _patch_text(old, new):
    if old is not MISSING and type(old) is dict and type(new) is dict:
        patch = _patch(old, new)
        return encode(patch) if patch else None
    if old is not MISSING and type(old) is type(new) and encode(old) == encode(new):
        return None
    return encode(_without_null(new))


def _patch(old, new):
    """The smallest merge patch (RFC 7396) between two objects."""
    patch = {}
    for key, value in new.items():
        before = old.get(key, MISSING)
        if type(before) is dict and type(value) is dict:
            inner = _patch(before, value)
            if inner:
                patch[key] = inner
        elif type(before) is not type(value) or encode(before) != encode(value):
            if value is None:
                raise NoWay("takes null for a removal, and %s became null" % encode(key))
            patch[key] = _without_null(value)
    for key in old:
        if key not in new:
            patch[key] = None
    return patch


def _without_null(value):
    """The value, which a patch can bring only if no object in it has a member that is null."""
    waiting = [value] if type(value) is dict else []
    while waiting:
        for key, item in waiting.pop().items():
            if item is None:
                raise NoWay("takes null for a removal, and %s became null" % encode(key))
            if type(item) is dict:
                waiting.append(item)
    return value


def _spoken(value):
    return {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}.get(type(value), "a number")

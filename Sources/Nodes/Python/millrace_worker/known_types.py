"""Types that JSON does not know, and the form in which their field writes them.

Types are told by the names of their classes, so that nothing is imported for a value that never comes.
"""

import base64
import collections.abc
import os
import sys

from .errors import type_name

_KINDS_MAX = 1024  # types whose form is remembered; a node may make classes without end


class NoForm(Exception):
    """There is no form of this value in JSON."""


_found = {}  # type -> function of a value that gives (the form's name or None, something simpler)


def simpler(value):
    """A value made of simpler ones, and the name of its form; None for what is no news, such as a tuple. Raises NoForm."""
    kind = type(value)
    convert = _found.get(kind)
    if convert is None:
        if len(_found) >= _KINDS_MAX:
            _found.clear()
        convert = _found[kind] = _find(kind)
    try:
        return convert(value)
    except NoForm:
        raise
    except Exception as error:
        raise NoForm("a value of type %s cannot be written: %s: %s" % (type_name(kind), type_name(type(error)), error)) from error


def key_text(key):
    """The key of an object as text, and the name of its form. Raises NoForm."""
    kind = type(key)
    if kind is str:
        return None, key
    if key is None or kind is bool:
        return None, {None: "null", True: "true", False: "false"}[key]
    if kind is int:
        return None, str(key)
    if kind is float:
        if key != key or key in (float("inf"), float("-inf")):
            raise NoForm("the number %r, which JSON has no word for" % key)
        return None, repr(key)
    form, simple = simpler(key)
    if type(simple) in (dict, list):
        raise NoForm("of type %s" % type_name(kind))
    return form, key_text(simple)[1]


def _find(kind):
    names = {(base.__module__, base.__qualname__) for base in kind.__mro__}
    for name, convert in _BY_NAME:
        if name in names:
            return convert
    for base, convert in _BY_BASE:
        if issubclass(kind, base):
            return convert
    for attribute, convert in _BY_ATTRIBUTE:
        if hasattr(kind, attribute):
            return convert
    for base, convert in _BY_IDEA:
        if issubclass(kind, base):
            return convert
    return _no_form


def _no_form(value):
    raise NoForm("a value of type %s has no form in JSON" % type_name(type(value)))


def _text(value):
    return "text", str(value)


def _iso(value):
    return "ISO 8601 text", value.isoformat()


def _duration(value):
    """ISO 8601, as far as its parts are of fixed length: days, hours, minutes, seconds."""
    sign = "-" if value.days < 0 else ""
    value = abs(value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = (".%06d" % value.microseconds).rstrip("0") if value.microseconds else ""
    time = "".join(
        "%d%s%s" % (number, part, unit)
        for number, part, unit in [(hours, "", "H"), (minutes, "", "M"), (seconds, fraction, "S")] if number or part)
    days = "%dD" % value.days if value.days else ""
    return "an ISO 8601 duration", sign + "P" + days + ("T" + time if time else "" if days else "T0S")


def _numpy_scalar(value):
    kind = value.dtype.kind
    if kind in "Mm" and str(value) == "NaT":
        return "null", None
    if kind == "M":
        return "ISO 8601 text", str(value)
    if kind == "m":
        return "an ISO 8601 duration", _duration(value.astype("timedelta64[us]").item())[1]
    if kind == "f":
        return "a number", float(value)
    simple = value.item()
    if kind == "c":
        raise NoForm("a value of type %s has no form in JSON" % type_name(type(value)))
    return {"b": "a boolean", "U": None, "S": "Base64"}.get(kind, "a number"), simple


def _tolist(value):
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind == "M":
        return "a list", _without_nat(value.astype("U").tolist())
    if kind == "m":
        return "a list", value.astype("timedelta64[us]").tolist()
    return "a list", value.tolist()


def _without_nat(value):
    if isinstance(value, list):
        return [_without_nat(item) for item in value]
    return None if value == "NaT" else value


def _set(value):
    """Sets have no order, so they get one: the same run gives the same state."""
    items = list(value)
    if len({type(item) for item in items}) == 1 and isinstance(items[0], (str, int, float, bytes)):
        return "a list", sorted(items)
    return "a list", sorted(items, key=lambda item: (type_name(type(item)), repr(item)))


def _pydantic(value):
    return "an object", value.model_dump(mode="json")


def _pydantic_1(value):
    return "an object", value.dict()


def _dataclass(value):
    fields = sys.modules["dataclasses"].fields(value)
    return "an object", {field.name: getattr(value, field.name) for field in fields}


def _attrs(value):
    return "an object", {field.name: getattr(value, field.name) for field in type(value).__attrs_attrs__}


def _path(value):
    return "text", os.fspath(value)


def _bytes(value):
    return "Base64", base64.b64encode(bytes(value)).decode("ascii")


def _mapping(value):
    return "an object", {key: value[key] for key in value}


def _list(value):
    return "a list", list(value)


# In this order: an Enum may be a str, a scalar of numpy a float, and a datetime is a date.
_BY_NAME = [
    (("enum", "Enum"), lambda value: ("its value", value.value)),
    (("pandas._libs.tslibs.nattype", "NaTType"), lambda value: ("null", None)),
    (("numpy", "generic"), _numpy_scalar),
    (("datetime", "date"), _iso),
    (("datetime", "time"), _iso),
    (("datetime", "timedelta"), _duration),
    (("decimal", "Decimal"), _text),
    (("fractions", "Fraction"), _text),
    (("uuid", "UUID"), _text),
    (("ipaddress", "_IPAddressBase"), _text),
    (("collections", "UserString"), _text),
]
_BY_BASE = [
    (str, lambda value: (None, str.__str__(value))),
    (int, lambda value: (None, int.__add__(value, 0))),
    (float, lambda value: (None, float.__float__(value))),
    (dict, lambda value: (None, dict(value))),
    ((list, tuple), lambda value: (None, list(value))),
    ((bytes, bytearray, memoryview), _bytes),
]
_BY_ATTRIBUTE = [
    ("__pydantic_serializer__", _pydantic),
    ("__pydantic_root_model__", _pydantic),
    ("__fields_set__", _pydantic_1),
    ("__dataclass_fields__", _dataclass),
    ("__attrs_attrs__", _attrs),
    ("tolist", _tolist),
    ("__fspath__", _path),
]
_BY_IDEA = [
    (collections.abc.MappingView, _list),
    (collections.abc.Set, _set),
    (collections.abc.Mapping, _mapping),
    (collections.abc.Sequence, _list),
]

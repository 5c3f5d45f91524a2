"""States of a type of their own: a function whose argument is annotated with a dataclass or a pydantic model gets an object of
it, and what it changes there, or returns as such an object, is its update."""

import copy
import dataclasses
import inspect
import sys
import typing

from .errors import NodeError


def state_type(function):
    """The dataclass or model that the function's first argument is annotated with, or nothing."""
    try:
        parameters = inspect.signature(function).parameters.values()
        annotation = next(iter(parameters)).annotation
        if isinstance(annotation, str):
            holder = inspect.unwrap(getattr(function, "__func__", function))
            if not hasattr(holder, "__globals__"):
                holder = type(function).__call__
            annotation = eval(annotation, holder.__globals__)
    except Exception:
        return None
    if typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    return annotation if isinstance(annotation, type) and (dataclasses.is_dataclass(annotation) or _is_model(annotation)) else None


def _is_model(kind):
    """Whether a class is a pydantic model: what nobody imported, nothing is a class of."""
    model = getattr(sys.modules.get("pydantic"), "BaseModel", None)
    return isinstance(model, type) and issubclass(kind, model)


class TypedState:
    """One state as an object, for one call."""

    def __init__(self, kind, state):
        self.state = state
        try:
            self.value = made(kind, state)
        except Exception as error:
            raise NodeError("the state is no %s: %s: %s" % (kind.__qualname__, type(error).__name__, error)) from None
        self.before = copy.deepcopy(members(self.value))

    def settle(self, result):
        """Writes what was changed in the object into the state. Returns what the function has returned, in those terms."""
        for name, value in members(self.value).items():
            if name not in self.before or self.before[name] != value:
                self.state[name] = value
        return None if result is self.value else result


def made(kind, state):
    if not dataclasses.is_dataclass(kind):
        return kind.model_validate(state) if hasattr(kind, "model_validate") else kind.parse_obj(state)
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind) if field.init]
    return kind(**{name: _inner(hints.get(name), state[name]) for name in names if name in state})


def _inner(kind, value):
    """A dataclass or model within one."""
    if isinstance(value, dict) and isinstance(kind, type) and (dataclasses.is_dataclass(kind) or _is_model(kind)):
        return made(kind, value)
    if isinstance(value, list) and typing.get_origin(kind) is list:
        inner = typing.get_args(kind)[0]
        return [_inner(inner, item) for item in value]
    return value


def members(value):
    """What an object says under its names; nothing where it is no such object."""
    if isinstance(value, type):
        return None
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if _is_model(type(value)):
        names = getattr(type(value), "model_fields", None) or getattr(type(value), "__fields__", {})
        return {name: getattr(value, name) for name in names} | (getattr(value, "model_extra", None) or {})
    return None

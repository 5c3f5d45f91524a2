"""Graphs of LangGraph: how they are known, and how they are drawn. LangGraph is the team's own; here it is only looked at."""

import inspect
import sys
import typing

from .faults import GraphFault


def is_compiled(value):
    kind = _kind("langgraph.pregel", "Pregel")
    return kind is not None and isinstance(value, kind)


def is_builder(value):
    kind = _kind("langgraph.graph.state", "StateGraph")
    return kind is not None and isinstance(value, kind)


def is_factory(value):
    """A function, or a maker of a context manager, that gives a graph: of at most a config and a runtime."""
    if not callable(value) or isinstance(value, type) or is_compiled(value) or is_builder(value):
        return False
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return False
    return len([parameter for parameter in parameters if parameter.default is parameter.empty]) <= 2


def _kind(module, name):
    """A class of LangGraph, if the file has imported it: what nobody imported, nothing is an object of."""
    return getattr(sys.modules.get(module), name, None)


def document_of(value, name, file, config=None):
    """(document, drawing) of a compiled graph that stands in the module under this name."""
    compiled = value.compile() if is_builder(value) else value
    document = {
        "nodes": [{"id": "graph", "kind": "langgraph", "config": {"file": file, "graph": name, **(config or {})}}],
        "edges": [],
    }
    title = getattr(compiled, "name", None)
    if isinstance(title, str) and title and title != "LangGraph":
        document["name"] = title
    schema = _input_schema(compiled)
    if schema is not None:
        document["input_schema"] = schema
    return document, drawing_of(compiled)


def _input_schema(compiled):
    """Types that have no JSON Schema leave a graph without one; it runs all the same."""
    builder = getattr(compiled, "builder", None)
    try:
        schema = compiled.get_input_jsonschema()
    except Exception:
        # Before Python 3.12, pydantic takes no TypedDict of typing; the types of its members it does.
        schema = _schema_of_members(getattr(builder, "input_schema", None))
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return None
    if builder is not None and getattr(builder, "input_schema", None) is getattr(builder, "state_schema", False):
        # What an input may be was not said apart from what the state is, and a part of that is enough for invoke.
        schema = {key: value for key, value in schema.items() if key != "required"}
    return _loosened(schema)


def _schema_of_members(kind):
    if not typing.is_typeddict(kind):
        return None
    try:
        from pydantic import TypeAdapter

        hints = typing.get_type_hints(kind, include_extras=True)
    except Exception:
        return None
    properties, definitions = {}, {}
    for name, hint in hints.items():
        try:
            schema = TypeAdapter(hint).json_schema()
        except Exception:
            schema = {}
        definitions.update(schema.pop("$defs", {}))
        properties[name] = schema
    whole = {"title": kind.__name__, "type": "object", "properties": properties, "required": sorted(kind.__required_keys__)}
    return {**whole, "$defs": definitions} if definitions else whole


def _loosened(schema):
    """Without what says of messages which class each is: LangGraph takes pairs and objects with a role as well, and makes the
    messages of them."""
    if isinstance(schema, list):
        return [_loosened(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _loosened(value) for key, value in schema.items()
        if key not in ("oneOf", "discriminator") or not _is_of_messages(schema.get("oneOf"))}


def _is_of_messages(options):
    return isinstance(options, list) and {"$ref": "#/$defs/HumanMessage"} in options


def drawing_of(compiled):
    try:
        drawn = compiled.get_graph(xray=True)
    except Exception:
        try:
            drawn = compiled.get_graph()
        except Exception as error:
            raise GraphFault("LangGraph cannot draw it: %s: %s" % (type(error).__name__, error)) from error
    return {
        "nodes": [{"id": str(node.id), "name": str(node.name)} for node in drawn.nodes.values()],
        "edges": [
            {
                "from": str(edge.source), "to": str(edge.target), "conditional": bool(edge.conditional),
                "label": None if edge.data is None else str(edge.data),
            }
            for edge in drawn.edges
        ],
    }

"""Documents made of objects: one with nodes and edges, or a list of steps that run one after the other."""

import json
from collections.abc import Mapping

from millrace_worker.values import LEVELS_MAX, ValueFault, json_text

from .faults import GraphFault
from .names import NodeIDs
from .object_edges import EdgeReader
from .object_nodes import nodes_of


def is_object_graph(value):
    if isinstance(value, type):
        return False
    nodes = part(value, "nodes")
    return nodes is not None and not callable(nodes) and (
        part(value, "edges") is not None or _has_next(nodes))


def is_list_of_steps(value):
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(
        callable(getattr(step, "execute", None)) and not isinstance(step, type) for step in value)


def part(value, name):
    if isinstance(value, Mapping):
        return value.get(name)
    return getattr(value, name, None)


def _has_next(nodes):
    values = nodes.values() if isinstance(nodes, Mapping) else nodes if isinstance(nodes, (list, tuple)) else ()
    return any(part(node, "next") is not None and not callable(part(node, "next")) for node in values)


def document_of(value, path, file):
    """(document, what was left aside) of an object graph that stands in the module under this path."""
    is_mapping = isinstance(value, Mapping)
    nodes = nodes_of(part(value, "nodes"), "%s['nodes']" % path if is_mapping else path + ".nodes")
    reader = EdgeReader(nodes)
    edges = reader.following()
    said = part(value, "edges")
    if said is not None:
        edges = reader.edges_of(said, "%s['edges']" % path if is_mapping else path + ".edges") + edges
    document = _document(nodes, edges, file)
    for key in ("name", "description"):
        if isinstance(part(value, key), str) and part(value, key):
            document[key] = part(value, key)
    state = part(value, "initial_state")
    if state is not None and not callable(state):
        document["initial_state"] = _state(state, path)
    return document, reader.notes


def document_of_steps(steps, path, file):
    """They stand under their `id` or `name`, or under that of their class where they have none."""
    named = []
    for index, step in enumerate(steps):
        name = next((str(step.__dict__[key]) for key in ("id", "name") if key in getattr(step, "__dict__", {})), None)
        name = name or getattr(step, "name", None) or type(step).__name__
        names = [node["id"] for node in named]
        number = 2
        unique = name
        while unique in names:
            unique, number = "%s-%d" % (name, number), number + 1
        named.append({"id": unique, "execute": step})
    nodes = nodes_of(named, path)
    for index, node in enumerate(nodes):
        node.path = "%s[%d]" % (path, index)
    reader = EdgeReader(nodes)
    pairs = [(before.name, after.name) for before, after in zip(nodes, nodes[1:])]
    return _document(nodes, reader.edges_of(pairs, path), file), []


def _document(nodes, edges, file):
    ids = NodeIDs([node.name for node in nodes]).of
    _refuse_cycle(nodes, edges)
    document = {"nodes": [], "edges": []}
    for node in nodes:
        entry = {"id": ids[node.name], "kind": "python", "config": {"file": file, node.how: node.path}}
        title = node.title or (node.name if ids[node.name] != node.name else None)
        if title:
            entry["name"] = title
        document["nodes"].append(entry)
    seen = set()
    for edge in edges:
        key = (edge.source, edge.target, edge.condition)
        if key in seen:
            continue
        seen.add(key)
        entry = {"from": ids[edge.source], "to": ids[edge.target]}
        if edge.condition is not None:
            entry["when"] = {"python": edge.condition}
        document["edges"].append(entry)
    return document


def _refuse_cycle(nodes, edges):
    following = {node.name: [] for node in nodes}
    for edge in edges:
        following[edge.source].append(edge.target)
    state = dict.fromkeys(following, 0)  # 0: not seen, 1: on the way, 2: done
    for first in following:
        way, turns = [], []
        if state[first] == 0:
            way, turns = [first], [iter(following[first])]
            state[first] = 1
        while way:
            target = next(turns[-1], None)
            if target is None:
                state[way.pop()] = 2
                turns.pop()
            elif state[target] == 1:
                cycle = way[way.index(target):] + [target]
                raise GraphFault(
                    "%s is a cycle; what repeats is a node of kind `repeat`, whose `nodes` are %s and whose `until` says"
                    " when it is done" % (" -> ".join(cycle), ", ".join(cycle[:-1])))
            elif state[target] == 0:
                state[target] = 1
                way.append(target)
                turns.append(iter(following[target]))


def _state(state, path):
    try:
        value = json.loads(json_text(state, "", LEVELS_MAX, {}))
    except ValueFault as fault:
        raise GraphFault("%s.initial_state %s" % (path, fault)) from None
    if not isinstance(value, dict):
        raise GraphFault("%s.initial_state is of type %s and no object" % (path, type(state).__name__))
    return value

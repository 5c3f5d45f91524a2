"""The nodes of an object graph: objects with `execute(state)`, callables, or dicts that hold one."""

from collections.abc import Mapping, Sequence

from .faults import GraphFault

# Under these a dict holds what its node runs.
KEYS = ("execute", "func", "function", "fn", "run", "handler", "callable", "node")
NAMES = ("id", "node_id", "name")


class FoundNode:
    """`path` leads from the module to what runs; `how` is the key of a python node's config that it stands under."""

    __slots__ = ("name", "title", "path", "how", "next", "values")

    def __init__(self, name, title, path, how, following, values):
        self.name = name
        self.title = title
        self.path = path
        self.how = how
        self.next = following  # what it says that comes behind it
        self.values = values  # the objects that edges may mean it by


def nodes_of(nodes, path):
    """All of them, in their order."""
    if isinstance(nodes, Mapping):
        found = [_node(value, "%s[%r]" % (path, key), key) for key, value in nodes.items()]
    elif isinstance(nodes, Sequence) and not isinstance(nodes, (str, bytes)):
        found = [_node(value, "%s[%d]" % (path, index), None) for index, value in enumerate(nodes)]
    else:
        raise GraphFault("%s is of type %s; a dict by id or a list is understood" % (path, type(nodes).__name__))
    if not found:
        raise GraphFault("%s is empty" % path)
    seen = {}
    for node in found:
        if node.name in seen:
            raise GraphFault(
                "%s and %s are both called %r; give each an `id` of its own" % (seen[node.name], node.path, node.name))
        seen[node.name] = node.path
    return found


def _node(value, path, key):
    if key is not None and not isinstance(key, (str, int)):
        raise GraphFault("%s: a node's id is a string" % path)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) and key is None and len(value) == 2:
        return _node(value[1], path + "[1]", value[0])
    name, title = _names(value, key, path)
    following = value.get("next") if isinstance(value, Mapping) else getattr(value, "next", None)
    run_path, how, run = _what_runs(value, path)
    return FoundNode(name, title, run_path, how, following if not callable(following) else None, [value, run])


def _names(value, key, path):
    """The id, and the name for people where it is another."""
    said = [str(found) for found in (_said(value, name) for name in NAMES) if isinstance(found, (str, int)) and found != ""]
    if key is not None:
        said.insert(0, str(key))
    if not said and callable(value) and getattr(value, "__name__", "<lambda>") != "<lambda>":
        said = [value.__name__]
    if not said:
        raise GraphFault("%s has neither `id` nor `name`" % path)
    title = _said(value, "name")
    return said[0], title if isinstance(title, str) and title and title != said[0] else None


def _said(value, name):
    if isinstance(value, Mapping):
        return value.get(name)
    return None if isinstance(value, type) else getattr(value, name, None)


def _what_runs(value, path):
    """(path, key of the config, object)"""
    if isinstance(value, Mapping):
        for key in KEYS:
            if key in value:
                return _what_runs(value[key], "%s[%r]" % (path, key))
        raise GraphFault("%s holds nothing to run; one of its keys is %s" % (path, ", ".join(KEYS)))
    if isinstance(value, type):
        raise GraphFault("%s is the class %s and no object of it; write %s()" % (path, value.__name__, value.__name__))
    if callable(getattr(value, "execute", None)):
        return path, "object", value
    if callable(value):
        return path, "function", value
    raise GraphFault("%s is of type %s; it has no execute(state) and cannot be called" % (path, type(value).__name__))

"""Graph documents for tests, in few words."""

import itertools

_numbers = itertools.count(1)


def graph(nodes, edges=(), **members):
    """A document with an id that no other has. An edge is "a b", or ("a b", condition)."""
    document = {"id": f"t{next(_numbers)}", **members, "nodes": list(nodes)}
    if edges:
        document["edges"] = [edge(description) for description in edges]
    return document


def edge(description):
    ends, when = (description, None) if isinstance(description, str) else description
    source, target = ends.split()
    return {"from": source, "to": target} | ({"when": when} if when else {})


def node(id, kind, config, **members):
    return {"id": id, "kind": kind, "config": config, **members}


def put(id, **values):
    """A node that sets keys."""
    return node(id, "set", {"values": values})


def delay(id, milliseconds, **members):
    return node(id, "delay", {"duration_ms": milliseconds}, **members)


def lua(id, code, **members):
    return node(id, "lua", {"code": code}, **members)


def python(id, code, **members):
    """A Python node; `code` is the body of its function, indented by four spaces or on one line."""
    body = code if code.startswith("    ") else f"    {code}"
    return node(id, "python", {"code": f"def execute(state):\n{body}\n"}, **members)


def process(id, *command, **members):
    config = {"command": list(command), "input": "none", "output": "text", "key": id}
    return node(id, "process", config | members.pop("config", {}), **members)


def chain(*nodes, **members):
    """One node after the other."""
    ids = [node["id"] for node in nodes]
    return graph(nodes, [f"{a} {b}" for a, b in itertools.pairwise(ids)], **members)


def fails(id, message="broken on purpose", **members):
    return lua(id, f"error({message!r})", **members)


def never_ends(id="wait", **members):
    """A node that ends only when it is made to."""
    return delay(id, 600_000, **members)


def busy(id="busy", **members):
    """A node that runs, and so keeps the place of its execution, until it is made to end."""
    return process(id, "sleep", "600", **members)


def works(id, seconds, **members):
    """A node that runs for so long, where a delay would only wait."""
    return process(id, "sleep", str(seconds), **members)

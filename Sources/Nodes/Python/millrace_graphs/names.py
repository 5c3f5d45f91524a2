"""Ids that documents can have, made of the names that people gave."""

import re

NODE_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
GRAPH_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
LENGTH_MAX = 64


def graph_id(stem):
    """The id of the graph of a file, or nothing where no character of its name would be left."""
    name = re.sub(r"[^a-z0-9._-]", "-", stem.lower()).lstrip("._-")[:LENGTH_MAX]
    return name or None


class NodeIDs:
    """Gives each node an id: its name where that fits, else what is nearest to it and still free."""

    def __init__(self, names):
        self.taken = {name for name in names if NODE_ID.fullmatch(name)}
        self.of = {name: self._id(name) for name in dict.fromkeys(names)}

    def _id(self, name):
        if NODE_ID.fullmatch(name):
            return name
        plain = re.sub(r"[^a-z0-9_-]", "-", name.lower())
        if not NODE_ID.match(plain):
            plain = "_" + plain
        plain = plain[:LENGTH_MAX]
        candidate, number = plain, 1
        while candidate in self.taken:
            number += 1
            end = "-%d" % number
            candidate = plain[: LENGTH_MAX - len(end)] + end
        self.taken.add(candidate)
        return candidate

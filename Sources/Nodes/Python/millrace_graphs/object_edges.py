"""The edges of an object graph: pairs, triples with a condition, objects or dicts with two ends, a dict by source, `next`."""

from collections.abc import Mapping, Sequence, Set

from .faults import GraphFault

SOURCES = ("source", "from", "from_", "from_node", "src", "start")
TARGETS = ("target", "to", "to_node", "dst", "end")
CONDITIONS = ("condition", "when", "cond")
KNOWN = frozenset(SOURCES + TARGETS + CONDITIONS + ("id", "name", "label", "description", "metadata"))
# Ends that stand for none: nodes without incoming edges start by themselves.
NOWHERE = ("__start__", "__end__", "START", "END")


class FoundEdge:
    """`condition` is a path from the module, or nothing."""

    __slots__ = ("source", "target", "condition", "path")

    def __init__(self, source, target, condition, path):
        self.source = source
        self.target = target
        self.condition = condition
        self.path = path


class EdgeReader:
    """Reads what a graph says of its edges; `notes` tells what it leaves aside."""

    def __init__(self, nodes):
        self.nodes = nodes
        self.names = {node.name for node in nodes}
        self.notes = []

    def edges_of(self, edges, path):
        if isinstance(edges, Mapping):
            found = [
                edge for source, targets in edges.items()
                for edge in self._from(source, targets, "%s[%r]" % (path, source))]
        elif isinstance(edges, (Sequence, Set)) and not isinstance(edges, (str, bytes)):
            has_places = isinstance(edges, Sequence)
            found = [
                self._edge(edge, "%s[%d]" % (path, index), has_places) for index, edge in enumerate(edges)]
        else:
            raise GraphFault("%s is of type %s; a list of edges is understood" % (path, type(edges).__name__))
        return [edge for edge in found if edge is not None]

    def following(self):
        """The edges that nodes name by themselves."""
        return [
            edge for node in self.nodes if node.next is not None
            for edge in self._from(node.name, node.next, node.path + ".next") if edge is not None]

    def _from(self, source, targets, path):
        """Edges of one source: to one node, to several, or to pairs of a node and a condition."""
        if self._name(targets) is not None or not isinstance(targets, (Sequence, Set)) or isinstance(targets, str):
            return [self._made(source, targets, None, path)]
        edges = []
        for index, target in enumerate(targets):
            place = "%s[%d]" % (path, index)
            if isinstance(target, Sequence) and not isinstance(target, str) and len(target) == 2:
                edges.append(self._made(source, target[0], self._condition(target[1], place + "[1]"), place))
            else:
                edges.append(self._made(source, target, None, place))
        return edges

    def _edge(self, edge, path, has_places):
        if isinstance(edge, Sequence) and not isinstance(edge, str):
            if len(edge) == 2:
                return self._made(edge[0], edge[1], None, path)
            if len(edge) == 3:
                return self._triple(edge, path, has_places)
            raise GraphFault("%s has %d parts; (source, target) and (source, target, condition) are understood" % (
                path, len(edge)))
        is_mapping = isinstance(edge, Mapping)
        keys = list(edge) if is_mapping else list(getattr(edge, "__dict__", ()))
        ends = []
        for names in (SOURCES, TARGETS):
            name = next((name for name in names if (name in edge if is_mapping else hasattr(edge, name))), None)
            if name is None:
                raise GraphFault("%s says no %s; one of %s is understood" % (path, names[0], ", ".join(names)))
            ends.append(edge[name] if is_mapping else getattr(edge, name))
        condition = None
        for name in CONDITIONS:
            said = edge.get(name) if is_mapping else getattr(edge, name, None)
            if said is not None:
                place = "%s[%r]" % (path, name) if is_mapping else "%s.%s" % (path, name)
                condition = self._condition(said, place, has_places)
                break
        unknown = sorted(str(key) for key in keys if key not in KNOWN and not str(key).startswith("_"))
        if unknown:
            self.notes.append("%s: %s is left aside" % (path, ", ".join(unknown)))
        return self._made(ends[0], ends[1], condition, path)

    def _triple(self, edge, path, has_places):
        """The condition stands last, or between the ends."""
        place = 1 if self._name(edge[1]) is None and callable(edge[1]) else 2
        if place == 1 and isinstance(edge[2], Mapping):
            raise GraphFault(
                "%s chooses by a table; write an edge with a condition for each of %s, or let the node %s return the"
                " name of the next one" % (path, ", ".join(map(str, edge[2].values())), edge[0]))
        return self._made(
            edge[0], edge[3 - place], self._condition(edge[place], "%s[%d]" % (path, place), has_places), path)

    def _condition(self, said, path, has_places=True):
        if said is None or said is True:
            return None
        if not callable(said):
            raise GraphFault("%s is %.80r; a condition is a callable over the state" % (path, said))
        if not has_places:
            raise GraphFault("%s: edges with conditions stand in a list, which has an order, and not in a set" % path)
        return path

    def _made(self, source, target, condition, path):
        ends = []
        for end in (source, target):
            if isinstance(end, str) and end in NOWHERE and end not in self.names or end is None:
                return None
            name = self._name(end)
            if name is None:
                raise GraphFault("%s leads to %.80r, which is no node; there are %s" % (
                    path, end, ", ".join(sorted(self.names))))
            ends.append(name)
        return FoundEdge(ends[0], ends[1], condition, path)

    def _name(self, end):
        """The node that an end means: by its name, or by the very object."""
        if isinstance(end, (str, int)) and str(end) in self.names:
            return str(end)
        return next((node.name for node in self.nodes if any(end is value for value in node.values)), None)

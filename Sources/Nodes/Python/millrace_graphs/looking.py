"""Runs a file and chooses the graph in it."""

import importlib.machinery
import importlib.util
import linecache
import os
import sys

from millrace_worker.errors import NodeError
from millrace_worker.paths import find

from . import langgraphs, object_graphs
from .candidates import PREFERRED, LISTS, Candidates
from .faults import GraphFault

MODULE = "millrace_graph_file"


def look(path, name=None, folder=None, code=None, project=None):
    """What a file makes: {"document", "drawing"?, "notes", "name"}, empty where it makes no graph.

    `name` picks one of the module's names. The document names the file by its path below `folder`, by default its own one.
    `code` is what stands in it, if it is not on disk. `project` stands in the config of a node that LangGraph runs.
    Raises GraphFault, what reading raises, and what the file itself raises.
    """
    candidates = Candidates(_content(path) if code is None else code, path)
    if name is None and not candidates.possible:
        return {}
    module = _run(path, code)
    file = os.path.relpath(path, folder or os.path.dirname(path))
    if name is not None:
        found = _named(module, name, file)
    else:
        found = _chosen(module, candidates)
    if found is None:
        return {}
    name, value, shape = found
    try:
        answer = _described(name, value, shape, file, project)
    except GraphFault as fault:
        fault.line = fault.line or candidates.lines.get(name.split(".")[0].split("[")[0])
        raise
    return {**answer, "name": name}


def _content(path):
    with open(path, "rb") as file:
        return file.read()


class _Given(importlib.machinery.SourceFileLoader):
    """Loads a file that is not on disk."""

    def __init__(self, name, path, code):
        super().__init__(name, path)
        self.code = code

    def get_data(self, path):
        return self.code if path == self.path else super().get_data(path)

    def path_stats(self, path):
        raise OSError("not on disk")


def _run(path, code=None):
    stem = os.path.splitext(os.path.basename(path))[0]
    name = stem if stem.isidentifier() and stem not in sys.modules and stem not in sys.stdlib_module_names else MODULE
    loader = None if code is None else _Given(name, path, code)
    if loader is not None:
        # inspect.getsource and tracebacks find its lines here.
        text = code.decode("utf-8", "replace")
        linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


# In the order in which they are looked for.
SHAPES = {
    "compiled": langgraphs.is_compiled,
    "builder": langgraphs.is_builder,
    "object": object_graphs.is_object_graph,
    "steps": object_graphs.is_list_of_steps,
}


def _shape(value):
    return next((shape for shape, fits in SHAPES.items() if fits(value)), None)


def _chosen(module, candidates):
    """(name, value, shape) of the graph of a module; names that mean the same object are one."""
    values = {name: getattr(module, name) for name in candidates.possible if hasattr(module, name)}
    for shape, fits in SHAPES.items():
        names = [name for name, value in values.items() if (shape != "steps" or name in LISTS) and fits(value)]
        distinct = list({id(values[name]): name for name in reversed(names)}.values())[::-1]
        if not distinct:
            continue
        name = next((name for name in PREFERRED if name in names), None)
        if name is None and len(distinct) > 1:
            raise GraphFault(
                "it makes several graphs: %s; call one of them `graph`, or name it as FILE:NAME" % ", ".join(distinct),
                candidates.lines.get(distinct[1]))
        name = name or distinct[0]
        return name, values[name], shape
    return None


def _named(module, name, file):
    try:
        value = find(module, name, file)
    except NodeError as error:
        raise GraphFault(str(error)) from None
    shape = _shape(value)
    if shape is None and langgraphs.is_factory(value):
        shape = "factory"
    if shape is None:
        raise GraphFault(
            "%s of %s is of type %s; a graph of LangGraph, an object with nodes and edges, or a list of objects with execute"
            " is understood" % (name, file, type(value).__name__))
    return name, value, shape


def _described(name, value, shape, file, project):
    if shape == "object":
        document, notes = object_graphs.document_of(value, name, file)
        return {"document": document, "notes": notes}
    if shape == "steps":
        document, notes = object_graphs.document_of_steps(value, name, file)
        return {"document": document, "notes": notes}
    if shape == "factory":
        from .factories import made

        value = made(value)
        if not langgraphs.is_compiled(value) and not langgraphs.is_builder(value):
            raise GraphFault("%s gives an object of type %s and no graph of LangGraph" % (name, type(value).__name__))
    document, drawing = langgraphs.document_of(value, name, file, project)
    return {"document": document, "drawing": drawing, "notes": []}


def imports_of(path, folder):
    """The files of the folder, and below, that running the file has pulled in, itself aside."""
    folder = os.path.abspath(folder) + os.sep
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    return sorted(
        os.path.relpath(file, folder) for file in files
        if isinstance(file, str) and os.path.abspath(file).startswith(folder) and file.endswith(".py")
        and "site-packages" not in file and os.path.abspath(file) != os.path.abspath(path))

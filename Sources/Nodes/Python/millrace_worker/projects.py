"""What a `langgraph.json` says of the graphs that it names, done as `langgraph dev` does: variables of the environment, and
folders that modules are imported from."""

import os
import sys

from .errors import NodeError


def apply(project, folder):
    """Sets up this process: `env` is a mapping, or a file of `KEY=VALUE` lines; of `dependencies` those that are paths count,
    since packages are for the interpreter to have. Both are below the folder of the graph."""
    for path in reversed([path for path in project.get("dependencies") or () if path.startswith((".", "/"))]):
        place = os.path.normpath(os.path.join(folder, path))
        if place not in sys.path:
            sys.path.insert(1, place)
    os.environ.update(variables(project.get("env") or {}, folder))


def variables(env, folder):
    if not isinstance(env, str):
        return {name: str(value) for name, value in env.items()}
    path = os.path.join(folder, env)
    try:
        with open(path, encoding="utf-8-sig") as file:
            return dict(filter(None, map(_variable, file)))
    except OSError as error:
        raise NodeError("the file of variables %s, which the graph names as its env, cannot be read: %s" % (path, error.strerror)) from None


def _variable(line):
    line = line.strip()
    name, equals, value = line.removeprefix("export ").partition("=")
    name, value = name.strip(), value.strip()
    if line.startswith("#") or not equals or not name:
        return None
    if len(value) > 1 and value[0] in "'\"" and value[0] in value[1:]:
        quote, value = value[0], value[1:value.index(value[0], 1)]
        return name, value.replace("\\n", "\n") if quote == '"' else value
    return name, value.partition(" #")[0].rstrip()

"""Paths to an object of a module, as documents write them: `run`, `graph.nodes['load']`, `steps[0].run`."""

import ast

from .errors import NodeError, type_name


def find(holder, path, place):
    """The object that a path leads to from a module; `place` names the module."""
    steps = _steps(path)
    done = place
    for name, is_key in steps:
        try:
            holder = holder[name] if is_key else getattr(holder, name)
        except (AttributeError, LookupError) as error:
            if isinstance(error, AttributeError) and getattr(error, "name", name) != name:
                raise
            raise NodeError("%s has no %s" % (done, "[%r]" % (name,) if is_key else name)) from None
        except TypeError as error:
            raise NodeError("%s is of type %s and has no %r: %s" % (done, type_name(type(holder)), name, error)) from None
        done = "%s of %s" % (path, place) if len(steps) > 1 else done
    return holder


def _steps(path):
    """(name, whether it is a key) from the module on."""
    if path.isidentifier():
        return [(path, False)]
    steps = []
    try:
        node = ast.parse(path, mode="eval").body
        while not isinstance(node, ast.Name):
            if isinstance(node, ast.Attribute):
                steps.append((node.attr, False))
            elif isinstance(node, ast.Subscript):
                key = ast.literal_eval(node.slice)
                if not isinstance(key, (str, int)):
                    raise ValueError(path)
                steps.append((key, True))
            else:
                raise ValueError(path)
            node = node.value
        steps.append((node.id, False))
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise NodeError("%.200r is no path such as graph.nodes['load'] or steps[0].run" % path) from None
    return steps[::-1]

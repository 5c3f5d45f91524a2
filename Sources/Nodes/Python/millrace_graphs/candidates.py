"""What a file's syntax tree says of it: a file is run only if it assigns something that could be a graph."""

import ast
import builtins
import sys

PREFERRED = ("graph", "app", "agent", "workflow")
LISTS = ("nodes", "steps", "pipeline")
# What it may be made by, without a call: another name, a part of something, a choice between two.
PARTS = (ast.Name, ast.Attribute, ast.Subscript, ast.IfExp, ast.BoolOp, ast.Await)


class Candidates:
    """The names that a module gives by itself, in the order in which it does so."""

    def __init__(self, source, file):
        tree = ast.parse(source, file)
        self.lines = {}  # name -> the line of its last assignment
        self.possible = []  # names of what could be a graph
        self.imported = {}  # name -> the first part of the module that it is from
        for statement in _statements(tree.body):
            self._take(statement)

    def _take(self, statement):
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                self.imported[alias.asname or alias.name.split(".")[0]] = alias.name.split(".")[0]
        elif isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                self.imported[alias.asname or alias.name] = "" if statement.level else (statement.module or "").split(".")[0]
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                self._assign(target, statement.value)
        elif isinstance(statement, (ast.AnnAssign, ast.NamedExpr)) and statement.value is not None:
            self._assign(statement.target, statement.value)
        elif isinstance(statement, (ast.With, ast.AsyncWith)):
            for item in statement.items:
                if item.optional_vars is not None:
                    self._assign(item.optional_vars, item.context_expr)

    def _assign(self, target, value):
        if isinstance(target, (ast.Tuple, ast.List)):
            parts = value.elts if isinstance(value, (ast.Tuple, ast.List)) else [value] * len(target.elts)
            for part, part_value in zip(target.elts, parts):
                self._assign(part, part_value)
        if not isinstance(target, ast.Name):
            return
        self.imported.pop(target.id, None)
        self.lines[target.id] = target.lineno
        if target.id in self.possible:
            self.possible.remove(target.id)
        if self._could_be(target.id, value):
            self.possible.append(target.id)

    def _could_be(self, name, value):
        if isinstance(value, (ast.List, ast.Tuple, ast.ListComp)):
            return name in LISTS
        if isinstance(value, ast.Dict):
            return {"nodes", "edges"} <= {key.value for key in value.keys if isinstance(key, ast.Constant)}
        if isinstance(value, PARTS):
            return True
        return isinstance(value, ast.Call) and self._could_make(value.func)

    def _could_make(self, function):
        """Nothing of Python's own library makes a graph, nor does what is built in: `logging.getLogger(…)`, `set()`."""
        while isinstance(function, (ast.Attribute, ast.Subscript, ast.Call)):
            function = function.func if isinstance(function, ast.Call) else function.value
        if not isinstance(function, ast.Name):
            return True
        module = self.imported.get(function.id)
        if module is not None:
            return module not in sys.stdlib_module_names
        return function.id in self.lines or not hasattr(builtins, function.id)


def _statements(body):
    """Those that run when the module is imported."""
    for statement in body:
        if isinstance(statement, ast.If) and _is_main(statement.test):
            yield from _statements(statement.orelse)
            continue
        yield statement
        for name in ("body", "orelse", "finalbody"):
            if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield from _statements(getattr(statement, name, []))
        for handler in getattr(statement, "handlers", []):
            yield from _statements(handler.body)


def _is_main(test):
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"

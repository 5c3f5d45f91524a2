"""The functions that documents name."""

import collections
import importlib.machinery
import importlib.util
import inspect
import linecache
import os
import sys
import types

from .errors import NodeError
from .json_text import encode

CODE_MODULES_MAX = 256  # inline codes that are kept loaded


class Targets:
    """Finds and keeps the functions; a module is loaded once per worker."""

    def __init__(self, folder):
        self.folder = folder
        self.functions = {}  # target as text -> (function, whether it is async)
        self.modules = {}  # file -> module
        self.codes = collections.OrderedDict()  # the keys in `functions` that are inline code, the oldest first
        self.objects = {}  # (file, class) -> its one object

    def function(self, call):
        """The function of a call, whether it is async, and whether it is used for the first time. Raises what loading
        it raises."""
        key = self.key(call)
        known = self.functions.get(key)
        if known is not None:
            return known[0], known[1], False
        function = self.resolve(call)
        known = self.functions[key] = (function, is_async(function))
        if "code" in call.target:
            self.codes[key] = None
            if len(self.codes) > CODE_MODULES_MAX:
                del self.functions[self.codes.popitem(last=False)[0]]
        return known[0], known[1], True

    def key(self, call):
        text = encode(call.target)
        return call.node + "\0" + text if "code" in call.target else text

    def is_known_async(self, call):
        known = self.functions.get(self.key(call))
        return known is not None and known[1]

    def resolve(self, call):
        target = call.target
        if "code" in target:
            return self.member(self.load_code(call.node, target["code"]), "execute", "the code")
        file = target["file"]
        module = self.modules.get(file)
        if module is None:
            module = self.modules[file] = self.load_file(file)
        if "function" in target:
            return self.member(module, target["function"], file)
        if "object" in target:
            holder = self.find(module, target["object"], file)
            return self.member(holder, "execute", "%s of %s" % (target["object"], file))
        key = (file, target["class"])
        if key not in self.objects:
            self.objects[key] = self.member(module, target["class"], file)()
        return self.member(self.objects[key], "execute", "%s of %s" % (target["class"], file))

    def find(self, holder, name, place):
        try:
            return getattr(holder, name)
        except AttributeError:
            raise NodeError("%s has no %s" % (place, name)) from None

    def member(self, holder, name, place):
        found = self.find(holder, name, place)
        if not callable(found):
            raise NodeError("%s of %s is of type %s and cannot be called" % (name, place, type(found).__name__))
        return found

    def load_file(self, file):
        path = os.path.join(self.folder, *file.split("/"))
        name = self.module_name(file)
        if name in sys.modules and getattr(sys.modules[name], "__file__", None) == path:
            return sys.modules[name]
        if name in sys.modules:
            # A node's json.py is not the json of everyone else.
            name = "millrace_file_" + "".join(c if c.isalnum() else "_" for c in file)
        spec = importlib.util.spec_from_file_location(
            name, path, loader=importlib.machinery.SourceFileLoader(name, path))
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            sys.modules.pop(name, None)
            raise
        return module

    def module_name(self, file):
        parts = file.split("/")
        parts[-1] = os.path.splitext(parts[-1])[0]
        if all(part.isidentifier() for part in parts):
            return ".".join(parts)
        return "millrace_file_" + "".join(c if c.isalnum() else "_" for c in file)

    def load_code(self, node, code):
        file = "<code of %s>" % node
        # A traceback shows lines of what is in this cache, and asks no loader.
        linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
        name = "millrace_code_" + "".join(c if c.isalnum() else "_" for c in node)
        module = types.ModuleType(name)
        module.__file__ = file
        sys.modules[name] = module
        exec(compile(code, file, "exec", dont_inherit=True), module.__dict__)
        return module


def is_async(function):
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))

"""The functions that documents name."""

import collections
import importlib.util
import linecache
import os
import sys
import types
import zlib

from . import hosting, projects
from .bodies import condition, is_async
from .errors import NodeError, type_name
from .json_text import encode
from .paths import find
from .sources import STANDARD
from .typed_states import state_type

# A module whose name is not that of its file, for processes that import it by its name.
FILE_ELSEWHERE = """\
__file__ = %r
exec(compile(open(%r, "rb").read(), __file__, "exec", dont_inherit=True))
"""
CODE_MODULES_MAX = 256  # inline codes that are kept loaded


class Targets:
    """Finds and keeps the functions; a module is loaded once per worker."""

    def __init__(self, sources, replies):
        self.sources = sources
        self.replies = replies
        self.functions = {}  # target as text -> (function, whether it is async, the type of its state)
        self.modules = {}  # file -> module
        self.codes = collections.OrderedDict()  # of the keys in `functions` that are inline code: the module; the oldest first
        self.objects = {}  # (file, class) -> its one object

    def function(self, call):
        """The function of a call, whether it is async, and whether it is used for the first time. Raises what loading
        it raises."""
        if "env" in call.target or "dependencies" in call.target:
            projects.apply(call.target, self.sources.folder)
        key = self.key(call)
        known = self.functions.get(key)
        if known is not None:
            call.state_type = known[2]
            return known[0], known[1], False
        function = self.resolve(call)
        known = self.functions[key] = (function, is_async(function), state_type(function))
        call.state_type = known[2]
        if "code" in call.target:
            self.codes[key] = code_module(call.node, call.target["code"])
            if len(self.codes) > CODE_MODULES_MAX:
                self.forget_code(*self.codes.popitem(last=False))
        return known[0], known[1], True

    def forget_code(self, key, name):
        del self.functions[key]
        sys.modules.pop(name, None)
        self.sources.take_away(name)

    def key(self, call):
        text = encode(call.target)
        return call.node + "\0" + text if "code" in call.target else text

    def is_known_async(self, call):
        known = self.functions.get(self.key(call))
        return known is not None and known[1]

    def resolve(self, call):
        target = call.target
        if "code" in target:
            module = self.load_code(call.node, target["code"])
            return self.callable(find(module, "execute", "the code"), "execute", "the code")
        file = target["file"]
        if "graph" in target:
            return self.hosting(target, file)
        module = self.modules.get(file)
        if module is None:
            module = self.modules[file] = self.load_file(file)
        if "condition" in target:
            return condition(self.callable(find(module, target["condition"], file), target["condition"], file))
        if "function" in target:
            return self.callable(find(module, target["function"], file), target["function"], file)
        if "object" in target:
            return self.execute(find(module, target["object"], file), target["object"], file)
        return self.execute(self.object(module, target), target["class"], file)

    def hosting(self, target, file):
        """Of a graph that LangGraph runs."""
        hosting.check_version()
        try:
            module = self.modules[file] = self.modules.get(file) or self.load_file(file)
        except ModuleNotFoundError as error:
            if hosting.is_missing(error):
                raise hosting.missing() from None
            raise
        name = target["graph"]
        return hosting.Hosting(hosting.graph_of(find(module, name, file), name, file), target, self.replies)

    def object(self, module, target):
        """The one object of a class and its arguments."""
        file, name, arguments = target["file"], target["class"], target.get("args") or {}
        key = (file, name, encode(arguments))
        if key not in self.objects:
            self.objects[key] = self.callable(find(module, name, file), name, file)(**arguments)
        return self.objects[key]

    def execute(self, holder, name, file):
        try:
            found = holder.execute
        except AttributeError as error:
            if getattr(error, "name", "execute") != "execute":
                raise
            raise NodeError("%s of %s has no execute" % (name, file)) from None
        return self.callable(found, "execute", "%s of %s" % (name, file))

    def callable(self, found, name, place):
        if not callable(found):
            raise NodeError("%s of %s is of type %s and cannot be called" % (name, place, type_name(type(found))))
        return found

    def load_file(self, file):
        path = os.path.join(self.sources.folder, *file.split("/"))
        name = self.module_name(file)
        if name in sys.modules and getattr(sys.modules[name], "__file__", None) == path:
            return sys.modules[name]
        if name in sys.modules or name in STANDARD:
            # A node's json.py is not the json of everyone else.
            name = "millrace_file_" + "".join(c if c.isalnum() else "_" for c in file)
        if name.startswith("millrace_file_"):
            self.sources.put(name, FILE_ELSEWHERE % (path, self.sources.kept.get(path, path)))
        spec = self.sources.spec(name, path)
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
        name = code_module(node, code)
        module = types.ModuleType(name)
        module.__file__ = file
        sys.modules[name] = module
        # Other processes, which multiprocessing starts, import it by its name.
        self.sources.put(name, code)
        exec(compile(code, file, "exec", dont_inherit=True), module.__dict__)
        return module


def code_module(node, code):
    """The name of the module of inline code: nodes of like names have two, and so has a node whose code was changed."""
    mark = zlib.crc32(("%s\0%s" % (node, code)).encode("utf-8", "surrogatepass"))
    return "millrace_code_%s_%08x" % ("".join(c if c.isalnum() else "_" for c in node), mark)

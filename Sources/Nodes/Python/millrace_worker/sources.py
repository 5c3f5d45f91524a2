"""Where the Python files of a graph are imported from.

The daemon has laid out the Python files of the graph's revision in a folder of the worker's own, beside `graph.json`, which
says where they stand for people:

    {"folder": "/srv/graphs", "own": "sub", "named": ["sub/triage.py"]}

`folder` is the graph's folder (without one, the files laid out are all there is), `own` the folder below it of the node's
file, `named` are the files of nodes. A module of the revision is made of the content that is kept, under its true path, so that what the file finds beside
itself is what lies there. All else is imported as it stands on disk, and told, since the next revision is to keep it too.

This is done at the level of one entry of `sys.path` (importlib's path hooks), so that order, packages and namespaces stay
Python's own affair.
"""

import _imp
import contextlib
import importlib.machinery
import importlib.util
import json
import linecache
import os
import sys

MANIFEST = "graph.json"
STANDARD = getattr(sys, "stdlib_module_names", frozenset(sys.builtin_module_names))
FILES = "files"


class Sources:
    def __init__(self, place):
        with open(os.path.join(place, MANIFEST), encoding="utf-8") as file:
            manifest = json.load(file)
        self.place = place
        self.kept_folder = os.path.join(place, FILES)
        self.folder = manifest["folder"] or self.kept_folder
        self.named = {os.path.join(self.folder, name) for name in manifest["named"]}
        self.own = os.path.normpath(os.path.join(self.folder, manifest["own"]))
        self.kept = {}  # true path -> where its content is kept
        self.folders = set()  # that hold something kept, by their true paths
        self.tell = lambda path: None  # takes the path, below the graph's folder, of what was not foreseen
        for folder, _, names in os.walk(self.kept_folder):
            shown = os.path.normpath(os.path.join(self.folder, os.path.relpath(folder, self.kept_folder)))
            self.folders.add(shown)
            for name in names:
                self.kept[os.path.join(shown, name)] = os.path.join(folder, name)

    def content(self, path):
        with open(self.kept[path], "rb") as file:
            return file.read()

    def install(self, path, plain=None):
        """Makes `path` the rest of sys.path, behind the node's own folder.

        - plain: the modules that every Python has loaded before it looks at a file. Of all others those that the folder has
          of its own name are forgotten: it comes first for the node, as it does for `python file.py`.
        """
        last = [] if self.own == self.folder else [self.folder]
        # Processes that multiprocessing spawns find by the last one what to install.
        sys.path[:] = [self.own] + path + last + [os.path.dirname(os.path.dirname(os.path.abspath(__file__))), self.place]
        sys.path_hooks.insert(0, self.finder)
        for entry in list(sys.path_importer_cache):
            if self.holds(entry):
                del sys.path_importer_cache[entry]
        if plain is not None:
            self.forget(plain)

    def forget(self, plain):
        # A node's json.py that imports json means the one that everybody has.
        names = {self.module(path) for path in self.kept if path not in self.named} - {None, "millrace", "millrace_worker"}
        for name in list(sys.modules):
            top = name.partition(".")[0]
            if top in names and name not in plain and not _imp.is_builtin(top) and not _imp.is_frozen(top):
                del sys.modules[name]

    def module(self, path):
        """The name of a module or package that stands in the own folder itself, else None."""
        folder, name = os.path.split(path)
        if name == "__init__.py":
            folder, name = os.path.split(folder)
        return name.partition(".")[0] if folder == self.own else None

    def put(self, name, code):
        """Makes a module of this name that other processes of the worker can import."""
        with contextlib.suppress(OSError), open(self._place_of(name), "w", encoding="utf-8", errors="surrogatepass") as file:
            file.write(code)

    def take_away(self, name):
        with contextlib.suppress(OSError):
            os.unlink(self._place_of(name))

    def _place_of(self, name):
        return os.path.join(self.place, name + ".py")

    def finder(self, folder):
        """The path hook."""
        if not self.holds(folder):
            raise ImportError("not of the graph", path=folder)
        return Finder(self, os.path.abspath(folder))

    def holds(self, path):
        """Whether a folder is the graph's own: one of its virtual environment is not."""
        path = os.path.abspath(path)
        if not is_within(path, self.folder):
            return False
        if is_within(sys.prefix, self.folder) and is_within(path, sys.prefix):
            return False
        return "site-packages" not in path[len(self.folder):].split(os.sep)

    def spec(self, name, path, package=None):
        """Of a module that is to be made of this file."""
        loader = KeptLoader(name, path, self) if path in self.kept else SeenLoader(name, path)
        return importlib.util.spec_from_file_location(name, path, loader=loader, submodule_search_locations=package)

    def see(self, path):
        """A file of the graph's folder is imported that the revision does not have."""
        if path.endswith(".py"):
            self.tell(os.path.relpath(path, self.folder))


class Finder:
    """Finds modules in one folder of the graph."""

    def __init__(self, sources, folder):
        self.sources = sources
        self.folder = folder
        self.disk = importlib.machinery.FileFinder(
            folder,
            (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES),
            (SeenLoader, importlib.machinery.SOURCE_SUFFIXES),
            (importlib.machinery.SourcelessFileLoader, importlib.machinery.BYTECODE_SUFFIXES))

    def find_spec(self, name, target=None):
        sources = self.sources
        base = os.path.join(self.folder, name.rpartition(".")[2])
        if name in STANDARD and base + ".py" in sources.named:
            # A node's json.py is the node's: who imports json means the one that everybody has.
            return None
        if os.path.join(base, "__init__.py") in sources.kept:
            return sources.spec(name, os.path.join(base, "__init__.py"), package=[base])
        if base + ".py" in sources.kept:
            return sources.spec(name, base + ".py")
        if base in sources.folders:
            spec = importlib.machinery.ModuleSpec(name, None)
            spec.submodule_search_locations = [base]
            return spec
        spec = self.disk.find_spec(name, target)
        if spec is not None and isinstance(spec.loader, SeenLoader):
            sources.see(spec.loader.path)
        return spec

    def invalidate_caches(self):
        self.disk.invalidate_caches()


class SeenLoader(importlib.machinery.SourceFileLoader):
    """Loads what stands on disk."""


class KeptLoader(importlib.machinery.SourceFileLoader):
    """Loads what the revision keeps of a file."""

    def __init__(self, name, path, sources):
        super().__init__(name, path)
        self.sources = sources

    def get_data(self, path):
        return self.sources.content(path) if path in self.sources.kept else super().get_data(path)

    def path_stats(self, path):
        # Without a time no compiled file is looked for: it would be that of the file as it stands.
        raise OSError("kept with the revision")

    def exec_module(self, module):
        # A traceback shows lines of what is in this cache, and asks no disk.
        try:
            text = self.get_source(module.__name__)
            linecache.cache[self.path] = (len(text), None, text.splitlines(keepends=True), self.path)
        except (ImportError, SyntaxError):
            pass
        super().exec_module(module)


def is_within(path, folder):
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def adopt(plain):
    """In a process that multiprocessing has spawned for a node: modules of the graph are imported as in the worker."""
    place = sys.path[-1] if sys.path else ""
    if os.path.isfile(os.path.join(place, MANIFEST)):
        sources = Sources(place)
        sys.path_hooks.insert(0, sources.finder)
        sys.path_importer_cache.clear()
        sources.forget(plain)

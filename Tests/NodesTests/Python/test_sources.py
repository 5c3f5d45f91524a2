"""How a worker imports the files of a graph: what the revision keeps first, all else from disk."""

import json
import pathlib
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).parents[3] / "Sources" / "Nodes" / "Python"

PROLOGUE = """
import sys
PLAIN = frozenset(sys.modules)
sys.path.insert(0, {folder!r})
from millrace_worker import sources
told = []
files = sources.Sources({place!r})
files.tell = told.append
files.install([path for path in sys.path if path != {folder!r}], PLAIN)
"""


@pytest.fixture
def place(tmp_path):
    """A graph's folder, and a worker's own with what its revision keeps."""

    class Place:
        graphs = tmp_path / "graphs"
        own = tmp_path / "own"

        def keep(self, name, text):
            self.write(self.own / "files" / name, text)

        def disk(self, name, text):
            self.write(self.graphs / name, text)

        def write(self, path, text):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

        def run(self, code, own="", named=()):
            (self.own / "graph.json").write_text(
                json.dumps({"folder": str(self.graphs), "own": own, "named": list(named)}))
            program = PROLOGUE.format(folder=str(FOLDER), place=str(self.own)) + code
            run = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True, timeout=60)
            assert run.returncode == 0, run.stderr
            return run.stdout.split()

    place = Place()
    place.graphs.mkdir()
    (place.own / "files").mkdir(parents=True)
    return place


def test_what_is_kept_goes_before_what_stands_on_disk(place):
    place.keep("a.py", "V = 'kept'")
    place.disk("a.py", "V = 'disk'")
    place.disk("b.py", "V = 'disk'")
    assert place.run("import a, b; print(a.V, a.__file__, b.V, *told)") == [
        "kept", f"{place.graphs}/a.py", "disk", "b.py"]


def test_what_is_kept_is_there_when_nothing_is_left_on_disk(place):
    place.keep("pkg/__init__.py", "from . import one")
    place.keep("pkg/one.py", "from .sub import two")
    place.keep("pkg/sub/two.py", "V = 2")
    place.keep("plain/x.py", "V = 3")
    assert place.run("import pkg.sub.two, plain.x; print(pkg.one.two.V, plain.x.V, pkg.__path__[0], *told)") == [
        "2", "3", f"{place.graphs}/pkg"]


def test_a_package_is_as_it_was_kept(place):
    place.keep("plain/a.py", "V = 1")
    place.disk("plain/__init__.py", "raise RuntimeError('it came later')")
    place.disk("plain/b.py", "V = 2")
    assert place.run("import plain.a, plain.b; print(plain.a.V, plain.b.V, *told)") == ["1", "2", "plain/b.py"]


def test_standard_modules_give_way_to_kept_ones_but_not_what_python_began_with(place):
    for name in ("json", "asyncio", "os", "sys", "codecs"):
        place.keep(f"{name}.py", "LOCAL = True")
    code = "import asyncio, codecs, json, os, sys\n"
    code += "print(*(hasattr(module, 'LOCAL') for module in (json, asyncio, os, sys, codecs)))"
    assert place.run(code) == ["True", "True", "False", "False", "False"]


def test_a_node_s_file_may_be_named_like_a_module(place):
    place.keep("json.py", "")
    assert place.run("import json; print(json.loads('1'))", named=["json.py"]) == ["1"]


def test_the_own_folder_is_first_and_the_graph_s_last(place):
    place.keep("sub/util.py", "V = 'sub'")
    place.keep("util.py", "V = 'top'")
    place.keep("only.py", "V = 'top'")
    place.keep("csv.py", "V = 'top'")
    code = "import util, only, csv; print(util.V, only.V, hasattr(csv, 'V'), sys.path[0])"
    assert place.run(code, own="sub") == ["sub", "top", "False", f"{place.graphs}/sub"]


def test_compiled_files_are_not_asked_for_what_is_kept(place):
    place.disk("a.py", "V = 'disk'")
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(place.graphs)], check=True)
    place.keep("a.py", "V = 'kept'")
    assert place.run("import a; print(a.V)") == ["kept"]


def test_lines_of_a_traceback_are_those_that_ran(place):
    place.keep("a.py", "def f():\n    raise ValueError('kept')\n")
    place.disk("a.py", "# other\n" * 9)
    code = "import a, traceback\ntry: a.f()\nexcept ValueError: print('raise ValueError(\\'kept\\')' in traceback.format_exc())"
    assert place.run(code) == ["True"]


def test_processes_that_are_spawned_import_what_is_kept(place):
    place.keep("work.py", "V = 'kept'\ndef f(x): return V\n")
    place.disk("work.py", "V = 'disk'\ndef f(x): return V\n")
    (place.own / "graph.json").write_text(json.dumps({"folder": str(place.graphs), "own": "", "named": []}))
    place.keep("node.py", """
import multiprocessing, work
def f(state):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return {"v": pool.map(work.f, [1])}
""")
    worker = subprocess.Popen(
        [sys.executable, "-u", "-B", str(FOLDER / "worker.py"), str(place.own)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE)
    call = {"call": 1, "node": "n", "target": {"file": "node.py", "function": "f"}, "state": {}}
    out, _ = worker.communicate(json.dumps(call).encode() + b"\n", timeout=60)
    assert b'{"v":["kept"]}' in out

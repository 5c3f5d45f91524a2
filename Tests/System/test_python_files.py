"""Python files beside a document behave as `python file.py` in their folder does, and belong to the revision."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from daemon import BINARY, clean_environment
from graphs import graph, node

RATES = "a,1\n"


def file_node(id, file="f.py", function="f", **members):
    return node(id, "python", {"file": file, "function": function}, **members)


def document(nodes, edges=(), id="g", **members):
    text = {"id": id, **members, "nodes": nodes}
    if edges:
        text["edges"] = [dict(zip(("from", "to"), edge.split())) for edge in edges]
    return json.dumps(text)


@pytest.fixture
def files(new_daemon):
    """A daemon whose graphs folder has one document, g.json, of one node that calls f of f.py."""
    daemon = new_daemon()
    daemon.write_graph_file("g.json", document([file_node("a")]))
    return daemon


def final(daemon, graph_id="g", state=None, status="success"):
    """The final state of a run."""
    execution = daemon.execute(graph_id, state)
    events = daemon.all_events(execution["execution_id"])
    assert execution["status"] == status, events
    return events[-1]["final_state"] if status == "success" else events


def revision(daemon, graph_id="g"):
    return json.loads(daemon.http.get(f"/api/graphs/{graph_id}").headers["etag"])


def test_a_file_runs_where_it_lies(files):
    (files.graphs / "rates.csv").write_text(RATES)
    files.write_graph_file("f.py", """
import os, sys
from pathlib import Path
def f(state):
    (Path(__file__).parent / "made.txt").write_text("made")
    return {"rates": (Path(__file__).parent / "rates.csv").read_text(), "file": __file__, "cwd": os.getcwd(),
            "path": sys.path[0]}
""")
    files.start()
    folder = str(files.graphs)
    assert final(files) == {"rates": RATES, "file": f"{folder}/f.py", "cwd": folder, "path": folder}
    assert (files.graphs / "made.txt").read_text() == "made"


def test_a_traceback_names_the_file_and_shows_the_line_that_ran(files):
    files.write_graph_file("f.py", "import time\ndef f(state):\n    while not state['go']: pass\n    raise ValueError('x')\n")
    files.start()
    [failed] = [event for event in final(files, state={"go": True}, status="error") if event["type"] == "node_complete"]
    assert f'File "{files.graphs}/f.py", line 4, in f' in failed["details"]["traceback"]
    assert "raise ValueError('x')" in failed["details"]["traceback"]


def test_local_modules_go_before_installed_and_standard_ones(files):
    for name in ("secrets", "yaml", "json", "statistics"):
        (files.graphs / f"{name}.py").write_text(f"WHO = 'local {name}'\n")
    files.write_graph_file("f.py", """
import json, secrets, yaml
def f(state):
    import statistics
    return {"who": [module.WHO for module in (json, secrets, yaml, statistics)]}
""")
    files.start()
    assert final(files) == {"who": ["local json", "local secrets", "local yaml", "local statistics"]}


def test_a_file_in_a_folder_imports_what_lies_beside_it(files):
    (files.graphs / "sub").mkdir()
    (files.graphs / "util.py").write_text("WHO = 'top'\n")
    (files.graphs / "sub" / "util.py").write_text("WHO = 'sub'\n")
    (files.graphs / "sub" / "deep.py").write_text("import util\ndef f(state): return {'deep': util.WHO}\n")
    files.write_graph_file("f.py", "import util\ndef f(state): return {'top': util.WHO}\n")
    files.write_graph_file("g.json", document([file_node("a"), file_node("b", "sub/deep.py")]))
    files.start()
    assert final(files) == {"top": "top", "deep": "sub"}


def write_package(folder, value):
    (folder / "pkg" / "inner").mkdir(parents=True, exist_ok=True)
    (folder / "pkg" / "__init__.py").write_text("from .middle import VALUE\n")
    (folder / "pkg" / "middle.py").write_text("from .inner import deep\nVALUE = deep.VALUE\n")
    (folder / "pkg" / "inner" / "__init__.py").write_text("")
    (folder / "pkg" / "inner" / "deep.py").write_text(f"VALUE = {value}\n")


USE_PACKAGE = "def f(state):\n    from pkg import VALUE\n    return {'v': VALUE}\n"


def test_an_edit_two_levels_deep_is_a_new_revision_at_the_next_start(files):
    write_package(files.graphs, 1)
    files.write_graph_file("f.py", USE_PACKAGE)
    files.start()
    assert (final(files), revision(files)) == ({"v": 1}, "1")
    assert (final(files), revision(files)) == ({"v": 1}, "1")
    write_package(files.graphs, 2)
    assert (final(files), revision(files)) == ({"v": 2}, "2")
    (files.graphs / "unrelated.py").write_text("X = 1\n")
    assert (final(files), revision(files)) == ({"v": 2}, "2")


def rename_write(path, text):
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.rename(path)


def test_files_replaced_by_rename_are_seen_again_and_again(files):
    files.write_graph_file("f.py", "import helper\ndef f(state): return {'v': helper.V}\n")
    for value in range(1, 6):
        rename_write(files.graphs / "helper.py", f"V = {value}\n")
        if value == 1:
            files.start()
        assert (final(files), revision(files)) == ({"v": value}, str(value))


def test_a_folder_swapped_by_a_link_is_seen(files):
    def publish(number):
        version = files.graphs / f"..v{number}"
        version.mkdir()
        (version / "f.py").write_text(f"import helper\ndef f(state): return {{'v': [{number}, helper.V]}}\n")
        (version / "helper.py").write_text(f"V = {number}\n")
        link = files.graphs / "..data_tmp"
        link.symlink_to(version.name)
        link.rename(files.graphs / "..data")

    publish(1)
    for name in ("f.py", "helper.py"):
        (files.graphs / name).symlink_to(f"..data/{name}")
    files.start()
    assert final(files) == {"v": [1, 1]}
    publish(2)
    assert final(files) == {"v": [2, 2]}
    publish(3)
    assert final(files) == {"v": [3, 3]}


def test_a_module_that_appears_goes_is_used_and_one_that_goes_is_missed(files):
    files.write_graph_file("f.py", """
def f(state):
    try:
        import extra
    except ImportError:
        return {"v": None}
    return {"v": extra.V}
""")
    files.start()
    assert final(files) == {"v": None}
    (files.graphs / "extra").mkdir()
    (files.graphs / "extra" / "__init__.py").write_text("V = 1\n")
    assert final(files) == {"v": 1}
    shutil.rmtree(files.graphs / "extra")
    assert final(files) == {"v": None}
    (files.graphs / "extra.py").write_text("V = 2\n")
    assert final(files) == {"v": 2}


def test_a_document_edited_to_broken_and_back(files, eventually):
    files.write_graph_file("f.py", "def f(state): return {'v': 1}\n")
    files.start()
    assert final(files) == {"v": 1}
    files.write_graph_file("g.json", "{")
    assert final(files) == {"v": 1}
    eventually(lambda: "g.json" in files.log)
    files.write_graph_file("f.py", "def f(state: return\n")
    files.write_graph_file("g.json", document([file_node("a")], name="again"))
    assert (final(files), revision(files)) == ({"v": 1}, "1")
    eventually(lambda: "does not compile: f.py, line 1" in files.log)
    files.write_graph_file("f.py", "def f(state): return {'v': 2}\n")
    assert final(files) == {"v": 2}
    assert files.http.get("/api/graphs/g").json()["name"] == "again"


def test_a_new_document_can_be_started_at_once(files):
    files.write_graph_file("f.py", "def f(state): return {'v': 1}\n")
    files.start()
    files.write_graph_file("other.json", document([file_node("a")], id="other"))
    assert final(files, "other") == {"v": 1}


WAITS = """
import pathlib, time, helper
def wait(state):
    while not pathlib.Path(state["gate"]).exists(): time.sleep(0.02)
def f(state): return {"f": 1, "helper": helper.V}
"""


def begin_waiting(daemon, gate):
    """An execution whose second node waits until the gate is there, with workers of its own then."""
    return daemon.begin("g", {"gate": str(gate)})


@pytest.mark.parametrize("kills", [False, True])
def test_an_execution_keeps_the_code_that_it_began_with(files, tmp_path, kills, eventually):
    gate = tmp_path / "gate"
    files.write_graph_file("g.json", document(
        [file_node("w", function="wait"), *[file_node(f"n{i}") for i in range(8)]], [f"w n{i}" for i in range(8)]))
    files.write_graph_file("f.py", WAITS)
    files.write_graph_file("helper.py", "V = 1\n")
    files.start()
    execution = begin_waiting(files, gate)
    eventually(lambda: any(event["type"] == "node_start" for event in files.events(execution)))
    files.write_graph_file("f.py", WAITS.replace('"f": 1', '"f": 2'))
    files.write_graph_file("helper.py", "V = 2\n")
    if kills:
        files.process.send_signal(signal.SIGKILL)
        files.wait()
        files.start()
    gate.write_text("")
    updates = [event["update"] for event in files.all_events(execution)
               if event["type"] == "node_complete" and event["node_id"] != "w"]
    assert updates == [{"f": 1, "helper": 1}] * 8
    assert final(files, state={"gate": str(gate)})["helper"] == 2
    (files.graphs / "helper.py").unlink()
    reply = files.http.post(f"/api/executions/{execution}/rerun", json={"revision": 1})
    assert reply.status_code == 202, reply.text
    state = files.all_events(reply.json()["execution_id"])[-1]["final_state"]
    assert (state["f"], state["helper"]) == (1, 1)


def test_parallel_nodes_never_mix_two_versions(files):
    files.write_graph_file("g.json", document([file_node(f"n{i}", "n.py", f"f{i}") for i in range(8)]))
    files.write_graph_file("n.py", "import one, two, time\n" + "".join(
        f"def f{i}(state):\n    time.sleep(0.05)\n    return {{'{i}': [one.V, two.V]}}\n" for i in range(8)))
    files.write_graph_file("one.py", "V = 0\n")
    files.write_graph_file("two.py", "V = 0\n")
    files.start()
    for value in range(1, 6):
        execution = files.begin("g")
        rename_write(files.graphs / "one.py", f"V = {value}\n")
        rename_write(files.graphs / "two.py", f"V = {value}\n")
        found = list(files.all_events(execution)[-1]["final_state"].values())
        assert found == [[value - 1, value - 1]] * 8


def test_a_graph_of_the_api_sees_edits_of_its_files_too(files):
    files.write_graph_file("helper.py", "V = 1\n")
    files.write_graph_file("f.py", "import helper\ndef f(state): return {'v': helper.V}\n")
    files.start()
    files.create(graph([file_node("a")]) | {"id": "api"})
    assert (final(files, "api"), revision(files, "api")) == ({"v": 1}, "1")
    files.write_graph_file("helper.py", "V = 2\n")
    assert (final(files, "api"), revision(files, "api")) == ({"v": 2}, "2")
    files.stop()
    files.write_graph_file("helper.py", "V = 3\n")
    files.start()
    assert (final(files, "api"), revision(files, "api")) == ({"v": 3}, "3")


def test_an_edit_by_the_api_outlives_an_edit_of_a_module(files):
    files.write_graph_file("helper.py", "V = 1\n")
    files.write_graph_file("f.py", "import helper\ndef f(state): return {'v': helper.V}\n")
    files.start()
    reply = files.http.put("/api/graphs/g", json={"id": "g", "name": "mine", "nodes": [file_node("a")]})
    assert reply.status_code == 200
    files.write_graph_file("helper.py", "V = 2\n")
    assert (final(files), revision(files)) == ({"v": 2}, "3")
    assert files.http.get("/api/graphs/g").json()["name"] == "mine"


def test_python_that_does_not_compile_is_refused(files):
    files.write_graph_file("f.py", "def f(state):\n  return {\n")
    files.write_graph_file("g.json", document([node("a", "set", {"values": {}})]))
    files.start()
    code = node("a", "python", {"code": "def execute(state):\n    return 1 +\n"})
    reply = files.http.post("/api/graphs", json={"id": "x", "nodes": [code, file_node("b")]})
    assert reply.status_code == 422
    assert [(error["pointer"], error["message"]) for error in reply.json()["errors"]] == [
        ("/nodes/0/config/code", "does not compile: line 2, column 15: invalid syntax"),
        ("/nodes/1/config/file", "does not compile: f.py, line 2, column 10: '{' was never closed"),
    ]
    assert files.http.post("/api/graphs/validate", json={"id": "x", "nodes": [code]}).json()["valid"] is False


def test_without_an_interpreter_the_check_is_left_to_the_run(files, eventually):
    files.write_graph_file("f.py", "def f(state): return {}\n")
    files.start("--set", "kinds.python.interpreter=/nonexistent/python")
    files.create({"id": "x", "nodes": [node("a", "python", {"code": "def"})]})
    files.create({"id": "y", "nodes": [node("a", "python", {"code": "def ("})]})
    eventually(lambda: files.log.count("does not say whether Python compiles") == 1)


def make_environment(folder):
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    (folder / "pyvenv.cfg").write_text(f"home = {os.path.dirname(os.path.realpath(sys.executable))}\n")


PREFIX = "import sys\ndef f(state): return {'prefix': sys.prefix}\n"


def test_a_document_names_its_interpreter_beside_it(files):
    make_environment(files.graphs / "envs" / "one")
    files.write_graph_file("f.py", PREFIX)
    files.write_graph_file("g.json", document([file_node("a")], python={"interpreter": "envs/one/bin/python"}))
    files.start()
    assert final(files) == {"prefix": f"{files.graphs}/envs/one"}
    refused = files.http.post(
        "/api/graphs", json={"id": "x", "python": {"interpreter": "../python"}, "nodes": [file_node("a")]})
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/python/interpreter"]


def test_a_virtual_environment_beside_the_document_is_used_as_soon_as_it_is_there(files):
    files.write_graph_file("f.py", PREFIX)
    files.start()
    assert final(files) != {"prefix": f"{files.graphs}/.venv"}
    make_environment(files.graphs / ".venv")
    assert final(files) == {"prefix": f"{files.graphs}/.venv"}
    assert revision(files) == "1"


def test_relative_paths_are_taken_from_the_folder_of_the_start(tmp_path, new_daemon, eventually):
    graphs = tmp_path / "elsewhere"
    daemon = new_daemon(graphs=graphs)
    daemon.write_graph_file("f.py", PREFIX)
    daemon.write_graph_file("g.json", document([file_node("a")]))
    make_environment(daemon.folder / "venv")
    daemon.state = "state"
    daemon.start("--set", "kinds.python.interpreter=venv/bin/python")
    assert final(daemon) == {"prefix": f"{daemon.folder}/venv"}
    assert (daemon.folder / "state" / "history.sqlite").exists()


def test_what_only_a_run_imports_belongs_to_the_next_revision(files):
    (files.graphs / "plugins").mkdir()
    (files.graphs / "plugins" / "a.py").write_text("V = 1\n")
    files.write_graph_file("f.py", """
import importlib
def f(state): return {"v": importlib.import_module("plugins." + state["name"]).V}
""")
    files.start()
    assert final(files, state={"name": "a"})["v"] == 1
    assert final(files, state={"name": "a"})["v"] == 1
    assert revision(files) == "2"
    (files.graphs / "plugins" / "a.py").write_text("V = 2\n")
    assert final(files, state={"name": "a"})["v"] == 2
    assert revision(files) == "3"


def test_a_worker_s_deep_folders_are_removed_and_so_are_leftovers(files, eventually):
    files.write_graph_file("f.py", """
import os, sys
def f(state):
    os.chdir(state["folder"] or os.path.dirname(sys.path[-1]) + "/" + os.path.basename(sys.path[-1]))
    for _ in range(3000):
        os.mkdir("nested-folder"); os.chdir("nested-folder")
    os._exit(0)
""")
    files.start()
    final(files, state={"folder": ""}, status="error")
    eventually(lambda: not list((files.state / "python").iterdir()))
    files.stop()
    leftover = files.state / "python" / "python-left00"
    leftover.mkdir()
    deep = "import os\nfor _ in range(3000): os.mkdir('nested-folder'); os.chdir('nested-folder')\n"
    subprocess.run([sys.executable, "-c", deep], cwd=leftover, check=True)
    files.start()
    eventually(lambda: not leftover.exists())


def test_a_file_runs_in_the_terminal_as_it_does_in_the_daemon(tmp_path):
    write_package(tmp_path, 7)
    (tmp_path / "f.py").write_text(USE_PACKAGE)
    (tmp_path / "g.json").write_text(document([file_node("a")]))
    run = subprocess.run(
        [BINARY, "run", "g.json", "--json"], cwd=tmp_path, env=clean_environment(), capture_output=True, text=True)
    assert json.loads(run.stdout.splitlines()[-1])["final_state"] == {"v": 7}, run.stderr

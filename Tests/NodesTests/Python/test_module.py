"""`import millrace` outside the daemon, so that node files can be tested."""

import os
import shutil
import subprocess
import sys

import pytest
from conftest import FOLDER

NODE = """
import datetime, millrace
def execute(state):
    millrace.log("a", 1)
    millrace.emit([1], channel="progress")
    millrace.emit({"at": datetime.date(2026, 1, 2)})
    return {"key": millrace.idempotency_key(), "trace": millrace.traceparent()}
"""
TEST = "import node; first = node.execute({}); assert first['key'] and node.execute({}) == first; print(first['trace'] == '')"
PRINTED = 'log: "a 1"\nprogress: [1]\nchunk: {"at": "2026-01-02"}\n' * 2 + "True\n"


def output(python, folder, **environment):
    (folder / "node.py").write_text(NODE)
    result = subprocess.run(
        [str(python), "-c", TEST], cwd=folder, env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True,
        check=True)
    assert result.stderr == ""
    return result.stdout


def test_a_node_file_runs_with_the_folder_on_the_search_path(tmp_path):
    assert output(sys.executable, tmp_path, PYTHONPATH=str(FOLDER)) == PRINTED


@pytest.mark.parametrize("options", [[], ["--editable"]])
def test_a_node_file_runs_where_the_folder_was_installed(tmp_path, options):
    # As where it lies on a system: nobody may write there.
    folder = shutil.copytree(FOLDER, tmp_path / "python", ignore=shutil.ignore_patterns("__pycache__"))
    before = sorted(os.listdir(folder))
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-index", "--disable-pip-version-check", *options, folder], check=True)
    assert output(python, tmp_path) == PRINTED
    assert set(os.listdir(folder)) - set(before) <= {"__pycache__"}


def test_what_a_process_node_emits_is_not_its_result():
    result = subprocess.run(
        [sys.executable, "-c", "import millrace; millrace.emit(1); print('{}')"],
        env={"PYTHONPATH": str(FOLDER), "MILLRACE_NODE_ID": "n"}, capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("{}\n", "chunk: 1\n")

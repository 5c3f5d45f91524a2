"""What the commands take and say: exit statuses, stdin, ids in short, times, words."""

import json
import os
import re

import pytest

from cli import at, closing, millrace
from graphs import chain, fails, graph, never_ends, process, put

YAML = "id: piped\nnodes:\n  - { id: a, kind: set, config: { values: { x: 1 } } }\n"


@pytest.fixture
def cli(daemon):
    def run(*arguments, status=0, **options):
        environment = at(daemon) | options.pop("environment", {})
        done = millrace(*arguments, environment=environment, cwd=daemon.folder, **options)
        assert done.returncode == status, (done.stdout, done.stderr)
        return done.stdout if status == 0 else done.stderr

    return run


@pytest.mark.parametrize("words", [
    "graph list --server nonsense", "run x --server ftp://h", "token create --scope root", "token create --scope read --expires soon",
    "run x --state nonsense", "run x --state [1]", "graph show x --revision 0", "graph render x --revision -3", "grpah list",
    "execution lst", "graph show", "bench run x --connections 0", "bench run x --detail all", "bench watch x --server nonsense",
    "run - --state @-", "graph put - -", "watch", "watch x --last", "graph list --nonsense", "execution rerun x --set novalue",
])
def test_wrong_usage_is_64(cli, words):
    assert cli(*words.split(), status=64)


@pytest.mark.parametrize("words", ["graph list", "bench run x", "run x", "execution list", "bench watch x"])
def test_a_wrong_variable_is_64_and_no_daemon_5(cli, words):
    assert "MILLRACE_SERVER" in cli(*words.split(), status=64, environment={"MILLRACE_SERVER": "nonsense"})
    assert "no daemon answers" in cli(*words.split(), status=5, environment={"MILLRACE_SERVER": "unix:/nowhere"})
    assert "no daemon answers" in cli(*words.split(), "--server", "unix:/nowhere", status=5)


@pytest.mark.parametrize("words", ["bench run nosuch", "graph show nosuch", "run nosuch", "bench watch nosuch", "bench stalled nosuch"])
def test_an_unknown_graph_is_1_in_words_for_people(cli, words):
    said = cli(*words.split(), status=1)
    assert "no graph nosuch" in said and "millrace graph list" in said and "/api/" not in said


@pytest.mark.parametrize("words, meant", [("grpah list", "millrace graph?"), ("execution cancle x", "millrace execution cancel?")])
def test_a_mistyped_command_is_answered_with_what_was_meant(cli, words, meant):
    said = cli(*words.split(), status=64)
    assert f"did you mean {meant}" in said and "--help" in said


@pytest.mark.parametrize("text", [YAML, json.dumps(chain(put("a", x=1)) | {"id": "piped"}), "{id: piped, nodes: [{id: a, kind: set, config: {values: {x: 1}}}]}"])
def test_a_document_comes_from_stdin(cli, text):
    assert json.loads(cli("run", "-", "--json", stdin=text).splitlines()[-1])["final_state"] == {"x": 1}
    assert cli("graph", "validate", "-", stdin=text) == "stdin: valid\n"
    assert cli("graph", "render", "-", stdin=text).count("<svg ") == 1
    assert "piped  revision" in cli("graph", "put", "-", stdin=text)


def test_a_state_comes_from_stdin(cli, daemon):
    graph_id = daemon.create(chain(put("a", x=1)))
    last = cli("run", graph_id, "--json", "--state", "@-", stdin='{"y": 2}').splitlines()[-1]
    assert json.loads(last)["final_state"] == {"y": 2, "x": 1}


@pytest.mark.parametrize("words", ["run -", "graph validate -", "graph put -", "graph render -", "run x --state @-"])
def test_nothing_on_stdin_is_said(cli, words):
    assert "there is nothing on stdin" in cli(*words.split(), status=1)
    assert "cannot read stdin: Bad file descriptor" in cli(*words.split(), status=1, stdin=None, preexec_fn=closing(0))
    # Somebody who sits there and waits is told what is missing.
    master, slave = os.openpty()
    assert "stdin is a terminal" in cli(*words.split(), status=64, stdin=slave)
    os.close(slave)
    os.close(master)


def test_faults_on_stdin_are_named(cli):
    said = cli("graph", "put", "-", status=1, stdin="id: Wrong\nnodes: []\n")
    assert "stdin:1:5: /id: " in said


def test_a_run_is_left_to_itself(cli, daemon, tmp_path):
    graph_id = daemon.create(chain(put("a", x=1)))
    id = cli("run", graph_id, "--detach", "--set", "y=2").strip()
    assert daemon.all_events(id)[-1]["final_state"] == {"y": 2, "x": 1}
    file = tmp_path / "detached.json"
    file.write_text(json.dumps(chain(put("a", x=3))))
    summary = json.loads(cli("run", file, "-d", "--json"))
    assert daemon.all_events(summary["execution_id"])[-1]["final_state"] == {"x": 3}


def test_the_newest_execution_and_parts_of_ids(start_daemon):
    daemon = start_daemon()
    graph_id = daemon.create(chain(put("a", x=1)))

    def cli(*arguments, status=0):
        done = millrace(*arguments, environment=at(daemon))
        assert done.returncode == status, (done.stdout, done.stderr)
        return done.stdout + done.stderr

    assert "no execution yet" in cli("watch", "--last", status=1)
    first, second = (daemon.execute(graph_id)["execution_id"] for _ in range(2))
    for words in (["watch", "--last", "--json"], ["replay", "--last", "--json"]):
        assert second in cli(*words) and first not in cli(*words)
    assert second in cli("execution", "show", "--last") and second in cli("execution", "profile", "--last")
    for part in (first[-8:], first[-8:].upper(), first[:36]):
        assert first in cli("watch", part, "--json"), part
        assert first in cli("execution", "show", part)
    common = os.path.commonprefix([first, second])
    assert "2 executions" in cli("watch", common, status=1) and first in cli("watch", common, status=1)
    assert "none of the newest" in cli("watch", "ffff0000", status=1)
    assert cli("execution", "delete", second[-8:]).startswith(second[-8:])
    assert second not in cli("execution", "list")


def test_a_folder_is_no_document(cli, tmp_path):
    (tmp_path / "graphs").mkdir()
    for words in (["run"], ["graph", "render"]):
        assert "is a folder" in cli(*words, f"{tmp_path}/graphs/", status=1)
        assert "is a folder" in cli(*words, tmp_path / "graphs", status=1)


def test_times_have_a_zone(cli, daemon):
    daemon.execute(daemon.create(chain(put("a", x=1))))
    for words in (["execution", "list"], ["graph", "list"]):
        assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", cli(*words))


def test_edits_of_a_rerun_are_written_as_for_a_run(cli, daemon):
    id = daemon.execute(daemon.create(chain(put("a", x=1), put("b"))))["execution_id"]
    for options in (["--set", "k=5"], ["--state", '{"k": 5}'], ["--state", "k=5"]):
        new = cli("execution", "rerun", id, "--from", "b", *options).strip()
        assert daemon.all_events(new)[-1]["final_state"] == {"x": 1, "k": 5}

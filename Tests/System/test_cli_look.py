"""The commands that look into runs, as people and scripts use them, against the real daemon."""

import json
import subprocess
import time
import xml.etree.ElementTree as tree

import jsonpatch
import pytest

from daemon import BINARY, ROOT, clean_environment
from graphs import chain, delay, fails, graph, lua, node, put


@pytest.fixture
def cli(daemon):
    """Runs a command to its end; returns what it printed."""

    def run(*arguments, status=0):
        command = [str(part) for part in (BINARY, *arguments)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, cwd=daemon.folder,
            env=clean_environment() | {"MILLRACE_SERVER": f"unix:{daemon.socket_path}"},
        )
        assert done.returncode == status, (done.stdout, done.stderr)
        return done.stdout if status == 0 else done.stderr

    return run


def run_of(daemon, document, initial_state=None):
    return daemon.execute(daemon.create(document), initial_state)["execution_id"]


def test_a_profile_is_a_chart_or_json(daemon, cli):
    document = graph([delay("quick", 5), delay("slow", 80), put("end")], ["quick end", "slow end"], name="Chart")
    execution_id = run_of(daemon, document)
    lines = cli("execution", "profile", execution_id).splitlines()
    assert lines[0].startswith(f"{document['id']}  {execution_id}  success")
    [slow] = [line for line in lines if line.startswith("* slow")]
    [quick] = [line for line in lines if line.startswith("  quick")]
    assert slow.count("=") > quick.count("=") > 0
    assert any(line.startswith("critical path  slow") and "-> end" in line for line in lines)
    assert any(line.startswith("bottleneck     slow") for line in lines)
    assert "\x1b" not in "".join(lines)
    seen = json.loads(cli("execution", "profile", execution_id, "--json"))
    assert seen == daemon.http.get(f"/api/executions/{execution_id}/profile").json()


def test_diffs_are_words_or_patches(daemon, cli):
    document = chain(put("a", x=1, y=[1, 2]), lua("b", "return {x = 2}"), fails("c"), initial_state={"x": 0, "z": "text"})
    execution_id = run_of(daemon, document)
    assert cli("execution", "diff", execution_id).splitlines() == [
        "a  success", "  ~ x  0 → 1", "  + y  [1,2]", "b  success", "  ~ x  1 → 2", "c  error  changed nothing",
    ]
    assert json.loads(cli("execution", "diff", execution_id, "b", "--json")) == [{"op": "replace", "path": "/x", "value": 2}]
    everything = json.loads(cli("execution", "diff", execution_id, "--json"))
    state = {"x": 0, "z": "text"}
    for node in everything["nodes"]:
        state = jsonpatch.apply_patch(state, node["diff"])
    assert state == daemon.all_events(execution_id)[-1]["final_state"]
    assert "has no node none" in cli("execution", "diff", execution_id, "none", status=1)


def test_two_executions_are_compared(daemon, cli):
    graph_id = daemon.create(chain(lua("a", "return {y = state.x * 2}"), put("b", same=1)))
    first, second = (daemon.execute(graph_id, {"x": x})["execution_id"] for x in (1, 4))
    assert cli("execution", "diff", second, "--against", first).splitlines() == ["  ~ x  1 → 4", "  ~ y  2 → 8"]
    assert cli("execution", "diff", second, "b", "--against", second) == "no difference\n"
    patch = json.loads(cli("execution", "diff", second, "--against", first, "--json"))
    assert jsonpatch.apply_patch({"x": 1, "y": 2, "same": 1}, patch) == {"x": 4, "y": 8, "same": 1}


def test_an_execution_runs_again_from_a_node_with_another_state(daemon, cli):
    document = chain(put("a", x=1), lua("b", "return {y = state.x * 10 + (state.k or 0)}"), initial_state={"k": 0})
    execution_id = run_of(daemon, document)
    new = cli("execution", "rerun", execution_id, "--from", "b", "--set", "k=5").strip()
    events = daemon.all_events(new)
    assert events[-1]["final_state"] == {"k": 5, "x": 1, "y": 15}
    assert daemon.summary(new)["rerun_of"] == execution_id
    assert [(event["node_id"], event["status"]) for event in events if event["type"] == "node_complete"] == [("a", "cached"), ("b", "success")]
    watched = cli("execution", "rerun", execution_id, "--from", "b", "--watch").splitlines()
    assert "start" in watched[0] and "complete" in watched[-1]
    assert any("cached" in line for line in watched)
    profile = daemon.http.get(f"/api/executions/{new}/profile").json()
    assert sum(part["duration_ms"] for part in profile["critical_path"]) == pytest.approx(profile["wall_ms"], rel=0.01)
    assert [node["status"] for node in profile["nodes"]] == ["cached", "success"]
    assert "no such node" in cli("execution", "rerun", execution_id, "--from", "none", status=1)


def test_the_failed_items_of_a_map_run_again(daemon, cli):
    code = "if state.item == 2 and not state.mended then error('no') end return {done = state.item}"
    document = graph([node("each", "map", {"items": [1, 2, 3], "on_item_error": "collect", "nodes": [lua("one", code)]})])
    execution_id = run_of(daemon, document)
    watched = cli("execution", "rerun", execution_id, "--from", "each", "--items", "failed", "--set", "mended=true", "--watch")
    assert sum(" node_start " in line and "one" in line for line in watched.splitlines()) == 1
    new = daemon.http.get("/api/executions", params={"graph_id": document["id"], "limit": 1}).json()["items"][0]
    final = daemon.all_events(new["execution_id"])[-1]["final_state"]
    assert [each["done"] for each in final["results"]] == [1, 2, 3] and final["results_errors"] == []


def test_a_file_runs_the_graphs_that_lie_beside_it(cli, tmp_path):
    def write(name, document):
        (tmp_path / name).write_text(json.dumps(document))
        return tmp_path / name

    inner = {"id": "inner", "nodes": [node("deeper", "graph", {"graph": "deepest"}), lua("in", "return {y = state.x + 1}")]}
    inner["edges"] = [{"from": "deeper", "to": "in"}]
    write("some-name.json", inner)
    write("deepest.json", {"id": "deepest", "nodes": [lua("least", "return {x = state.x * 10}")]})
    write("broken.json", {"id": "broken"})
    outer = {"id": "outer", "initial_state": {"x": 1}, "nodes": [node("sub", "graph", {"graph": "inner"})]}
    path = write("outer.json", outer)
    events = [json.loads(line) for line in cli("run", path, "--json").splitlines()]
    assert events[-1]["final_state"] == {"x": 10, "y": 11}
    assert [event["path"] for event in events if event.get("node_id") == "least"] == [["sub", "deeper"]] * 2
    each = write("each.json", outer | {"id": "each", "nodes": [node("all", "map", {"items": [1, 2], "as": "x", "graph": "deepest"})]})
    assert json.loads(cli("run", each, "--json").splitlines()[-1])["final_state"]["results"] == [{"x": 10}, {"x": 20}]
    (tmp_path / "deepest.json").unlink()
    assert "deepest" in cli("run", path, "--plain", status=1)
    write("deepest.json", {"id": "deepest", "nodes": [node("again", "graph", {"graph": "outer"})]})
    assert "the graph outer would contain itself" in cli("run", path, status=1)
    write("deepest.json", {"id": "deepest", "nodes": [node("again", "graph", {"graph": "inner"})]})
    assert "the graph deepest would contain itself" in cli("run", path, status=1)
    write("deepest.json", {"id": "deepest", "nodes": [node("again", "nonsense", {})]})
    assert "deepest.json" in cli("run", path, status=1)


def test_watch_begins_where_it_is_told(daemon, cli):
    execution_id = run_of(daemon, chain(put("a"), put("b")))
    lines = [json.loads(line) for line in cli("watch", execution_id, "--from", "3", "--json").splitlines()]
    assert [event["seq"] for event in lines] == [4, 5, 6]


def test_a_replay_shows_every_event_and_keeps_its_rhythm(daemon, cli):
    execution_id = run_of(daemon, chain(delay("a", 400), put("b")))
    events = daemon.all_events(execution_id, state="update")
    begin = time.monotonic()
    shown = [json.loads(line) for line in cli("replay", execution_id, "--json", "--detail", "update").splitlines()]
    # Never faster than it ran: that holds however slow the machine is.
    assert time.monotonic() - begin >= 0.4
    assert shown == events
    assert cli("replay", execution_id, "--speed", "100000", "--plain").splitlines()[-1].split()[1] == "complete"


def test_a_graph_is_drawn_as_wellformed_svg(daemon, cli):
    document = graph([put("a"), put("b"), put("c")], [("a b", "state.x < 1"), "b c", "a c"], name="<&>\"'")
    graph_id = daemon.create(document)
    picture = tree.fromstring(cli("graph", "render", graph_id, "--svg"))
    space = "{http://www.w3.org/2000/svg}"
    assert picture.tag == f"{space}svg" and picture.find(f"{space}title").text == "<&>\"'"
    assert len([part for part in picture.iter(f"{space}g") if part.get("class", "").startswith("node")]) == 3
    file = daemon.folder / "picture.svg"
    assert cli("graph", "render", ROOT / "config" / "graphs" / "triage.yaml", "--output", file) == ""
    assert tree.parse(file).getroot().tag == f"{space}svg"
    assert cli("graph", "render", daemon.folder / "none.yaml", status=1)


def test_a_graphs_profile_is_a_table(daemon, cli):
    graph_id = daemon.create(chain(put("a"), fails("b")))
    for _ in range(2):
        daemon.execute(graph_id)
    lines = cli("graph", "profile", graph_id).splitlines()
    assert lines[0].split()[:4] == ["NODE", "KIND", "RUNS", "ERRORS"]
    assert [line.split()[:4] for line in lines[1:3]] == [["a", "set", "2", "0"], ["b", "lua", "2", "2"]]
    assert "2 executions" in lines


@pytest.mark.parametrize("words", ["execution profile", "execution diff", "execution rerun", "replay", "graph render", "graph profile"])
def test_each_command_teaches_by_examples(cli, words):
    assert cli(*words.split(), "--help").count(f"millrace {words} ") >= 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_commands_complete_in_shells(cli, shell):
    script = cli("--generate-completion-script", shell)
    for word in ("profile", "diff", "rerun", "replay", "render"):
        assert word in script

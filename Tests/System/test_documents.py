"""Documents as people write them: every fault with its place, by every door; YAML that comes back as it was written."""

import json
import subprocess

import pytest

from daemon import BINARY, clean_environment
from description import assert_described
from graphs import graph, put

YAML = {"Content-Type": "application/yaml"}

FAULTY = """\
# What is wrong here: seven things.
id: faulty
limts: { timeout_ms: 1 }
nodes:
  - id: a
    kind: dealy
  - id: b
    kind: lua
    config:
      code: "return {"
  - { id: c, kind: python, config: { code: "def execute(state:" } }
edges:
  - from: a
    to: nowhere
  - { from: b, to: c, when: "state.x ==" }
  - { from: a, to: b }
  - { from: a, to: b }
"""
FAULTY_PLACES = [
    ("/limts", 3, 1), ("/nodes/0/kind", 6, 11), ("/nodes/1/config/code", 10, 13), ("/nodes/2/config/code", 11, 44),
    ("/edges/0/to", 14, 9), ("/edges/1/when", 15, 29), ("/edges/3", 17, 5),
]
FAULTY_JSON = """\
{ "id": "faulty", "limts": {},
  "nodes": [
    { "id": "a", "kind": "dealy" } ],
  "edges": [ { "from": "a", "to": "b" } ]
}
"""
FAULTY_JSON_PLACES = [("/limts", 1, 19), ("/nodes/0/kind", 3, 26), ("/edges/0/to", 4, 35)]

DOCUMENTS = {
    "faulty.yaml": (FAULTY, FAULTY_PLACES), "windows.yml": (FAULTY.replace("\n", "\r\n"), FAULTY_PLACES),
    "marked.yaml": ("\ufeff" + FAULTY, FAULTY_PLACES), "faulty.json": (FAULTY_JSON, FAULTY_JSON_PLACES),
    "windows.json": ("\ufeff" + FAULTY_JSON.replace("\n", "\r\n"), FAULTY_JSON_PLACES),
    "torn.yaml": ("id: g\nnodes: [\n", [("", 3, 1)]), "torn.json": ('{\n "id": "g",\n}', [("", 3, 1)]),
}


def places(errors):
    return [(error["pointer"], error["line"], error["column"]) for error in errors]


def command(daemon, *arguments):
    return subprocess.run(
        [str(part) for part in (BINARY, *arguments, "--server", f"unix:{daemon.socket_path}")], capture_output=True, text=True,
        timeout=30, env=clean_environment(),
    )


def told(name, text):
    """`file:line:column: pointer: …` of each line."""
    found = []
    for line in text.splitlines():
        path, row, column, rest = line.removeprefix("millrace: ").split(":", 3)
        assert path.endswith(name), line
        pointer = rest.strip().partition(": ")[0]
        found.append((pointer if pointer.startswith("/") else "", int(row), int(column)))
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_door_names_the_same_faults_with_line_and_column(daemon, tmp_path, name):
    text, expected = DOCUMENTS[name]
    (tmp_path / name).write_bytes(text.encode())
    headers = {"Content-Type": "application/json" if name.endswith("json") else "application/yaml"}
    body = text.encode()

    validation = daemon.http.post("/api/graphs/validate", content=body, headers=headers)
    assert_described(validation, "/api/graphs/validate", "post")
    assert places(validation.json()["errors"]) == expected
    for method, path in [("POST", "/api/graphs"), ("PUT", "/api/graphs/faulty")]:
        refusal = daemon.http.request(method, path, content=body, headers=headers)
        assert refusal.status_code == 422
        assert refusal.json()["errors"] == validation.json()["errors"]

    validate = command(daemon, "graph", "validate", tmp_path / name)
    assert (validate.returncode, told(name, validate.stdout)) == (1, expected)
    put_command = command(daemon, "graph", "put", tmp_path / name)
    assert (put_command.returncode, told(name, put_command.stderr)) == (1, expected)


def test_the_command_names_them_without_a_daemon_too(tmp_path):
    (tmp_path / "f.yaml").write_text(FAULTY)
    done = subprocess.run(
        [str(BINARY), "graph", "validate", "--json", str(tmp_path / "f.yaml")], capture_output=True, text=True, timeout=60,
        env=clean_environment() | {"XDG_RUNTIME_DIR": str(tmp_path), "MILLRACE_STATE_DIR": str(tmp_path)},
    )
    assert done.returncode == 1, done.stderr
    assert places(json.loads(done.stdout)["errors"]) == FAULTY_PLACES


def test_a_run_of_a_file_names_them_too(tmp_path):
    (tmp_path / "f.yaml").write_text(FAULTY)
    done = subprocess.run(
        [str(BINARY), "run", str(tmp_path / "f.yaml")], capture_output=True, text=True, timeout=60, env=clean_environment()
    )
    assert (done.returncode, told("f.yaml", done.stderr)) == (1, FAULTY_PLACES)


WRITTEN = """\
# Greets.
id: %s
nodes:   # one is enough
  - id: a
    kind: set
    config: { values: { x: 1.10 } }   # as it was written
"""


@pytest.mark.parametrize("text", [WRITTEN, WRITTEN.replace("\n", "\r\n"), "\ufeff" + WRITTEN, WRITTEN.replace("Greets", "Grüßt 😀")])
def test_yaml_comes_back_as_it_was_written(daemon, text):
    graph_id = graph([])["id"]
    text = text % graph_id
    path = f"/api/graphs/{graph_id}"
    assert daemon.http.put(path, content=text.encode(), headers=YAML).status_code == 201

    def yaml(**query):
        reply = daemon.http.get(path, params=query, headers={"Accept": "application/yaml"})
        assert reply.status_code == 200
        return reply.content.decode()

    assert yaml() == text
    edited = daemon.http.get(path).json() | {"name": "edited"}
    assert daemon.http.put(path, json=edited).status_code == 200
    assert "Greets" not in yaml() and "name: edited" in yaml()
    assert yaml(revision=1) == text


def test_yaml_is_kept_across_a_restart_and_a_change_of_code(new_daemon):
    daemon = new_daemon()
    text = "# from a file\nid: filed\nnodes: [{ id: a, kind: python, config: { file: f.py, function: f } }]\n"
    daemon.write_graph_file("filed.yaml", text)
    daemon.write_graph_file("f.py", "def f(state): return {'x': 1}\n")
    daemon.start()
    daemon.execute("filed")
    daemon.write_graph_file("f.py", "def f(state): return {'x': 2}\n")
    assert daemon.execute("filed")["graph_revision"] == 2
    daemon.stop()
    daemon.start()
    reply = daemon.http.get("/api/graphs/filed", headers={"Accept": "application/yaml"})
    assert (reply.headers["etag"], reply.text) == ('"2.yaml"', text)


def test_put_sends_the_text_and_sees_when_nothing_has_changed(daemon, tmp_path):
    graph_id = graph([])["id"]
    file = tmp_path / "g.yaml"
    file.write_text(WRITTEN % graph_id)

    def outcome():
        done = command(daemon, "graph", "put", "--json", file)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["outcome"]

    assert [outcome(), outcome()] == ["created", "unchanged"]
    file.write_text("# another comment\n" + WRITTEN % graph_id)
    assert outcome() == "replaced"
    reply = daemon.http.get(f"/api/graphs/{graph_id}", headers={"Accept": "application/yaml"})
    assert reply.text == file.read_text()


def test_all_files_are_checked_before_the_first_is_stored(daemon, tmp_path):
    good, bad = graph([put("a")]), tmp_path / "bad.yaml"
    (tmp_path / "good.json").write_text(json.dumps(good))
    bad.write_text("id: Bad\n")
    done = command(daemon, "graph", "put", tmp_path / "good.json", bad)
    assert done.returncode == 1 and "bad.yaml:1:5: /id:" in done.stderr
    assert daemon.http.get(f"/api/graphs/{good['id']}").status_code == 404


# --- The graphs folder ---


@pytest.mark.parametrize("name, text", [
    ("lower.yml", "id: folder\nnodes: [{ id: a, kind: set, config: { values: {} } }]\n"),
    ("UPPER.YAML", "id: folder\r\nnodes: [{ id: a, kind: set, config: { values: {} } }]\r\n"),
    ("Mixed.Yml", "\ufeffid: folder\nnodes: [{ id: a, kind: set, config: { values: {} } }]\n"),
    ("GRAPH.JSON", '\ufeff{"id": "folder", "nodes": [{"id": "a", "kind": "set", "config": {"values": {}}}]}\r\n'),
])
def test_documents_are_loaded_whatever_editor_wrote_them(new_daemon, name, text):
    daemon = new_daemon()
    (daemon.graphs / name).write_bytes(text.encode())
    daemon.start()
    assert daemon.http.get("/api/graphs/folder").status_code == 200
    assert daemon.http.get("/api/graphs?faults=true").json()["faults"] == []


def faults(daemon):
    reply = daemon.http.get("/api/graphs?faults=true")
    assert_described(reply, "/api/graphs", "get")
    return reply.json()["faults"]


def test_what_of_the_folder_is_not_in_force_is_told_with_why(new_daemon):
    daemon = new_daemon()
    daemon.write_graph_file("faulty.yaml", FAULTY)
    daemon.write_graph_file("torn.yaml", "id: [\n")
    daemon.write_graph_file("good.yaml", WRITTEN % "good")
    daemon.write_graph_file("twin.yaml", WRITTEN % "good")
    daemon.start()

    found = {file["file"]: file for file in faults(daemon)}
    assert sorted(found) == ["faulty.yaml", "torn.yaml", "twin.yaml"]
    assert places(found["faulty.yaml"]["errors"]) == FAULTY_PLACES
    assert (found["faulty.yaml"]["graph_id"], found["torn.yaml"]["graph_id"]) == ("faulty", None)
    assert places(found["torn.yaml"]["errors"]) == [("", 2, 1)]
    assert found["twin.yaml"]["errors"][0]["line"] == 2
    assert {file["status"] for file in found.values()} == {"refused"}
    assert [item["id"] for item in daemon.http.get("/api/graphs").json()["items"]] == ["good"]

    for id in ("faulty", "torn"):
        for method, path in [("GET", f"/api/graphs/{id}"), ("POST", f"/api/graphs/{id}/execute")]:
            reply = daemon.http.request(method, path)
            assert (reply.status_code, reply.json()["code"]) == (404, "unknown_graph")
            assert f"{id}.yaml" in reply.json()["detail"]
            assert reply.json()["errors"] == found[f"{id}.yaml"]["errors"]
    assert ".yaml" not in daemon.http.get("/api/graphs/none").json()["detail"]


def test_what_came_after_the_last_load_waits_and_says_so(start_daemon):
    daemon = start_daemon()
    daemon.write_graph_file("late.yaml", WRITTEN % "later")
    daemon.write_graph_file("broken.yaml", FAULTY)
    found = {file["file"]: (file["graph_id"], file["status"]) for file in faults(daemon)}
    assert found == {"late.yaml": ("later", "waiting"), "broken.yaml": ("faulty", "refused")}
    assert "late.yaml" in daemon.http.get("/api/graphs/later").json()["detail"]
    assert "broken.yaml" in daemon.http.get("/api/graphs/faulty").json()["detail"]

    assert daemon.execute("later")["status"] == "success"
    assert [file["file"] for file in faults(daemon)] == ["broken.yaml"]
    daemon.write_graph_file("late.yaml", WRITTEN % "later" + "# edited\n")
    assert {file["file"]: file["status"] for file in faults(daemon)} == {"late.yaml": "waiting", "broken.yaml": "refused"}
    (daemon.graphs / "broken.yaml").unlink()
    daemon.execute("later")
    assert faults(daemon) == []


def test_the_links_that_kubernetes_swaps_are_followed(new_daemon):
    """A mounted ConfigMap: files are links into `..data`, which is a link that is replaced."""
    daemon = new_daemon()

    def publish(version, x):
        folder = daemon.graphs / f"..{version}"
        folder.mkdir()
        (folder / "k8s.yaml").write_text("id: k8s\nnodes: [{ id: a, kind: set, config: { values: { x: %d } } }]\n" % x)
        (daemon.graphs / "..data_tmp").symlink_to(folder.name)
        (daemon.graphs / "..data_tmp").rename(daemon.graphs / "..data")

    publish("2026_1", 1)
    (daemon.graphs / "k8s.yaml").symlink_to("..data/k8s.yaml")
    daemon.start()
    assert daemon.execute("k8s")["final_state"] == {"x": 1}
    publish("2026_2", 2)
    assert [file["status"] for file in faults(daemon)] == ["waiting"]
    assert daemon.execute("k8s")["final_state"] == {"x": 2}
    assert faults(daemon) == []


def test_a_token_for_some_graphs_sees_the_faults_of_those(new_daemon):
    from tokens import create

    daemon = new_daemon()
    daemon.write_graph_file("mine.yaml", "id: mine\n")
    daemon.write_graph_file("other.yaml", "id: other\n")
    daemon.write_graph_file("torn.yaml", "id: [\n")
    daemon.start()
    token = create(daemon, "read", "--graph", "mine")
    reply = daemon.http.get("/api/graphs?faults=true", headers=token.headers)
    assert [file["file"] for file in reply.json()["faults"]] == ["mine.yaml"]

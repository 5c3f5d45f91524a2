"""A graph as text, as files, as revisions, and in the hands of two people at once."""

import json
import re

import pytest
from playwright.sync_api import expect

from editor import THREE, Editor, text_of


@pytest.fixture
def three(daemon, new_page):
    """The editor with a graph of three nodes."""
    daemon.create(THREE)
    return Editor.open(daemon, new_page, "three")


def change(daemon, edit, document=THREE):
    """Somebody else saves the graph."""
    changed = json.loads(text_of(document))
    edit(changed)
    daemon.http.put(f"/api/graphs/{document['id']}", json=changed).raise_for_status()
    return changed


# --- YAML ---


def test_yaml_follows_the_canvas_and_the_canvas_follows_yaml(three):
    page = three.page
    three.tab("YAML")
    text = three.field("The graph as YAML")
    expect(text).to_have_value(re.compile(r"id: three\n"))
    three.click("b")
    page.keyboard.press("Delete")
    expect(text).not_to_have_value(re.compile("duration_ms"))
    text.fill("id: three\nname: From text\nnodes:\n  - { id: x, kind: set, config: { values: { n: 1.0 } } }\n"
              "  - { id: y, kind: lua, config: { code: 'return {}' } }\nedges:\n  - { from: x, to: y }\n")
    expect(three.edge("x", "y")).to_have_count(1)
    expect(page.get_by_role("heading", name="From text")).to_be_visible()
    three.expect_validity("Valid")
    page.shot("yaml")
    three.save()
    assert '"values":{"n":1.0}' in three.stored("three")
    three.node("x").locator(".node-box").click()
    page.keyboard.press("Control+z")
    expect(three.nodes).to_have_count(2)


def test_yaml_that_cannot_be_read_is_named_and_changes_nothing(three):
    page = three.page
    three.tab("YAML")
    text = three.field("The graph as YAML")
    expect(text).to_have_value(re.compile(r"id: three\n"))
    text.fill("id: three\nnodes: [")
    three.expect_validity("Not readable")
    expect(page.locator("#yaml-fault")).not_to_be_empty()
    expect(three.nodes).to_have_count(3)
    three.page.keyboard.press("Control+s")
    assert json.loads(three.stored("three")) == THREE
    text.fill("id: three\nnodes:\n  - { id: x, kind: nonsense }\n")
    three.expect_validity("1 problem")
    expect(three.node("x")).to_have_class("node edit-node faulty")


# --- Conflicts ---


def test_changes_of_two_people_are_merged(three, daemon):
    page = three.page
    three.click("a")
    three.field("Name").fill("Mine")
    change(daemon, lambda graph: graph["nodes"].append({"id": "d", "kind": "delay", "config": {"duration_ms": 1}}))
    page.allow(r"status of 412")
    page.keyboard.press("Control+s")
    dialog = page.get_by_role("dialog", name="The graph has changed")
    expect(dialog).to_contain_text("1 node added")
    page.shot("conflict")
    dialog.get_by_role("button", name="Merge both").click()
    three.expect_state("Saved · revision 3")
    document = json.loads(three.stored("three"))
    assert [node["id"] for node in document["nodes"]] == ["a", "b", "c", "d"]
    assert document["nodes"][0]["name"] == "Mine"


@pytest.mark.parametrize("side, wanted", [("Mine", 5), ("Theirs", 7)])
def test_what_two_people_changed_differently_is_chosen(three, daemon, side, wanted):
    page = three.page
    three.click("b")
    three.field("Duration").fill("5")

    def edit(graph):
        graph["nodes"][1]["config"]["duration_ms"] = 7

    change(daemon, edit)
    page.allow(r"status of 412")
    page.keyboard.press("Control+s")
    dialog = page.get_by_role("dialog", name="The graph has changed")
    dialog.get_by_role("radio", name=side).check()
    dialog.get_by_role("button", name="Merge both").click()
    three.expect_state("Saved · revision 3")
    assert json.loads(three.stored("three"))["nodes"][1]["config"]["duration_ms"] == wanted


def test_theirs_can_be_taken_and_mine_is_one_undo_away(three, daemon):
    page = three.page
    three.click("c")
    page.keyboard.press("Delete")
    theirs = change(daemon, lambda graph: graph["nodes"].pop(0) and graph["edges"].pop(0))
    page.allow(r"status of 412")
    page.keyboard.press("Control+s")
    page.get_by_role("dialog").get_by_role("button", name="Take theirs").click()
    three.expect_state("Saved · revision 2")
    expect(three.node("c")).to_be_visible()
    expect(three.node("a")).to_have_count(0)
    assert json.loads(three.stored("three")) == theirs
    page.get_by_role("button", name="Undo").click()
    expect(three.node("a")).to_be_visible()
    expect(three.node("c")).to_have_count(0)


def test_a_graph_that_was_deleted_meanwhile_is_saved_again(three, daemon):
    page = three.page
    three.click("c")
    three.field("Name").fill("Still here")
    daemon.http.delete("/api/graphs/three").raise_for_status()
    page.allow(r"status of 4(12|04)")
    page.keyboard.press("Control+s")
    page.get_by_role("dialog", name="The graph was deleted").get_by_role("button", name="Save it again").click()
    three.expect_state("Saved")
    assert json.loads(three.stored("three"))["nodes"][2]["name"] == "Still here"


def test_an_id_that_is_taken_is_asked_for_anew(daemon, new_page):
    editor = Editor.open(daemon, new_page)
    page = editor.page
    page.locator(".kind-cards").get_by_role("button", name="Delay").click()
    page.keyboard.press("Escape")
    editor.field(re.compile("^Id")).fill("hello")
    page.allow(r"status of 412")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("The id is taken")).to_be_visible()
    expect(editor.field(re.compile("^Id"))).to_be_focused()
    editor.field(re.compile("^Id")).fill("hello-again")
    editor.save()
    expect(page.page).to_have_url(f"{daemon.url}/#/graphs/hello-again/edit")


# --- Revisions ---


def test_revisions_are_compared_on_the_canvas_and_restored(daemon, new_page):
    daemon.create(THREE)

    def edit(graph):
        graph["nodes"].pop(2)
        graph["nodes"].append({"id": "d", "kind": "delay", "config": {"duration_ms": 1}, "position": {"x": 600, "y": 200}})
        graph["nodes"][1]["config"]["duration_ms"] = 99
        graph["edges"][1]["to"] = "d"

    change(daemon, edit)
    editor = Editor.open(daemon, new_page, "three")
    page = editor.page
    editor.tab("Revisions")
    page.get_by_role("button", name="Revision 1", exact=False).first.click()
    expect(editor.node("d")).to_have_attribute("data-change", "added")
    expect(editor.node("c")).to_have_attribute("data-change", "removed")
    expect(editor.node("b")).to_have_attribute("data-change", "changed")
    expect(editor.edge("b", "d")).to_have_attribute("data-look", "added")
    expect(editor.edge("b", "c")).to_have_attribute("data-look", "removed")
    expect(page.locator(".summary")).to_have_text("1 node added, 1 edge added, 1 node changed, 1 node removed, 1 edge removed")
    expect(page.locator(".changes")).to_contain_text("config.duration_ms1099")
    page.check_accessibility()
    page.shot("difference")
    page.get_by_role("button", name="Restore revision 1").click()
    expect(editor.node("c")).to_be_visible()
    expect(editor.node("d")).to_have_count(0)
    editor.expect_state("Unsaved changes")
    editor.save()
    assert json.loads(editor.stored("three")) == THREE
    expect(page.get_by_role("button", name="Revision 3")).to_contain_text("current")


# --- Files ---


def test_a_graph_is_exported_and_imported_again(three, tmp_path):
    page = three.page
    name, yaml = three.download("Export as YAML")
    assert name == "three.yaml" and yaml.startswith("id: three\n")
    name, text = three.download("Export as JSON")
    assert name == "three.json" and json.loads(text) == THREE
    name, svg = three.download("Export as SVG")
    assert name == "three.svg" and svg.count("<g ") == 3
    page.goto("about:blank")
    page.set_content(svg.split("\n", 1)[1])
    expect(page.locator("svg text").first).to_be_visible()
    (tmp_path / "again.yaml").write_text(yaml.replace("id: three", "id: again"))
    page.goto(f"{three.daemon.url}/#/graphs/three/edit")
    expect(three.nodes).to_have_count(3)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Import a graph from a file").click()
    chooser.value.set_files(tmp_path / "again.yaml")
    expect(page.page).to_have_url(f"{three.daemon.url}/#/new")
    three.expect_state("Not saved yet")
    three.save()
    assert json.loads(three.stored("again")) == THREE | {"id": "again"}


def test_a_file_of_a_graph_that_is_there_changes_it_or_becomes_a_copy(three, tmp_path):
    page = three.page
    path = tmp_path / "three.json"
    path.write_text(text_of(THREE | {"name": "Imported"}))
    for answer, url in (("Change three", "/#/graphs/three/edit"), ("Import as a copy", "/#/new")):
        with page.expect_file_chooser() as chooser:
            three.more("Import a file…")
        chooser.value.set_files(path)
        page.get_by_role("dialog").get_by_role("button", name=answer).click()
        expect(page.page).to_have_url(three.daemon.url + url)
    expect(page.get_by_role("heading", name="Three (copy)")).to_be_visible()
    three.save()
    assert json.loads(three.stored("three-2"))["nodes"] == THREE["nodes"]


def test_a_file_that_is_no_graph_is_refused(three, tmp_path):
    page = three.page
    path = tmp_path / "broken.yaml"
    path.write_text("nodes: [")
    with page.expect_file_chooser() as chooser:
        three.more("Import a file…")
    chooser.value.set_files(path)
    expect(page.get_by_text("broken.yaml is no graph")).to_be_visible()


def test_a_graph_is_duplicated_and_deleted(three, daemon):
    page = three.page
    three.more("Duplicate this graph")
    expect(page.get_by_role("heading", name="Three (copy)")).to_be_visible()
    three.save()
    expect(page.page).to_have_url(f"{daemon.url}/#/graphs/three-2/edit")
    three.more("Delete this graph…")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("graph-list").get_by_role("link", name="Three (copy)")).to_have_count(0)
    assert daemon.http.get("/api/graphs/three-2").status_code == 404


# --- The first page ---


def test_the_configured_graph_opens_first(new_daemon, new_page):
    daemon = new_daemon(environment={"MILLRACE_CONSOLE_START_GRAPH": "three"}, graphs={
        "a.json": text_of(THREE | {"id": "a-first"}), "three.json": text_of(THREE)})
    page = new_page(daemon.url)
    expect(page.page).to_have_url(f"{daemon.url}/#/graphs/three")
    page.get_by_role("searchbox", name="Search graphs").fill("a-fi")
    expect(page.locator("graph-list").get_by_role("link")).to_have_count(2)

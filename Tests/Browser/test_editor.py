"""Drawing graphs: what a newcomer does, and what people do every day."""

import json
import re

import pytest
from playwright.sync_api import expect

from editor import THREE, Editor


@pytest.fixture
def three(daemon, new_page):
    """The editor with a graph of three nodes."""
    daemon.create(THREE)
    return Editor.open(daemon, new_page, "three")


def test_a_newcomer_draws_three_nodes_and_runs_them(empty_daemon, new_page):
    page = new_page(empty_daemon.url)
    editor = Editor(page, empty_daemon)
    page.locator(".kind-cards").get_by_role("button", name="Set").click()
    editor.expect_validity("Valid")
    editor.field("Value of greeting").fill("Good morning")
    editor.add("Delay")
    editor.field("Duration").fill("20")
    editor.add("Lua")
    editor.field("Code").fill("return { shout = string.upper(state.greeting) }")
    expect(editor.edges).to_have_count(2)
    editor.expect_validity("Valid")
    page.shot("three-nodes")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("graph-canvas g.node[data-status=success]")).to_have_count(3)
    page.get_by_role("tab", name="State").click()
    expect(page.get_by_text("GOOD MORNING").first).to_be_visible()
    page.shot("ran")
    page.get_by_role("link", name="Edit", exact=True).click()
    expect(editor.nodes).to_have_count(3)
    page.reload()
    expect(editor.nodes).to_have_count(3)
    editor.expect_state("Saved · revision 1")


def test_nodes_are_added_at_will_and_connected_by_drawing(daemon, new_page):
    editor = Editor.open(daemon, new_page)
    page = editor.page
    page.locator(".kind-cards").get_by_role("button", name="Set").click()
    # Drawn to nowhere, an edge asks what comes there.
    begin = editor.middle(editor.node("set").locator(".port-out .port-dot"))
    editor.drag(begin, (begin[0] + 90, begin[1] + 160))
    page.locator("kind-palette").get_by_role("button", name="Delay").click()
    expect(editor.edge("set", "delay")).to_have_count(1)
    page.keyboard.press("Escape")
    stage = page.locator("editor-canvas").bounding_box()
    page.mouse.dblclick(stage["x"] + 200, stage["y"] + 120)
    page.keyboard.type("lua")
    page.keyboard.press("Enter")
    expect(editor.nodes).to_have_count(3)
    expect(editor.edges).to_have_count(1)
    page.get_by_role("button", name="Show the whole graph").click()
    editor.connect("set", "lua")
    expect(editor.edge("set", "lua")).to_have_count(1)
    editor.connect("lua", "set")
    expect(page.locator(".canvas-hint")).to_contain_text("cycle: set → lua → set")
    expect(editor.edges).to_have_count(2)
    editor.click_edge("set", "lua")
    expect(page.get_by_role("heading", name="Edge")).to_be_visible()
    page.keyboard.press("Delete")
    expect(editor.edges).to_have_count(1)
    editor.save()
    assert len(json.loads(editor.stored("my-graph"))["nodes"]) == 3


def test_a_node_is_dragged_and_stays_there(three):
    x, y = three.middle(three.node("b").locator(".node-box"))
    three.drag((x, y), (x + 40, y + 120))
    three.save()
    [_, b, _] = json.loads(three.stored("three"))["nodes"]
    assert b["position"]["y"] > 120 and b["position"]["x"] % 10 == 0
    assert json.loads(three.stored("three"))["nodes"][0] == THREE["nodes"][0]


def test_undo_and_redo_go_through_every_step(three):
    page = three.page
    three.click("b")
    page.keyboard.press("Delete")
    expect(three.nodes).to_have_count(2)
    expect(three.edges).to_have_count(0)
    three.connect("a", "c")
    expect(three.edges).to_have_count(1)
    three.click("a")
    three.field("Name").fill("First")
    expect(three.node("a")).to_contain_text("First")
    page.get_by_role("button", name="Undo").click()
    expect(three.node("a")).not_to_contain_text("First")
    three.click("a")
    page.keyboard.press("Control+z")
    expect(three.edges).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(three.nodes).to_have_count(3)
    three.expect_state("Saved")
    for _ in range(3):
        page.keyboard.press("Control+Shift+z")
    expect(three.nodes).to_have_count(2)
    expect(three.node("a")).to_contain_text("First")
    three.expect_state("Unsaved changes")


def test_nodes_are_copied_within_a_graph_and_into_another(three, daemon):
    page = three.page
    three.click("a")
    three.click("b", modifiers=["Shift"])
    expect(page.get_by_role("heading", name="2 nodes")).to_be_visible()
    page.keyboard.press("Control+c")
    page.keyboard.press("Control+v")
    expect(three.edge("a_2", "b_2")).to_have_count(1)
    expect(three.nodes).to_have_count(5)
    page.get_by_role("link", name="hello").click()
    expect(page.locator("graph-canvas")).to_be_visible()
    page.get_by_role("link", name="Edit", exact=True).click()
    expect(three.nodes).to_have_count(3)
    three.node("greet").locator(".node-box").click()
    page.keyboard.press("Control+v")
    expect(three.nodes).to_have_count(5)
    expect(three.edge("a", "b")).to_have_count(1)
    page.keyboard.press("Control+d")
    expect(three.nodes).to_have_count(7)
    page.keyboard.press("Control+x")
    expect(three.nodes).to_have_count(5)


def test_several_nodes_are_framed_moved_and_deleted(three):
    page = three.page
    stage = page.locator("editor-canvas").bounding_box()
    page.keyboard.down("Shift")
    box = three.node("b").locator(".node-box").bounding_box()
    three.drag((stage["x"] + 4, stage["y"] + 60), (box["x"] + 10, box["y"] + 120))
    page.keyboard.up("Shift")
    expect(page.get_by_role("heading", name="2 nodes")).to_be_visible()
    x, y = three.middle(three.node("a").locator(".node-box"))
    three.drag((x, y), (x, y + 100))
    page.keyboard.press("Delete")
    expect(three.nodes).to_have_count(1)
    page.keyboard.press("Control+z")
    three.save()
    nodes = json.loads(three.stored("three"))["nodes"]
    assert nodes[0]["position"]["y"] == nodes[1]["position"]["y"] > nodes[2]["position"]["y"]


def test_the_editor_arranges_a_graph(daemon, new_page):
    daemon.create({"id": "heap", "nodes": [{"id": id, "kind": "delay", "config": {"duration_ms": 1}, "position": {"x": 0, "y": 0}} for id in "abc"],
                   "edges": [{"from": "a", "to": "b"}, {"from": "a", "to": "c", "when": "state.x"}]})
    editor = Editor.open(daemon, new_page, "heap")
    editor.page.get_by_role("button", name="Arrange the graph").click()
    editor.expect_state("Unsaved")
    editor.save()
    a, b, c = (node["position"] for node in json.loads(editor.stored("heap"))["nodes"])
    assert a["x"] < b["x"] == c["x"] and b["y"] != c["y"]


def test_fields_of_a_node_are_set_in_its_form(three):
    page = three.page
    three.click("c")
    three.field(re.compile("^Id")).fill("sum up")
    three.field(re.compile("^Id")).press("Enter")
    expect(page.get_by_text("the first a letter or _")).to_be_visible()
    three.field(re.compile("^Id")).fill("sum_up")
    three.field(re.compile("^Id")).press("Enter")
    expect(three.edge("b", "sum_up")).to_have_count(1)
    three.field("Use").select_option("Expression and key")
    three.field("Expression").fill("state.n * 2")
    three.field("Key").fill("twice")
    page.get_by_text("When it fails").click()
    three.field("If it ends in error").select_option("stop")
    three.field("Timeout (ms)").fill("1500")
    three.field("Attempts").fill("3")
    three.field("Backoff").fill("1.50")
    three.expect_validity("Valid")
    three.save()
    [_, _, node] = json.loads(three.stored("three"))["nodes"]
    assert node["config"] == {"expression": "state.n * 2", "key": "twice"}
    assert (node["on_error"], node["timeout_ms"], node["retry"]) == ("stop", 1500, {"max_attempts": 3, "backoff": 1.5})
    assert '"backoff":1.50' in three.stored("three")


def test_values_of_every_type_are_entered(three):
    page = three.page
    three.click("a")
    three.field("Value of n").fill("2.0")
    page.get_by_role("button", name="Add a value").click()
    three.field("Key", exact=True).last.fill("on")
    three.field("Key", exact=True).last.press("Enter")
    three.field("Type of on").select_option("Yes / no")
    three.field("Value of on").last.check()
    page.get_by_role("button", name="Add a value").click()
    three.field("Type of key_1").select_option("JSON")
    three.field("Value of key_1").last.fill('{"deep": [1.10, null]}')
    three.expect_validity("Valid")
    three.save()
    assert '"values":{"n":2.0,"on":true,"key_1":{"deep":[1.10,null]}}' in three.stored("three")


def test_arrays_choices_and_maps_have_fields(daemon, new_page):
    editor = Editor.open(daemon, new_page)
    page = editor.page
    page.locator(".kind-cards").get_by_role("button", name=re.compile("^Process")).click()
    editor.field("Element 1", exact=True).fill("printf")
    editor.field("Element 2", exact=True).fill("%s")
    page.get_by_role("button", name="Add", exact=True).click()
    editor.field("Element 3", exact=True).fill("$GREETING")
    editor.field("Output").select_option("text")
    page.get_by_role("button", name="Add a value").click()
    editor.field("Value of key_1").fill("Hi")
    editor.expect_validity("Valid")
    page.get_by_role("button", name="Remove Element 3").click()
    expect(editor.field("Element 3", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Edit as JSON").click()
    expect(editor.field("Config (JSON)")).to_have_value(
        '{\n  "command": [\n    "printf",\n    "%s"\n  ],\n  "input": "none",\n  "output": "text",\n  "key": "said",\n  "environment": {\n    "key_1": "Hi"\n  }\n}')
    editor.field("Config (JSON)").fill('{"command": ')
    expect(page.get_by_text("Expected a value, but the text ends, line 1")).to_be_visible()
    editor.field("Config (JSON)").fill('{"command": ["true"], "input": "none"}')
    editor.expect_validity("Valid")
    page.get_by_role("button", name="Show the form").click()
    expect(editor.field("Element 1", exact=True)).to_have_value("true")


def test_an_edge_gets_a_condition(three):
    page = three.page
    three.click("a")
    page.get_by_role("button", name="Condition of the edge a → b").click()
    three.field("Condition").fill("state.n >")
    three.expect_validity("1 problem")
    expect(three.edge("a", "b")).to_have_attribute("data-look", "selected")
    three.field("Condition").fill("state.n > 0")
    three.expect_validity("Valid")
    expect(three.edge("a", "b")).to_contain_text("state.n > 0")
    three.save()
    assert json.loads(three.stored("three"))["edges"][0]["when"] == "state.n > 0"


def test_settings_of_the_graph(three):
    page = three.page
    page.keyboard.press("Escape")
    three.field("Name").fill("Renamed")
    three.field("Description").fill("What it is for.")
    page.get_by_role("button", name="Add a value").click()
    three.field("Key", exact=True).fill("log")
    three.field("Key", exact=True).press("Enter")
    three.field("Type of log").select_option("JSON")
    three.field("Value of log").last.fill("[]")
    three.field("Key of a new reducer").fill("log")
    page.get_by_role("button", name="Add a reducer").click()
    three.field("Nodes at once").fill("4")
    three.expect_validity("Valid")
    three.save()
    document = json.loads(three.stored("three"))
    assert (document["name"], document["description"], document["initial_state"]) == ("Renamed", "What it is for.", {"log": []})
    assert (document["reducers"], document["limits"]) == ({"log": "append"}, {"max_parallel_nodes": 4})
    expect(page.get_by_role("link", name="Renamed")).to_be_visible()


def test_faults_are_shown_where_they_are_as_one_types(three):
    page = three.page
    three.click("c")
    three.field("Code").fill("return {")
    three.expect_validity("1 problem")
    expect(three.node("c")).to_have_class("node edit-node faulty")
    expect(page.locator(".field-fault", has_text="unexpected symbol").first).to_be_visible()
    page.shot("fault")
    three.click("a")
    page.locator(".validity").click()
    page.get_by_role("button", name="Node c · config.code").click()
    expect(three.field("Code")).to_be_focused()
    three.field("Code").fill("return {}")
    three.expect_validity("Valid")
    expect(three.node("c")).to_have_class("node edit-node")


def test_what_nobody_touched_stays_as_it_was_written(daemon, new_page):
    text = ('{"name":"N","id":"as-written","nodes":[{"kind":"set","id":"a","config":{"values":{"b":1.0,"a":1e2,"10":12345678901234567890}},'
            '"position":{"x":80.0,"y":40.50}}],"edges":[]}')
    daemon.http.post("/api/graphs", content=text, headers={"Content-Type": "application/json"}).raise_for_status()
    editor = Editor.open(daemon, new_page, "as-written")
    editor.click("a")
    editor.field("Name").fill("A")
    editor.save()
    assert editor.stored("as-written") == text.replace('40.50}', '40.50},"name":"A"')


def test_run_saves_first_and_refuses_a_graph_with_faults(three, daemon):
    page = three.page
    three.click("c")
    three.field("Code").fill("return {")
    page.allow(r"status of 422")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("tab", name="Problems (1)")).to_have_attribute("aria-selected", "true")
    assert json.loads(three.stored("three")) == THREE
    page.get_by_role("button", name="Node c · config.code").click()
    three.field("Code").fill("return {m = 41 + state.n}")
    page.keyboard.press("Control+Enter")
    expect(page.locator("graph-canvas g.node[data-status=success]")).to_have_count(3)
    [execution] = daemon.http.get("/api/executions", params={"graph_id": "three"}).json()["items"]
    assert execution["graph_revision"] == 2


def test_unsaved_changes_stay_while_one_looks_elsewhere(three):
    page = three.page
    three.click("b")
    page.keyboard.press("Delete")
    page.get_by_role("link", name="hello").click()
    expect(page.locator("graph-canvas")).to_be_visible()
    page.go_back()
    expect(three.nodes).to_have_count(2)
    three.expect_state("Unsaved changes")

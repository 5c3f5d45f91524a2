"""Drawing nodes that run graphs within themselves, and nodes that ask people."""

import json

from playwright.sync_api import expect

from editor import Editor


def test_a_map_and_a_repeat_are_drawn_and_their_graphs_written_as_json(daemon, new_page):
    editor = Editor.open(daemon, new_page)
    page = editor.page
    page.locator(".kind-cards").get_by_role("button", name="Set").click()
    editor.add("Map")
    editor.expect_validity("Valid")
    nodes = editor.field("Nodes", exact=True)
    expect(nodes).to_have_value('[\n  {\n    "id": "square",\n    "kind": "lua",\n    "config": {\n      "code": "return { square = state.item * state.item }"\n    }\n  }\n]')
    nodes.fill('[{"id": "half", "kind": "nothing"}]')
    expect(editor.panel.locator(".form-field").filter(has_text="The nodes to run").locator(".field-fault")).to_contain_text("0.kind")
    nodes.fill('[{"id": "half", "kind": "lua", "config": {"code": "return {half = state.item / 2}"}}]')
    editor.field("On item error").select_option("collect")
    editor.expect_validity("Valid")
    page.shot("map")
    editor.add("Repeat")
    editor.expect_validity("Valid")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("graph-canvas g.node[data-status=success]")).to_have_count(3)
    page.locator("g.node[data-id=map]").click()
    expect(page.locator(".scope-counts")).to_have_text("Items: 3 of 3 ended: 3 done")
    stored = json.loads(editor.stored("my-graph"))
    assert [node["kind"] for node in stored["nodes"]] == ["set", "map", "repeat"]
    assert stored["nodes"][1]["config"]["nodes"][0]["id"] == "half"


def test_an_approval_is_drawn_by_its_form(daemon, new_page):
    editor = Editor.open(daemon, new_page)
    page = editor.page
    page.locator(".kind-cards").get_by_role("button", name="Approval").click()
    editor.field("Prompt").fill("Go on with {{ state.n }}?")
    editor.field("Required", exact=True).fill("2")
    editor.expect_validity("Valid")
    editor.save()
    [ask] = json.loads(editor.stored("my-graph"))["nodes"]
    assert ask["config"] == {"prompt": "Go on with {{ state.n }}?", "required": 2}


def test_a_graph_node_names_the_graph_that_it_runs(daemon, new_page):
    daemon.create({"id": "leaf", "nodes": [{"id": "a", "kind": "set", "config": {"values": {"seen": True}}}]})
    editor = Editor.open(daemon, new_page)
    page = editor.page
    page.locator(".kind-cards").get_by_role("button", name="Graph Runs another graph").click()
    editor.panel.locator(".form-field").filter(has_text="The id of the graph").get_by_role("textbox").fill("leaf")
    editor.expect_validity("Valid")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("graph-canvas g.node[data-status=success]")).to_have_count(1)
    page.locator("g.node .node-open").click()
    expect(page.locator("graph-canvas g.node[data-id=a]")).to_have_attribute("data-status", "success")

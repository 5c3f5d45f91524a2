"""The editor for everybody: by keyboard, for screen readers, on small and large screens, with large graphs."""

import json

import pytest
from playwright.sync_api import expect

from editor import THREE, Editor, text_of


def test_a_graph_is_drawn_by_keyboard_alone(empty_daemon, new_page):
    editor = Editor.open(empty_daemon, new_page)
    page = editor.page
    page.locator("editor-canvas").wait_for()
    for kind in ("set", "delay", "lua"):
        page.keyboard.press("a")
        expect(page.get_by_role("searchbox", name="Search kinds of nodes")).to_be_focused()
        page.keyboard.type(kind)
        page.keyboard.press("Enter")
        expect(editor.node(kind)).to_be_focused()
    expect(editor.edges).to_have_count(2)
    page.keyboard.press("ArrowLeft")
    expect(editor.node("delay")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(editor.node("set")).to_be_focused()
    page.keyboard.press("c")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(editor.edge("set", "lua")).to_have_count(1)
    page.keyboard.press("c")
    page.keyboard.press("Escape")
    expect(page.locator(".edge-new")).to_have_count(0)
    page.keyboard.press("Enter")
    page.keyboard.press("Control+ArrowDown")
    page.keyboard.press("Control+Shift+ArrowDown")
    editor.save()
    nodes = json.loads(editor.stored("my-graph"))["nodes"]
    assert nodes[2]["position"]["y"] - nodes[0]["position"]["y"] == 60
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    expect(editor.nodes).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(editor.nodes).to_have_count(3)


def test_a_question_mark_lists_the_shortcuts(daemon, new_page):
    editor = Editor.open(daemon, new_page, "hello")
    expect(editor.nodes).to_have_count(3)
    editor.page.keyboard.press("?")
    dialog = editor.page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("Save and run")
    editor.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_screen_reader_hears_nodes_and_their_problems(daemon, new_page):
    daemon.create(THREE)
    editor = Editor.open(daemon, new_page, "three")
    editor.click("c")
    editor.field("Code").fill("return {")
    editor.expect_validity("1 problem")
    tree = editor.page.check_accessibility()
    buttons = [name for role, name, _ in tree if role == "button"]
    assert "a, Set" in buttons and "c, Lua, 1 problem" in buttons
    assert any(role == "application" and name.startswith("Graph Three, 3 nodes") for role, name, _ in tree)
    for tab in ("YAML", "Problems", "Revisions", "Properties"):
        editor.tab(tab)
        editor.page.check_accessibility()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width, height", [(375, 720), (1440, 900), (3840, 2160)])
def test_it_fits_every_screen(daemon, new_page, scheme, width, height):
    editor = Editor.open(daemon, new_page, "triage", width=width, height=height, scheme=scheme)
    page = editor.page
    expect(editor.nodes).to_have_count(10)
    editor.expect_validity("Valid")
    page.shot("graph")
    editor.node("rate").focus()
    page.keyboard.press("Enter")
    if width < 960:
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Rate the urgency")).to_be_visible()
    page.shot("node")
    if width < 960:
        page.get_by_role("button", name="Close the panel").click()
    page.get_by_role("button", name="More", exact=True).click()
    expect(page.get_by_role("menuitem", name="Export as SVG")).to_be_in_viewport()
    page.shot("menu")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Add node").click()
    expect(page.locator("kind-palette").get_by_role("button").first).to_be_in_viewport()
    page.shot("palette")
    is_wider = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(is_wider)
    page.check_accessibility()


def thousand():
    """A thousand nodes in 40 layers, each node after two of the layer before."""
    nodes, edges = [], []
    for number in range(1000):
        layer, place = divmod(number, 25)
        nodes.append({"id": f"n{number}", "name": f"Step {number}", "kind": "set", "config": {"values": {"n": number}},
                      "position": {"x": layer * 260, "y": place * 110}})
        for source in {(layer - 1) * 25 + place, (layer - 1) * 25 + (place * 7 + 3) % 25} if layer else ():
            edges.append({"from": f"n{source}", "to": f"n{number}"})
    return {"id": "thousand", "nodes": nodes, "edges": edges}


def test_a_thousand_nodes_can_be_edited(new_daemon, new_page):
    daemon = new_daemon(graphs={"thousand.json": text_of(thousand())})
    editor = Editor.open(daemon, new_page, "thousand")
    page = editor.page
    expect(editor.nodes).to_have_count(1000)
    editor.expect_validity("Valid")
    page.shot("thousand")
    editor.node("n0").focus()
    page.keyboard.press("Enter")
    editor.field("Name").fill("The first")
    for _ in range(12):
        page.get_by_role("button", name="Zoom in").click()
    # Close by, only what is in sight is in the page.
    page.wait_for_function("() => document.querySelectorAll('g.edit-node').length < 300")
    page.keyboard.press("Escape")
    editor.save()
    assert json.loads(editor.stored("thousand"))["nodes"][0]["name"] == "The first"

"""A graph that a Python file makes, on the canvas and in the editor."""

import time

import pytest
from playwright.sync_api import expect

from conftest import ROOT
from editor import Editor


@pytest.fixture
def parcels(new_daemon):
    """A daemon with one graph, of which the file is looked at first."""
    daemon = new_daemon(graphs={"parcels.py": (ROOT / "config" / "graphs" / "parcels.py").read_text()})
    deadline = time.monotonic() + 60
    while daemon.http.get("/api/graphs/parcels").status_code != 200:
        assert time.monotonic() < deadline, daemon.log
        time.sleep(0.05)
    return daemon


def test_its_conditions_stand_on_the_edges(parcels, new_page):
    page = new_page(f"{parcels.url}/#/graphs/parcels")
    expect(page.locator("graph-canvas .edge-label")).to_have_count(2)
    expect(page.locator("graph-canvas .edge-label title").first).to_have_text("when python: graph.edges[0][2]")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("graph-canvas g.node[data-status=success]")).to_have_count(2)
    expect(page.locator("graph-canvas g.node[data-status=skipped]")).to_have_count(1)


def test_the_editor_shows_them_and_keeps_them(parcels, new_page):
    editor = Editor.open(parcels, new_page, "parcels")
    expect(editor.page.locator(".edge-label")).to_have_count(2)
    before = editor.stored("parcels")
    editor.click("weigh")
    expect(editor.page.locator("code.edge-when").first).to_have_text("python: graph.edges[0][2]")
    editor.page.get_by_role("button", name="Condition of the edge weigh → by_truck").click()
    expect(editor.page.locator("edge-form")).to_contain_text("Its condition is python: graph.edges[0][2].")
    assert editor.stored("parcels") == before

"""Graphs within nodes: frames that are opened, items, iterations."""

import re

from playwright.sync_api import expect


def node(page, id):
    return page.locator(f"g.node[data-id='{id}']")


def start(daemon, id, initial_state=None):
    body = {"initial_state": initial_state or {}}
    answer = daemon.http.post(f"/api/graphs/{id}/execute", json=body, headers={"Prefer": "respond-async"})
    return answer.json()["execution_id"]


INNER = {
    "id": "inner", "name": "Inner",
    "nodes": [
        {"id": "same", "kind": "delay", "config": {"duration_ms": 1}},
        {"id": "last", "kind": "lua", "config": {"code": "return {length = #state.word}"}},
    ],
    "edges": [{"from": "same", "to": "last"}],
}
OUTER = {
    "id": "outer", "name": "Outer", "initial_state": {"word": "hello"},
    "nodes": [
        {"id": "same", "kind": "set", "config": {"values": {"begun": True}}},
        {"id": "sub", "name": "Another graph", "kind": "graph", "config": {"graph": "inner"}},
    ],
    "edges": [{"from": "same", "to": "sub"}],
}


def test_a_graph_within_a_node_is_opened_and_left_and_has_an_address(daemon, new_page):
    daemon.create(INNER)
    daemon.create(OUTER)
    run = start(daemon, "outer")
    page = new_page(f"{daemon.url}/#/executions/{run}")
    expect(page.locator(".run-counts")).to_have_text("2 of 2 nodes")
    expect(page.locator("g.node")).to_have_count(2)
    page.locator("g.node[data-id=sub] .node-open").click()
    page.wait_for_url(f"**/#/executions/{run}/sub")
    expect(node(page, "last")).to_have_attribute("data-status", "success")
    expect(page.locator("scope-bar")).to_contain_text("Outer › Another graph".replace(" › ", ""))
    node(page, "last").click()
    inspector = page.locator("node-inspector")
    expect(inspector).to_contain_text("length")
    expect(inspector.get_by_text("Loading…")).to_have_count(0)
    expect(inspector.locator(".diff tbody tr")).to_contain_text("5")
    expect(page.get_by_role("log").locator(".log-line")).to_have_count(5)
    page.get_by_role("tab", name="State").click()
    expect(page.locator(".states")).to_contain_text('"begun": true')
    page.get_by_role("tab", name="Profile").click()
    expect(page.locator("table.profile tbody tr")).to_have_count(2)
    page.check_accessibility()
    page.shot("open")
    page.get_by_role("link", name="Outer", exact=True).last.click()
    page.wait_for_url(f"**/#/executions/{run}")
    expect(node(page, "sub")).to_have_attribute("aria-pressed", "true")
    page.go_back()
    expect(node(page, "last")).to_be_visible()
    # The address alone leads there, too.
    again = new_page(f"{daemon.url}/#/executions/{run}/sub")
    expect(node(again, "last")).to_have_attribute("data-status", "success")


def test_nodes_of_one_name_inside_and_outside_are_two(daemon, new_page):
    inner = INNER | {"nodes": [{"id": "same", "kind": "lua", "config": {"code": "error('inside')"}}], "edges": []}
    daemon.create(inner)
    daemon.create(OUTER)
    run = start(daemon, "outer")
    page = new_page(f"{daemon.url}/#/executions/{run}")
    expect(node(page, "sub")).to_have_attribute("data-status", "error")
    expect(node(page, "same")).to_have_attribute("data-status", "success")
    page.goto(f"{daemon.url}/#/executions/{run}/sub")
    expect(node(page, "same")).to_have_attribute("data-status", "error")


def test_a_graph_is_looked_into_before_it_has_run(daemon, new_page):
    daemon.create(INNER)
    daemon.create(OUTER)
    page = new_page(f"{daemon.url}/#/graphs/outer")
    node(page, "sub").click()
    page.locator("node-inspector").get_by_role("link", name="Open the graph").click()
    page.wait_for_url("**/#/graphs/outer/in/sub")
    expect(node(page, "last")).to_have_attribute("data-status", "pending")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url(re.compile("/#/executions/[^/]+$"))
    expect(node(page, "sub")).to_have_attribute("data-status", "success")


def test_a_graph_that_runs_is_followed_live(daemon, new_page):
    daemon.create(INNER | {"nodes": [{"id": "same", "kind": "delay", "config": {"duration_ms": 60000}}, INNER["nodes"][1]]})
    daemon.create(OUTER)
    run = start(daemon, "outer")
    page = new_page(f"{daemon.url}/#/executions/{run}/sub", width=375, height=720, scheme="dark")
    expect(node(page, "same")).to_have_attribute("data-status", "running")
    expect(page.locator("scope-bar .badge")).to_have_text("Running")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 375
    page.shot("small")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(node(page, "same")).to_have_attribute("data-status", "cancelled")
    expect(page.locator("scope-bar .badge")).to_have_text("Cancelled")


def test_an_address_that_leads_nowhere_says_so(daemon, new_page):
    daemon.create(INNER)
    daemon.create(OUTER)
    run = start(daemon, "outer")
    page = new_page(f"{daemon.url}/#/executions/{run}/same")
    expect(page.get_by_role("alert").filter(has_text="This is not there")).to_be_visible()
    expect(page.locator("g.node")).to_have_count(2)

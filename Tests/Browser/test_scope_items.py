"""Items of a map and iterations of a repeat: how far they are, which failed, each with its own nodes."""

import re

from playwright.sync_api import expect

WORK = "if state.item % 10 == 7 and not state.mended then error('no page ' .. state.item) end return {page = state.item * 2}"


def node(page, id):
    return page.locator(f"g.node[data-id='{id}']")


def start(daemon, id, initial_state=None):
    body = {"initial_state": initial_state or {}}
    answer = daemon.http.post(f"/api/graphs/{id}/execute", json=body, headers={"Prefer": "respond-async"})
    return answer.json()["execution_id"]


def pages(count, **config):
    nodes = [{"id": "fetch", "kind": "lua", "config": {"code": WORK}}, {"id": "keep", "kind": "set", "config": {"values": {"kept": True}}}]
    edges = [{"from": "fetch", "to": "keep"}]
    return {
        "id": "pages", "name": "Pages", "initial_state": {"list": list(range(count))},
        "nodes": [
            {"id": "each", "name": "Each page", "kind": "map", "config": {
                "items": "{{ state.list }}", "on_item_error": "collect", "nodes": nodes, "edges": edges, **config}},
            {"id": "fetch", "kind": "set", "config": {"values": {"done": True}}},
        ],
        "edges": [{"from": "each", "to": "fetch"}],
    }


def test_a_map_tells_how_far_it_is_and_each_failed_item_opens(daemon, new_page):
    daemon.create(pages(200))
    run = start(daemon, "pages")
    page = new_page(f"{daemon.url}/#/executions/{run}")
    expect(node(page, "each")).to_have_attribute("aria-description", "200 of 200, 20 failed")
    node(page, "each").click()
    panel = page.locator("scope-panel")
    expect(panel.locator(".scope-counts")).to_have_text("Items: 200 of 200 ended: 180 done, 20 failed")
    expect(panel.locator(".items li")).to_have_count(50)
    panel.get_by_role("button", name="Show more").click()
    expect(panel.locator(".items li")).to_have_count(100)
    panel.get_by_label("Which items").select_option("error")
    expect(panel.locator(".items li")).to_have_count(20)
    expect(panel.locator(".items li").nth(1)).to_contain_text("no page 17")
    page.check_accessibility()
    page.shot("map")
    panel.locator(".items a").nth(1).click()
    page.wait_for_url(f"**/#/executions/{run}/each,17")
    expect(node(page, "fetch")).to_have_attribute("data-status", "error")
    expect(node(page, "keep")).not_to_have_attribute("data-status", "error")
    node(page, "fetch").click()
    expect(page.locator("node-inspector .fault-message")).to_contain_text("no page 17")
    page.get_by_role("tab", name="State").click()
    expect(page.locator(".states")).to_contain_text('"item": 17')
    page.shot("item")
    page.get_by_role("spinbutton", name="Item").fill("3")
    page.get_by_role("spinbutton", name="Item").press("Enter")
    page.wait_for_url(f"**/#/executions/{run}/each,3")
    expect(node(page, "keep")).to_have_attribute("data-status", "success")
    page.get_by_role("button", name="The next one").click()
    page.wait_for_url(f"**/#/executions/{run}/each,4")
    # The item's nodes are told from those outside that are called the same.
    page.get_by_role("tab", name="Log").click()
    expect(page.get_by_role("log").locator(".log-line")).to_have_count(5)


def test_the_failed_items_alone_run_again(daemon, new_page):
    daemon.create(pages(40))
    run = start(daemon, "pages")
    page = new_page(f"{daemon.url}/#/executions/{run}")
    expect(page.locator(".run-status")).to_contain_text(re.compile("Success|Error"))
    node(page, "each").click()
    page.locator("scope-panel").get_by_role("button", name="Rerun the failed ones").click()
    page.wait_for_url(lambda url: run not in url)
    again = page.url.split("/")[-1]
    expect(page.locator(".run-status")).to_contain_text(re.compile("Success|Error"))
    ran = {tuple(event["path"]) for event in daemon.events(again) if event["type"] == "node_start" and event.get("path")}
    assert ran == {("each", 7), ("each", 17), ("each", 27), ("each", 37)}
    assert daemon.summary(again)["rerun_of"] == run
    expect(page.locator(".scope-counts")).to_have_text("Items: 40 of 40 ended: 36 taken over, 4 failed")
    page.goto(f"{daemon.url}/#/executions/{again}/each,3")
    expect(page.locator(".scope-absence")).to_contain_text("taken over from an earlier run")


def test_a_large_map_is_shown_as_its_progress(daemon, new_page):
    count = 3_000
    daemon.create(pages(count, into=None))
    run = start(daemon, "pages")
    page = new_page(f"{daemon.url}/#/executions/{run}")
    expect(node(page, "each")).to_have_attribute("aria-description", "3,000 of 3,000, 300 failed", timeout=90_000)
    page.goto(f"{daemon.url}/#/executions/{run}/each,{count - 1}")
    expect(node(page, "keep")).to_have_attribute("data-status", "success")
    page.get_by_role("tab", name="State").click()
    expect(page.locator(".states")).to_contain_text(f'"item": {count - 1}')


def test_iterations_are_gone_through_one_by_one(daemon, new_page):
    step = {"id": "step", "kind": "lua", "config": {"code": "return {count = (state.count or 0) + 1}"}}
    daemon.create({
        "id": "loop", "name": "Loop",
        "nodes": [{"id": "again", "name": "Again", "kind": "repeat", "config": {"until": "state.count >= 5", "nodes": [step]}}],
    })
    run = start(daemon, "loop")
    page = new_page(f"{daemon.url}/#/executions/{run}")
    expect(node(page, "again")).to_have_attribute("aria-description", re.compile("^5"))
    page.locator("g.node[data-id=again] .node-open").click()
    page.wait_for_url(f"**/#/executions/{run}/again,0")
    bar = page.locator("scope-bar")
    expect(bar).to_contain_text("of 0 to 4")
    page.get_by_role("tab", name="State").click()
    for number in range(1, 5):
        page.get_by_role("button", name="The next one").click()
        page.wait_for_url(f"**/#/executions/{run}/again,{number}")
        expect(page.locator(".states")).to_contain_text(f'"count": {number + 1}')
    expect(page.get_by_role("button", name="The next one")).to_be_disabled()
    page.get_by_role("slider", name="Go to iteration").fill("1")
    page.wait_for_url(f"**/#/executions/{run}/again,1")
    page.shot("iteration")


def test_a_graph_within_a_graph_within_a_map(daemon, new_page):
    daemon.create({"id": "leaf", "nodes": [{"id": "a", "kind": "lua", "config": {"code": "return {seen = state.item}"}}]})
    inner = [{"id": "sub", "kind": "graph", "config": {"graph": "leaf"}}]
    daemon.create({"id": "deep", "nodes": [{"id": "each", "kind": "map", "config": {"items": [10, 11, 12], "nodes": inner}}]})
    run = start(daemon, "deep")
    page = new_page(f"{daemon.url}/#/executions/{run}/each,2,sub")
    expect(node(page, "a")).to_have_attribute("data-status", "success")
    node(page, "a").click()
    expect(page.locator("node-inspector .diff")).to_contain_text("12")
    page.locator("scope-bar").get_by_role("link", name="each · item 2").click()
    page.wait_for_url(f"**/#/executions/{run}/each,2")
    expect(node(page, "sub")).to_have_attribute("data-status", "success")


def test_a_question_of_an_item_is_answered_where_it_stands(daemon, new_page):
    inner = [{"id": "ask", "kind": "approval", "config": {"prompt": "Take {{ state.item }}?"}}]
    daemon.create({"id": "choose", "nodes": [{"id": "each", "kind": "map", "config": {"items": ["a", "b"], "nodes": inner}}]})
    run = start(daemon, "choose")
    page = new_page(f"{daemon.url}/#/approvals")
    expect(page.locator("li.approval")).to_have_count(2)
    second = page.locator("li.approval").filter(has_text="Take b?")
    expect(second).to_contain_text("each › 1 › ask")
    second.get_by_role("link").click()
    page.wait_for_url(f"**/#/executions/{run}/each,1")
    node(page, "ask").click()
    page.locator("node-inspector").get_by_role("button", name="Approve").click()
    expect(node(page, "ask")).to_have_attribute("data-status", "success")
    expect(page.get_by_role("link", name="Approvals: 1 waiting")).to_be_visible()

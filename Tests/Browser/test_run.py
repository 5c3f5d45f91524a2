"""Running a graph, and watching it."""

import re

from playwright.sync_api import expect

SLOW = {
    "id": "slow", "name": "Slow", "initial_state": {"word": "hello", "times": 3, "loud": False, "list": [1]},
    "nodes": [
        {"id": "left", "kind": "delay", "config": {"duration_ms": 60000}},
        {"id": "right", "kind": "delay", "config": {"duration_ms": 60000}},
        {"id": "end", "kind": "lua", "config": {"code": "return {done = true}"}},
    ],
    "edges": [{"from": "left", "to": "end"}, {"from": "right", "to": "end"}],
}
PARTIAL = "partial-failure"


def node(page, id):
    return page.locator(f"g.node[data-id='{id}']")


def test_run_turns_into_stop_and_all_that_runs_is_shown(daemon, new_page):
    daemon.create(SLOW)
    page = new_page(f"{daemon.url}/#/graphs/slow")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("g.node[data-status=running]")).to_have_count(2)
    expect(page.get_by_role("button", name="Run", exact=True)).to_have_count(0)
    expect(page.locator(".edge[data-state=active]")).to_have_count(2)
    expect(page.locator("running-nodes li")).to_have_count(2)
    expect(page.locator(".run-counts")).to_have_text("0 of 3 nodes")
    elapsed = page.locator(".run-elapsed")
    first = elapsed.inner_text()
    expect(elapsed).not_to_have_text(first)
    page.check_accessibility()
    page.shot("running")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator("g.node[data-status=cancelled]")).to_have_count(2)
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_enabled()
    expect(page.locator(".run-status")).to_contain_text("Cancelled")
    expect(page.locator("running-nodes")).to_be_hidden()


def test_the_form_and_the_json_make_one_initial_state(daemon, new_page):
    document = SLOW | {"nodes": [{"id": "end", "kind": "lua", "config": {"code": "return {seen = state.times}"}}], "edges": []}
    daemon.create(document)
    page = new_page(f"{daemon.url}/#/graphs/slow")
    page.get_by_role("button", name="Initial state").click()
    page.get_by_label("word").fill('say "hi"')
    page.get_by_label("times").fill("nonsense")
    expect(page.get_by_role("alert").filter(has_text="times must be a number")).to_be_visible()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_disabled()
    page.get_by_label("times").fill("12345678901234567890.10")
    page.get_by_label("loud").check()
    page.shot("form")
    page.check_accessibility()
    page.get_by_role("button", name="JSON").click()
    text = page.get_by_label("Initial state, a JSON object")
    expect(text).to_have_value(re.compile(r"12345678901234567890\.10"))
    text.fill('{"word": ')
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_disabled()
    text.fill('{"word": "hi", "times": 12345678901234567890.10, "loud": true, "extra": null}')
    text.press("Control+Enter")
    expect(page.locator(".run-status")).to_contain_text("Success")
    [start, *_] = daemon.events(page.url.split("/")[-1])
    assert start["initial_state"] == {"word": "hi", "times": 12345678901234567890.10, "loud": True, "list": [1], "extra": None}
    page.get_by_role("tab", name="State").click()
    expect(page.locator(".states")).to_contain_text("12345678901234567890.10")


def test_what_fails_is_red_with_its_traceback_and_what_is_skipped_says_so(daemon, new_page):
    page = new_page(f"{daemon.url}/#/graphs/{PARTIAL}")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(node(page, "supplier")).to_have_attribute("data-status", "error")
    expect(node(page, "delivery")).to_have_attribute("data-status", "skipped")
    expect(node(page, "offer")).to_have_attribute("data-status", "success")
    log = page.get_by_role("log")
    expect(log.locator("[data-level=error]").filter(has_text="Traceback").first).to_be_attached()
    page.get_by_label("Which lines").select_option("error")
    expect(log.locator(".log-line:not([data-level=error])")).to_have_count(0)
    expect(log.locator("[data-level=error]").first).to_be_visible()
    page.shot("errors")
    page.get_by_label("Which lines").select_option("all")
    page.get_by_label("Filter the log").fill("delivery")
    expect(log.locator(".log-line").first).to_contain_text("skipped")
    page.get_by_label("Filter the log").fill("no such words")
    expect(page.get_by_text("No line matches the filter.")).to_be_visible()


def test_words_are_shown_as_a_node_emits_them(daemon, new_page):
    page = new_page(f"{daemon.url}/#/graphs/agents")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("g.node[data-status=running]")).to_have_count(3)
    expect(page.locator(".run-status")).to_contain_text("Running")
    line = page.get_by_role("log").locator("[data-level=output]").first
    expect(line).to_be_visible()
    expect(page.locator(".run-status")).to_contain_text("Success")
    told = [event["data"] for event in daemon.events(page.url.split("/")[-1]) if event["type"] == "node_output" and event["node_id"] == "plan"]
    expect(page.get_by_role("log").locator("[data-level=output]").filter(has_text="".join(told).strip()[:60])).to_have_count(1)
    node(page, "plan").click()
    expect(page.locator("node-inspector .outputs")).to_contain_text("".join(told).strip()[:60])
    page.shot("words")


def test_following_stops_at_a_scroll_up_and_starts_again_at_the_end(daemon, new_page):
    command = ["sh", "-c", "seq -f 'line %g' 600 >&2; echo '{}'"]
    daemon.create({"id": "wordy", "nodes": [{"id": "a", "kind": "process", "config": {"command": command}}]})
    page = new_page(f"{daemon.url}/#/graphs/wordy")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".run-status")).to_contain_text("Success")
    log = page.get_by_role("log")
    expect(log.get_by_text("line 600", exact=True)).to_be_visible()
    assert log.locator(".log-line").count() < 200
    follow = page.get_by_label("Follow")
    expect(follow).to_be_checked()
    log.hover()
    page.mouse.wheel(0, -3000)
    expect(follow).not_to_be_checked()
    page.mouse.wheel(0, -100000)
    expect(log.get_by_text("line 1", exact=True)).to_be_visible()
    follow.check()
    expect(log.get_by_text("line 600", exact=True)).to_be_visible()


def test_a_run_goes_on_without_the_page_and_a_second_tab_shows_all_of_it(daemon, new_page):
    page = new_page(f"{daemon.url}/#/graphs/agents")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("g.node[data-status=running]").first).to_be_visible()
    page.wait_for_url("**/executions/**")
    address = page.url
    second = new_page(address, context=page.context)
    expect(second.locator("g.node[data-status=running]").first).to_be_visible()
    page.page.close()
    expect(second.locator(".run-status")).to_contain_text("Success")
    third = new_page(address)
    expect(third.locator(".scrub-place")).to_have_text(second.locator(".scrub-place").inner_text())
    assert daemon.summary(address.split("/")[-1])["status"] == "success"


def test_a_run_that_nobody_watches_is_stopped_where_that_was_chosen(daemon, new_page):
    daemon.create(SLOW)
    page = new_page(f"{daemon.url}/#/graphs/slow")
    other = new_page(f"{daemon.url}/#/executions", context=page.context)
    page.get_by_role("button", name="Initial state").click()
    page.get_by_label("When nobody watches the run").select_option("cancel")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("g.node[data-status=running]")).to_have_count(2)
    page.page.close()
    expect(other.locator("tr[data-id] .badge").first).to_have_text("Cancelled")


FLOOD = "i=0; while [ $i -lt 40 ]; do seq -f \"line %g of $i\" 500 >&2; sleep 0.1; i=$((i+1)); done; echo '{}'"


def test_thousands_of_events_a_second_on_a_large_graph_leave_the_page_usable(new_daemon, new_page):
    daemon = new_daemon()
    nodes = [{"id": "flood", "kind": "process", "config": {"command": ["sh", "-c", FLOOD]}}]
    nodes += [{"id": f"n{index}", "kind": "delay", "config": {"duration_ms": 20}} for index in range(999)]
    edges = [{"from": f"n{index}", "to": f"n{index + 1}"} for index in range(998) if index % 40 != 39]
    daemon.create({"id": "flood", "nodes": nodes, "edges": edges, "limits": {"max_parallel_nodes": 40}})
    page = new_page(f"{daemon.url}/#/graphs/flood")
    expect(page.locator("g.node")).to_have_count(1000)
    page.get_by_role("button", name="Run", exact=True).click()
    log = page.get_by_role("log")
    page.wait_for_function("() => document.querySelector('time-scrubber input').max > 3000")
    # In the middle of it: a filter, a tab, and the canvas answer.
    page.get_by_label("Filter the log").fill("line 1 of 2")
    expect(log.get_by_text("line 1 of 2", exact=True)).to_be_visible()
    page.get_by_role("tab", name="State").click()
    expect(page.locator(".states")).to_be_visible()
    page.get_by_role("button", name="Zoom in").click()
    expect(page.locator(".run-status")).to_contain_text("Success")
    count = len(daemon.events(page.url.split("/")[-1], state="none"))
    assert count > 22_000
    expect(page.locator(".scrub-place")).to_have_text(re.compile(f"^{count} / {count} "))
    page.get_by_role("tab", name="Log").click()
    page.get_by_label("Filter the log").fill("")
    page.get_by_label("Follow").check()
    expect(log.get_by_text("Run finished")).to_be_visible()
    assert log.locator(".log-line").count() < 300

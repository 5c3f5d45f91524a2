"""Looking into a run: states and what changed in them, attempts, logs, the profile, and running again from a node on."""

from playwright.sync_api import expect

CHAIN = {
    "id": "chain", "name": "Chain", "initial_state": {"kept": 12345678901234567890, "list": [1, 2]},
    "nodes": [
        {"id": "first", "name": "First", "kind": "lua", "config": {"code": "return {list = {1, 2, 3}, word = 'new'}"}},
        {"id": "slow", "name": "Slow one", "kind": "delay", "config": {"duration_ms": 400}},
        {"id": "last", "name": "Last", "kind": "lua", "config": {"code": "return {word = state.word .. '!'}"}},
    ],
    "edges": [{"from": "first", "to": "slow"}, {"from": "slow", "to": "last"}],
}


def node(page, id):
    return page.locator(f"g.node[data-id='{id}']")


def run(daemon, document):
    graph_id = daemon.create(document)
    return daemon.execute(graph_id)["execution_id"]


def test_only_what_a_node_changed_is_shown_side_by_side(daemon, new_page):
    execution = run(daemon, CHAIN)
    page = new_page(f"{daemon.url}/#/executions/{execution}")
    node(page, "first").click()
    inspector = page.locator("node-inspector")
    rows = inspector.get_by_role("region", name="Changes").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("list[2]")
    expect(rows.nth(0)).to_contain_text("not there")
    expect(rows.nth(1)).to_contain_text('"new"')
    expect(inspector.get_by_role("region", name="Input state")).to_contain_text("12345678901234567890")
    expect(inspector.get_by_role("region", name="Update")).to_contain_text('"new"')
    page.check_accessibility()
    page.shot("diff")
    node(page, "slow").click()
    expect(inspector.get_by_text("Nothing: the state went through as it was.")).to_be_visible()


def test_attempts_are_told_apart(daemon, new_page):
    page = new_page(f"{daemon.url}/#/graphs/partial-failure")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".run-status")).to_contain_text("Error")
    node(page, "warehouse").click()
    inspector = page.locator("node-inspector")
    attempts = inspector.locator(".attempt")
    count = attempts.count()
    assert count > 1
    expect(attempts.last).to_contain_text("success")
    attempts.first.click()
    expect(inspector.locator(".fault-message")).to_contain_text("asleep")
    expect(inspector.get_by_role("region", name="Traceback")).to_contain_text("ConnectionError")
    page.shot("attempts")


def test_the_profile_names_the_slow_node(daemon, new_page):
    run(daemon, CHAIN)
    execution = daemon.execute("chain")["execution_id"]
    page = new_page(f"{daemon.url}/#/executions/{execution}")
    page.get_by_role("tab", name="Profile").click()
    profile = page.locator("profile-view")
    expect(profile.locator(".profile-words")).to_contain_text("Bottleneck: Slow one, ")
    row = profile.locator("tr[data-id=slow]")
    expect(row).to_contain_text("critical")
    expect(row.locator(".bar-run")).to_have_count(1)
    expect(row.locator(".trend")).to_contain_text("as usual")
    expect(profile.locator("tbody tr")).to_have_count(3)
    profile.get_by_label("Heat on the canvas").check()
    expect(node(page, "slow")).to_have_attribute("data-heat", "5")
    expect(node(page, "first")).to_have_attribute("data-heat", "0")
    page.check_accessibility()
    page.shot("profile")
    profile.get_by_role("button", name="Slow one").click()
    expect(page.locator("node-inspector h3")).to_have_text("Slow one")
    profile.get_by_label("Heat on the canvas").uncheck()
    expect(page.locator("g.node[data-heat]")).to_have_count(0)


def test_a_run_is_repeated_from_a_node_with_another_state(daemon, new_page):
    execution = run(daemon, CHAIN)
    page = new_page(f"{daemon.url}/#/executions/{execution}")
    node(page, "last").click()
    page.get_by_role("button", name="Rerun from here").click()
    dialog = page.get_by_role("dialog", name="Rerun from Last")
    dialog.get_by_label("word").fill("edited")
    page.shot("rerun")
    dialog.get_by_role("button", name="Run from here").click()
    page.wait_for_url(lambda url: "/executions/" in url and execution not in url)
    expect(page.locator(".run-status")).to_contain_text("Success")
    expect(node(page, "slow")).to_have_attribute("data-status", "cached")
    expect(node(page, "last")).to_have_attribute("data-status", "success")
    rerun = daemon.summary(page.url.split("/")[-1])
    assert rerun["rerun_of"] == execution
    end = daemon.events(rerun["execution_id"])[-1]
    assert end["final_state"]["word"] == "edited!"
    node(page, "slow").click()
    expect(page.locator("node-inspector")).to_contain_text("Nothing: the state went through as it was.")

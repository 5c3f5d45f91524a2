"""The console comes up, shows a graph, runs it, and says so to a screen reader."""

from playwright.sync_api import expect


def test_the_console_shows_a_graph_and_runs_it(daemon, new_page):
    page = new_page(daemon.url)
    page.get_by_role("link", name="hello").click()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("g.node[data-status=success]")).to_have_count(3)
    page.check_accessibility()
    page.shot("run")

"""How the server does, as the page for it shows."""

import httpx
from playwright.sync_api import expect

BUSY = {"id": "busy", "nodes": [{"id": "work", "kind": "process", "config": {"command": ["sleep", "60"], "input": "none", "output": "text", "key": "said"}}]}


def figure(page, name):
    return page.locator("small-plot").filter(has=page.get_by_role("img", name=f"{name}:")).locator(".plot-value")


def test_the_figures_follow_what_the_server_does(new_daemon, new_page):
    daemon = new_daemon(environment={"MILLRACE_EXECUTIONS_MAX_RUNNING": "2"})
    daemon.create(BUSY)
    page = new_page(f"{daemon.url}/#/operation")
    expect(figure(page, "Running")).to_have_text("0")
    made = [daemon.begin("busy") for _ in range(3)]
    expect(figure(page, "Running")).to_have_text("2")
    expect(figure(page, "Queue")).to_have_text("1")
    with httpx.stream("GET", f"{daemon.url}/api/executions/{made[0]}/events") as stream:
        lines = stream.iter_lines()
        next(lines)
        # And that of the page.
        expect(figure(page, "Streams")).to_have_text("2")
        page.check_accessibility()
        page.shot("operation")
    expect(figure(page, "Streams")).to_have_text("1")
    for execution in made:
        daemon.cancel(execution)
    expect(figure(page, "Running")).to_have_text("0")
    for group in ("Executions", "Streams and connections", "Worker pool", "Event loop", "Store"):
        expect(page.get_by_role("region", name=group)).to_be_visible()
    assert "null" not in page.locator("operation-page").inner_text()

"""What of the graphs folder is not in force is told beside the list of graphs, not only in the log."""

from playwright.sync_api import expect

GOOD = "id: good\nnodes: [{ id: a, kind: set, config: { values: { x: 1 } } }]\n"


def test_files_that_are_not_in_force_are_told_with_why(new_daemon, new_page):
    daemon = new_daemon(graphs={"good.yaml": GOOD, "bad.yaml": "id: bad\nnodes:\n  - id: a\n    kind: dealy\n"})
    daemon.write_graph_file("late.yaml", GOOD.replace("good", "late"))
    page = new_page(daemon.url)
    note = page.locator("unloaded-files")
    note.get_by_text("2 files are not in force").click()
    expect(note.get_by_text("bad.yaml was refused")).to_be_visible()
    expect(note.get_by_text("line 4, column 11: /nodes/0/kind: no kind of nodes is called `dealy`")).to_be_visible()
    expect(note.get_by_text("late.yaml is not loaded yet")).to_be_visible()
    page.check_accessibility()
    page.shot("unloaded")


def test_nothing_is_said_while_all_is_in_force(new_daemon, new_page):
    page = new_page(new_daemon(graphs={"good.yaml": GOOD}).url)
    expect(page.locator("graph-list").get_by_role("link", name="good")).to_be_visible()
    expect(page.locator("unloaded-files")).to_be_hidden()


def test_the_page_of_the_api_is_a_click_away(new_daemon, new_page):
    page = new_page(new_daemon(graphs={"good.yaml": GOOD}).url, scheme="dark")
    page.get_by_role("link", name="API").click()
    expect(page.get_by_role("heading", name="Millrace API")).to_be_visible()
    page.get_by_role("link", name="Execute a graph and stream its events", exact=True).click()
    expect(page.locator("#executeStream")).to_be_in_viewport()
    page.shot("docs")

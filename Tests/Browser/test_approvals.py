"""What waits for people: the badge, the inbox, the form, the answer."""

import re

from playwright.sync_api import expect

SCHEMA = {
    "type": "object", "required": ["channel", "percent", "sure"],
    "$defs": {"channel": {"type": "string", "enum": ["stable", "beta"], "title": "Channel"}},
    "properties": {
        "channel": {"$ref": "#/$defs/channel"},
        "percent": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10, "title": "Percent"},
        "sure": {"type": "boolean", "title": "Tests are green"},
        "note": {"type": "string", "title": "Note"},
        "hosts": {"type": "array", "title": "Hosts"},
    },
}


def asks(id="release", **config):
    prompt = {"prompt": "Ship {{ state.version }}?", **config}
    return {
        "id": id, "name": "Release", "initial_state": {"version": "1.2.3"},
        "nodes": [
            {"id": "ask", "name": "Ship it?", "kind": "approval", "config": prompt},
            {"id": "ship", "kind": "lua", "config": {"code": "return {shipped = state.decision.approved}"}},
        ],
        "edges": [{"from": "ask", "to": "ship"}],
    }


def start(daemon, document):
    id = daemon.create(document)
    answer = daemon.http.post(f"/api/graphs/{id}/execute", json={}, headers={"Prefer": "respond-async"})
    return answer.json()["execution_id"]


def decision(daemon, execution_id):
    [end] = [event for event in daemon.events(execution_id) if event["type"] == "node_complete" and event["node_id"] == "ask"]
    return end["update"]["decision"]


def test_an_approval_is_answered_from_the_inbox_by_a_form_of_its_schema(daemon, new_page):
    run = start(daemon, asks(schema=SCHEMA))
    page = new_page(f"{daemon.url}/#/executions")
    page.allow("422")
    expect(page.locator("tr[data-id]")).to_contain_text("waits for an answer")
    page.get_by_role("link", name="Approvals: 1 waiting").click()
    card = page.locator("li.approval")
    expect(card).to_contain_text("Ship 1.2.3?")
    card.locator("summary").click()
    form = card.locator("approval-form")
    expect(form.get_by_label("Percent")).to_have_value("10")
    page.check_accessibility()
    form.get_by_role("button", name="Approve").click()
    expect(form.locator(".form-field").filter(has_text="Channel").locator(".field-fault")).to_have_text("is missing")
    expect(form.get_by_label("Channel")).to_be_focused()
    page.shot("fault")
    form.get_by_label("Channel").select_option("beta")
    form.get_by_label("Percent").fill("101")
    form.get_by_label("Tests are green").check()
    form.get_by_label("Hosts").fill('["a", 1.50]')
    form.get_by_label("Comment").fill('go "now"')
    form.get_by_role("button", name="Approve").click()
    expect(form.locator(".form-field").filter(has_text="Percent").locator(".field-fault")).to_contain_text("100")
    form.get_by_label("Percent").fill("25")
    form.get_by_role("button", name="Approve").click()
    expect(form.get_by_text("Your approval is stored.")).to_be_visible()
    expect(page.get_by_role("link", name="Approvals", exact=True)).to_be_visible()
    made = decision(daemon, run)
    assert made["approved"] is True and made["comment"] == 'go "now"'
    assert made["data"] == {"channel": "beta", "percent": 25, "sure": True, "hosts": ["a", 1.5]}


def test_a_refusal_needs_no_data_and_is_given_at_the_node_on_a_small_screen(daemon, new_page):
    run = start(daemon, asks(schema=SCHEMA))
    page = new_page(f"{daemon.url}/#/executions/{run}", width=375, height=720, scheme="dark")
    expect(page.locator(".run-status")).to_contain_text("Waiting for an answer")
    page.locator("running-nodes button").click()
    question = page.locator("node-inspector .question")
    expect(question).to_contain_text("Ship 1.2.3?")
    question.get_by_label("Comment").fill("too early")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 375
    page.shot("small")
    question.get_by_role("button", name="Refuse").click()
    expect(page.locator(".run-status")).to_contain_text("Success")
    expect(question).to_be_hidden()
    expect(page.locator("node-inspector .facts")).to_contain_text("waited for an answer")
    expect(page.get_by_role("log")).to_contain_text("refused: too early")
    made = decision(daemon, run)
    assert made["approved"] is False and made["comment"] == "too early"


def test_what_was_decided_meanwhile_says_so(daemon, new_page):
    run = start(daemon, asks())
    page = new_page(f"{daemon.url}/#/approvals")
    page.allow("409")
    card = page.locator("li.approval")
    card.locator("summary").click()
    expect(card.get_by_role("button", name="Approve")).to_be_visible()
    page.route("**/api/approvals*", lambda route: route.abort())
    page.allow("ERR_FAILED")
    daemon.http.post(f"/api/executions/{run}/nodes/ask/resolve", json={"approved": False}).raise_for_status()
    card.get_by_role("button", name="Approve").click()
    expect(card).to_contain_text("This is decided already")
    expect(card.get_by_role("button", name="Approve")).to_have_count(0)
    assert decision(daemon, run)["approved"] is False


def test_an_open_form_keeps_what_was_typed_while_other_questions_come_and_go(daemon, new_page):
    first = start(daemon, asks("first"))
    page = new_page(f"{daemon.url}/#/approvals")
    page.locator("li.approval summary").click()
    page.get_by_label("Comment").fill("half a thought")
    second = start(daemon, asks("second", required=2))
    expect(page.locator("li.approval")).to_have_count(2)
    expect(page.get_by_label("Comment")).to_have_value("half a thought")
    expect(page.get_by_role("link", name="Approvals: 2 waiting")).to_be_visible()
    daemon.http.post(f"/api/executions/{second}/cancel").raise_for_status()
    expect(page.locator("li.approval")).to_have_count(1)
    expect(page.get_by_label("Comment")).to_have_value("half a thought")
    page.get_by_role("link", name="Show the run of ask").click()
    page.wait_for_url(re.compile(first))


def test_many_questions_come_page_by_page(daemon, new_page):
    id, count = daemon.create(asks()), 60
    for _ in range(count):
        daemon.http.post(f"/api/graphs/{id}/execute", json={}, headers={"Prefer": "respond-async"}).raise_for_status()
    page = new_page(f"{daemon.url}/#/approvals")
    expect(page.locator("li.approval")).to_have_count(50)
    expect(page.get_by_role("link", name="Approvals: 50 or more waiting")).to_be_visible()
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("li.approval")).to_have_count(count)


def test_the_inbox_is_empty_and_says_so(daemon, new_page):
    page = new_page(f"{daemon.url}/#/approvals")
    expect(page.get_by_text("Nothing waits for an answer.")).to_be_visible()
    page.check_accessibility()

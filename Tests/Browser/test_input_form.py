"""The form that a graph's input_schema makes, where a run is started."""

import re

from playwright.sync_api import expect

TRIAGE = {
    "id": "triage-form", "name": "Triage form", "initial_state": {"log": []},
    "input_schema": {
        "type": "object", "required": ["ticket", "priority"],
        "properties": {
            "ticket": {"type": "string", "title": "Ticket", "description": "What it is about.", "minLength": 3},
            "priority": {"$ref": "#/$defs/priority"},
            "count": {"type": "integer", "default": 2, "minimum": 1},
            "urgent": {"type": "boolean"},
        },
        "$defs": {"priority": {"title": "Priority", "enum": ["low", "high"]}},
    },
    "nodes": [{"id": "seen", "kind": "lua", "config": {"code": "return {seen = state.ticket .. ' ' .. state.priority}"}}],
}


def form(page):
    return page.locator("run-bar .state-form")


def test_what_a_graph_needs_is_asked_for_and_faults_stand_at_their_fields(daemon, new_page):
    daemon.create(TRIAGE)
    page = new_page(f"{daemon.url}/#/graphs/triage-form")
    page.allow(r"422 \(Unprocessable")
    # Something is missing, so the form is there before anybody asks for it.
    expect(form(page).get_by_label("Ticket", exact=False)).to_be_visible()
    expect(form(page).get_by_label("Count")).to_have_value("2")
    page.check_accessibility()
    page.shot("input-form")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(form(page).locator(".field-fault").filter(has_text="is missing")).to_have_count(2)
    form(page).get_by_label("Ticket", exact=False).fill("ab")
    form(page).get_by_label("Priority", exact=False).select_option("high")
    form(page).get_by_label("Count").fill("many")
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_disabled()
    form(page).get_by_label("Count").fill("3")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(form(page).locator(".field-fault").filter(has_text=re.compile("."))).to_have_count(1)
    expect(form(page).get_by_label("Ticket", exact=False)).to_be_focused()
    form(page).get_by_label("Ticket", exact=False).fill("abc")
    form(page).get_by_label("Urgent").check()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".run-status")).to_contain_text("Success")
    execution_id = page.url.rsplit("/", 1)[1]
    state = daemon.all_events(execution_id)[-1]["final_state"]
    assert state == {"log": [], "count": 3, "ticket": "abc", "priority": "high", "urgent": True, "seen": "abc high"}


def test_the_form_and_the_json_are_one_state(daemon, new_page):
    daemon.create(TRIAGE | {"id": "both-ways"})
    page = new_page(f"{daemon.url}/#/graphs/both-ways")
    form(page).get_by_label("Ticket", exact=False).fill("from the form")
    page.get_by_role("button", name="JSON").click()
    text = page.get_by_label("Initial state, a JSON object")
    expect(text).to_have_value(re.compile("from the form"))
    text.fill('{"ticket": "from JSON", "priority": "low", "more": [1]}')
    page.get_by_role("button", name="Form", exact=True).click()
    expect(form(page).get_by_label("Ticket", exact=False)).to_have_value("from JSON")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".run-status")).to_contain_text("Success")
    execution_id = page.url.rsplit("/", 1)[1]
    assert daemon.all_events(execution_id)[-1]["final_state"]["more"] == [1]


def test_run_in_the_editor_leads_to_the_form(daemon, new_page):
    daemon.create(TRIAGE | {"id": "edited-form"})
    page = new_page(f"{daemon.url}/#/graphs/edited-form/edit")
    page.allow(r"422 \(Unprocessable")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(form(page).get_by_label("Ticket", exact=False)).to_be_visible()

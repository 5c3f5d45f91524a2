"""The list of runs, what can be done with them there, and looking back at one."""

import json
import re

from playwright.sync_api import expect

SLOW = {"id": "slow", "nodes": [{"id": "wait", "kind": "delay", "config": {"duration_ms": 120000}}]}
BUSY = {"id": "busy", "nodes": [{"id": "work", "kind": "process", "config": {"command": ["sleep", "120"], "input": "none", "output": "text", "key": "said"}}]}
QUICK = {"id": "quick", "nodes": [{"id": "a", "kind": "set", "config": {"values": {"n": 1}}}]}


def row(page, execution):
    return page.locator(f"tr[data-id='{execution}']")


def test_runs_appear_and_change_as_they_happen_elsewhere(daemon, new_page):
    daemon.create(SLOW)
    page = new_page(f"{daemon.url}/#/executions")
    expect(page.get_by_text("Nothing has run yet.")).to_be_visible()
    execution = daemon.begin("slow")
    expect(row(page, execution).locator(".badge")).to_have_text("Running")
    row(page, execution).get_by_role("button", name="Stop").click()
    expect(row(page, execution).locator(".badge")).to_have_text("Cancelled")
    assert daemon.summary(execution)["status"] == "cancelled"
    page.check_accessibility()
    page.shot("runs")


def test_filters_leave_out_what_does_not_fit(daemon, new_page):
    for document in (SLOW, QUICK):
        daemon.create(document)
    done = daemon.execute("quick")["execution_id"]
    going = daemon.begin("slow")
    page = new_page(f"{daemon.url}/#/executions")
    expect(page.locator("tr[data-id]")).to_have_count(2)
    page.get_by_label("Status").select_option("running")
    expect(row(page, done)).to_have_count(0)
    expect(row(page, going)).to_be_visible()
    page.get_by_label("Status").select_option("")
    page.get_by_label("Graph", exact=True).fill("quick")
    page.get_by_label("Graph", exact=True).press("Enter")
    expect(row(page, going)).to_have_count(0)
    expect(row(page, done)).to_be_visible()
    page.get_by_label("Graph", exact=True).fill("")
    expect(row(page, going)).to_be_visible()
    page.get_by_label("Time").select_option(label="Last hour")
    expect(page.locator("tr[data-id]")).to_have_count(2)
    page.get_by_label("Time").select_option(label="Between…")
    page.get_by_label("To", exact=True).fill("2020-01-01T00:00")
    expect(page.get_by_text("No run fits the filter.")).to_be_visible()
    page.check_accessibility()


def test_older_runs_come_page_by_page(daemon, new_page):
    daemon.create(QUICK)
    made = [daemon.execute("quick")["execution_id"] for _ in range(60)]
    page = new_page(f"{daemon.url}/#/executions")
    expect(page.locator("tr[data-id]")).to_have_count(50)
    page.get_by_role("button", name="Show older runs").click()
    expect(page.locator("tr[data-id]")).to_have_count(60)
    expect(page.get_by_role("button", name="Show older runs")).to_be_hidden()
    another = daemon.execute("quick")["execution_id"]
    expect(row(page, another)).to_be_visible()
    expect(page.locator("tr[data-id]")).to_have_count(61)
    shown = page.locator("tr[data-id]").evaluate_all("rows => rows.map((row) => row.dataset.id)")
    assert shown == [another, *reversed(made)]


def test_a_run_that_is_deleted_is_gone_after_a_question(daemon, new_page):
    daemon.create(QUICK)
    execution = daemon.execute("quick")["execution_id"]
    page = new_page(f"{daemon.url}/#/executions")
    row(page, execution).get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("alertdialog", name="Delete this run?")
    dialog.get_by_role("button", name="Cancel").click()
    expect(row(page, execution)).to_be_visible()
    row(page, execution).get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(row(page, execution)).to_have_count(0)
    assert daemon.http.get(f"/api/executions/{execution}").status_code == 404


def test_who_waits_in_the_queue_sees_its_place(new_daemon, new_page):
    daemon = new_daemon(environment={"MILLRACE_EXECUTIONS_MAX_RUNNING": "1"})
    daemon.create(BUSY)
    first, second, third = (daemon.begin("busy") for _ in range(3))
    page = new_page(f"{daemon.url}/#/executions")
    expect(row(page, first).locator(".badge")).to_have_text("Running")
    expect(row(page, second)).to_contain_text("next to start")
    expect(row(page, third)).to_contain_text("1 before it")
    page.shot("queue")
    row(page, second).get_by_role("button", name="Stop").click()
    expect(row(page, third)).to_contain_text("next to start")
    row(page, third).get_by_role("link").last.click()
    expect(page.locator(".run-status")).to_contain_text("next to start")


def test_the_state_follows_the_moment(daemon, new_page):
    execution = daemon.execute("triage")["execution_id"]
    events = daemon.events(execution)
    page = new_page(f"{daemon.url}/#/executions/{execution}")
    page.get_by_role("tab", name="State").click()
    expect(page.get_by_role("region", name="Final state")).to_be_visible()
    slider = page.get_by_role("slider", name="Event")
    slider.focus()
    slider.press("ArrowLeft")
    shown = page.get_by_role("region", name=f"State after event {len(events) - 1}")
    assert list(json.loads(shown.inner_text()).items()) == list(events[-1]["final_state"].items())
    first = next(event for event in events if event["type"] == "node_complete")
    slider.press("Home")
    for _ in range(first["seq"]):
        page.get_by_role("button", name="One event on").click()
    shown = page.get_by_role("region", name=f"State after event {first['seq']}")
    assert json.loads(shown.inner_text()) == first["output_state"]
    page.shot("state")


def test_the_log_goes_back_and_on_with_the_moment(daemon, new_page):
    command = ["sh", "-c", "seq -f 'line %g' 900 >&2; echo '{}'"]
    daemon.create({"id": "wordy", "nodes": [{"id": "a", "kind": "process", "config": {"command": command}}]})
    execution = daemon.execute("wordy")["execution_id"]
    page = new_page(f"{daemon.url}/#/executions/{execution}")
    log = page.get_by_role("log")
    expect(log.get_by_text("Run finished")).to_be_visible()

    def show(seq):
        page.get_by_role("slider", name="Event").evaluate("(range, seq) => { range.value = seq; range.dispatchEvent(new Event('input')); }", seq)

    def check(seq):
        """The log ends with that event's line, at the end of what can be scrolled to."""
        expect(page.locator(".scrub-place")).to_have_text(re.compile(f"^{seq} /"))
        expect(log.locator(".log-line").last).to_have_text(re.compile(f"line {seq - 2}$"))
        expect(log.locator(".log-line").last).to_be_in_viewport()

    for seq in (902, 901, 600, 601, 257, 256, 800, 40):
        show(seq)
        check(seq)
    page.get_by_role("button", name="One event back").click()
    check(39)
    expect(log.locator(".log-line")).to_have_count(39)
    page.get_by_label("Filter the log").fill("line 1")
    expect(log.locator(".log-line")).to_have_count(11)
    show(20)
    expect(log.locator(".log-line")).to_have_count(10)
    show(902)
    expect(log.locator(".log-line").last).to_have_text(re.compile("line 199$"))


def test_the_filtered_log_goes_back_past_a_row_that_grew_into_the_filter(daemon, new_page):
    code = "for i = 1, 600 do emit(i == 400 and 'end' or 'x') if i % 40 == 0 then print('end', i) end end return {}"
    daemon.create({"id": "growing", "nodes": [{"id": "a", "kind": "lua", "config": {"code": code}}]})
    execution = daemon.execute("growing")["execution_id"]
    events = daemon.events(execution)
    page = new_page(f"{daemon.url}/#/executions/{execution}")
    log = page.get_by_role("log")
    expect(log.get_by_text("Run finished")).to_be_visible()
    page.get_by_label("Filter the log").fill("end")
    for seq in (380, 450, 300, 299, 450, 380, 450, 257, 614):
        page.get_by_role("slider", name="Event").evaluate("(range, seq) => { range.value = seq; range.dispatchEvent(new Event('input')); }", seq)
        expect(page.locator(".scrub-place")).to_have_text(re.compile(f"^{seq} /"))
        shown = [event for event in events[:seq] if event["type"] == "node_output"]
        lines = [event["seq"] for event in shown if event["channel"] == "log"]
        if any(event["data"] == "end" for event in shown):
            lines.append(shown[0]["seq"])
        expect(log.locator(".log-line")).to_have_count(len(lines))
        told = log.locator("button.log-time").evaluate_all("buttons => buttons.map((button) => Number(button.dataset.seq))")
        assert sorted(told) == sorted(lines)


def test_a_run_is_replayed_with_the_scrubber(daemon, new_page):
    execution = daemon.execute("partial-failure")["execution_id"]
    page = new_page(f"{daemon.url}/#/executions/{execution}")
    place = page.locator(".scrub-place")
    last = len(daemon.events(execution))
    expect(place).to_have_text(re.compile(f"^{last} / {last} "))
    slider = page.get_by_role("slider", name="Event")
    slider.focus()
    slider.press("Home")
    expect(place).to_have_text(re.compile("^0 /"))
    expect(page.locator("g.node[data-status=pending]")).to_have_count(7)
    for _ in range(2):
        page.get_by_role("button", name="One event on").click()
    expect(page.locator("g.node[data-id=request]")).to_have_attribute("data-status", "running")
    expect(page.get_by_role("log").locator(".log-line")).to_have_count(2)
    page.get_by_label("Speed").select_option("0.25")
    page.get_by_role("button", name="Replay").click()
    page.get_by_role("button", name="Pause").click()
    stopped = place.inner_text()
    page.get_by_role("tab", name="State").click()
    expect(page.locator("state-view")).to_contain_text(re.compile("State after event [0-9]+"))
    assert place.inner_text() == stopped
    page.get_by_label("Speed").select_option("20")
    page.get_by_role("button", name="Replay").click()
    expect(place).to_have_text(re.compile(f"^{last} / {last} "))
    expect(page.get_by_role("button", name="Replay")).to_be_visible()
    expect(page.locator("g.node[data-id=supplier]")).to_have_attribute("data-status", "error")
    page.check_accessibility()
    page.get_by_role("tab", name="Log").click()
    page.get_by_role("log").locator("button.log-time").first.click()
    expect(place).to_have_text(re.compile("^1 /"))
    page.shot("replay")

"""Each view in light and dark, on a phone and on a large screen, by keyboard, and as a screen reader has it."""

import pytest
from playwright.sync_api import expect

SIZES = [(375, 720, "light"), (375, 720, "dark"), (1440, 900, "dark"), (3840, 2160, "light")]


def check_fits(page):
    """Nothing sticks out sideways, and what can be pressed is in reach."""
    wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{wide} px too wide"
    outside = page.evaluate("""() => [...document.querySelectorAll("header button, header a, .tabs button, time-scrubber button")]
        .filter((each) => each.offsetParent !== null)
        .filter((each) => { const { left, right } = each.getBoundingClientRect(); return left < 0 || right > innerWidth + 1; })
        .map((each) => each.outerHTML.slice(0, 120))""")
    assert not outside, outside


@pytest.mark.parametrize(("width", "height", "scheme"), SIZES)
def test_each_view_fits(daemon, new_page, width, height, scheme):
    execution = daemon.execute("partial-failure")["execution_id"]
    page = new_page(f"{daemon.url}/#/executions", width=width, height=height, scheme=scheme)
    expect(page.locator(f"tr[data-id='{execution}']")).to_be_visible()
    page.check_accessibility()
    check_fits(page)
    page.shot("runs")
    page.goto(f"{daemon.url}/#/operation")
    expect(page.get_by_role("img", name="Streams")).to_be_visible()
    page.check_accessibility()
    check_fits(page)
    page.shot("operation")
    page.goto(f"{daemon.url}/#/executions/{execution}")
    expect(page.locator("g.node[data-status=skipped]")).to_have_count(1)
    check_fits(page)
    page.shot("run")
    for name in ("State", "Profile", "Runs"):
        page.get_by_role("tab", name=name).click()
        if name == "Profile":
            expect(page.locator("profile-view tbody tr").first).to_be_visible()
        page.check_accessibility()
        check_fits(page)
        page.shot(name.lower())
    page.get_by_role("button", name="Initial state").click()
    check_fits(page)
    page.shot("initial-state")
    page.get_by_role("button", name="Initial state").click()
    page.locator("g.node[data-id=offer]").click()
    expect(page.get_by_role("region", name="Changes")).to_be_visible()
    page.check_accessibility()
    check_fits(page)
    page.shot("inspector")


def test_a_run_is_started_watched_and_looked_into_by_keyboard_alone(daemon, new_page):
    page = new_page(f"{daemon.url}/#/graphs/hello")
    expect(page.locator("g.node")).to_have_count(3)
    keys = page.keyboard
    for _ in range(40):
        keys.press("Tab")
        if page.evaluate("() => document.activeElement.matches('run-bar button.primary')"):
            break
    keys.press("Enter")
    expect(page.locator(".run-status")).to_contain_text("Success")
    for _ in range(40):
        keys.press("Tab")
        if page.evaluate("() => document.activeElement.matches('g.node')"):
            break
    keys.press("ArrowRight")
    assert page.evaluate("() => document.activeElement.dataset.id") == "wait"
    keys.press("Enter")
    expect(page.locator("node-inspector h3")).to_be_focused()
    keys.press("Escape")
    expect(page.locator("node-inspector")).to_be_hidden()
    expect(page.locator("g.node[data-id=wait]")).to_be_focused()


def test_a_screen_reader_is_told_of_start_and_end_and_not_of_each_event(daemon, new_page):
    page = new_page(f"{daemon.url}/#/graphs/agents")
    expect(page.locator("g.node")).to_have_count(5)
    page.evaluate("""() => {
        window.told = [];
        const line = document.querySelector("#status-line");
        new MutationObserver(() => window.told.push(line.textContent)).observe(line, { childList: true, characterData: true, subtree: true });
    }""")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".run-status")).to_contain_text("Success")
    page.wait_for_function("() => window.told.some((text) => text.includes('Run ended'))")
    told = page.evaluate("() => window.told")
    # One sentence in four seconds at most, among some 150 events.
    assert len(told) * 8 < len(daemon.events(page.url.split("/")[-1])), told
    assert told[-1].endswith("Success.")
    live = page.evaluate("() => [...document.querySelectorAll('[aria-live]')].map((each) => each.getAttribute('aria-live'))")
    assert set(live) <= {"off"}, live


def test_nothing_moves_for_who_does_not_want_it(daemon, new_page):
    daemon.create({"id": "slow", "nodes": [{"id": "wait", "kind": "delay", "config": {"duration_ms": 60000}}, {"id": "end", "kind": "delay", "config": {"duration_ms": 1}}],
                   "edges": [{"from": "wait", "to": "end"}]})
    page = new_page(f"{daemon.url}/#/graphs/slow")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("g.node[data-status=running]")).to_have_count(1)
    running = "() => document.getAnimations().filter((each) => each.playState === 'running').length"
    assert page.evaluate(running) == 0
    page.emulate_media(reduced_motion="no-preference")
    page.wait_for_function("() => document.getAnimations().some((each) => each.animationName === 'flow')")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".run-status")).to_contain_text("Cancelled")

"""Where there are tokens, the console asks for one, says who is in, and tells what a token does not allow."""

import re

import tokens
from playwright.sync_api import expect


def sign_in(page, secret):
    dialog = page.get_by_role("dialog", name="Sign in")
    dialog.get_by_label("Access token").fill(secret)
    dialog.get_by_role("button", name="Sign in").click()


def test_nobody_is_asked_where_there_are_no_tokens(daemon, new_page):
    page = new_page(daemon.url)
    expect(page.locator("graph-list li").first).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("account-menu")).to_be_hidden()


def test_a_token_lets_in_and_signing_out_shuts_the_door(daemon, new_page):
    token = tokens.create(daemon, "run", "--name", "ada")
    page = new_page(f"{daemon.url}/#/graphs/hello")
    # What the browser says of an answer of 401.
    page.allow(r"401 \(Unauthorized\)")
    expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()
    page.shot("sign-in")
    sign_in(page, tokens.WRONG)
    expect(page.get_by_role("alert").filter(has_text="does not know this token")).to_be_visible()
    expect(page.get_by_label("Access token")).to_be_focused()
    sign_in(page, token.secret)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".account-name")).to_have_text("ada")
    expect(page.locator("g.node")).to_have_count(3)
    page.check_accessibility()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".run-status")).to_contain_text("Success")
    assert token.secret not in str(page.context.storage_state())
    page.goto(f"{daemon.url}/#/executions")
    # The stream that all tabs share has the session too.
    expect(page.locator(".list-live")).to_have_text("Live")
    expect(page.locator("tr[data-id] .badge")).to_have_text("Success")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()
    expect(page.locator("account-menu")).to_be_hidden()


def test_a_token_that_may_only_look_is_told_so(daemon, new_page):
    token = tokens.create(daemon, "read", "--name", "guest")
    page = new_page(f"{daemon.url}/#/graphs/hello")
    page.allow(r"40[13] \((Unauthorized|Forbidden)\)")
    sign_in(page, token.secret)
    expect(page.locator("g.node")).to_have_count(3)
    page.get_by_role("button", name="Run", exact=True).click()
    problem = page.get_by_role("alert").filter(has_text="Your token does not allow this")
    expect(problem).to_contain_text("sign in with a token that has more rights")
    assert not re.search(r"\b403\b|insufficient_scope", problem.inner_text())
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_enabled()
    page.shot("not-allowed")


def test_a_token_that_is_taken_back_ends_the_session_before_our_eyes(daemon, new_page):
    token = tokens.create(daemon, "read", "--name", "guest")
    other = tokens.create(daemon, "read", "--name", "stays")
    page = new_page(f"{daemon.url}/#/executions")
    page.allow(r"401 \(Unauthorized\)|ERR_")
    sign_in(page, token.secret)
    expect(page.locator(".list-live")).to_have_text("Live")
    tokens.revoke(daemon, token)
    expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()
    sign_in(page, other.secret)
    expect(page.locator(".account-name")).to_have_text("stays")
    expect(page.locator(".list-live")).to_have_text("Live")


def test_a_run_that_was_open_is_whole_again_after_signing_in_anew(daemon, new_page):
    nodes = [{"id": f"n{index}", "kind": "delay", "config": {"duration_ms": 1500}} for index in range(6)]
    edges = [{"from": f"n{index}", "to": f"n{index + 1}"} for index in range(5)]
    daemon.create({"id": "steps", "nodes": nodes, "edges": edges})
    first = tokens.create(daemon, "run", "--name", "first")
    second = tokens.create(daemon, "run", "--name", "second")
    page = new_page(f"{daemon.url}/#/graphs/steps")
    page.allow(r"401 \(Unauthorized\)|ERR_")
    sign_in(page, first.secret)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("g.node[data-status=running]")).to_have_count(1)
    tokens.revoke(daemon, first)
    expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()
    sign_in(page, second.secret)
    expect(page.locator(".run-status")).to_contain_text("Success")
    expect(page.locator(".scrub-place")).to_have_text(re.compile("^14 / 14 "))

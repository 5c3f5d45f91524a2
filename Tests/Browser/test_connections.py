"""Many tabs, proxies, daemons that come and go: what the pages show stays whole."""

import re
import socket
import socketserver
import threading

import pytest
from nginx import Nginx
from playwright.sync_api import expect

STEPS = {
    "id": "steps", "name": "Steps",
    "nodes": [{"id": f"n{index}", "kind": "delay", "config": {"duration_ms": 700}} for index in range(12)],
    "edges": [{"from": f"n{index}", "to": f"n{index + 1}"} for index in range(11)],
}

# The third does something that a restart interrupts, as it does no delay.
SLEEPER = {"id": "n2", "kind": "process", "config": {"command": ["sleep", "0.7"], "input": "none", "output": "text", "key": "slept"}}
INTERRUPTED = {**STEPS, "nodes": [SLEEPER if node["id"] == "n2" else node for node in STEPS["nodes"]]}


@pytest.fixture
def proxied(new_daemon, tmp_path):
    """A daemon, and nginx before it."""
    daemon = new_daemon(environment={"MILLRACE_AUTH_ALLOW_FORWARDED_WITHOUT_TOKENS": "true"})
    daemon.create(STEPS)
    nginx = Nginx(tmp_path / "nginx", daemon)
    yield daemon, nginx
    nginx.kill()


def seqs_of_log(page):
    """The events that the log has a line for; each node has two here, and the run itself two."""
    return [int(seq) for seq in page.get_by_role("log").locator("button.log-time").evaluate_all("all => all.map((each) => each.dataset.seq)")]


def check_whole(page, daemon):
    """The page has each stored event once, in order."""
    events = daemon.events(page.url.split("/")[-1])
    expect(page.locator(".scrub-place")).to_have_text(re.compile(f"^{len(events)} / {len(events)} "))
    assert seqs_of_log(page) == [event["seq"] for event in events]


def test_seven_tabs_on_one_connection_for_streams_do_not_hang(new_daemon, new_page):
    daemon = new_daemon()
    daemon.create(STEPS)
    pages = [new_page(f"{daemon.url}/#/graphs/steps")]
    pages += [new_page(f"{daemon.url}/#/graphs/steps", context=pages[0].context) for _ in range(6)]
    for page in pages:
        page.get_by_role("button", name="Run", exact=True).click()
        expect(page.locator("g.node[data-status=running]")).to_have_count(1)
    eighth = new_page(f"{daemon.url}/#/executions", context=pages[0].context)
    expect(eighth.locator("tr[data-id]")).to_have_count(7)
    for page in pages:
        expect(page.locator(".run-status")).to_contain_text("Success")
        check_whole(page, daemon)
    ids = {page.url.split("/")[-1] for page in pages}
    assert len(ids) == 7
    eighth.shot("eighth")


def test_a_run_is_watched_through_nginx(proxied, new_page):
    daemon, nginx = proxied
    page = new_page(f"{nginx.url}/#/graphs/steps")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("g.node[data-status=running]")).to_have_count(1)
    # Buffering would hold back all of it until the end.
    expect(page.locator("g.node[data-status=success]").first).to_be_visible()
    expect(page.locator(".run-status")).to_contain_text("Running")
    pages = [page, *(new_page(page.url, context=page.context) for _ in range(6))]
    for each in pages:
        expect(each.locator(".run-status")).to_contain_text("Success")
        check_whole(each, daemon)
    page.check_accessibility()


def test_a_proxy_that_breaks_the_streams_costs_no_event(proxied, new_page):
    daemon, nginx = proxied
    page = new_page(f"{nginx.url}/#/graphs/steps")
    page.allow("Failed to load resource|ERR_")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("g.node[data-status=success]").first).to_be_visible()
    nginx.kill()
    badge = page.locator("connection-badge")
    expect(badge).to_have_text(re.compile("Reconnecting|Not reachable"))
    page.shot("broken")
    nginx.start()
    expect(page.locator(".run-status")).to_contain_text("Success")
    check_whole(page, daemon)
    expect(badge).to_have_text("Connected")


def test_a_daemon_that_is_killed_and_started_again_goes_on_before_our_eyes(new_daemon, new_page):
    daemon = new_daemon()
    daemon.create(INTERRUPTED)
    page = new_page(f"{daemon.url}/#/graphs/steps")
    page.allow("Failed to load resource|ERR_")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("g.node[data-id=n2]")).to_have_attribute("data-status", "running")
    port = daemon.port
    daemon.kill()
    expect(page.locator("connection-badge")).to_have_text(re.compile("Reconnecting|Not reachable"))
    page.shot("killed")
    daemon.start(listen=(f"127.0.0.1:{port}",))
    expect(page.locator(".run-status")).to_contain_text("Success")
    check_whole(page, daemon)
    starts = [event["seq"] for event in daemon.events(page.url.split("/")[-1]) if event["type"] == "start"]
    assert len(starts) == 2
    expect(page.get_by_role("log").locator("[data-level=seam]")).to_have_count(1)
    expect(page.locator(".scrub-seams span")).to_have_count(1)
    page.shot("resumed")
    page.get_by_role("tab", name="Profile").click()
    expect(page.locator("profile-view tr[data-id=n2] .bar-interrupted")).to_have_count(1)
    second = new_page(page.url, context=page.context)
    check_whole(second, daemon)


def test_a_browser_without_shared_workers_shows_the_same(new_daemon, new_page):
    daemon = new_daemon()
    daemon.create(STEPS)
    page = new_page()
    page.add_init_script("delete window.SharedWorker")
    page.goto(f"{daemon.url}/#/graphs/steps")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("g.node[data-status=running]")).to_have_count(1)
    page.wait_for_url("**/executions/**")
    second = new_page(context=page.context)
    second.add_init_script("delete window.SharedWorker")
    second.goto(page.url)
    for each in (page, second):
        expect(each.locator(".run-status")).to_contain_text("Success")
        check_whole(each, daemon)
    second.goto(f"{daemon.url}/#/executions")
    execution = daemon.begin("steps")
    expect(second.locator(f"tr[data-id='{execution}'] .badge")).to_have_text("Running")


def told(page, *words):
    """The page says what is refused, and names the line that mends it."""
    page.allow("Failed to load resource")
    for each in words:
        expect(page.get_by_text(each).first).to_be_visible()


def test_a_proxy_that_is_not_trusted_is_told_as_a_page(new_daemon, new_page, tmp_path):
    nginx = Nginx(tmp_path / "nginx", new_daemon())
    try:
        page = new_page(f"{nginx.url}/#/graphs")
        told(page, "This request came through a proxy", "auth.allow_forwarded_without_tokens: true")
        page.shot("proxy-not-trusted")
    finally:
        nginx.kill()


class Renaming(socketserver.ThreadingTCPServer):
    """A proxy that passes on another name than the browser's, and says nothing of itself."""

    daemon_threads = True

    def __init__(self, port):
        super().__init__(("127.0.0.1", 0), Renaming.Handler)
        self.target = port
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            names = [f"Host: 127.0.0.1:{port}".encode() for port in (self.server.server_address[1], self.server.target)]
            with socket.create_connection(("127.0.0.1", self.server.target)) as back:
                threading.Thread(target=self.copy_back, args=(back,), daemon=True).start()
                while data := self.request.recv(65536):
                    back.sendall(data.replace(*names))

        def copy_back(self, back):
            try:
                while data := back.recv(65536):
                    self.request.sendall(data)
            except OSError:
                pass


def test_a_page_whose_proxy_passes_on_another_name_says_so(new_daemon, new_page):
    daemon = new_daemon()
    daemon.create(STEPS)
    with Renaming(daemon.port) as proxy:
        origin = f"http://127.0.0.1:{proxy.server_address[1]}"
        page = new_page(f"{origin}/#/graphs/steps")
        told(page, "The server does not know this page's address as its own", "proxy_set_header Host $http_host;")
        page.shot("name-not-passed-on")
        proxy.shutdown()

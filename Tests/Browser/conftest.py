"""The console in Debian's Chromium, served by a real daemon. A test fails by what the browser's console says, too."""

import itertools
import os
import pathlib
import re
import shutil
import sys

import pytest
from playwright.sync_api import expect, sync_playwright

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "Tests" / "System")]

from daemon import CRASH, Daemon, require_binary  # noqa: E402
from watched import WatchedPage  # noqa: E402

CHROMIUM = os.environ.get("MILLRACE_CHROMIUM", "/usr/bin/chromium")
# A busy machine of two cores draws slowly; a test that waits for what never comes should still end.
TEST_SECONDS_MAX = 180
WAIT_MILLISECONDS_MAX = 30_000

_log_lines_shown = 60


def pytest_collection_modifyitems(items):
    for item in items:
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TEST_SECONDS_MAX))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.failed:
        for page in getattr(item, "watched_pages", []):
            report.sections.append(("the browser", page.told(item.name)))
        for running in getattr(item, "daemons", []):
            report.sections.append(("the daemon's stderr", "\n".join(running.log.splitlines()[-_log_lines_shown:])))
    return report


@pytest.fixture(scope="session", autouse=True)
def binary():
    require_binary()
    expect.set_options(timeout=WAIT_MILLISECONDS_MAX)


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory):
    """Where screenshots go: never the repository."""
    named = os.environ.get("MILLRACE_ARTIFACTS")
    folder = pathlib.Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def browser():
    options = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--force-color-profile=srgb"]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield launched
        launched.close()


@pytest.fixture
def new_daemon(request, tmp_path):
    """Starts daemons that only this test uses, with graphs of their own: `graphs` is a folder to copy, or {file: text}."""
    made, numbers = [], itertools.count(1)
    request.node.daemons = made

    def start(*arguments, graphs=None, environment=None, **options):
        folder = tmp_path / f"daemon{next(numbers)}"
        folder.mkdir()
        if isinstance(graphs, (str, pathlib.Path)):
            shutil.copytree(graphs, folder / "graphs")
        running = Daemon(folder)
        if isinstance(graphs, dict):
            for name, text in graphs.items():
                running.write_graph_file(name, text)
        made.append(running)
        return running.start(*arguments, environment=environment, **options)

    yield start
    for each in made:
        each.kill()
        assert not CRASH.search(each.log), each.log


@pytest.fixture
def daemon(new_daemon):
    """A daemon with the example graphs."""
    return new_daemon(graphs=ROOT / "config" / "graphs")


@pytest.fixture
def empty_daemon(new_daemon):
    """A daemon without any graph."""
    return new_daemon()


@pytest.fixture
def new_page(request, browser, artifacts):
    """Opens pages, each in a browser profile of its own, and fails the test by errors that they report."""
    contexts, pages = [], []
    request.node.watched_pages = pages

    def open_page(url=None, *, width=1440, height=900, scheme="light", context=None, **options):
        if context is None:
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce", locale="en-GB",
                timezone_id="UTC", accept_downloads=True, **options)
            context.set_default_timeout(WAIT_MILLISECONDS_MAX)
            contexts.append(context)
        watched = WatchedPage(context.new_page(), artifacts / re.sub(r"\W+", "-", request.node.name))
        pages.append(watched)
        if url:
            watched.open(url)
        return watched

    yield open_page
    complaints = [complaint for page in pages for complaint in page.complaints]
    for context in contexts:
        context.close()
    assert not complaints, complaints

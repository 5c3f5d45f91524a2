"""Daemons for the tests, and what they said when a test fails."""

import itertools
import time

import pytest

import daemon as daemons
from daemon import CRASH, Daemon

# Tests wait for a few restarts, some for half a minute, and the machine may be slow and busy.
TEST_SECONDS_MAX = 120

_log_lines_shown = 60


def pytest_configure(config):
    config.addinivalue_line("markers", "timing: asserts a time that the contract states, with a wide margin")


def pytest_collection_modifyitems(items):
    for item in items:
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TEST_SECONDS_MAX))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.failed:
        for running, mark in getattr(item, "daemons", []):
            lines = running.log[mark:].splitlines()
            report.sections.append((f"the daemon's stderr ({running.folder.name})", "\n".join(lines[-_log_lines_shown:])))
    return report


def watch(request, running):
    """Shows what a daemon says from now on if the test fails."""
    if not hasattr(request.node, "daemons"):
        request.node.daemons = []
    request.node.daemons.append((running, len(running.log)))


@pytest.fixture(scope="session", autouse=True)
def binary():
    daemons.require_binary()


@pytest.fixture(scope="session")
def shared_daemons(tmp_path_factory):
    """The daemon that most tests share; a new one after one has died."""
    running = []
    yield running, lambda: Daemon(tmp_path_factory.mktemp("shared"))
    for each in running:
        each.kill()


@pytest.fixture
def daemon(request, shared_daemons):
    """A daemon with the defaults. Others use it too, so a test looks only at graphs and executions of its own."""
    running, make = shared_daemons
    if not running or not running[-1].is_running:
        running.append(make().start())
    watch(request, running[-1])
    mark = len(running[-1].log)
    yield running[-1]
    assert running[-1].is_running, "the daemon has died"
    assert not CRASH.search(running[-1].log[mark:])


@pytest.fixture
def new_daemon(request, tmp_path):
    """Makes daemons that only this test uses; `start` is the test's to call."""
    made, numbers = [], itertools.count(1)

    def make(**options):
        folder = tmp_path / f"daemon{next(numbers)}"
        folder.mkdir()
        made.append(Daemon(folder, **options))
        watch(request, made[-1])
        return made[-1]

    yield make
    for each in made:
        each.kill()
        assert not CRASH.search(each.log), each.log


@pytest.fixture
def start_daemon(new_daemon):
    """Starts a daemon that only this test uses, with more arguments or variables."""

    def start(*arguments, graphs=None, **options):
        return new_daemon(graphs=graphs).start(*arguments, **options)

    return start


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A daemon with tokens, two graphs and an execution of each."""
    from graphs import chain, put
    from tokens import create

    daemon = Daemon(tmp_path_factory.mktemp("guarded")).start()
    daemon.mine, daemon.other = (daemon.create(chain(put("a", x=1), put("b"))) for _ in range(2))
    daemon.mine_run, daemon.other_run = (daemon.execute(id)["execution_id"] for id in (daemon.mine, daemon.other))
    daemon.tokens = {scope: create(daemon, scope, "--name", scope) for scope in ("read", "run", "edit", "admin")}
    daemon.mine_only = create(daemon, "edit", "--graph", daemon.mine)
    yield daemon
    daemon.kill()


@pytest.fixture
def eventually():
    """Asks until the answer is true, and returns it; fails after a while."""

    def wait(question, seconds=20):
        deadline = time.monotonic() + seconds
        while not (answer := question()):
            if time.monotonic() > deadline:
                pytest.fail("it never came to be")
            time.sleep(0.005)
        return answer

    return wait

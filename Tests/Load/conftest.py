"""A daemon for each test of load, and as many descriptors as the system gives."""

import pathlib
import resource
import sys

import pytest

# The daemon and the reader of streams are those of the system tests.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "System"))

from daemon import CRASH, Daemon, require_binary  # noqa: E402

TEST_SECONDS_MAX = 100


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.timeout(TEST_SECONDS_MAX))


@pytest.fixture(scope="session", autouse=True)
def descriptors():
    """Clients and daemon get the hard limit: each execution here has a connection of its own."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


@pytest.fixture
def start_daemon(tmp_path):
    require_binary()
    made = []

    def start(*arguments):
        # Every line of the log costs as much as an event; the load is to be on what clients see.
        made.append(Daemon(tmp_path).start("--set", "log.level=warning", *arguments))
        return made[-1]

    yield start
    for each in made:
        alive = each.is_running
        each.kill()
        assert alive, each.log[-3000:]
        assert not CRASH.search(each.log), each.log[-3000:]


@pytest.fixture
def say(capsys):
    """Prints a figure so that it is seen although the test passes."""

    def print_it(text):
        with capsys.disabled():
            print(f"\n    {text}", end="", flush=True)

    return print_it

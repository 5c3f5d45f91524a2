"""One host for all tests: each leaves the service as it was installed."""

import shutil
import sys
import tempfile
import time

import pytest

import host as hosts

sys.path.insert(0, str(hosts.ROOT / "Tests" / "System"))

TEST_SECONDS_MAX = 120


def pytest_collection_modifyitems(items):
    for item in items:
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TEST_SECONDS_MAX))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    host = item.funcargs.get("host") if hasattr(item, "funcargs") else None
    if report.failed and host:
        lines = host.run("journalctl", "--no-pager", "-n", "60", check=False).stdout
        status = host.run("systemctl", "status", "--no-pager", "-l", hosts.SERVICE, check=False).stdout
        report.sections.append(("the host's journal", lines))
        report.sections.append(("the service", status))
    return report


@pytest.fixture(scope="session")
def booted():
    # Not below pytest's own folder: what is mounted there must not be cleaned up by anybody while it is.
    folder = tempfile.mkdtemp(prefix="millrace-host.")
    host = hosts.Host(folder)
    try:
        try:
            host.boot()
        except hosts.NotToBeHad as reason:
            pytest.skip(f"no systemd of our own on this machine: {reason}")
        host.installation = hosts.install(host).stdout
        yield host
    finally:
        host.power_off()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def host(booted):
    """The host, with the service as it was installed, and not started yet."""
    yield booted
    booted.run("pkill", "-KILL", "nginx", check=False)
    booted.run("rm", "-rf", f"/etc/systemd/system/{hosts.SERVICE}.d")
    booted.systemctl("daemon-reload")
    booted.run("cp", hosts.SOURCE / "config" / "millrace.yaml", "/etc/millrace/millrace.yaml")
    # Not the way that a service is stopped, but nothing of it is wanted any more.
    booted.systemctl("stop", "--no-block", "millrace.socket", hosts.SERVICE)
    booted.systemctl("kill", "--signal=KILL", hosts.SERVICE, check=False)
    booted.systemctl("stop", hosts.SERVICE)
    booted.systemctl("reset-failed")
    booted.run("bash", "-c", "rm -rf /var/lib/millrace/* /etc/millrace/graphs/* /etc/credstore/millrace.tokens")
    booted.run("cp", hosts.SOURCE / "config" / "graphs" / "hello.yaml", "/etc/millrace/graphs")
    booted.systemctl("start", "millrace.socket")


@pytest.fixture
def eventually():
    """Asks until the answer is true, and returns it; fails after a while."""

    def wait(question, seconds=60):
        deadline = time.monotonic() + seconds
        while not (answer := question()):
            if time.monotonic() > deadline:
                pytest.fail("it never came to be")
            time.sleep(0.05)
        return answer

    return wait


@pytest.fixture
def running():
    """Ends processes with the test."""
    processes = []

    def keep(process):
        processes.append(process)
        return process

    yield keep
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()

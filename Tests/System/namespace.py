"""A host of its own for a test: a network namespace at the other end of a cable that the test can pull."""

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys

import pytest

_numbers = itertools.count(1)


class Host:
    """Another host, as far as the network goes."""

    def __init__(self):
        number = next(_numbers)
        self.name = f"millrace-{os.getpid()}-{number}"
        self.near, self.far = f"mlrn{os.getpid() % 100000}{number}"[:15], f"mlrf{os.getpid() % 100000}{number}"[:15]
        # Of the block for documentation (RFC 5737), which no network here uses.
        self.here, self.there = f"198.51.100.{number * 4 + 1}", f"198.51.100.{number * 4 + 2}"
        self.processes = []

    def open(self):
        ip("netns", "add", self.name)
        ip("link", "add", self.near, "type", "veth", "peer", "name", self.far, "netns", self.name)
        ip("addr", "add", f"{self.here}/30", "dev", self.near)
        ip("link", "set", self.near, "up")
        ip("-n", self.name, "addr", "add", f"{self.there}/30", "dev", self.far)
        ip("-n", self.name, "link", "set", self.far, "up")

    def pull_the_cable(self):
        ip("link", "set", self.near, "down")

    def start(self, script, *arguments):
        """Runs a script of Python there; it talks by lines of JSON on stdin and stdout."""
        command = ["ip", "netns", "exec", self.name, sys.executable, "-c", script, *map(str, arguments)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        return process

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()
        for command in (("link", "del", self.near), ("netns", "del", self.name)):
            with contextlib.suppress(subprocess.CalledProcessError):
                ip(*command)


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True, timeout=30)


def heard(process):
    """The next line of a script there."""
    line = process.stdout.readline()
    assert line, "the script has ended"
    return json.loads(line)


@contextlib.contextmanager
def another_host():
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("network namespaces need root and the program ip")
    host = Host()
    try:
        host.open()
    except subprocess.CalledProcessError as error:
        host.close()
        pytest.skip(f"network namespaces are not to be had here: {error.stderr.strip()}")
    try:
        yield host
    finally:
        host.close()

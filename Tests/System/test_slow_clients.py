"""Clients that are slow on purpose: who asks properly does not notice them."""

import shutil
import subprocess

import httpx
import pytest

pytestmark = pytest.mark.skipif(not shutil.which("slowhttptest"), reason="slowhttptest is not installed")

ATTACK_SECONDS = 10
CONNECTIONS = 50

# A request's head may take 10 s, its body 30 s: whoever had to wait for an attacker would wait about as long.
PATIENCE_SECONDS = 8

MODES = {
    "slow headers": ["-H", "-i", "3", "-x", "24"],
    "slow body": ["-B", "-i", "3", "-x", "10", "-s", "8192", "-t", "POST", "-f", "application/json"],
    "slow read": ["-X", "-w", "1", "-y", "1", "-n", "3", "-z", "8", "-k", "3"],
}
PATHS = {"slow headers": "/healthz", "slow body": "/api/graphs/validate", "slow read": "/openapi.json"}


@pytest.mark.parametrize("mode", MODES)
def test_a_probe_is_served_while_others_are_slow(new_daemon, mode, eventually):
    daemon = new_daemon().start()
    command = ["slowhttptest", *MODES[mode], "-c", CONNECTIONS, "-r", CONNECTIONS, "-l", ATTACK_SECONDS, "-p", PATIENCE_SECONDS,
               "-u", f"{daemon.url}{PATHS[mode]}"]
    attack = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, cwd=daemon.folder)
    try:
        eventually(lambda: connections(daemon) >= CONNECTIONS // 2 or attack.poll() is not None)
        assert attack.poll() is None, "the attack is over already"
        probes = 0
        while attack.poll() is None:
            # Each on a connection of its own, as a new client would come.
            reply = httpx.get(f"{daemon.url}/api/graphs", timeout=PATIENCE_SECONDS)
            assert reply.status_code == 200
            probes += 1
        assert probes >= 3
    finally:
        attack.kill()
        attack.wait()
    # Nothing of it is left.
    eventually(lambda: connections(daemon) <= 2)


def connections(daemon):
    """How many connections the daemon has open, as its own figures say."""
    lines = httpx.get(f"{daemon.url}/metrics", timeout=PATIENCE_SECONDS).text.splitlines()
    return next(int(float(line.split()[1])) for line in lines if line.startswith("millrace_connections_open "))

"""A node that looks where it should not, and what the kernel can do about it."""

import ctypes

import pytest

# What a hostile node would look at, told by name what came of it.
SPY = r"""
import os, signal, socket

def attempt(what, how, found):
    try:
        value = how()
        found[what] = repr(value)[:200]
    except OSError as error:
        found[what] = error.strerror

def read(path):
    with open(path, "rb") as file:
        return file.read(4096)

def ask(path, method, target):
    # As the daemon's own user, by the socket that is for the commands of that user.
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    body = b'{"name": "stolen", "scopes": ["admin"]}' if method == "POST" else b""
    head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n" \
           f"Content-Length: {len(body)}\r\n\r\n"
    client.sendall(head.encode() + body)
    status = client.makefile("rb").readline().split()[1]
    if status in (b"401", b"403"):
        raise PermissionError(1, "Operation not permitted")
    return status

def execute(state):
    daemon, found = state["daemon"], {}
    for path in state["paths"]:
        attempt("read " + path, lambda: read(path), found)
        attempt("write " + path, lambda: os.close(os.open(path, os.O_WRONLY)), found)
        attempt("remove " + path, lambda: os.unlink(path), found)
        attempt("link " + path, lambda: os.link(path, "/dev/shm/millrace-stolen"), found)
        attempt("by the root of proc " + path, lambda: read("/proc/self/root" + path), found)
        attempt("by the daemon's root " + path, lambda: read(f"/proc/{daemon}/root{path}"), found)
        attempt("make beside " + path, lambda: os.close(os.open(path + ".new", os.O_CREAT | os.O_WRONLY)), found)
    attempt("environ", lambda: read(f"/proc/{daemon}/environ"), found)
    attempt("mem", lambda: os.close(os.open(f"/proc/{daemon}/mem", os.O_RDWR)), found)
    attempt("maps", lambda: read(f"/proc/{daemon}/maps"), found)
    for number in range(3, 40):
        for process in (daemon, os.getppid()):
            attempt(f"fd {number} of {process}", lambda: read(f"/proc/{process}/fd/{number}"), found)
            attempt(f"link of fd {number} of {process}", lambda: os.readlink(f"/proc/{process}/fd/{number}"), found)
    for method, path in (("POST", "/api/tokens"), ("GET", "/api/executions")):
        attempt(f"{method} {path}", lambda: ask(state["socket"], method, path), found)
    attempt("signal", lambda: os.kill(daemon, 0), found)
    attempt("kill", lambda: os.kill(daemon, signal.SIGKILL), found)
    return {"found": found, "environment": dict(os.environ)}
"""

REFUSALS = {"Permission denied", "Operation not permitted", "No such file or directory", "Invalid cross-device link",
            "Read-only file system"}


def landlock_version():
    return ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1)


confined = pytest.mark.skipif(landlock_version() < 1, reason="this kernel has no Landlock")

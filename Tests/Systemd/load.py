"""load.py SECONDS: asks the service over and over, each time on a new connection, and prints what came of it as JSON.

Runs on the host under test, with nothing but the standard library: half of the requests go to the unix socket, half to TCP.
"""

import collections
import http.client
import json
import socket
import sys
import threading
import time

SECONDS_MAX = 60


class UnixConnection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect("/run/millrace/http.sock")


def exchange(connection, method, path):
    try:
        headers = {"Content-Type": "application/json"} if method == "POST" else {}
        connection.request(method, path, body="{}" if method == "POST" else None, headers=headers)
        reply = connection.getresponse()
        return reply.status, reply.getheader("Location"), reply.read()
    finally:
        connection.close()


def ask(make, method, path):
    try:
        status, location, body = exchange(make(), method, path)
        if status == 202:
            return f"202, in the end {end_of(make, location)}"
        return str(status) if status == 200 else f"{status} {body[:200]!r}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def end_of(make, location):
    """How an execution ended that the daemon has left to the next one."""
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        status, _, body = exchange(make(), "GET", location)
        if status != 200:
            return f"{status} {body[:200]!r}"
        if (answer := json.loads(body)["status"]) not in ("queued", "running"):
            return answer
        time.sleep(0.02)
    return "nothing"


def main():
    outcomes, lock, end = collections.Counter(), threading.Lock(), time.monotonic() + float(sys.argv[1])

    def work(make):
        while time.monotonic() < end:
            for method, path in (("GET", "/api/graphs"), ("POST", "/api/graphs/quick/execute")):
                outcome = ask(make, method, path)
                with lock:
                    outcomes[f"{method} {outcome}"] += 1
                    if sum(outcomes.values()) == 20:
                        print("warm", flush=True)

    makers = [lambda: UnixConnection("localhost", timeout=SECONDS_MAX),
              lambda: http.client.HTTPConnection("127.0.0.1", 8080, timeout=SECONDS_MAX)] * 2
    threads = [threading.Thread(target=work, args=(make,)) for make in makers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(outcomes))


main()

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


def ask(connection, method, path):
    try:
        headers = {"Content-Type": "application/json"} if method == "POST" else {}
        connection.request(method, path, body="{}" if method == "POST" else None, headers=headers)
        reply = connection.getresponse()
        body = reply.read()
        return str(reply.status) if reply.status in (200, 202) else f"{reply.status} {body[:200]!r}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()


def main():
    outcomes, lock, end = collections.Counter(), threading.Lock(), time.monotonic() + float(sys.argv[1])

    def work(make):
        while time.monotonic() < end:
            for method, path in (("GET", "/api/graphs"), ("POST", "/api/graphs/quick/execute")):
                outcome = ask(make(), method, path)
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

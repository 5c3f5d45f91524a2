"""watch.py EXECUTION UNIX TCP PROXY: watches an execution by so many clients of each kind, and prints what each has seen as JSON.

Runs on the host under test, with nothing but the standard library. Each client resumes by Last-Event-ID whenever its stream
ends before the last event, and asks again at once when a proxy has nobody to ask.
"""

import http.client
import json
import socket
import sys
import threading

SECONDS_MAX = 60
LAST = ("complete", "error")


class UnixConnection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect("/run/millrace/http.sock")


def connections(kind):
    if kind == "unix":
        return UnixConnection("localhost", timeout=SECONDS_MAX)
    return http.client.HTTPConnection("127.0.0.1", 8080 if kind == "tcp" else 80, timeout=SECONDS_MAX)


class Watcher:
    def __init__(self, kind, execution):
        self.kind, self.path = kind, f"/api/executions/{execution}/events"
        # (seq, the event's own bytes)
        self.ledger, self.resumptions, self.faults = [], 0, []

    def run(self):
        while not self.faults and not (self.ledger and json.loads(self.ledger[-1][1])["type"] in LAST):
            self.read()

    def read(self):
        connection = connections(self.kind)
        headers = {"Host": "millrace.example.org"} if self.kind == "proxy" else {}
        if self.ledger:
            headers["Last-Event-ID"] = str(self.ledger[-1][0])
            self.resumptions += 1
        try:
            connection.request("GET", self.path, headers=headers)
            reply = connection.getresponse()
            if reply.status in (502, 503, 504) and self.kind == "proxy":
                return
            if reply.status != 200:
                self.faults.append(f"{reply.status} {reply.read()[:200]!r}")
                return
            self.take(reply)
        except http.client.IncompleteRead:
            # A stream that ends before the last event has no proper end; what it carried until then counts.
            pass
        except OSError as error:
            self.faults.append(f"{type(error).__name__}: {error}")
        finally:
            connection.close()

    def take(self, reply):
        seq = text = None
        for line in reply:
            if line.startswith(b"id: "):
                seq = int(line[4:])
            elif line.startswith(b"data: "):
                text = line[6:-1].decode()
            elif line == b"\n" and seq is not None:
                self.ledger.append((seq, text))
                seq = text = None


def main():
    execution, *counts = sys.argv[1:]
    watchers = [Watcher(kind, execution) for kind, count in zip(("unix", "tcp", "proxy"), counts) for _ in range(int(count))]
    threads = [threading.Thread(target=watcher.run) for watcher in watchers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps([vars(watcher) for watcher in watchers]))


main()

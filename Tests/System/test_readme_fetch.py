"""The lines of README that read a stream with fetch: with a token, and across breaks."""

import json
import pathlib
import re
import socket
import subprocess
import threading

from graphs import chain, put
from tokens import create

README = (pathlib.Path(__file__).resolve().parents[2] / "README.md").read_text()
[WATCH] = re.findall(r"```js\n(async function watch.*?)```", README, re.DOTALL)
MAIN = """
const [base, id, token] = process.argv.slice(1);
const status = await watch(base, id, token, (event) => console.log(JSON.stringify(event)));
console.error(status);
"""


class Cutter(threading.Thread):
    """Hands connections on, and cuts each after some more bytes than the one before."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.upstream, self.listener, self.cuts = port, socket.create_server(("127.0.0.1", 0)), 0
        self.port = self.listener.getsockname()[1]

    def run(self):
        left = 700
        while True:
            client, _ = self.listener.accept()
            with client, socket.create_connection(("127.0.0.1", self.upstream)) as server:
                # One request for each connection: what comes back is all that there is to hand on.
                request = re.sub(rb"(?i)\r\nconnection: [^\r]*", b"", client.recv(1 << 16))
                server.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
                for _ in range(left):
                    piece = server.recv(1)
                    if not piece:
                        break
                    client.sendall(piece)
                else:
                    self.cuts += 1
            left *= 2


def watch(base, execution_id, token):
    command = ["node", "--input-type=module", "-e", WATCH + MAIN, base, execution_id, token]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr.strip()


def test_it_shows_every_event_once_and_knows_the_end(start_daemon):
    daemon = start_daemon()
    execution_id = daemon.execute(daemon.create(chain(*(put(id, **{id: "x" * 50}) for id in "abcde"))))["execution_id"]
    expected = daemon.events(execution_id)
    token = create(daemon, "read")
    cutter = Cutter(daemon.port)
    cutter.start()
    events, status = watch(f"http://127.0.0.1:{cutter.port}", execution_id, token.secret)
    assert events == expected and status == "204"
    assert cutter.cuts >= 2
    assert watch(daemon.url, execution_id, "mlr_wrong") == ([], "401")

"""A daemon of its own for a test: the real program, with a state folder and a graphs folder that nobody else uses."""

import os
import pathlib
import re
import shutil
import signal
import subprocess

import httpx

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("TEST_BIN_FOLDER", ROOT / ".build" / "debug")) / "millrace"

READY = re.compile(r"millrace \S+ ready on (?P<addresses>.+)\n")

# What no daemon should ever print: how a program of Swift tells that it has crashed.
CRASH = re.compile(r"Fatal error|Precondition failed|\*\*\* (Signal|Program crashed)|\bCrash|Stack dump|panic", re.IGNORECASE)


class DidNotStart(Exception):
    """The daemon ended before it was ready."""


class Daemon:
    """`millrace serve` on a free port of loopback and on a unix socket."""

    def __init__(self, folder, graphs=None):
        self.folder = pathlib.Path(folder)
        self.state = self.folder / "state"
        self.graphs = pathlib.Path(graphs) if graphs else self.folder / "graphs"
        self.graphs.mkdir(parents=True, exist_ok=True)
        self.socket_path = self.folder / "api.sock"
        self.log_path = self.folder / "stderr"
        self.process = None
        self.port = None
        self.ready_line = None
        # Who may enter, in words.
        self.entry_rule = None
        self._client = None

    # Life

    def start(self, *arguments, environment=None, listen=("127.0.0.1:0",), prefix=()):
        """Starts it, by the command `prefix` if there is one, and waits for the lines that say that it is ready."""
        addresses = [*listen, f"unix:{self.socket_path}"]
        options = [option for address in addresses for option in ("--listen", address)]
        command = [*prefix, BINARY, "serve", "--state-dir", self.state, "--graphs", self.graphs, *options, *arguments]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
                start_new_session=True, cwd=self.folder, env=clean_environment() | (environment or {}),
            )
        self.ready_line = self.process.stdout.readline()
        match = READY.fullmatch(self.ready_line)
        if not match:
            self.kill()
            raise DidNotStart(f"exit status {self.process.returncode}, stdout {self.ready_line!r}, stderr:\n{self.log}")
        ports = re.findall(r"http://127\.0\.0\.1:(\d+)", match["addresses"])
        self.port = int(ports[0]) if ports else None
        self.entry_rule = self.process.stdout.readline().strip()
        return self

    def stop(self, signal_number=signal.SIGTERM):
        """Asks it to stop, and waits until it has."""
        self.process.send_signal(signal_number)
        return self.wait()

    def wait(self):
        status = self.process.wait()
        self._forget_client()
        return status

    def kill(self):
        """Ends whatever is left of it."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.wait()
        self.process.stdout.close()

    def _forget_client(self):
        if self._client:
            self._client.close()
        self._client = None

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # Talking to it

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def http(self):
        """A client that keeps its connections."""
        if self._client is None:
            self._client = httpx.Client(base_url=self.url, timeout=60)
        return self._client

    def write_graph_file(self, name, text):
        (self.graphs / name).write_text(text)

    def create(self, document):
        """Creates a graph by the API and returns its id."""
        reply = self.http.post("/api/graphs", json=document)
        assert reply.status_code == 201, reply.text
        return document["id"]

    def execute(self, graph_id, initial_state=None):
        """Executes a graph and waits for its end."""
        reply = self.http.post(f"/api/graphs/{graph_id}/execute", json=order(initial_state))
        assert reply.status_code == 200, reply.text
        return reply.json()

    def begin(self, graph_id, initial_state=None):
        """Starts an execution and returns its id."""
        path, headers = f"/api/graphs/{graph_id}/execute", {"Prefer": "respond-async"}
        reply = self.http.post(path, json=order(initial_state), headers=headers)
        assert reply.status_code == 202, reply.text
        return reply.json()["execution_id"]

    def events(self, execution_id, **query):
        """The events of an execution that are stored now."""
        path, headers = f"/api/executions/{execution_id}/events", {"Accept": "application/json"}
        reply = self.http.get(path, params=query, headers=headers)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def all_events(self, execution_id, **query):
        """The events of an execution, once it has ended."""
        return self.stream(execution_id, **query).events

    def stream(self, execution_id, **query):
        """The whole stream of an execution's events, read to its end."""
        from stream import Stream

        reply = self.http.get(f"/api/executions/{execution_id}/events", params=query)
        assert reply.status_code == 200, reply.text
        return Stream(reply.content)

    def run(self, document, initial_state=None):
        """Creates a graph, executes it to its end, and returns the events."""
        graph_id = self.create(document)
        return self.all_events(self.execute(graph_id, initial_state)["execution_id"])

    def summary(self, execution_id):
        reply = self.http.get(f"/api/executions/{execution_id}")
        assert reply.status_code == 200, reply.text
        return reply.json()

    def cancel(self, execution_id):
        return self.http.post(f"/api/executions/{execution_id}/cancel")


def order(initial_state):
    return {} if initial_state is None else {"initial_state": initial_state}


def clean_environment():
    """This environment without settings for a daemon, and with no home that could hold any."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MILLRACE_", "LISTEN_", "NOTIFY_"))}
    return kept | {"HOME": "/nonexistent"}


def run_to_failure(*arguments, environment=None, prefix=(), folder="/"):
    """Runs `millrace serve` where it cannot start."""
    command = [*prefix, BINARY, "serve", *arguments]
    return subprocess.run(
        [str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, cwd=folder,
        env=clean_environment() | (environment or {}),
    )


def require_binary():
    if not BINARY.exists() and not shutil.which(str(BINARY)):
        raise FileNotFoundError(f"{BINARY} is missing: build it first (swift build --product millrace)")

"""A throw-away host with a real systemd, and what tests do on it."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("TEST_BIN_FOLDER", ROOT / ".build" / "debug")).resolve()

# Where they are inside.
SOURCE, INSTALLER = pathlib.PurePath("/source"), ("/source/deploy/install", "--from", "/programs")

# What `boot` exits with where it cannot work.
CANNOT = 77

SERVICE = "millrace.service"
SOCKET_PATH = "/run/millrace/http.sock"


class NotToBeHad(Exception):
    """This machine lets nobody make the namespaces that a systemd of its own needs."""


class Host:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.share = self.folder / "share"
        self.share.mkdir()
        self._outer = None
        self._inner = None

    # Life

    def boot(self):
        log = open(self.folder / "boot.log", "wb")
        self._outer = subprocess.Popen(
            [pathlib.Path(__file__).parent / "boot", self.folder, ROOT, PROGRAMS], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )
        log.close()
        self._wait_for(self._has_systemd)
        self.run("systemctl", "is-system-running", "--wait", check=False)
        # Until here its words are in boot.log, where they tell why a boot fails.
        self.run("systemctl", "log-target", "journal")
        return self

    def _has_systemd(self):
        if self._outer.poll() is not None:
            words = (self.folder / "boot.log").read_text(errors="replace").strip()
            if self._outer.returncode == CANNOT:
                raise NotToBeHad(words)
            raise RuntimeError(f"systemd did not start:\n{words}")
        children = pathlib.Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text().split()
        if not children:
            return False
        self._inner = int(children[0])
        # Before it is systemd, the process is the shell that builds the tree.
        return self.run("test", "-S", "/run/dbus/system_bus_socket", check=False).returncode == 0

    def _wait_for(self, condition, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError((self.folder / "boot.log").read_text(errors="replace"))
            time.sleep(0.05)

    def power_off(self):
        if self._outer is None:
            return
        if self._inner and self._outer.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._inner, signal.SIGRTMIN + 4)
        try:
            self._outer.wait(20)
        except subprocess.TimeoutExpired:
            self._outer.kill()
            self._outer.wait()
        self._remove_cgroups()

    def _remove_cgroups(self):
        name = self.folder / "cgroup"
        if not name.exists():
            return
        top = pathlib.Path(name.read_text())
        for folder, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)

    # Commands inside

    def run(self, *command, check=True, timeout=60, **options):
        """Runs a command inside, and returns what it said."""
        result = subprocess.run(
            self.inside(*command), stdin=options.pop("stdin", subprocess.DEVNULL), capture_output=True, text=True,
            timeout=timeout, **options,
        )
        if check and result.returncode != 0:
            raise AssertionError(f"{command} exited with {result.returncode}:\n{result.stdout}{result.stderr}")
        return result

    def inside(self, *command):
        return ["nsenter", "-t", str(self._inner), "-a", "--", *(str(part) for part in command)]

    def start(self, *command, **options):
        """Starts a command inside that goes on."""
        return subprocess.Popen(self.inside(*command), stdin=subprocess.DEVNULL, text=True, **options)

    def path(self, inside):
        """How a file inside is reached from out here."""
        return pathlib.Path(f"/proc/{self._inner}/root{inside}")

    def write(self, path, text):
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text)

    # Its service

    def systemctl(self, *arguments, **options):
        return self.run("systemctl", *arguments, **options)

    def show(self, name, unit=SERVICE):
        return self.systemctl("show", "-P", name, unit).stdout.strip()

    @property
    def main_pid(self):
        return int(self.show("MainPID"))

    def journal(self, *arguments):
        """Entries of the journal as dictionaries, oldest first."""
        self.run("journalctl", "--sync")
        output = self.run("journalctl", "-o", "json", "--no-pager", *arguments).stdout
        return [json.loads(line) for line in output.splitlines()]

    def drop_in(self, name, text, unit=SERVICE):
        self.write(f"/etc/systemd/system/{unit}.d/{name}.conf", text)
        self.systemctl("daemon-reload")

    def curl(self, *arguments, check=True, timeout=60):
        return self.run("curl", "-sS", "--max-time", str(timeout - 5), *arguments, check=check, timeout=timeout)

    def get(self, path, *options):
        """The JSON at a path of the API, over the unix socket."""
        return json.loads(self.curl("--unix-socket", SOCKET_PATH, f"http://localhost{path}", *options).stdout)

    def post(self, path, document=None, *options):
        body = ["-H", "Content-Type: application/json", "-d", json.dumps(document or {})]
        return json.loads(self.curl("--unix-socket", SOCKET_PATH, f"http://localhost{path}", *body, *options).stdout)


def libraries_out_of_reach(program):
    """The libraries of a program that lie where ProtectHome= hides them: a toolchain in somebody's home."""
    lines = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout.splitlines()
    paths = [line.split("=>")[1].split("(")[0].strip() for line in lines if "=>" in line]
    return [path for path in paths if os.path.realpath(path).split("/")[1] in ("root", "home")]


def install(host):
    """Installs the programs that were built, by the script that ships, and lets it make the service."""
    for library in libraries_out_of_reach(PROGRAMS / "millrace"):
        shutil.copy(library, host.path("/usr/local/lib"))
        host.run("ldconfig")
    return host.run(*INSTALLER, timeout=120)

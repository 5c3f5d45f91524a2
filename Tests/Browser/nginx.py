"""nginx before a daemon, with the configuration that is shipped."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "deploy" / "nginx" / "millrace.conf"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"

# Where root runs the tests, nginx would hand the work to a user who may not reach the daemon's socket.
MAIN = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/millrace.conf;
}}
"""


class Nginx:
    def __init__(self, folder, daemon):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.port = _free_port()
        shipped = SHIPPED.read_text()
        shipped, listens = re.subn(r"\blisten 80;", f"listen 127.0.0.1:{self.port};", shipped)
        shipped, servers = re.subn(r"server unix:[^;]+;", f"server unix:{daemon.socket_path};", shipped)
        shipped, logs = re.subn(r"(?m)^ *access_log [^ ]+ millrace;", "access_log off;", shipped)
        assert (listens, servers, logs) == (1, 1, 1), "the shipped configuration looks otherwise than this knows"
        (self.folder / "millrace.conf").write_text(shipped)
        (self.folder / "nginx.conf").write_text(MAIN.format(folder=self.folder, user="user root;" if os.geteuid() == 0 else ""))
        self.start()

    def start(self):
        command = [NGINX, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "error.log")]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        self._wait()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def _wait(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.folder / "error.log").read_text()
            with socket.socket() as connection:
                if connection.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("nginx does not listen")

    def kill(self):
        """Ends it with its workers, in the middle of whatever they do."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]

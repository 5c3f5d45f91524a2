"""The proxies that people put before a daemon, as real programs on loopback, with the files that are shipped or worse ones."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
IS_ROOT = os.geteuid() == 0

NGINX = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {content}
}}
"""

APACHE = """
ServerName localhost
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
DefaultRuntimeDir {folder}
Listen 127.0.0.1:{port}
{user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
Define APACHE_LOG_DIR {folder}
{content}
"""


def find(*names):
    """The program of the first name that is installed."""
    for name in names:
        for folder in ("", "/usr/sbin/", "/usr/bin/"):
            if path := shutil.which(folder + name):
                return path
    raise FileNotFoundError(f"none of {', '.join(names)} is installed (Tests/run installs them)")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Proxy:
    """One that runs until `stop`. `port` is its own, `log` what it says of requests."""

    def __init__(self, folder, name, *command, log=None, port=None, environment=None):
        self.port, self.log_path, self.name = port, log, name
        self.output_path, self.errors_path = folder / f"{name}.out", folder / "error.log"
        self.output = open(self.output_path, "wb")
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT,
            env=os.environ | {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)} | (environment or {}),
        )
        deadline = time.monotonic() + 30
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{name} does not run: {(folder / f'{name}.out').read_text()}")
            time.sleep(0.02)

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self):
        return self.log_path.read_text() if self.log_path and self.log_path.exists() else ""

    @property
    def words(self):
        """All that it has said anywhere."""
        return self.log + "".join(path.read_text() for path in (self.output_path, self.errors_path) if path.exists())

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.output.close()


def replaced(text, *pairs):
    for pattern, new in pairs:
        text, count = re.subn(pattern, new, text)
        assert count == 1, f"the shipped file has {count} places like {pattern}"
    return text


def hurried(text):
    """Such a file, with a second of patience in place of a minute."""
    hurried, count = re.subn(r"(timeout (?:client |server )?|timeout=|read_timeout )60(?=s|\s)", r"\g<1>1", text)
    assert count >= 1
    return hurried


def nginx(folder, daemon, server=None, change=str):
    """With the shipped file, or with the lines of a `server` block as somebody writes them by hand."""
    port = free_port()
    if server is None:
        content = replaced(
            change((ROOT / "deploy/nginx/millrace.conf").read_text()), (r"\blisten 80;", f"listen 127.0.0.1:{port};"),
            (r"\n    server unix:[^;]+;", f"\n    server 127.0.0.1:{daemon.port};"),
            (r"\n    access_log [^ ]+ millrace;", f"\n    access_log {folder}/access.log millrace;"),
        )
    else:
        content = f"access_log {folder}/access.log; server {{ listen 127.0.0.1:{port}; {server} }}"
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, user="user root;" if IS_ROOT else "", content=content))
    command = (find("nginx"), "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log")
    return Proxy(folder, "nginx", *command, log=folder / "access.log", port=port)


def haproxy(folder, daemon, change=str):
    port = free_port()
    text = replaced(
        change((ROOT / "deploy/haproxy/millrace.cfg").read_text()), (r"bind :80\n", f"bind 127.0.0.1:{port}\n"),
        (r"server millrace 127\.0\.0\.1:8080", f"server millrace 127.0.0.1:{daemon.port}"),
    )
    (folder / "haproxy.cfg").write_text(text)
    return Proxy(folder, "haproxy", find("haproxy"), "-db", "-f", folder / "haproxy.cfg", port=port)


def caddy(folder, daemon):
    port = free_port()
    text = replaced(
        (ROOT / "deploy/caddy/Caddyfile").read_text(), (r"(?m)^:80 \{", f":{port} {{\n\tbind 127.0.0.1"),
        (r"reverse_proxy 127\.0\.0\.1:8080", f"reverse_proxy 127.0.0.1:{daemon.port}"),
    )
    (folder / "Caddyfile").write_text("{\n\tadmin off\n}\n" + text)
    return Proxy(folder, "caddy", find("caddy"), "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile", port=port)


def apache(folder, daemon, host=None, change=str):
    """With the shipped file, or with the lines of a virtual host as somebody writes them by hand."""
    port = free_port()
    if host is None:
        content = replaced(
            change((ROOT / "deploy/apache/millrace.conf").read_text()), (r"<VirtualHost \*:80>", f"<VirtualHost *:{port}>"),
            (r"ProxyPass / http://127\.0\.0\.1:8080/", f"ProxyPass / http://127.0.0.1:{daemon.port}/"),
            (r"ProxyPass /classic/ http://127\.0\.0\.1:8080/", f"ProxyPass /classic/ http://127.0.0.1:{daemon.port}/"),
        )
    else:
        content = f"<VirtualHost *:{port}>\n{host}\n</VirtualHost>"
    user = "User www-data\nGroup www-data" if IS_ROOT else ""
    (folder / "apache.conf").write_text(
        APACHE.format(folder=folder, port=port, modules="/usr/lib/apache2/modules", user=user, content=content)
    )
    command = (find("apache2"), "-DFOREGROUND", "-f", folder / "apache.conf")
    return Proxy(folder, "apache", *command, log=folder / "millrace.log", port=port)


SHIPPED = {"nginx": nginx, "haproxy": haproxy, "caddy": caddy, "apache": apache}

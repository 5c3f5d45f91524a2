"""A certificate authority, certificates, and nginx that speaks TLS before a daemon."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"

CONFIGURATION = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate}.pem;
        ssl_certificate_key {certificate}.key;
        location / {{ {pass_options} proxy_pass http://127.0.0.1:{upstream}; }}
        location /millrace/ {{ {pass_options} proxy_pass http://127.0.0.1:{upstream}/; }}
        location /prefixed/ {{
            {pass_options} proxy_set_header X-Forwarded-Prefix /prefixed; proxy_pass http://127.0.0.1:{upstream}/;
        }}
    }}
    server {{
        listen 127.0.0.1:{plain};
        location / {{ return 308 https://localhost:{port}$request_uri; }}
    }}
}}
"""

PASS_OPTIONS = "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_buffering off; proxy_set_header Host localhost;"


def openssl(*arguments):
    subprocess.run(["openssl", *(str(part) for part in arguments)], check=True, capture_output=True, timeout=60)


class Authority:
    """Signs certificates for names of this host."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.certificate = self.folder / "authority.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 30,
                "-subj", "/CN=Test authority", "-keyout", self.folder / "authority.key", "-out", self.certificate)

    def issue(self, name, alternative="DNS:localhost,IP:127.0.0.1"):
        """A certificate and its key: the path of both without `.pem` and `.key`."""
        path = self.folder / name
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                "-keyout", f"{path}.key", "-out", f"{path}.csr")
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={alternative}\n")
        openssl("x509", "-req", "-in", f"{path}.csr", "-CA", self.certificate, "-CAkey", self.folder / "authority.key",
                "-CAcreateserial", "-days", 30, "-extfile", self.folder / f"{name}.ext", "-out", f"{path}.pem")
        return path


class Proxy:
    """nginx: TLS on `port`, and on `plain` a redirect to it."""

    def __init__(self, folder, certificate, upstream):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.port, self.plain = free_port(), free_port()
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(CONFIGURATION.format(
            folder=self.folder, port=self.port, plain=self.plain, certificate=certificate, upstream=upstream, user=user,
            pass_options=PASS_OPTIONS))
        self.process = None
        self.start()

    def start(self):
        command = [NGINX, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "error.log")]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.folder / "error.log").read_text()
            with socket.socket() as connection:
                if connection.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("nginx does not listen")

    def kill(self):
        """Ends it with its workers, in the middle of whatever they do."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]

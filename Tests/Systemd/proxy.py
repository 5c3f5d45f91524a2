"""nginx on the host, as a unit, with the configuration that ships."""

import host as hosts

MAIN = """
user www-data;
error_log stderr;
worker_processes 1;
worker_shutdown_timeout 30s;
events {{ worker_connections 512; }}
http {{
    access_log off;
    include /etc/nginx/mime.types;
    include {0};
}}
"""

UNIT = """
[Service]
Type=forking
PIDFile=/run/nginx.pid
ExecStart=/usr/sbin/nginx -c /etc/nginx/test.conf
ExecReload=/usr/sbin/nginx -c /etc/nginx/test.conf -s reload
"""

# The proxy decides alone in these tests, unless they say otherwise.
OPEN = "auth: { allow_forwarded_without_tokens: true }\nhttp: { trusted_proxies: [unix, 127.0.0.1], allowed_hosts: [millrace.example.org] }\n"


def start(host, name="millrace.conf", change=lambda text: text):
    """Starts nginx; `change` is what an operator does to the shipped file."""
    shipped = host.run("cat", f"/usr/share/millrace/nginx/{name}").stdout
    changed = change(shipped)
    path = f"/usr/share/millrace/nginx/{name}"
    if changed != shipped:
        path = f"/etc/nginx/changed-{name}"
        host.write(path, changed)
    host.write("/etc/nginx/test.conf", MAIN.format(path))
    host.write("/run/systemd/system/test-nginx.service", UNIT)
    host.systemctl("daemon-reload")
    result = host.run("/usr/sbin/nginx", "-t", "-c", "/etc/nginx/test.conf")
    assert "syntax is ok" in result.stderr and "warn" not in result.stderr
    host.systemctl("restart", "test-nginx.service")


def over_tcp(text):
    """The upstream by TCP: one line in place of the other."""
    unix, tcp = f"    server unix:{hosts.SOCKET_PATH};\n", "    # server 127.0.0.1:8080;\n"
    assert unix in text and tcp in text
    return text.replace(unix, "").replace(tcp, tcp.replace("# ", ""))


def make_certificate(host):
    host.run("mkdir", "-p", "/etc/ssl/millrace")
    host.run(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=millrace.example.org",
        "-addext", "subjectAltName=DNS:millrace.example.org", "-keyout", "/etc/ssl/millrace/privkey.pem",
        "-out", "/etc/ssl/millrace/fullchain.pem",
    )

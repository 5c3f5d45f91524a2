"""Where http nodes go: not to this host unless an operator says so, whatever the address looks like; TLS, HTTP/2, proxies."""

import pathlib
import ssl
import subprocess

import pytest
from aiohttp import web

from far_server import FarServer
from graphs import graph, node
from proxies import IS_ROOT, NGINX, Proxy, find, free_port
from stream import of_node

OPEN = {"MILLRACE_KINDS_HTTP_DENIED_NETWORKS": "192.0.2.1"}


@pytest.fixture
def serve():
    servers = []

    def start(ssl_context=None, **handlers):
        servers.append(FarServer(handlers, ssl_context))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def ask(daemon, url, **config):
    """The end of a node that asks there."""
    execution = daemon.execute(daemon.create(graph([node("ask", "http", {"url": url, "response": "text", **config})])))
    (end,) = of_node(daemon.all_events(execution["execution_id"]), "ask", "node_complete")
    return end


async def greet(request):
    return web.Response(text="hello")


@pytest.mark.parametrize("host", [
    "127.0.0.1", "localhost", "127.1", "0x7f000001", "017700000001", "0", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::]",
    "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "169.254.169.254", "[fe80::1]", "[fd00:ec2::254]",
])
def test_this_host_is_not_asked_by_default(daemon, serve, host):
    far = serve(hello=greet)
    end = ask(daemon, f"http://{host}:{far.port}/hello")
    assert "kinds.http.denied_networks" in end["error"], end["error"]
    assert far.requests == []


def test_a_redirect_to_what_is_denied_is_refused(start_daemon, serve):
    target = serve(hello=greet)

    async def lead(request):
        return web.Response(status=302, headers={"Location": f"http://127.0.0.2:{target.port}/hello"})

    async def lead_away(request):
        return web.Response(status=302, headers={"Location": "file:///etc/passwd"})

    far = serve(lead=lead, away=lead_away)
    daemon = start_daemon(environment={"MILLRACE_KINDS_HTTP_DENIED_NETWORKS": "127.0.0.2"})
    assert "its address 127.0.0.2" in ask(daemon, far.url + "/lead")["error"]
    assert "http:// or https://" in ask(daemon, far.url + "/away")["error"]
    assert len(far.requests) == 2


def test_redirects_end(start_daemon, serve):
    async def on(request):
        step = int(request.path.split("/")[-1])
        if step == 0:
            return web.Response(text=request.method)
        return web.Response(status=303, headers={"Location": f"/on/{step - 1}"})

    far = serve(on=on)
    daemon = start_daemon(environment=OPEN)
    assert ask(daemon, far.url + "/on/5", method="POST", body={})["update"] == {"ask": "GET"}
    assert "more than 5 redirects" in ask(daemon, far.url + "/on/6")["error"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A private authority, and a certificate of its for this host."""
    folder = tmp_path_factory.mktemp("authority")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-days", "2", "-subj", "/CN=test authority")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "host.key", "-out", "host.csr",
            "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost")
    openssl("x509", "-req", "-in", "host.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "host.pem", "-days",
            "2", "-extfile", "names")
    return pathlib.Path(folder)


def test_a_certificate_must_be_trusted(start_daemon, serve, authority):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority / "host.pem", authority / "host.key")
    far = serve(context, hello=greet)
    trusting = start_daemon("--set", f"kinds.http.ca_file={authority / 'ca.pem'}", environment=OPEN)
    url = f"https://localhost:{far.port}/hello"
    assert ask(trusting, url)["update"] == {"ask": "hello"}
    assert "no secure connection" in ask(trusting, far.url + "/hello")["error"]
    strict = start_daemon(environment=OPEN)
    assert "no secure connection" in ask(strict, url)["error"]
    assert len(far.requests) == 1


@pytest.fixture
def http_2(authority, tmp_path):
    """A server that says by which protocol it was asked."""
    port = free_port()
    content = f"""
        server {{
            listen 127.0.0.1:{port} ssl http2;
            ssl_certificate {authority}/host.pem;
            ssl_certificate_key {authority}/host.key;
            access_log off;
            location / {{ return 200 "$server_protocol"; }}
        }}
    """
    (tmp_path / "nginx.conf").write_text(NGINX.format(folder=tmp_path, user="user root;" if IS_ROOT else "", content=content))
    command = (find("nginx"), "-p", tmp_path, "-c", tmp_path / "nginx.conf", "-e", tmp_path / "error.log")
    server = Proxy(tmp_path, "nginx", *command, port=port)
    yield f"https://localhost:{port}/"
    server.stop()


def test_http_2_is_spoken_where_it_is_offered(start_daemon, authority, http_2):
    daemon = start_daemon("--set", f"kinds.http.ca_file={authority / 'ca.pem'}", environment=OPEN)
    assert ask(daemon, http_2)["update"] == {"ask": "HTTP/2.0"}


def test_a_proxy_is_used_only_where_an_operator_says_so(start_daemon, serve):
    asked = []

    async def anything(request):
        asked.append(request.raw_path)
        return web.Response(text="by proxy")

    far = serve(**{"hello": greet, "": anything})
    proxy = serve(**{"hello": anything, "http:": anything, "": anything})
    environment = {"http_proxy": proxy.url}
    plain = start_daemon(environment=OPEN | environment)
    assert ask(plain, far.url + "/hello")["update"] == {"ask": "hello"}
    assert asked == []
    through = start_daemon("--set", "kinds.http.proxy=true", environment=environment)
    assert ask(through, "http://somewhere.invalid/hello")["update"] == {"ask": "by proxy"}
    assert "kinds.http.denied_networks" in ask(through, far.url + "/hello")["error"]
    assert len(asked) == 1

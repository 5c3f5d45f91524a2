"""The commands where the browser goes: by https, behind a proxy and its path."""

import json
import subprocess

import pytest

from cli import millrace
from daemon import BINARY, Daemon, clean_environment
from graphs import chain, delay, graph, put
from tls import Authority, Proxy, free_port
from tokens import create

GRAPH = chain(put("a", x=1), put("b"))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A daemon with a token behind nginx with a certificate of a private authority."""
    folder = tmp_path_factory.mktemp("https")
    daemon = Daemon(folder / "daemon").start("--set", "http.trusted_proxies=127.0.0.1")
    daemon.create(GRAPH)
    daemon.authority = Authority(folder)
    daemon.proxy = Proxy(folder / "nginx", daemon.authority.issue("good"), daemon.port)
    token = create(daemon, "admin").secret
    daemon.http.headers["Authorization"] = f"Bearer {token}"
    daemon.variables = {"SSL_CERT_FILE": str(daemon.authority.certificate), "MILLRACE_TOKEN": token}
    yield daemon
    daemon.proxy.kill()
    daemon.kill()


def ran(done):
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


@pytest.mark.parametrize("path", ["", "/", "/millrace", "/millrace/", "/prefixed/"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_all_commands_work_there(place, path, host, tmp_path):
    server = f"https://{host}:{place.proxy.port}{path}"
    by_flag = lambda *words: ran(millrace(*words, "--server", server, environment=place.variables))
    by_variable = lambda *words: ran(millrace(*words, environment=place.variables | {"MILLRACE_SERVER": server}))
    for run in (by_flag, by_variable):
        assert GRAPH["id"] in run("graph", "list")
        events = [json.loads(line) for line in run("run", GRAPH["id"], "--json").splitlines()]
        assert events[-1]["type"] == "complete" and [event["seq"] for event in events] == [*range(1, len(events) + 1)]
        id = events[0]["execution_id"]
        assert id in run("execution", "list")
        assert len(run("watch", id, "--json").splitlines()) == len(events)
        detached = run("run", GRAPH["id"], "--detach").strip()
        assert run("watch", detached, "--json").splitlines()
        file = tmp_path / "stored.json"
        file.write_text(json.dumps(chain(put("a", x=len(path)))))
        assert "revision" in run("graph", "put", file)


def test_a_stream_goes_on_when_the_proxy_was_away(place):
    id = place.create(graph([delay(f"n{number}", 300) for number in range(10)], [f"n{number} n{number + 1}" for number in range(9)]))
    command = [str(BINARY), "run", id, "--json", "--server", f"https://localhost:{place.proxy.port}/millrace"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=clean_environment() | place.variables) as process:
        lines = [process.stdout.readline() for _ in range(3)]
        place.proxy.kill()
        place.proxy.start()
        lines += process.stdout.readlines()
    assert process.returncode == 0
    assert [json.loads(line)["seq"] for line in lines] == [*range(1, len(lines) + 1)]
    assert json.loads(lines[-1])["type"] == "complete"


def test_a_certificate_of_an_unknown_authority_is_refused_and_named(place):
    variables = {"MILLRACE_TOKEN": place.variables["MILLRACE_TOKEN"]}
    done = millrace("graph", "list", "--server", f"https://localhost:{place.proxy.port}", environment=variables)
    assert done.returncode == 1
    assert "certificate" in done.stderr and "SSL_CERT_FILE" in done.stderr and str(place.proxy.port) in done.stderr


@pytest.mark.parametrize("names", ["DNS:elsewhere.example", "IP:192.0.2.1"])
def test_a_certificate_for_another_name_is_refused_and_named(place, tmp_path, names):
    proxy = Proxy(tmp_path / "nginx", place.authority.issue("other" + names[:2], names), place.port)
    try:
        done = millrace("graph", "list", "--server", f"https://localhost:{proxy.port}", environment=place.variables)
    finally:
        proxy.kill()
    assert done.returncode == 1 and "localhost" in done.stderr and "name" in done.stderr


def test_an_authority_that_cannot_be_read_is_named(place):
    done = millrace(
        "graph", "list", "--server", f"https://localhost:{place.proxy.port}", environment={"SSL_CERT_FILE": "/nowhere/ca.pem"})
    assert done.returncode == 1 and "/nowhere/ca.pem" in done.stderr


@pytest.mark.parametrize("server", ["https://localhost:{}", "https://127.0.0.1:{}/millrace", "http://localhost:{}/x", "127.0.0.1:{}"])
def test_where_nothing_listens_the_status_is_5(server):
    done = millrace("graph", "list", "--server", server.format(free_port()))
    assert done.returncode == 5 and "Connection refused" in done.stderr


def test_a_name_that_does_not_exist_is_no_answer_either():
    done = millrace("graph", "list", "--server", "https://millrace.invalid")
    assert done.returncode == 5 and "millrace.invalid" in done.stderr


def test_a_proxy_without_its_daemon_is_no_answer_either(place, tmp_path):
    proxy = Proxy(tmp_path / "nginx", place.authority.issue("alone"), free_port())
    try:
        done = millrace("graph", "list", "--server", f"https://localhost:{proxy.port}", environment=place.variables)
    finally:
        proxy.kill()
    assert done.returncode == 5 and "502" in done.stderr


@pytest.mark.parametrize("path", ["", "/millrace"])
@pytest.mark.parametrize("words", ["graph list", "run {graph}", "graph validate {file}"])
def test_a_redirect_and_a_plain_request_to_tls_say_the_address(place, path, words, tmp_path):
    file = tmp_path / "a.json"
    file.write_text(json.dumps(GRAPH))
    command = words.format(graph=GRAPH["id"], file=file).split()
    secure = f"https://localhost:{place.proxy.port}{path}"
    for port in (place.proxy.plain, place.proxy.port):
        done = millrace(*command, "--server", f"http://localhost:{port}{path}")
        assert done.returncode == 1 and secure in done.stderr, (port, done.stderr)


def test_tls_to_a_plain_port_says_so(place):
    done = millrace("graph", "list", "--server", f"https://localhost:{place.port}")
    assert done.returncode == 1 and f"http://localhost:{place.port}" in done.stderr


@pytest.mark.parametrize("server, warns", [("http://192.0.2.1:1", True), ("http://127.0.0.1:1", False), ("https://127.0.0.1:1", False), ("127.0.0.2:1", False)])
def test_a_token_that_others_can_read_on_its_way_is_warned_of(server, warns):
    # Nothing answers there, in no time or after the time for a connection.
    done = millrace("graph", "list", "--server", server, environment={"MILLRACE_TOKEN": "mlr_secret"})
    assert done.returncode == 5 and ("without TLS" in done.stderr) == warns and "mlr_secret" not in done.stderr

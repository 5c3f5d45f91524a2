"""The shipped configuration of nginx, with nginx and the service as units."""

import json
import subprocess

import pytest

import proxy

# Each node ends only once the test has opened its gate.
NODE = """  - id: {0}
    kind: process
    config: {{ command: [bash, -c, "until [[ -e /run/millrace/gate-{0} ]]; do sleep 0.02; done"], input: none }}
"""
STEPS = "id: steps\nnodes:\n" + "".join(NODE.format(name) for name in "abc") + "edges: [{ from: a, to: b }, { from: b, to: c }]\n"

NAME = "millrace.example.org"


@pytest.fixture(params=["unix", "tcp"])
def upstream(request):
    return (lambda text: text) if request.param == "unix" else proxy.over_tcp


@pytest.fixture
def behind(host):
    """The service as one that trusts its proxy."""
    host.write("/etc/millrace/millrace.yaml", proxy.OPEN)
    host.write("/etc/millrace/graphs/steps.yaml", STEPS)
    yield host
    host.systemctl("stop", "test-nginx.service", check=False)
    host.run("bash", "-c", "rm -f /run/millrace/gate-*")


def open_gates(host, names="abc"):
    host.run("touch", *(f"/run/millrace/gate-{name}" for name in names))


def check_one_by_one(host, process):
    """Opens the gate of a node only when its start has arrived: had anything held it back, nothing would go on."""
    events = []
    for line in process.stdout:
        if line.startswith("data: "):
            events.append(json.loads(line[6:]))
            if events[-1]["type"] == "node_start":
                open_gates(host, events[-1]["node_id"])
    assert [event["seq"] for event in events] == list(range(1, 9))
    assert events[-1]["type"] == "complete"


def stream(host, running, *arguments):
    return running(host.start("curl", "-sSN", "--max-time", "60", *arguments, stdout=subprocess.PIPE))


def test_events_arrive_one_by_one(behind, running, upstream):
    proxy.start(behind, change=upstream)
    request = ("-X", "POST", "-H", f"Host: {NAME}", "http://127.0.0.1/api/graphs/steps/execute/stream")
    check_one_by_one(behind, stream(behind, running, *request))


def test_a_stream_is_resumed_where_it_was(behind, running, upstream):
    proxy.start(behind, change=upstream)
    open_gates(behind)
    body = behind.curl("-X", "POST", "-H", f"Host: {NAME}", "http://127.0.0.1/api/graphs/steps/execute/stream").stdout
    blocks = body.split("\n\n")[1:-1]
    execution_id = json.loads(blocks[0].split("data: ")[1])["execution_id"]
    url = f"http://127.0.0.1/api/executions/{execution_id}/events"
    for seen in (1, 4, 7):
        resumed = behind.curl("-H", f"Host: {NAME}", "-H", f"Last-Event-ID: {seen}", url).stdout
        assert resumed.split("\n\n")[1:-1] == blocks[seen:]


def test_events_arrive_one_by_one_over_tls_and_http2(behind, running):
    proxy.make_certificate(behind)
    proxy.start(behind, "millrace-tls.conf")
    known = ("--cacert", "/etc/ssl/millrace/fullchain.pem", "--resolve", f"{NAME}:443:127.0.0.1")
    request = ("-X", "POST", "--http2", *known, f"https://{NAME}/api/graphs/steps/execute/stream")
    check_one_by_one(behind, stream(behind, running, *request))
    reply = behind.curl("-o", "/dev/null", "-w", "%{http_version} %{http_code}", *known, f"https://{NAME}/healthz")
    assert reply.stdout == "2 200"


def test_plain_http_is_sent_to_tls_without_losing_the_method(behind):
    proxy.make_certificate(behind)
    proxy.start(behind, "millrace-tls.conf")
    reply = behind.curl("-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", "-X", "POST", "-H", f"Host: {NAME}",
                        "http://127.0.0.1/api/graphs/hello/execute?x=1")
    assert reply.stdout == f"308 https://{NAME}/api/graphs/hello/execute?x=1"


def test_without_tokens_what_was_forwarded_is_refused(behind):
    behind.write("/etc/millrace/millrace.yaml", "")
    proxy.start(behind)
    reply = behind.curl("-w", "%{http_code}", "-H", f"Host: {NAME}", "http://127.0.0.1/api/graphs").stdout
    assert reply.endswith("403") and "forwarded_without_tokens" in reply


def test_a_body_beyond_the_limit_is_refused_with_a_problem_and_one_within_it_is_not(behind):
    proxy.start(behind)
    behind.run("bash", "-c", "head -c 8388609 /dev/zero | tr '\\0' ' ' >/tmp/large; head -c 8388608 /tmp/large >/tmp/within")
    request = ("-w", "%{http_code} %{content_type}", "-H", f"Host: {NAME}", "-H", "Content-Type: application/json")
    url = "http://127.0.0.1/api/graphs/validate"
    too_large = behind.curl(*request, "-H", "Expect:", "--data-binary", "@/tmp/large", url).stdout
    assert too_large.endswith("413 application/problem+json") and '"code":"body_too_large"' in too_large
    assert behind.curl(*request, "--data-binary", "@/tmp/within", url).stdout.endswith("200 application/json")


def test_the_console_is_served(behind):
    proxy.start(behind)
    assert "<!doctype html>" in behind.curl("-H", f"Host: {NAME}", "http://127.0.0.1/").stdout.lower()


def test_both_files_proxy_alike(host):
    def proxied(name):
        text = host.run("cat", f"/usr/share/millrace/nginx/{name}").stdout
        return text[text.index("    # The daemon's own limits"):]

    assert proxied("millrace.conf") == proxied("millrace-tls.conf")

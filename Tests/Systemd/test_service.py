"""The life of the service under a real systemd."""

import signal

import host as hosts

BAD_GRAPH = "id: bad\nnodes: [{ id: a, kind: nonsense }]\n"


def test_a_request_on_the_unix_socket_starts_the_service(host):
    assert host.show("ActiveState") == "inactive"
    assert host.get("/healthz")["status"] == "alive"
    assert host.show("ActiveState") == "active"


def test_a_request_over_tcp_starts_the_service(host):
    assert host.show("ActiveState") == "inactive"
    assert '"hello"' in host.curl("http://127.0.0.1:8080/api/graphs").stdout


def test_a_start_returns_only_once_it_serves(host):
    for _ in range(3):
        host.systemctl("start", hosts.SERVICE)
        # Its own socket exists only once it listens there, and nobody waits in a backlog for it.
        reply = host.curl("--unix-socket", "/var/lib/millrace/state/millrace.sock", "http://localhost/readyz")
        assert reply.stdout
        host.systemctl("stop", hosts.SERVICE)


def test_the_status_line_counts_executions_and_streams(host, eventually, running):
    host.systemctl("start", hosts.SERVICE)
    assert host.show("StatusText") == "serving; 0 executions running, 0 streams; no tokens: everybody on this host may do everything"
    host.write("/etc/millrace/graphs/slow.yaml", "id: slow\nnodes: [{ id: a, kind: delay, config: { duration_ms: 600000 } }]\n")
    host.systemctl("reload", hosts.SERVICE)
    eventually(lambda: any(item["id"] == "slow" for item in host.get("/api/graphs")["items"]))
    running(host.start("curl", "-sN", "-X", "POST", "http://127.0.0.1:8080/api/graphs/slow/execute/stream"))
    eventually(lambda: host.show("StatusText") == "serving; 1 execution running, 1 stream; no tokens: everybody on this host may do everything")


def test_a_reload_takes_over_the_configuration_and_the_graphs(host, eventually):
    host.systemctl("start", hosts.SERVICE)
    pid = host.main_pid
    host.write("/etc/millrace/millrace.yaml", "http: { allowed_hosts: [millrace.example] }\n")
    host.write("/etc/millrace/graphs/new.yaml", "id: new\nnodes: [{ id: a, kind: set, config: { values: { x: 1 } } }]\n")
    named = ("-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: millrace.example", "http://127.0.0.1:8080/healthz")
    assert host.curl(*named).stdout == "421"
    host.systemctl("reload", hosts.SERVICE)
    eventually(lambda: host.curl(*named).stdout == "200")
    assert host.post("/api/graphs/new/execute")["status"] == "success"
    assert host.main_pid == pid
    assert host.show("ActiveState") == "active"


def test_a_bad_file_keeps_the_old_configuration_and_says_so(host, eventually):
    host.systemctl("start", hosts.SERVICE)
    host.write("/etc/millrace/millrace.yaml", "log: { level: loud }\n")
    host.write("/etc/millrace/graphs/bad.yaml", BAD_GRAPH)
    host.systemctl("reload", hosts.SERVICE)
    status = eventually(lambda: "old one stays" in host.show("StatusText") and host.show("StatusText"))
    assert "/etc/millrace/millrace.yaml:1" in status and "graph file" in status
    assert host.post("/api/graphs/hello/execute")["status"] == "success"
    entries = host.journal("-u", hosts.SERVICE, "-p", "err")
    assert any("the configuration cannot be reloaded" in entry["MESSAGE"] for entry in entries)


def test_a_bad_configuration_is_no_reason_to_try_for_ever(host):
    host.write("/etc/millrace/millrace.yaml", "log: { level: loud }\n")
    assert host.systemctl("start", hosts.SERVICE, check=False).returncode != 0
    assert host.show("ExecMainStatus") == "78"
    assert host.show("NRestarts") == "0"


def test_a_daemon_that_hangs_is_found_by_the_watchdog(host, eventually):
    host.drop_in("watchdog", "[Service]\nWatchdogSec=2s\n")
    host.systemctl("start", hosts.SERVICE)
    first = host.main_pid
    host.run("kill", "-STOP", str(first))
    eventually(lambda: host.main_pid not in (0, first) and host.show("ActiveState") == "active")
    assert host.show("NRestarts") == "1"
    assert any("Watchdog timeout" in entry["MESSAGE"] for entry in host.journal("-u", hosts.SERVICE))
    assert host.get("/healthz")["status"] == "alive"


def test_it_stops_at_once_when_there_is_nothing_to_wait_for(host):
    host.get("/healthz")
    host.systemctl("stop", hosts.SERVICE)
    assert host.show("Result") == "success"
    assert host.show("ExecMainStatus") == "0"


def test_it_comes_back_after_a_crash(host, eventually):
    host.systemctl("start", hosts.SERVICE)
    first = host.main_pid
    host.run("kill", "-s", str(int(signal.SIGKILL)), str(first))
    eventually(lambda: host.main_pid not in (0, first) and host.show("ActiveState") == "active")
    assert host.get("/healthz")["status"] == "alive"

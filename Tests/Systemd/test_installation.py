"""What deploy/install leaves on a host."""

import re

import pytest

import host as hosts


def test_the_socket_is_enabled_and_the_service_waits_for_a_request(host):
    assert host.systemctl("is-enabled", "millrace.socket").stdout.strip() == "enabled"
    assert host.show("ActiveState", "millrace.socket") == "active"
    assert "enable millrace.service" in host.installation


def test_it_has_a_user_of_its_own(host):
    assert re.fullmatch(r"millrace:x:\d+:\d+:Millrace workflow daemon:/var/lib/millrace:\S*nologin",
                        host.run("getent", "passwd", "millrace").stdout.strip())


def test_the_verifier_of_systemd_has_nothing_to_say(host):
    result = host.run("systemd-analyze", "verify", "--man=yes", "millrace.service", "millrace.socket")
    assert result.stdout + result.stderr == ""


def test_little_is_exposed(host):
    result = host.run("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", "millrace.service")
    level = re.search(r"Overall exposure level for millrace.service: (\S+)", result.stdout)[1]
    assert float(level) <= 1.5


def test_what_stays_exposed_has_its_reason_in_the_unit(host):
    lines = host.run("systemd-analyze", "security", "--offline=true", "--no-pager", "millrace.service").stdout.splitlines()
    unit = host.run("cat", "/usr/lib/systemd/system/millrace.service").stdout
    open_directives = {line.split()[1].split("=")[0] for line in lines if line.startswith("✗")}
    assert open_directives
    for directive in open_directives:
        # ProtectClock= opens the real-time clock for reading, which systemd counts under DeviceAllow=.
        words = "ProtectClock" if directive == "DeviceAllow" else directive
        assert words in unit, directive


@pytest.mark.parametrize("page", ["millrace", "millrace-serve", "millrace-graph-put", "millrace.yaml"])
def test_the_manual_can_be_read(host, page):
    text = host.run("bash", "-c", f"MANWIDTH=100 man {page} | col -b").stdout
    assert "NAME" in text and "SYNOPSIS" in text or "KEYS" in text
    assert host.run("bash", "-c", f"man --warnings -P true {page} 2>&1 >/dev/null").stdout == ""


@pytest.mark.parametrize(("shell", "path"), [
    ("bash", "/usr/share/bash-completion/completions/millrace"),
    ("zsh", "/usr/share/zsh/vendor-completions/_millrace"),
    ("fish", "/usr/share/fish/vendor_completions.d/millrace.fish"),
])
def test_shells_complete(host, shell, path):
    assert "millrace" in host.run("cat", path).stdout
    if shell == "bash":
        script = f"source {path}; COMP_WORDS=(millrace gra); COMP_CWORD=1; COMP_LINE='millrace gra'; COMP_POINT=12; " \
                 "$(complete -p millrace | sed 's/.*-F \\([^ ]*\\).*/\\1/') millrace gra millrace; echo ${COMPREPLY[@]}"
        assert "graph" in host.run("bash", "-c", script).stdout.split()


def test_an_edited_configuration_is_kept_and_the_rest_is_renewed(host):
    host.write("/etc/millrace/millrace.yaml", "log: { level: debug }\n")
    host.run("rm", "/usr/share/millrace/openapi.json")
    assert "kept /etc/millrace/millrace.yaml" in hosts.install(host).stdout
    assert host.run("cat", "/etc/millrace/millrace.yaml").stdout == "log: { level: debug }\n"
    assert host.run("test", "-s", "/usr/share/millrace/openapi.json")


def test_a_package_can_be_made_without_a_service_manager(host):
    host.run(*hosts.INSTALLER, "/tmp/package")
    for path in ("usr/bin/millrace", "usr/libexec/millrace/millrace-exec", "usr/libexec/millrace/python/worker.py",
                 "usr/share/millrace/console/index.html", "usr/share/millrace/examples/agents.py",
                 "usr/lib/systemd/system/millrace.socket", "usr/lib/sysusers.d/millrace.conf",
                 "usr/lib/tmpfiles.d/millrace.conf", "etc/millrace/graphs/hello.yaml"):
        host.run("test", "-s", f"/tmp/package/{path}")
    host.run(hosts.SOURCE / "deploy" / "uninstall", "/tmp/package")
    left = host.run("find", "/tmp/package", "-type", "f").stdout.split()
    assert sorted(left) == ["/tmp/package/etc/millrace/graphs/hello.yaml", "/tmp/package/etc/millrace/millrace.yaml"]
    host.run("rm", "-rf", "/tmp/package")


def test_the_console_is_served(host):
    assert "<!doctype html>" in host.curl("http://127.0.0.1:8080/").stdout.lower()

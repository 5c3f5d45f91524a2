"""What a command prints gets to its reader, or the command fails and says so."""

import json
import os
import subprocess

import pytest

from cli import at, closing, millrace
from graphs import chain, put
from tokens import command as token_command

# Every command that prints, with what it needs: {graph}, {file}, {execution}.
COMMANDS = [
    "--help", "--version", "help graph", "graph --help", "serve --help", "--generate-completion-script bash",
    "--generate-completion-script zsh", "--generate-completion-script fish", "graph list", "graph list --json",
    "graph show {graph}", "graph show {graph} --yaml", "graph show {graph} --json", "graph render {graph}",
    "graph profile {graph}", "graph validate {file}", "graph validate {file} --json", "graph put {file}",
    "run {file}", "run {file} --json", "run {graph}", "run {graph} --plain", "execution list", "execution list --json",
    "execution show {execution}", "execution show {execution} --json", "execution profile {execution}",
    "execution profile {execution} --json", "execution diff {execution}", "execution diff {execution} --json",
    "execution rerun {execution}", "watch {execution}", "watch {execution} --json", "replay {execution} --speed 1000",
    "config default", "config show", "config check", "token list", "token list --json", "python-path",
    "bench run {graph} --connections 1 --seconds 1",
]


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A daemon with a graph and an execution, and the words of a command filled in."""
    from daemon import Daemon

    folder = tmp_path_factory.mktemp("output")
    daemon = Daemon(folder).start()
    graph_id = daemon.create(chain(put("a", x=1)))
    execution_id = daemon.execute(graph_id)["execution_id"]
    file = folder / "document.json"
    file.write_text(json.dumps(chain(put("a", x=1))))
    environment = at(daemon) | {"MILLRACE_STATE_DIR": str(daemon.state)}

    def run(words, **options):
        parts = words.format(graph=graph_id, execution=execution_id, file=file).split()
        # A command for tokens looks for the daemon of the state folder.
        own = environment if parts[0] != "token" else {"MILLRACE_STATE_DIR": str(daemon.state)}
        return millrace(*parts, environment=own, **options)

    yield run
    daemon.kill()


@pytest.mark.parametrize("words", COMMANDS)
def test_a_full_disk_is_an_error(known, words):
    with open("/dev/full", "w") as full:
        done = known(words, stdout=full)
    assert done.returncode == 1 and "cannot write to stdout: No space left on device" in done.stderr


@pytest.mark.parametrize("words", COMMANDS)
def test_a_closed_stdout_is_an_error(known, words):
    done = known(words, stdout=None, preexec_fn=closing(1))
    assert done.returncode == 1 and "cannot write to stdout: Bad file descriptor" in done.stderr


@pytest.mark.parametrize("ignores", [False, True])
@pytest.mark.parametrize("words", COMMANDS)
def test_a_reader_that_has_gone_is_no_news(known, words, ignores):
    reader, writer = os.pipe()
    os.close(reader)
    # A program that ignores SIGPIPE hands that down.
    done = known(words, stdout=writer, restore_signals=not ignores)
    os.close(writer)
    assert done.stderr in ("", "1 of 1\n") and done.returncode in (141, -13)


@pytest.mark.parametrize("words", ["config default", "graph show {graph}", "--help"])
def test_what_fits_in_part_is_an_error(known, words, tmp_path):
    def limit():
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))

    with open(tmp_path / "part", "w") as file:
        done = known(words, stdout=file, preexec_fn=limit)
    assert done.returncode == 1 and "cannot write to stdout: File too large" in done.stderr


def test_a_slow_reader_of_a_nonblocking_pipe_gets_everything(known):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with subprocess.Popen(["sh", "-c", "sleep 0.3; wc -c"], stdin=reader, stdout=subprocess.PIPE, text=True) as count:
        os.close(reader)
        done = known("--generate-completion-script bash", stdout=writer)
        os.close(writer)
        size = int(count.communicate()[0])
    assert done.returncode == 0 and size == len(known("--generate-completion-script bash").stdout.encode())


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_token_that_nobody_has_seen_is_not_in_force(start_daemon, running, options):
    daemon = start_daemon()
    if not running:
        daemon.stop()
    with open("/dev/full", "w") as full:
        done = millrace(
            "token", "create", "--scope", "read", *options, stdout=full, environment={"MILLRACE_STATE_DIR": str(daemon.state)})
    assert done.returncode == 1 and "No space left on device" in done.stderr and "is revoked" in done.stderr
    [token] = json.loads(token_command(daemon, "list", "--json").stdout)["items"]
    assert token["status"] == "revoked" and token["id"] in done.stderr


def test_a_token_whose_reader_has_gone_is_not_in_force(start_daemon):
    daemon = start_daemon()
    reader, writer = os.pipe()
    os.close(reader)
    done = millrace("token", "create", "--scope", "read", stdout=writer, environment={"MILLRACE_STATE_DIR": str(daemon.state)})
    os.close(writer)
    assert done.returncode == 1 and "is revoked" in done.stderr


def test_a_daemon_serves_without_a_stdout(new_daemon, eventually):
    daemon = new_daemon()
    from daemon import BINARY, clean_environment

    with open("/dev/full", "w") as full, open(daemon.log_path, "ab") as log:
        daemon.process = subprocess.Popen(
            [str(BINARY), "serve", "--state-dir", str(daemon.state), "--graphs", str(daemon.graphs), "--listen", f"unix:{daemon.socket_path}"],
            stdin=subprocess.DEVNULL, stdout=full, stderr=log, env=clean_environment(), start_new_session=True)
    daemon.process.stdout = open(os.devnull)
    assert eventually(lambda: millrace("graph", "list", environment=at(daemon)).returncode == 0)
    assert eventually(lambda: "No space left on device" in daemon.log)

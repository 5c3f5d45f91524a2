"""Completion, in the real shells: what Tab offers."""

import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

from cli import millrace
from daemon import BINARY, Daemon, clean_environment
from graphs import chain, put

WAIT_SECONDS = 30


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with documents beside a daemon that has a graph and an execution; and the scripts of all shells."""
    folder = tmp_path_factory.mktemp("shells")
    daemon = Daemon(folder / "daemon").start()
    daemon.create(chain(put("a", x=1)) | {"id": "welcome"})
    daemon.execution = daemon.execute("welcome")["execution_id"]
    daemon.work = folder / "work"
    (daemon.work / "welder").mkdir(parents=True)
    for name in ("welkin.yaml", "welkin.txt", "welder/deep.json", "settings.yaml", "tokens.json"):
        (daemon.work / name).write_text("{}")
    daemon.scripts = folder / "scripts"
    daemon.scripts.mkdir()
    for shell in ("bash", "zsh", "fish"):
        name = "_millrace" if shell == "zsh" else f"millrace.{shell}"
        (daemon.scripts / name).write_text(millrace("--generate-completion-script", shell).stdout)
    daemon.variables = clean_environment() | {
        "PATH": f"{BINARY.parent}:{os.environ['PATH']}", "MILLRACE_SERVER": f"unix:{daemon.socket_path}", "HOME": str(folder),
        "TERM": "xterm", "COLUMNS": "200", "LINES": "50",
    }
    yield daemon
    daemon.kill()


def bash(place, line):
    """What bash would offer, by the function that its Tab calls."""
    script = f"""
        source {place.scripts}/millrace.bash
        COMP_LINE={line!r}; COMP_POINT=${{#COMP_LINE}}; COMP_TYPE=9; COMP_KEY=9
        read -ra COMP_WORDS <<<"$COMP_LINE"; [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMPREPLY=()
        _millrace millrace "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return run(place, ["bash", "--norc", "-c", script]).split("\n")


def fish(place, line):
    done = run(place, ["fish", "--no-config", "--interactive", "-c", f"source {place.scripts}/millrace.fish; complete -C {line!r}"])
    return [offer.split("\t")[0] for offer in done.splitlines()]


def zsh(place, line):
    """What zsh shows on a terminal when Tab is pressed behind the line."""
    setup = (
        f"PS1='rea''dy> '; fpath=({place.scripts} $fpath); autoload -Uz compinit; compinit -u -D; "
        "zstyle ':completion:*' list-packed no; setopt no_list_beep; unsetopt menu_complete auto_menu; "
        "LISTMAX=0; zstyle ':completion:*' menu no; bindkey '^I' list-choices\n"
    )
    master, slave = pty.openpty()
    process = subprocess.Popen(
        ["zsh", "-f", "-i"], stdin=slave, stdout=slave, stderr=slave, cwd=place.work, env=place.variables, start_new_session=True)
    os.close(slave)
    try:
        os.write(master, setup.encode())
        read_until(master, "ready> ")
        os.write(master, (line + "\t").encode())
        # A word that only the answer to a further key can bring: all that Tab has shown comes before it.
        os.write(master, b"\x15echo do''ne\n")
        shown = read_until(master, "done\r\n")
    finally:
        process.kill()
        process.wait()
        os.close(master)
    return re.findall(r"[^\s]+", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown))


def read_until(master, words):
    text, deadline = "", time.monotonic() + WAIT_SECONDS
    while words not in text:
        assert time.monotonic() < deadline, text
        if select.select([master], [], [], 1)[0]:
            text += os.read(master, 65536).decode(errors="replace")
    return text


def run(place, command):
    done = subprocess.run(
        command, cwd=place.work, env=place.variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    return done.stdout


SHELLS = [
    pytest.param(shell, marks=pytest.mark.skipif(not shutil.which(shell.__name__), reason="this shell is not installed"))
    for shell in (bash, zsh, fish)
]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("line, offers", [
    ("millrace run wel", ["welcome", "welkin.yaml"]),
    ("millrace graph render wel", ["welcome", "welkin.yaml"]),
    ("millrace graph put wel", ["welkin.yaml"]),
    ("millrace graph show wel", ["welcome"]),
    ("millrace serve --config set", ["settings.yaml"]),
    ("millrace token create --file tok", ["tokens.json"]),
    ("millrace token create --scope ", ["read", "run", "edit", "admin"]),
    ("millrace run welcome --detail ", ["full", "update", "none"]),
    ("millrace watch ", ["EXECUTION"]),
    ("millrace execution cancel ", ["EXECUTION"]),
    ("millrace gra", ["graph"]),
])
def test_tab_offers(place, shell, line, offers):
    wanted = [place.execution if offer == "EXECUTION" else offer for offer in offers]
    shown = shell(place, line)
    for offer in wanted:
        # A single offer is put into the line itself.
        assert any(offer in word for word in shown), (offer, shown)
    # fish offers all files where it offers some.
    if line == "millrace run wel" and shell is not fish:
        assert not any("welkin.txt" in word for word in shown), shown


@pytest.mark.parametrize("shell", SHELLS)
def test_tab_goes_down_into_folders(place, shell):
    assert any("welder" in word for word in shell(place, "millrace run wel"))
    assert any("deep.json" in word for word in shell(place, "millrace run welder/"))


@pytest.mark.parametrize("shell", SHELLS)
def test_names_of_files_are_no_code(place, shell):
    (place.work / "wel$(touch hit).yaml").write_text("{}")
    shell(place, "millrace run wel")
    assert not (place.work / "hit").exists()


@pytest.mark.parametrize("shell", [bash])
def test_without_a_daemon_files_are_offered_all_the_same(place, shell, monkeypatch):
    monkeypatch.setitem(place.variables, "MILLRACE_SERVER", "unix:/nowhere")
    assert shell(place, "millrace run welk") == ["welkin.yaml", ""]

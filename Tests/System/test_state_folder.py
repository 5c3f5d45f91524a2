"""The state folder is the daemon's alone, whoever has changed that meanwhile."""

import os
import stat

import pytest

from graphs import chain, put


def test_the_state_folder_is_closed_to_others_at_each_start(new_daemon, eventually):
    daemon = new_daemon().start()
    daemon.stop()
    for path in [daemon.state, *daemon.state.iterdir()]:
        path.chmod(0o777)
    daemon.start()
    assert_closed(daemon.state)
    eventually(lambda: f"the mode of {daemon.state} was 0777, and is 0700" in daemon.log)
    eventually(lambda: f"the mode of {daemon.state}/history.sqlite was 0777, and is 0600" in daemon.log)


def test_a_new_state_folder_needs_no_mending(start_daemon):
    daemon = start_daemon()
    daemon.execute(daemon.create(chain(put("a"))))
    assert_closed(daemon.state)
    assert "put right" not in daemon.log


@pytest.mark.timeout(120)
def test_modes_that_change_while_it_runs_are_put_right_within_a_minute(start_daemon, eventually):
    daemon = start_daemon()
    (daemon.state / "history.sqlite").chmod(0o644)
    daemon.state.chmod(0o755)
    if os.getuid() == 0:
        os.chown(daemon.state / "lock", 65534, 65534)
    eventually(lambda: stat.S_IMODE(daemon.state.stat().st_mode) == 0o700, seconds=60)
    eventually(lambda: "put right" in daemon.log)
    assert_closed(daemon.state)


def assert_closed(state):
    for path in [state, *state.iterdir()]:
        status = path.lstat()
        assert (stat.S_IMODE(status.st_mode), status.st_uid) == (0o700 if path.is_dir() else 0o600, os.getuid()), path

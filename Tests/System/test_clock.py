"""The system's clock steps back while the daemon runs: numbers still rise, and durations are what they were."""

import datetime
import pathlib
import subprocess

import pytest

from graphs import chain, delay, graph, put
from stream import is_whole
from test_resume import await_event

SOURCE = pathlib.Path(__file__).with_name("step_clock.c")
HOUR_SECONDS = 3600


class WallClock:
    """What the daemon takes for the time of day: the real one, moved."""

    def __init__(self, folder):
        self.file, library = folder / "step", folder / "step_clock.so"
        self.move(0)
        # The compiler of the Swift toolchain.
        subprocess.run(["clang", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, SOURCE], check=True)
        self.environment = {"LD_PRELOAD": str(library), "STEP_CLOCK_FILE": str(self.file)}

    def move(self, seconds):
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds}\n")
        new.replace(self.file)


@pytest.fixture
def clock(tmp_path):
    return WallClock(tmp_path)


def seconds_of(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def test_ids_rise_and_durations_hold_when_the_clock_steps_back(new_daemon, clock):
    daemon = new_daemon().start(environment=clock.environment)
    graph_id = daemon.create(chain(put("a", x=1), delay("b", 600), put("c", y=1)))
    before = [daemon.execute(graph_id)["execution_id"] for _ in range(3)]
    running = daemon.begin(graph_id)
    await_event(daemon, running, type="node_start", node_id="b")
    clock.move(-HOUR_SECONDS)
    events = daemon.all_events(running)
    after = [daemon.execute(graph_id)["execution_id"] for _ in range(3)]

    assert is_whole(events)
    # It did step back, in the middle of this execution.
    assert seconds_of(events[-1]["timestamp"]) < seconds_of(events[0]["timestamp"]) - HOUR_SECONDS / 2
    assert 600 <= events[-1]["duration_ms"] < HOUR_SECONDS * 500
    assert all(0 <= event["duration_ms"] < HOUR_SECONDS * 500 for event in events if "duration_ms" in event)
    ids = [*before, running, *after]
    assert ids == sorted(ids) and len(set(ids)) == len(ids)
    assert [item["execution_id"] for item in daemon.http.get("/api/executions").json()["items"]] == ids[::-1]
    profile = daemon.http.get(f"/api/executions/{running}/profile").json()
    assert 600 <= profile["wall_ms"] < HOUR_SECONDS * 500
    assert all(part["duration_ms"] >= 0 and part["start_ms"] >= 0 for part in profile["critical_path"])
    assert sum(part["duration_ms"] for part in profile["critical_path"]) == pytest.approx(profile["wall_ms"], rel=0.01)


def test_an_execution_that_is_taken_up_under_an_earlier_clock_ends_with_an_honest_duration(new_daemon, clock):
    daemon = new_daemon().start(environment=clock.environment)
    graph_id = daemon.create(chain(delay("a", 700), delay("b", 600), put("c", y=1)))
    execution_id = daemon.begin(graph_id)
    await_event(daemon, execution_id, type="node_start", node_id="b")
    daemon.kill()
    clock.move(-HOUR_SECONDS)
    daemon.start(environment=clock.environment)
    events = daemon.all_events(execution_id)
    # Nothing but a wait was interrupted.
    assert is_whole(events) and [event["attempt"] for event in events if event["type"] == "start"] == [1]
    # What ran before the crash counts, as far as the clock of then can tell.
    assert 1300 <= events[-1]["duration_ms"] < HOUR_SECONDS * 500
    assert daemon.summary(execution_id)["duration_ms"] == events[-1]["duration_ms"]
    profile = daemon.http.get(f"/api/executions/{execution_id}/profile").json()
    assert 0 <= profile["wall_ms"] < HOUR_SECONDS * 500
    later = daemon.execute(graph_id)["execution_id"]
    assert later > execution_id
    assert [item["execution_id"] for item in daemon.http.get("/api/executions").json()["items"]] == [later, execution_id]


def test_an_execution_that_ran_long_before_a_step_forward_is_not_timed_out(new_daemon, clock):
    daemon = new_daemon().start(environment=clock.environment)
    graph_id = daemon.create(graph([delay("a", 600)], limits={"timeout_ms": 30_000}))
    execution_id = daemon.begin(graph_id)
    await_event(daemon, execution_id, type="node_start", node_id="a")
    clock.move(HOUR_SECONDS)
    events = daemon.all_events(execution_id)
    assert is_whole(events) and events[-1]["status"] == "success"
    assert 600 <= events[-1]["duration_ms"] < HOUR_SECONDS * 500

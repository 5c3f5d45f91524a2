"""All Lua programs together have a bound of memory: however many large ones there are, they take turns, and small ones of
others go on beside them."""

import pytest

from graphs import graph, lua, put

COUNT = 300
# The account of this daemon holds less than two of the strings; a program may use 64 MiB.
ARGUMENTS = ["--set", "executions.memory_bytes_max=67108864"]
PEAK_MAX = 600 << 20

LARGE = {
    "a program": graph([lua("a", "local s = ('x'):rep(30 << 20) return {n = #s}")]),
    "a template": graph([put("a", n="{{ #('x'):rep(20 << 20) }}")]),
    "a condition": graph([put("a", n=1), put("b", n=2)], [("a b", "#('x'):rep(20 << 20) > 0")]),
}


def peak_bytes(daemon):
    with open(f"/proc/{daemon.process.pid}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))


@pytest.mark.parametrize("document", LARGE.values(), ids=LARGE)
def test_programs_with_large_strings_take_turns_in_bounded_memory(start_daemon, document):
    daemon = start_daemon(*ARGUMENTS)
    id = daemon.create(document)
    begun = [daemon.begin(id) for _ in range(COUNT)]
    # Longer than a slice, so that it needs a place of its own among all of those.
    small = daemon.create(graph([lua("a", "local n = 0 for i = 1, 1e6 do n = n + i end return {n = n}")]))
    for _ in range(5):
        assert daemon.execute(small)["final_state"] == {"n": 500000500000}
    assert daemon.summary(begun[-1])["status"] in ("queued", "running"), "all others had ended already"
    for execution_id in begun:
        assert daemon.all_events(execution_id)[-1]["status"] == "success"
    assert peak_bytes(daemon) < PEAK_MAX


def test_copies_of_large_states_count_too(start_daemon):
    daemon = start_daemon(*ARGUMENTS)
    code = "return {n = #(state.s .. state.s)}"
    id = daemon.create(graph([put("s", s="{{ ('x'):rep(6 << 20) }}")] + [lua(f"a{n}", code) for n in range(20)], [f"s a{n}" for n in range(20)]))
    for execution_id in [daemon.begin(id) for _ in range(10)]:
        assert daemon.all_events(execution_id, state="none")[-1]["status"] == "success"
    assert peak_bytes(daemon) < PEAK_MAX


def test_what_waits_for_memory_can_be_cancelled(start_daemon):
    daemon = start_daemon(*ARGUMENTS)
    endless = daemon.create(graph([lua("a", "local s = ('x'):rep(30 << 20) while true do end")]))
    begun = [daemon.begin(endless) for _ in range(20)]
    for execution_id in reversed(begun):
        assert daemon.cancel(execution_id).status_code in (202, 409)
    for execution_id in begun:
        # One may have used up its time first.
        assert daemon.all_events(execution_id)[-1]["status"] in ("cancelled", "error")
    assert daemon.run(LARGE["a program"])[-1]["final_state"] == {"n": 30 << 20}


def test_output_of_a_program_that_had_to_begin_anew_comes_once(start_daemon):
    daemon = start_daemon(*ARGUMENTS)
    code = "for i = 1, 3 do print(i) end local n = 0 for i = 1, 1e6 do n = n + i end print('end')"
    id = daemon.create(graph([lua("a", code)]))
    begun = [daemon.begin(id) for _ in range(100)]
    for execution_id in begun:
        said = [event["data"] for event in daemon.all_events(execution_id) if event["type"] == "node_output"]
        assert said == ["1", "2", "3", "end"]


def test_a_program_that_needs_too_much_says_so(start_daemon):
    daemon = start_daemon(*ARGUMENTS)
    end = daemon.run(graph([lua("a", "return {s = ('x'):rep(100 << 20)}")]))
    assert "needed more than 64 MiB of memory" in end[-2]["error"]

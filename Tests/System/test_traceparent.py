"""W3C Trace Context: a start's traceparent is kept, and handed on to what runs for it."""

import re

import pytest

from graphs import chain, graph, node, process, put, python

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
CHILD = re.compile(f"00-{TRACE}-(?P<span>[0-9a-f]{{16}})-01")


def traced(**members):
    return graph(
        [
            process("p", "sh", "-c", "printf %s \"$TRACEPARENT\""),
            python("q", "import millrace\n    return {'q': millrace.traceparent()}"),
        ],
        **members,
    )


def run(daemon, graph_id, *values, path="execute"):
    headers = [("traceparent", value) for value in values]
    reply = daemon.http.post(f"/api/graphs/{graph_id}/{path}", headers=headers)
    assert reply.status_code == 200, reply.text
    execution_id = reply.headers["content-location"].rsplit("/", 1)[1]
    return daemon.summary(execution_id), daemon.events(execution_id)[-1]["final_state"]


@pytest.mark.parametrize("path", ["execute", "execute/stream"])
def test_it_is_shown_and_handed_on_with_a_span_for_each_node(daemon, path):
    summary, state = run(daemon, daemon.create(traced()), PARENT, path=path)
    assert summary["traceparent"] == PARENT
    spans = [CHILD.fullmatch(state[key])["span"] for key in ("p", "q")]
    assert len({*spans, "b7ad6b7169203331"}) == 3


def test_each_attempt_has_a_span_of_its_own(daemon):
    code = "import millrace\n    millrace.log(millrace.traceparent())\n    raise ValueError('no')"
    graph_id = daemon.create(graph([python("q", code, retry={"max_attempts": 3, "delay_ms": 1})]))
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute", headers={"traceparent": PARENT})
    events = daemon.events(reply.json()["execution_id"])
    logged = [event["data"] for event in events if event["type"] == "node_output" and event["channel"] == "log"]
    assert len({CHILD.fullmatch(line)["span"] for line in logged}) == 3


@pytest.mark.parametrize("values", [(), ("nonsense",), (PARENT.upper(),), (f"00-{'0' * 32}-b7ad6b7169203331-01",), (PARENT, PARENT)])
def test_without_one_that_is_well_formed_there_is_none(daemon, values):
    summary, state = run(daemon, daemon.create(traced()), *values)
    assert "traceparent" not in summary
    assert state == {"p": "", "q": ""}


def test_a_later_version_is_taken_for_what_is_known_of_it(daemon):
    summary, _ = run(daemon, daemon.create(chain(put("a"))), f"01-{TRACE}-b7ad6b7169203331-09-more")
    assert summary["traceparent"] == PARENT


def test_it_survives_a_restart(start_daemon):
    daemon = start_daemon()
    summary, _ = run(daemon, daemon.create(chain(put("a"))), PARENT)
    daemon.kill()
    daemon.start()
    assert daemon.summary(summary["execution_id"]) == summary


def test_a_node_may_set_the_variable_itself(daemon):
    own = process("p", "sh", "-c", "printf %s \"$TRACEPARENT\"", config={"environment": {"TRACEPARENT": "mine"}})
    _, state = run(daemon, daemon.create(graph([own])), PARENT)
    assert state == {"p": "mine"}

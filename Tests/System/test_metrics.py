"""Metrics: their form, read by Prometheus' own parsers, and that they say what happens."""

import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_prometheus

from feed import Feed
from graphs import chain, delay, fails, graph, never_ends, process, put, python
from wire import Wire, request

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


def samples(families):
    """Every sample by its name and labels; none comes twice, and each family comes once."""
    found, names = {}, []
    for family in families:
        names.append(family.name)
        assert family.documentation and family.type != "unknown", family
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    assert len(names) == len(set(names))
    return found


class Metrics(dict):
    def __init__(self, daemon):
        reply = daemon.http.get("/metrics")
        assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        super().__init__(samples(parse_prometheus(reply.text)))

    def value(self, name, **labels):
        return self.get((name, *sorted(labels.items())), 0)


def differences(before, after):
    return lambda name, **labels: after.value(name, **labels) - before.value(name, **labels)


@pytest.fixture
def busy(start_daemon):
    """A daemon in which a bit of everything has happened."""
    daemon = start_daemon()
    daemon.execute(daemon.create(chain(put("a"), python("b", "return {}"), process("c", "true"), fails("d"))))
    return daemon


def test_both_formats_are_read_by_strict_parsers_and_say_the_same(busy):
    plain = busy.http.get("/metrics")
    opened = busy.http.get("/metrics", headers={"Accept": OPENMETRICS})
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert opened.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert opened.text.endswith("\n# EOF\n")
    first, second = samples(parse_prometheus(plain.text)), samples(parse_openmetrics(opened.text))
    assert set(first) == set(second)
    assert len({name for name, *_ in first}) > 60


def test_names_follow_the_conventions(busy):
    for family in parse_prometheus(busy.http.get("/metrics").text):
        assert family.name.startswith(("millrace_", "process_"))
        assert not family.name.endswith(("_ms", "_milliseconds", "_kb", "_count"))
        if family.type == "counter":
            assert all(sample.name.endswith("_total") for sample in family.samples)
        if family.type == "histogram":
            for labels in {tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le")) for sample in family.samples}:
                of = [s for s in family.samples if tuple(sorted((k, v) for k, v in s.labels.items() if k != "le")) == labels]
                counts = [s.value for s in of if s.name.endswith("_bucket")]
                assert counts == sorted(counts)
                [count] = [s.value for s in of if s.name.endswith("_count")]
                assert counts[-1] == count


def test_executions_and_nodes_are_counted_by_what_became_of_them(start_daemon):
    daemon = start_daemon()
    before = Metrics(daemon)
    graph_id = daemon.create(
        chain(put("a"), delay("b", 20), fails("c", retry={"max_attempts": 3, "delay_ms": 1}, on_error="skip"), put("d"))
    )
    for _ in range(3):
        daemon.execute(graph_id)
    failing = daemon.create(graph([never_ends()], limits={"timeout_ms": 50}))
    daemon.execute(failing)
    moved = differences(before, Metrics(daemon))
    assert moved("millrace_executions_started_total") == 4
    assert moved("millrace_executions_total", graph=graph_id, status="error") == 3
    assert moved("millrace_executions_total", graph=failing, status="failed") == 1
    assert moved("millrace_execution_duration_seconds_count", graph=graph_id) == 3
    assert moved("millrace_execution_duration_seconds_sum", graph=graph_id) >= 3 * 0.02
    assert moved("millrace_execution_duration_seconds_bucket", graph=graph_id, le="0.01") == 0
    assert moved("millrace_execution_queue_seconds_count") == 4
    assert moved("millrace_nodes_total", kind="set", status="success") == 3
    assert moved("millrace_nodes_total", kind="set", status="skipped") == 3
    assert moved("millrace_nodes_total", kind="lua", status="error") == 9
    assert moved("millrace_node_duration_seconds_count", kind="delay") >= 3
    assert moved("millrace_node_queue_seconds_count") >= 3 * 5
    events = sum(daemon.summary(item["execution_id"])["last_seq"] for item in daemon.http.get("/api/executions").json()["items"])
    assert moved("millrace_store_events_total") == events
    assert 0 < moved("millrace_store_commits_total") == moved("millrace_store_commit_seconds_count")
    assert moved("millrace_store_batch_executions_sum") >= 4
    assert moved("millrace_store_batch_bytes_sum") > 0
    assert moved("millrace_reactor_turn_seconds_count") > 0


def test_graphs_beyond_the_first_fifty_share_a_label(start_daemon):
    daemon = start_daemon()
    ids = [daemon.create(graph([put("a")])) for _ in range(53)]
    for graph_id in ids:
        daemon.execute(graph_id)
    metrics = Metrics(daemon)
    assert metrics.value("millrace_executions_total", graph=ids[49], status="success") == 1
    assert metrics.value("millrace_executions_total", graph=ids[50], status="success") == 0
    assert metrics.value("millrace_executions_total", graph="other", status="success") == 3


def test_streams_and_what_they_carry_are_counted(daemon):
    graph_id = daemon.create(chain(put("a"), put("b")))
    before = Metrics(daemon)
    reply = daemon.http.post(f"/api/graphs/{graph_id}/execute/stream")
    moved = differences(before, Metrics(daemon))
    assert moved("millrace_streams_total") == 1
    assert moved("millrace_sent_events_total") == 6
    assert moved("millrace_sent_bytes_total") > len(reply.content)
    with Feed(daemon) as feed:
        feed.next()
        assert Metrics(daemon).value("millrace_dashboards_open") == 1
        feed.until_end_of(daemon.execute(graph_id)["execution_id"])
        assert differences(before, Metrics(daemon))("millrace_sent_events_total") == 12


def test_a_reader_that_stalls_shows_as_lag(start_daemon, eventually):
    daemon = start_daemon()
    graph_id = daemon.create(chain(*(python(f"n{i}", f"return {{'k{i}': 'x' * 200000}}") for i in range(10)), never_ends()))
    execution_id = daemon.begin(graph_id)
    with Wire(daemon) as wire:
        wire.send(request("GET", f"/api/executions/{execution_id}/events"))
        eventually(lambda: Metrics(daemon).value("millrace_streams_lagging") == 1)
        eventually(lambda: Metrics(daemon).value("millrace_stream_lag_events_max") >= 2)
        eventually(lambda: Metrics(daemon).value("millrace_frame_bytes") > 200_000)
        metrics = Metrics(daemon)
        assert metrics.value("millrace_stream_lag_events") == metrics.value("millrace_stream_lag_events_max")
        assert metrics.value("millrace_log_bytes") > 100_000
    eventually(lambda: Metrics(daemon).value("millrace_streams_lagging") == 0)
    daemon.cancel(execution_id)


def test_what_runs_and_waits_is_shown(start_daemon, eventually):
    daemon = start_daemon(environment={"MILLRACE_EXECUTIONS_MAX_RUNNING": "2"})
    graph_id = daemon.create(graph([process("p", "sleep", "600"), python("q", "import time\n    time.sleep(600)")]))
    ids = [daemon.begin(graph_id) for _ in range(5)]
    eventually(lambda: Metrics(daemon).value("millrace_children") >= 4)
    metrics = Metrics(daemon)
    assert (metrics.value("millrace_executions_running"), metrics.value("millrace_executions_queued")) == (2, 3)
    eventually(lambda: Metrics(daemon).value("millrace_worker_processes") >= 1)
    for execution_id in reversed(ids):
        daemon.cancel(execution_id)
    eventually(lambda: Metrics(daemon).value("millrace_executions_running") == 0)


def test_executions_that_only_wait_run_too(start_daemon, eventually):
    daemon = start_daemon(environment={"MILLRACE_EXECUTIONS_MAX_RUNNING": "1"})
    waits = daemon.create(graph([delay("wait", 600_000)]))
    ids = [daemon.begin(waits) for _ in range(3)] + [daemon.begin(daemon.create(graph([process("p", "sleep", "600")])))]
    eventually(lambda: Metrics(daemon).value("millrace_executions_waiting") == 3)
    assert (Metrics(daemon).value("millrace_executions_running"), Metrics(daemon).value("millrace_executions_queued")) == (4, 0)
    for execution_id in ids:
        daemon.cancel(execution_id)
    eventually(lambda: Metrics(daemon).value("millrace_executions_running") == 0)
    assert Metrics(daemon).value("millrace_executions_waiting") == 0


def test_the_program_and_its_process_are_described(daemon):
    metrics = Metrics(daemon)
    version = daemon.http.get("/healthz").json()["version"]
    assert metrics.value("millrace_build_info", version=version) == 1
    assert 1 << 20 < metrics.value("process_resident_memory_bytes") < metrics.value("process_virtual_memory_bytes")
    assert 5 < metrics.value("process_open_fds") < metrics.value("process_max_fds")
    assert metrics.value("process_cpu_seconds_total") > 0
    assert metrics.value("millrace_store_bytes") > 0
    assert 0 < time.time() - metrics.value("process_start_time_seconds") < 24 * 3600

"""The graphs that are shipped run to the end that they document."""

import hashlib
import sys

import pytest

from daemon import ROOT
from stream import is_whole, of_node

EXAMPLES = ROOT / "config" / "graphs"
IDS = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    from daemon import Daemon
    from far_model import Model

    daemon = Daemon(tmp_path_factory.mktemp("examples"), graphs=EXAMPLES)
    model = Model(usual='{"urgent": false, "topic": "money"}')
    providers = f'{{openai: {{base_url: "{model.far.url}/v1"}}}}'
    # This Python has LangGraph.
    daemon.start(environment={"MILLRACE_KINDS_PYTHON_INTERPRETER": sys.executable, "MILLRACE_LLM_PROVIDERS": providers})
    yield daemon
    daemon.kill()
    model.far.stop()


def run(daemon, graph_id, initial_state=None):
    execution = daemon.execute(graph_id, initial_state)
    events = daemon.all_events(execution["execution_id"])
    assert is_whole(events)
    return execution, events


def test_every_example_is_loaded_without_a_complaint(examples):
    while found := examples.http.get("/api/graphs", params={"faults": "true"}).json()["faults"]:
        assert {fault["status"] for fault in found} == {"looking"}
    items = examples.http.get("/api/graphs").json()["items"]
    assert sorted(item["id"] for item in items) == sorted(IDS + ["parcels"])
    assert "warn" not in examples.log.lower()


@pytest.mark.parametrize("graph_id", IDS)
def test_an_example_ends_as_it_says(examples, graph_id):
    execution, _ = run(examples, graph_id)
    assert execution["status"] == ("error" if graph_id == "partial-failure" else "success")


def test_hello_greets(examples):
    execution, _ = run(examples, "hello", {"name": "Ada"})
    assert execution["final_state"] == {"name": "Ada", "greeting": "Hello, Ada!", "letters": 11}


@pytest.mark.parametrize("weights, by", [([3, 12], "truck"), ([3, 4], "bicycle")])
def test_parcels_in_plain_python_go_by_their_weight(examples, weights, by):
    execution, _ = run(examples, "parcels", {"weights": weights})
    assert execution["final_state"]["sent_by"] == by


def test_partial_failure_fails_as_documented_and_still_makes_an_offer(examples):
    execution, events = run(examples, "partial-failure")
    ends = {event["node_id"]: event["status"] for event in events if event["type"] == "node_complete"}
    assert ends["warehouse"] == "success" and len(of_node(events, "warehouse", "node_complete")) > 1
    assert (ends["supplier"], ends["delivery"], ends["discount"], ends["offer"]) == ("error", "skipped", "error", "success")
    assert sorted(execution["failed_nodes"]) == ["discount", "supplier"]
    assert len(execution["final_state"]["offer"]) == 3
    [broken] = of_node(events, "supplier", "node_complete")
    assert "Traceback" in str(broken["details"])


@pytest.mark.parametrize(
    "ticket, taken, skipped",
    [
        ("URGENT: the site is down, come at once", "page", {"refund", "answer"}),
        ("I was charged twice, please refund me", "refund", {"page", "answer"}),
        ("How do I change my name?", "answer", {"page", "refund"}),
    ],
)
def test_triage_takes_the_way_that_the_ticket_asks_for(examples, ticket, taken, skipped):
    execution, events = run(examples, "triage", {"ticket": ticket})
    ends = {event["node_id"]: event["status"] for event in events if event["type"] == "node_complete"}
    assert ends[taken] == "success"
    assert {node_id for node_id, status in ends.items() if status == "skipped"} == skipped
    assert execution["final_state"]["sent"] is True


def test_agents_stream_words_side_by_side(examples):
    _, events = run(examples, "agents", {"tokens_per_second": 200})
    speakers = [event["node_id"] for event in events if event["type"] == "node_output" and event["channel"] == "chunk"]
    first, last = {}, {}
    for index, node_id in enumerate(speakers):
        first.setdefault(node_id, index)
        last[node_id] = index
    assert max(first[name] for name in ("latency", "trust", "recovery")) < min(last[name] for name in ("latency", "trust", "recovery"))


def test_agents_count_their_tokens_once(examples):
    execution, events = run(examples, "agents", {"question": "Why streams matter?", "tokens_per_second": 2000})
    returned = [event["update"]["tokens"] for event in events if event["type"] == "node_complete" and "tokens" in event["update"]]
    assert execution["final_state"]["tokens"] == sum(returned) == 117


def test_link_check_names_what_does_not_answer(tmp_path):
    from aiohttp import web

    from daemon import Daemon
    from far_server import FarServer

    async def here(request):
        return web.Response(text="here")

    async def gone(request):
        return web.Response(status=410)

    far = FarServer({"here": here, "gone": gone})
    daemon = Daemon(tmp_path, graphs=EXAMPLES).start(environment={"MILLRACE_KINDS_HTTP_DENIED_NETWORKS": "192.0.2.1"})
    links = [far.url + "/gone", far.url + "/here"]
    execution, _ = run(daemon, "link-check", {"links": links})
    daemon.kill()
    far.stop()
    assert execution["status"] == "success"
    assert execution["final_state"]["answers"] == [None, {"link": links[1], "status": 200}]
    [broken] = execution["final_state"]["broken"]
    assert broken["link"] == links[0] and "410" in broken["error"]


def test_ticket_sort_goes_by_what_the_model_says(examples):
    execution, events = run(examples, "ticket-sort")
    assert execution["final_state"]["verdict"] == {"urgent": False, "topic": "money"}
    assert of_node(events, "page", "node_complete")[0]["status"] == "skipped" and execution["final_state"]["draft"]


def test_text_stats_reads_the_texts_beside_the_document(examples):
    execution, _ = run(examples, "text-stats", {"pace_ms": 0})
    assert len(execution["final_state"]["documents"]) == len(list((EXAMPLES / "texts").glob("*.txt")))
    assert len(execution["final_state"]["report"]) == 5


def test_host_check_gives_a_verdict(examples):
    execution, _ = run(examples, "host-check", {"limits": {"disk_percent": -1}})
    assert execution["final_state"]["healthy"] is False
    assert "disk_percent" in execution["final_state"]["verdict"]


def test_invoices_adds_up_and_finds_a_discount(examples):
    execution, events = run(examples, "invoices")
    final = execution["final_state"]
    assert [invoice["total"] for invoice in final["invoices_added"]] == [200.5, 99.9, 160]
    assert (final["total"], final["percent"]) == (460.4, 14)
    assert {event["path"][0] for event in events if "path" in event} == {"each", "discount"}


@pytest.mark.parametrize("answer, paid, account", [
    ({"approved": True, "data": {"account": "travel"}}, 250, "travel"), ({"approved": False}, 0, None),
])
def test_a_large_expense_is_paid_once_somebody_has_said_so(examples, eventually, answer, paid, account):
    execution_id = examples.begin("expense", {"sum": 250})

    def asked():
        items = examples.http.get("/api/approvals").json()["items"]
        return [item for item in items if item["execution_id"] == execution_id]

    (question,) = eventually(asked)
    assert question["prompt"] == "Pay 250 € for train tickets?"
    reply = examples.http.post(f"/api/executions/{execution_id}/nodes/manager/resolve", json=answer)
    assert reply.status_code == 202
    final = examples.all_events(execution_id)[-1]["final_state"]
    assert (final["paid"], final.get("account")) == (paid, account)


def test_two_languages_work_side_by_side(examples):
    execution, _ = run(examples, "two-languages", {"text": "a b a"})
    digest = hashlib.sha256(b"a b a").hexdigest()
    assert execution["final_state"]["frequent"][0] == {"word": "a", "times": 2}
    assert execution["final_state"]["report"] == f"3 words, most often a; sha256 {digest}"

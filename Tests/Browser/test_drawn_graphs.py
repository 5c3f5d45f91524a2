"""Graphs of LangGraph, shown as LangGraph draws them."""

import sys
import time

import pytest
from playwright.sync_api import expect

from agents import ASKING, CYCLE, FAN, SLOW

NESTED = """
import operator
from typing import Annotated, TypedDict
from langgraph.graph import END, START, StateGraph


class State(TypedDict):
    n: int
    log: Annotated[list, operator.add]


def leaf(state):
    return {"log": ["leaf"]}


def count(state):
    return {"n": state["n"] + 1}


deep = StateGraph(State).add_node(leaf).add_edge(START, "leaf").compile()
middle = StateGraph(State).add_node("deep", deep).add_edge(START, "deep").compile()
builder = StateGraph(State).add_node("middle", middle).add_node("count up", count)
builder.add_edge(START, "middle")
builder.add_edge("middle", "count up")
builder.add_conditional_edges("count up", lambda s: "again" if s["n"] < 3 else "enough", {"again": "middle", "enough": END})
graph = builder.compile()
"""


@pytest.fixture
def drawn(new_daemon):
    """Starts a daemon with these files in its graphs folder, and waits until they are graphs."""

    def start(**files):
        daemon = new_daemon(
            graphs={f"{name}.py": text for name, text in files.items()}, environment={"MILLRACE_KINDS_PYTHON_INTERPRETER": sys.executable})
        deadline = time.monotonic() + 90
        for name in files:
            while daemon.http.get(f"/api/graphs/{name}").status_code != 200:
                assert time.monotonic() < deadline, daemon.log
                time.sleep(0.05)
        return daemon

    return start


def node(page, id):
    return page.locator(f"graph-canvas g.node[data-id='{id}']")


def edge(page, start, end):
    return page.locator(f"graph-canvas path.edge[data-from='{start}'][data-to='{end}']")


def watch(page, daemon, graph_id, state):
    execution_id = daemon.execute(graph_id, state)["execution_id"]
    page.goto(f"{daemon.url}/#/executions/{execution_id}")
    return execution_id


def test_its_nodes_and_edges_are_drawn_before_it_runs(drawn, new_page):
    daemon = drawn(nested=NESTED)
    page = new_page(f"{daemon.url}/#/graphs/nested")
    expect(page.locator("graph-canvas g.node")).to_have_count(4)
    for id, name in {"__start__": "Start", "middle:deep:leaf": "leaf", "count up": "count up", "__end__": "End"}.items():
        expect(node(page, id)).to_have_accessible_name(f"{name}, {'in middle › deep' if ':' in id else 'LangGraph' if id[0] == '_' else 'node'}, pending")
    expect(page.locator("graph-canvas path.edge.conditional")).to_have_count(2)
    assert set(page.locator("graph-canvas .edge-label text").all_text_contents()) == {"again", "enough"}
    page.check_accessibility()
    page.shot("drawn")


def test_a_cycle_counts_how_often_its_nodes_have_run_and_each_run_can_be_looked_at(drawn, new_page):
    daemon = drawn(nested=NESTED)
    page = new_page(f"{daemon.url}/#/graphs/nested")
    page.get_by_role("button", name="Initial state").click()
    page.get_by_role("button", name="JSON").click()
    page.get_by_label("Initial state, a JSON object").fill('{"n": 0, "log": []}')
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".run-status")).to_contain_text("Success")
    expect(page.locator(".run-counts")).to_have_text("4 of 4 nodes")
    expect(node(page, "count up")).to_have_accessible_name("count up, node, success, ran 3 times")
    expect(node(page, "middle:deep:leaf")).to_contain_text("×3")
    expect(edge(page, "count up", "middle:deep:leaf")).to_have_attribute("data-state", "taken")
    expect(edge(page, "count up", "__end__")).to_have_attribute("data-state", "taken")
    node(page, "count up").click()
    inspector = page.locator("node-inspector")
    expect(inspector.locator(".attempt")).to_have_count(3)
    expect(inspector.locator("[aria-label='Update']")).to_contain_text('"n": 3')
    inspector.get_by_role("button", name="Step 2: success").click()
    expect(inspector.locator("[aria-label='Update']")).to_contain_text('"n": 1')
    expect(inspector.locator("[aria-label='Output state']")).to_contain_text('"n": 1')
    page.check_accessibility()
    page.shot("cycle")
    # The first node that ran in a graph within, by its path.
    node(page, "middle:deep:leaf").click()
    inspector.get_by_role("button", name="Step 1 › middle 1 › deep 1: success").click()
    expect(inspector.locator("[aria-label='Input state']")).to_contain_text('"log": []')
    node(page, "__start__").click()
    expect(inspector.locator("[aria-label='Input state']")).to_contain_text('"n": 0')
    # Back to when it ran for the first time, and the state as it was then.
    scrubber = page.get_by_role("slider", name="Event")
    scrubber.focus()
    scrubber.press("Home")
    expect(node(page, "count up")).to_have_attribute("data-status", "pending")
    page.get_by_role("tab", name="State").click()
    scrubber.press("End")
    expect(page.locator("state-view")).to_contain_text("Final state")
    expect(node(page, "count up")).to_have_attribute("data-status", "success")


def test_nodes_are_lit_while_they_run(drawn, new_page):
    daemon = drawn(slow=SLOW)
    page = new_page(f"{daemon.url}/#/graphs/slow")
    (daemon.graphs / "go a").touch()
    execution_id = daemon.begin("slow", {"folder": str(daemon.graphs), "log": []})
    page.goto(f"{daemon.url}/#/executions/{execution_id}")
    expect(node(page, "b")).to_have_attribute("data-status", "running")
    expect(node(page, "a")).to_have_attribute("data-status", "success")
    expect(edge(page, "a", "b")).to_have_attribute("data-state", "active")
    expect(node(page, "c")).to_have_attribute("data-status", "pending")
    (daemon.graphs / "break b").touch()
    (daemon.graphs / "go b").touch()
    expect(node(page, "b")).to_have_attribute("data-status", "error")
    expect(page.locator(".run-status")).to_contain_text("Error")
    node(page, "b").click()
    expect(page.locator("node-inspector .fault-message")).to_contain_text("broken on purpose")


def test_several_tasks_of_a_node_are_its_runs(drawn, new_page):
    daemon = drawn(fan=FAN.replace("def graph():\n    return builder.compile()", "graph = builder.compile()"))
    page = new_page(daemon.url)
    watch(page, daemon, "fan", {"items": [2, 3], "sums": [], "done": False})
    expect(node(page, "work:square")).to_have_accessible_name("square, in work, success, ran 2 times")
    node(page, "work:square").click()
    page.locator("node-inspector").get_by_role("button", name="Step 2 › work 1 › work 1: success").click()
    expect(page.locator("node-inspector [aria-label='Update']")).to_contain_text("9")


def test_a_question_of_a_node_is_answered_where_it_is_drawn(drawn, new_page):
    daemon = drawn(asking=ASKING)
    page = new_page(daemon.url)
    execution_id = daemon.begin("asking", {"log": []})
    page.goto(f"{daemon.url}/#/executions/{execution_id}")
    expect(node(page, "sub:inside")).to_have_attribute("data-status", "waiting")
    for id in ("once", "sub:inside"):
        node(page, id).click()
        form = page.locator("node-inspector approval-form")
        if id == "once":
            form.get_by_label("Answer", exact=False).fill("5")
        form.get_by_role("button", name="Approve").click()
        expect(form.get_by_role("status")).to_contain_text("stored")


def test_a_graph_of_documents_is_shown_as_ever(drawn, new_page):
    daemon = drawn(cycle=CYCLE)
    daemon.create({"id": "plain", "nodes": [{"id": "a", "kind": "set", "config": {"values": {"x": 1}}}]})
    page = new_page(f"{daemon.url}/#/graphs/cycle")
    expect(page.locator("graph-canvas g.node")).to_have_count(4)
    page.goto(f"{daemon.url}/#/graphs/plain")
    expect(page.locator("graph-canvas g.node")).to_have_count(1)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(node(page, "a")).to_have_attribute("data-status", "success")

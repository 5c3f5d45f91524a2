import assert from "node:assert/strict";
import test from "node:test";

import { DrawnEvents } from "../../Sources/Console/Files/drawn-events.js";
import { drawingOf, drawnGraph } from "../../Sources/Console/Files/drawn-graph.js";
import { forwardEdges, geometryOf } from "../../Sources/Console/Files/drawn-layout.js";
import { nodeState } from "../../Sources/Console/Files/run-state.js";
import { Timeline } from "../../Sources/Console/Files/timeline.js";

const ids = ["__start__", "a b", "work", "mid:deep:leaf", "mid:tail", "__end__"];
const edge = (from, to, conditional = false, label = null) => ({ from, to, conditional, label });
const drawing = {
    nodes: ids.map((id) => ({ id, name: id.split(":").at(-1) })),
    edges: [
        edge("__start__", "mid:deep:leaf"), edge("mid:deep:leaf", "mid:tail"), edge("mid:tail", "a b"),
        edge("a b", "mid:deep:leaf", true, "again"), edge("a b", "work", true), edge("a b", "__end__", true, "done"), edge("work", "__end__"),
    ],
};

/** Tells events, `[type, path, node, more?]` each, and gives the timeline that comes of it. */
function told(...events) {
    const drawn = new DrawnEvents("graph", drawing), timeline = new Timeline(ids);
    events.forEach(([type, path, node_id, more], index) => {
        const event = {
            type, execution_id: "x", graph_id: "g", seq: index + 1, timestamp: "2026-01-31T09:30:00.000000Z", node_id, node_name: node_id,
            node_kind: "langgraph", attempt: 1, ...(path.length > 0 && { path }), ...(type === "node_complete" && { status: "success", duration_ms: 1, queue_ms: 0, taken: [] }), ...more,
        };
        const taken = drawn.take(event);
        if (taken) timeline.push(taken, JSON.stringify(event));
    });
    return { timeline, of: (id, state = timeline.latest) => nodeState(state, id) };
}

const begins = (path, id) => ["node_start", path, id];
const ends = (path, id, more) => ["node_complete", path, id, more];
const pass = (path, id) => [begins(path, id), ends(path, id)];

test("a graph within is lit where the drawing has its nodes, and each run of a cycle counts", () => {
    const { of, timeline } = told(
        begins([], "graph"), begins(["graph", 1], "mid"), begins(["graph", 1, "mid", 1], "deep"), ...pass(["graph", 1, "mid", 1, "deep", 1], "leaf"),
        ends(["graph", 1, "mid", 1], "deep"), ...pass(["graph", 1, "mid", 2], "tail"), ends(["graph", 1], "mid"), ...pass(["graph", 2], "a b"),
        begins(["graph", 3], "mid"), begins(["graph", 3, "mid", 1], "deep"), begins(["graph", 3, "mid", 1, "deep", 1], "leaf"));
    assert.equal(of("__start__").status, "success");
    assert.deepEqual([of("mid:deep:leaf").status, of("mid:deep:leaf").attempts.length], ["running", 2]);
    assert.deepEqual(of("mid:deep:leaf").from, ["__start__", "a b"]);
    assert.deepEqual([of("mid:tail").from, of("a b").from, of("work").from], [["mid:deep:leaf"], ["mid:tail"], []]);
    assert.deepEqual(of("mid:deep:leaf").attempts.map(({ task }) => task.title), ["Step 1 › mid 1 › deep 1", "Step 3 › mid 1 › deep 1"]);
    assert.deepEqual(of("mid:deep:leaf").attempts[1].task.path, ["graph", 3, "mid", 1, "deep", 1]);
    // Some steps back, the second run has not begun.
    const before = timeline.stateAt(5);
    assert.deepEqual([of("mid:deep:leaf", before).attempts.length, of("a b", before).status], [1, "pending"]);
});

test("several tasks of a node end in whatever order, and it runs until the last has", () => {
    const path = (k) => ["graph", 2, "work", k];
    const started = [begins([], "graph"), ...pass(["graph", 1], "a b"), begins(path(0), "work"), begins(path(1), "work")];
    const one = told(...started, ends(path(1), "work", { duration_ms: 7 }));
    assert.equal(one.of("work").status, "running");
    const { of } = told(...started, ends(path(1), "work", { duration_ms: 7 }), ends(path(0), "work", { status: "error", error: "x" }));
    assert.equal(of("work").status, "error");
    assert.deepEqual(of("work").attempts.map(({ status, durationMs, task, startSeq }) => [status, durationMs, task.path[3], startSeq]), [
        ["success", 7, 1, 5], ["error", 1, 0, 4]]);
    assert.deepEqual(of("work").from, ["a b"]);
});

test("what a node runs beyond the drawing is no run of the node, and speaks for it", () => {
    const within = ["graph", 2, "work", 0, "inner", 1];
    const { of, timeline } = told(
        begins([], "graph"), begins(["graph", 2, "work", 0], "work"), ...pass(within, "square"),
        ["node_output", within, "square", { channel: "chunk", data: "word" }], ["node_output", ["graph", 2], "work", { channel: "scope", data: {} }]);
    assert.deepEqual([of("work").status, of("work").attempts.length, of("work").outputCount], ["running", 1, 1]);
    assert.deepEqual(timeline.entries.map(({ event }) => event.seq), [1, 2, 5]);
});

test("a run that asked and was answered begins anew, and is one run", () => {
    const asks = ["node_output", ["graph", 1], "a b", { channel: "approval", data: { prompt: "?", schema: null } }];
    const { of } = told(begins([], "graph"), begins(["graph", 1], "a b"), asks);
    assert.deepEqual([of("a b").status, of("a b").question], ["waiting", 3]);
    const after = told(begins([], "graph"), begins(["graph", 1], "a b"), asks, ...pass(["graph", 1], "a b"));
    assert.deepEqual([after.of("a b").status, after.of("a b").attempts.length], ["success", 1]);
});

test("the end of the node is the drawing's, reached from what ended last", () => {
    const { of } = told(begins([], "graph"), ...pass(["graph", 1], "work"), ...pass(["graph", 2], "a b"), ends([], "graph"));
    assert.deepEqual([of("__end__").status, of("__end__").from], ["success", ["a b"]]);
});

test("a document with a drawing is shown by it, and no other", () => {
    const host = { id: "graph", kind: "langgraph", config: {} }, document = { id: "g", name: "G", nodes: [host], edges: [], drawing, initial_state: { n: 1 } };
    const found = drawingOf(document);
    assert.equal(found.host, "graph");
    const { document: shown, text } = drawnGraph({ document, text: "{}", revision: 1 }, found.drawing);
    assert.deepEqual(shown.nodes.map(({ name, kind }) => `${name}, ${kind}`), ["Start, LangGraph", "a b, node", "work, node", "leaf, in mid › deep", "tail, in mid", "End, LangGraph"]);
    assert.deepEqual(shown.edges[3], { from: "a b", to: "mid:deep:leaf", drawn: { isConditional: true, label: "again" } });
    assert.deepEqual([shown.initial_state, text], [{ n: 1 }, "{}"]);
    assert.equal(drawingOf({ ...document, nodes: [host, host] }), null);
    assert.equal(drawingOf({ ...document, drawing: undefined }), null);
    assert.equal(drawingOf({ ...document, drawing: {} }), null);
    assert.deepEqual(drawingOf({ ...document, drawing: { ...drawing, edges: [edge("no", "work"), null] } }).drawing.edges, []);
});

test("what is laid out has no cycle", () => {
    assert.deepEqual(forwardEdges(ids, drawing.edges).map(({ from, to }) => `${from} ${to}`), [
        "__start__ mid:deep:leaf", "mid:deep:leaf mid:tail", "mid:tail a b", "a b work", "work __end__", "a b __end__"]);
    assert.deepEqual(forwardEdges(["a"], [edge("a", "a"), edge("a", "a")]), []);
    const many = Array.from({ length: 5_000 }, (_, index) => `n${index}`);
    assert.equal(forwardEdges(many, many.slice(1).map((id, index) => edge(many[index], id))).length, 4_999);
    const { text, ids: names } = geometryOf(drawing);
    assert.deepEqual([JSON.parse(text).nodes[1].id, names.get("n1")], ["n1", "a b"]);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { indexWord, inlineGraph, innerOf } from "../../Sources/Console/Files/inner-graph.js";

const text = `{"id":"outer","reducers":{"n":"sum"},"nodes":[{"id":"a","kind":"set","config":{"values":{}}},
    {"id":"each","name":"Each page","kind":"map","config":{"items":"{{ state.pages }}","nodes":[{"id":"a","kind":"set","config":{"values":{"big":12345678901234567890.10}}}],"edges":[]}}]}`;
const outer = { document: JSON.parse(text), text, revision: 7 };

test("a node runs what stands in its config, another graph, or nothing", () => {
    const inner = (kind, config) => innerOf({ id: "x", kind, config });
    assert.deepEqual(inner("map", { nodes: [], edges: [] }), { kind: "inline" });
    assert.deepEqual(inner("repeat", { graph: "other" }), { kind: "named", id: "other", revision: null });
    assert.deepEqual(inner("graph", { graph: "other", revision: 3 }), { kind: "named", id: "other", revision: 3 });
    assert.deepEqual([inner("map", {}), inner("graph", undefined), inner("lua", { nodes: [] }), innerOf(undefined)], [null, null, null, null]);
    assert.deepEqual(["map", "repeat", "graph", undefined].map(indexWord), ["item", "iteration", null, null]);
});

test("a graph of a config is a document of its own, as it was written, with the reducers of its document", () => {
    const inner = inlineGraph(outer, "each");
    assert.equal(inner.text, '{"id":"outer","name":"Each page","reducers":{"n":"sum"},"nodes":[{"id":"a","kind":"set","config":{"values":{"big":12345678901234567890.10}}}],"edges":[]}');
    assert.deepEqual([inner.document.name, inner.document.nodes.length, inner.revision], ["Each page", 1, 7]);
});

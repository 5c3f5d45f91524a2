import assert from "node:assert/strict";
import { test } from "node:test";

import { ranks, stateAfter } from "../../Sources/Console/Files/state-at.js";

const graph = (ids, edges) => ({ nodes: [...ids].map((id) => ({ id })), edges: edges.map(([from, to]) => ({ from, to })) });

test("ranks are topological, and of the ready nodes the first of the document is next", () => {
    assert.deepEqual([...ranks(graph("cab", ["ab"])).keys()], ["c", "a", "b"]);
    assert.deepEqual([...ranks(graph("dabc", ["ab", "ac", "bd", "cd"])).keys()], ["a", "b", "c", "d"]);
    assert.deepEqual([...ranks(graph("edcba", ["ae", "be"])).keys()], ["d", "c", "b", "a", "e"]);
    assert.deepEqual([...ranks({ nodes: [{ id: "a" }] }).keys()], ["a"]);
});

const order = new Map([["a", 0], ["b", 1], ["c", 2]]);
const after = (initial, updates, reducers = {}) => stateAfter(initial, new Map(updates), order, reducers);

test("the higher rank wins, whoever came first, and keys keep the order of their first writers", () => {
    assert.equal(after('{"k":0}', [["c", '{"x":3,"k":2}'], ["a", '{"x":1,"y":1.50}']]), '{"k":2,"x":3,"y":1.50}');
    assert.equal(after("{}", []), "{}");
});

test("reducers combine what was written", () => {
    const folded = (reducer, initial, ...values) =>
        after(`{"k":${initial}}`, values.map((value, index) => [["a", "b", "c"][index], `{"k":${value}}`]), { k: reducer });
    assert.equal(folded("append", "[1]", "[2,3]", "4"), '{"k":[1,2,3,4]}');
    assert.equal(folded("append", "1"), '{"k":1}');
    assert.equal(folded("sum", "9007199254740993", "1", "-3"), '{"k":9007199254740991}');
    assert.equal(folded("sum", "1", "0.5"), '{"k":1.5}');
    assert.equal(folded("min", "3", "2.0", "2"), '{"k":2.0}');
    assert.equal(folded("max", "9007199254740992", "9007199254740993"), '{"k":9007199254740993}');
    assert.equal(folded("merge", '{"a":{"b":1,"c":2},"d":1}', '{"a":{"b":null,"e":3}}', '{"d":[null]}'), '{"k":{"a":{"c":2,"e":3},"d":[null]}}');
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { filledPositions, freePlace, lacksPositions } from "../../Sources/Console/Files/positions.js";

const node = (id, position) => ({ id, kind: "set", position });

test("a document without positions takes the computed ones", () => {
    const nodes = [node("a"), node("b", { x: "no" })];
    assert.equal(lacksPositions(nodes), true);
    const computed = new Map([["a", { x: 1, y: 2 }], ["b", { x: 3, y: 4 }]]);
    assert.deepEqual(filledPositions(nodes, [], computed), computed);
});

test("a node without a position stands behind the one that it follows, and on no other", () => {
    const nodes = [node("a", { x: 0, y: 0 }), node("b", { x: 240, y: 0 }), node("c"), node("d")];
    const places = filledPositions(nodes, [{ from: "a", to: "c" }], new Map([["c", { x: 0, y: 0 }]]));
    assert.equal(places.size, 4);
    assert.deepEqual(places.get("c"), { x: 240, y: 100 });
    assert.ok((places.get("d")?.y ?? 0) >= 164);
});

test("without any position, nodes are still apart", () => {
    const places = filledPositions([node("a"), node("b"), node("c")], [], new Map());
    assert.equal(new Set([...places.values()].map(({ x, y }) => `${x} ${y}`)).size, 3);
});

test("a free place is the wished one, or below", () => {
    assert.deepEqual(freePlace([], { x: 5, y: 5 }), { x: 5, y: 5 });
    assert.deepEqual(freePlace([{ x: 0, y: 0 }, { x: 10, y: 100 }], { x: 0, y: 0 }), { x: 0, y: 200 });
});

import assert from "node:assert/strict";
import { test } from "node:test";

import {
    NODE_HEIGHT, NODE_WIDTH, SCALE_MAX, SCALE_MIN, boundsOf, contains, edgePath, fitted, labelPoint, labelText, labelWidth,
    neighbour, overlaps, pathAt, revealing, widened, widenedBy, zoomed,
} from "../../Sources/Console/Files/geometry.js";

const positions = new Map([["a", { x: 0, y: 0 }], ["b", { x: 240, y: -50 }], ["c", { x: 240, y: 50 }], ["d", { x: 480, y: 0 }]]);

test("layers part where a condition needs the room, and keep their order", () => {
    const edges = [{ from: "a", to: "b", when: "state.urgency < 0.7" }, { from: "b", to: "d" }];
    const wide = widened(positions, edges);
    assert.equal(wide.get("a").x, 0);
    assert.ok(wide.get("b").x - NODE_WIDTH >= labelWidth(edges[0].when) + 40);
    assert.equal(wide.get("c").x, wide.get("b").x);
    assert.equal(wide.get("d").x - wide.get("b").x, 240);
    assert.deepEqual(widened(positions, []), positions);
});

test("a label lies on its edge, between its nodes", () => {
    const from = { x: 0, y: 0 }, to = { x: 500, y: 300 };
    const { x, y } = labelPoint(from, to, 100);
    assert.ok(x - 50 > NODE_WIDTH && x + 50 < to.x);
    assert.ok(y > NODE_HEIGHT / 2 && y < 300 + NODE_HEIGHT / 2);
});

test("a long condition is cut", () => {
    const text = "state.urgency < 0.7 and state.topic == 'billing'";
    assert.ok(labelText(text).endsWith("…") && text.startsWith(labelText(text).slice(0, -1)));
    assert.equal(labelText("a < b"), "a < b");
});

test("edges lead from side to side, and back around below", () => {
    assert.match(edgePath({ x: 0, y: 0 }, { x: 240, y: 0 }), /^M184,32 C.* 240,32$/);
    assert.match(edgePath({ x: 240, y: 0 }, { x: 0, y: 0 }), /^M424,32 C.* S.* 0,32$/);
});

test("bounds hold all nodes, and something when there is none", () => {
    assert.deepEqual(boundsOf(positions.values()), { x: 0, y: -50, width: 480 + NODE_WIDTH, height: 100 + NODE_HEIGHT });
    assert.ok(boundsOf([]).width > 0);
});

test("a fitted graph is seen whole and in the middle", () => {
    const bounds = boundsOf(positions.values());
    for (const screen of [{ width: 375, height: 300 }, { width: 1440, height: 700 }]) {
        const view = fitted(bounds, screen);
        assert.ok(bounds.x * view.scale + view.x >= 0);
        assert.ok((bounds.x + bounds.width) * view.scale + view.x <= screen.width);
        assert.ok(bounds.y * view.scale + view.y >= 0);
        assert.ok((bounds.y + bounds.height) * view.scale + view.y <= screen.height);
    }
});

test("zooming keeps the point under the pointer, within limits", () => {
    const view = { x: 10, y: 20, scale: 1 }, point = { x: 200, y: 100 };
    const near = zoomed(view, 1.5, point);
    assert.ok(Math.abs((point.x - near.x) / near.scale - (point.x - view.x)) < 1e-9);
    assert.equal(zoomed(view, 1000, point).scale, SCALE_MAX);
    assert.equal(zoomed(view, 0.0001, point).scale, SCALE_MIN);
});

test("a node that is in sight does not move the view, one that is not comes in", () => {
    const view = { x: 0, y: 0, scale: 1 }, screen = { width: 800, height: 600 };
    const box = (x, y) => ({ x, y, width: NODE_WIDTH, height: NODE_HEIGHT });
    assert.deepEqual(revealing(view, box(100, 100), screen), view);
    const { x, y } = revealing(view, box(900, -200), screen);
    assert.ok(900 + NODE_WIDTH + x <= 800 && -200 + y >= 0);
});

test("the keyboard goes to the nearest node of a direction", () => {
    assert.equal(neighbour(positions, "a", "right"), "b");
    assert.equal(neighbour(positions, "b", "down"), "c");
    assert.equal(neighbour(positions, "c", "up"), "b");
    assert.equal(neighbour(positions, "d", "right"), null);
    assert.equal(neighbour(positions, "d", "left"), "b");
    assert.equal(neighbour(positions, "x", "left"), null);
});

test("a path at another place has the same shape there", () => {
    const flat = (path) => path.replace(/\s+/g, " ").replace(/([A-Za-z]) /g, "$1").trim();
    assert.equal(flat(pathAt("M8 2.5a5.5 5.5 0 1 0 0 11zM8 5v3l2 1.5", 100, 200)), "M108 202.5a5.5 5.5 0 1 0 0 11zM108 205v3l2 1.5");
    assert.equal(flat(pathAt("M1 2H3V4C5,6 7,8 -9,.5z", 10, 20)), "M11 22H13V24C15, 26 17, 28 1, 20.5z");
    assert.equal(flat(pathAt("M4.5 3A5.5 5.5 0 0 1 12 4.2V2.5", 10, 20)), "M14.5 23A5.5 5.5 0 0 1 22 24.2V22.5");
    assert.equal(flat(pathAt("M5.5 4 2 8l3.5 4", 10, 20)), "M15.5 24 12 28l3.5 4");
});

test("boxes that touch do not overlap, and one contains itself", () => {
    const box = { x: 0, y: 0, width: 10, height: 10 };
    assert.ok(contains(box, box) && overlaps(box, box));
    assert.ok(!overlaps(box, { ...box, x: 10 }) && !overlaps(box, { ...box, y: -10 }));
    assert.ok(!contains(box, { ...box, width: 11 }) && !contains(box, { ...box, y: -1 }));
    assert.deepEqual(widenedBy(box, 0.5), { x: -5, y: -5, width: 20, height: 20 });
});

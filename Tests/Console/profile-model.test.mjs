import assert from "node:assert/strict";
import { test } from "node:test";

import { bottleneckWords, byStart, comparison, heat, ticks } from "../../Sources/Console/Files/profile-model.js";

const node = (id, start_ms, run_ms, more = {}) => ({
    node_id: id, node_name: id.toUpperCase(), run_ms, segments: start_ms === null ? [] : [{ kind: "run", attempt: 1, start_ms, duration_ms: run_ms }], ...more,
});
const profile = {
    wall_ms: 400, is_final: true, nodes: [node("late", 300, 100), node("first", 0, 300), node("skipped", null, 0)],
    bottleneck: { node_id: "first", run_ms: 300, share: 0.75, reason: "it is the longest" },
};

test("nodes stand in the order in which they began, without those that never did", () => {
    assert.deepEqual(byStart(profile).map(({ node_id }) => node_id), ["first", "late"]);
});

test("the axis has round steps", () => {
    assert.deepEqual(ticks(402, 6), [0, 100, 200, 300, 400]);
    assert.deepEqual(ticks(0.7, 6), [0, 0.2, 0.4, 0.6]);
    assert.deepEqual(ticks(12_000, 6), [0, 2000, 4000, 6000, 8000, 10_000, 12_000]);
    assert.deepEqual(ticks(0, 6), [0]);
});

test("the longest run is the hottest", () => {
    assert.deepEqual([...heat(profile)], [["late", 1 / 3], ["first", 1], ["skipped", 0]]);
    assert.deepEqual([...heat({ ...profile, nodes: [node("a", 0, 0)] })], [["a", 0]]);
});

test("the bottleneck is named with its share and its reason", () => {
    assert.equal(bottleneckWords(profile), "Bottleneck: FIRST, 75 % of 400 ms; it is the longest.");
    assert.match(bottleneckWords({ ...profile, bottleneck: null }), /No node/);
    assert.match(bottleneckWords({ ...profile, bottleneck: null, is_final: false }), /still going on/);
});

test("small differences to earlier runs are chance", () => {
    const trend = (now, usual) => comparison(node("a", 0, now), { run_p50_ms: usual }).trend;
    assert.equal(trend(100, 90), "usual");
    assert.equal(trend(3, 1), "usual");
    assert.equal(trend(200, 100), "slower");
    assert.equal(trend(100, 200), "faster");
    assert.equal(trend(100, null), "unknown");
    assert.equal(comparison(node("a", 0, 100), undefined).trend, "unknown");
});

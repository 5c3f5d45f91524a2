import assert from "node:assert/strict";
import { test } from "node:test";

import { innerProfile } from "../../Sources/Console/Files/inner-profile.js";
import { Timeline } from "../../Sources/Console/Files/timeline.js";
import { nodeComplete, nodeStart, numbered, output, within } from "./execution.mjs";

const path = ["each", 3];
const nodes = ["a", "b", "c"].map((id) => ({ id, kind: "lua" }));

function profile(events, now) {
    const timeline = new Timeline(["a", "b", "c"], "queued", path);
    for (const event of numbered(events)) timeline.push("node_id" in event ? within(path, event) : event, "");
    return innerProfile(timeline, nodes, now);
}

const kinds = (node) => node.segments.map(({ kind, start_ms, duration_ms }) => [kind, start_ms, duration_ms]);

test("queue, run, the wait for a retry and the wait for people are told apart, from the beginning of the graph on", () => {
    const { nodes: [a, b, c], wall_ms, is_final } = profile([
        nodeStart("a"), nodeComplete("a", "error", { duration_ms: 40, queue_ms: 0, will_retry: true }), nodeStart("a", 2),
        nodeComplete("a", "success", { attempt: 2, duration_ms: 90, queue_ms: 5 }), nodeStart("b", 1, "approval"), output("b", {}, "approval"),
        nodeComplete("b", "success", { duration_ms: 1, queue_ms: 0, wait_ms: 150 }), { type: "scope_end", status: "success", duration_ms: 610 },
    ], 0);
    assert.deepEqual(kinds(a), [["run", 0, 40], ["retry_wait", 40, 155], ["queue", 195, 5], ["run", 200, 90]]);
    assert.deepEqual([a.run_ms, a.queue_ms, a.retry_wait_ms, a.attempts], [130, 5, 155, 2]);
    assert.deepEqual(kinds(b), [["run", 400, 1], ["wait", 401, 150]]);
    assert.deepEqual([b.wait_ms, kinds(c), wall_ms, is_final], [150, [], 610, true]);
});

test("what runs has run until now, and what a restart broke off is no run", () => {
    const begin = Date.parse(numbered([{}])[0].timestamp);
    const { nodes: [a, b], wall_ms } = profile([nodeStart("a"), nodeStart("b"), { type: "start", attempt: 2 }, nodeStart("b", 2)], begin + 1_000);
    assert.deepEqual(kinds(a), [["interrupted", 0, 200]]);
    assert.deepEqual(kinds(b), [["interrupted", 100, 100], ["retry_wait", 200, 100], ["run", 300, 700]]);
    assert.equal(wall_ms, 1_000);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { BLOCK_SIZE, emptyRun, finishedCount, isFinished, nodeState, reduce } from "../../Sources/Console/Files/run-state.js";
import { complete, nodeComplete, nodeStart, numbered, output, sampleRun, start } from "./execution.mjs";

const after = (events, ids = ["a", "b", "c"]) => events.reduce(reduce, emptyRun(ids));
const statuses = (state) => [...state.places.keys()].map((id) => nodeState(state, id).status).join(" ");

test("nodes go through their states, event by event", () => {
    const seen = sampleRun.map((_, index) => statuses(after(sampleRun.slice(0, index + 1))));
    assert.deepEqual(seen, [
        "pending pending pending", "running pending pending", "running pending pending", "success pending pending",
        "success running pending", "success retrying pending", "success running pending", "success error pending",
        "success error skipped", "success error skipped",
    ]);
});

test("counts always add up to the nodes", () => {
    let state = emptyRun(["a", "b", "c"]);
    for (const event of sampleRun) {
        state = reduce(state, event);
        assert.equal(Object.values(state.counts).reduce((sum, count) => sum + count), 3);
    }
    assert.equal(finishedCount(state), 3);
});

test("the end has the status, the duration and the time", () => {
    const state = after(sampleRun);
    assert.equal(state.status, "error");
    assert.equal(state.durationMs, 500);
    assert.equal(state.endSeq, 10);
    assert.equal(state.endedAt - state.startedAt, 900);
    assert.ok(isFinished(state));
    assert.ok(!isFinished(after(sampleRun.slice(0, 9))));
});

test("a critical fault ends the execution as failed", () => {
    const state = after(numbered([start(), nodeStart("a"), { type: "error", error: "out of time", details: {} }]));
    assert.equal(state.status, "failed");
    assert.equal(state.error, "out of time");
    assert.ok(isFinished(state));
});

test("attempts keep where they began and ended", () => {
    const { attempts, error, status } = nodeState(after(sampleRun), "b");
    assert.deepEqual(attempts.map(({ number, startSeq, endSeq, status }) => [number, startSeq, endSeq, status]), [
        [1, 5, 6, "error"], [2, 7, 8, "error"],
    ]);
    assert.equal(status, "error");
    assert.equal(error, "no again");
});

test("a skipped node has an attempt without a start", () => {
    assert.deepEqual(nodeState(after(sampleRun), "c").attempts.map((attempt) => attempt.startSeq), [null]);
});

test("a resumed execution has its open nodes pending again", () => {
    const before = numbered([start(), nodeStart("a"), nodeComplete("a"), nodeStart("b"), start(2)]);
    const state = after(before);
    assert.equal(statuses(state), "success pending pending");
    assert.deepEqual(nodeState(state, "b").attempts.map((attempt) => attempt.status), ["interrupted"]);
    assert.equal(state.attempt, 2);
    assert.equal(state.startedAt, Date.parse(before[0].timestamp));
    const again = after(numbered([start(), nodeStart("b"), start(2), nodeStart("b", 2), nodeComplete("b", "success", { attempt: 2 })]));
    assert.deepEqual(nodeState(again, "b").attempts.map((attempt) => attempt.status), ["interrupted", "success"]);
});

test("an event changes no state that was there before", () => {
    const freeze = (value) => {
        if (typeof value === "object" && value !== null && !(value instanceof Map) && !Object.isFrozen(value)) {
            Object.freeze(value);
            Object.values(value).forEach(freeze);
        }
        return value;
    };
    let state = freeze(emptyRun(["a", "b", "c"]));
    for (const event of sampleRun) state = freeze(reduce(state, event));
    assert.equal(statuses(state), "success error skipped");
});

test("an event shares all blocks but the one it changes", () => {
    const ids = Array.from({ length: 3 * BLOCK_SIZE + 1 }, (_, index) => `n${index}`);
    const [begin, first] = numbered([start(), nodeStart(`n${BLOCK_SIZE}`)]);
    const before = reduce(emptyRun(ids), begin), state = reduce(before, first);
    assert.deepEqual(state.blocks.map((block, index) => block === before.blocks[index]), [true, false, true, true]);
    assert.equal(nodeState(state, `n${BLOCK_SIZE}`).status, "running");
    assert.equal(nodeState(state, `n${3 * BLOCK_SIZE}`).status, "pending");
});

test("an event of an unknown node or an unknown type changes nothing but the seq", () => {
    const before = after(sampleRun.slice(0, 3));
    for (const event of [nodeStart("nowhere"), { type: "node_pause" }]) {
        const state = reduce(before, { ...sampleRun[3], ...event, seq: 4 });
        assert.equal(state.seq, 4);
        assert.equal(statuses(state), statuses(before));
    }
});

test("a cancelled execution is cancelled, whatever did not start", () => {
    const state = after(numbered([start(), nodeStart("a"), nodeComplete("a", "cancelled"), complete("cancelled")]));
    assert.equal(state.status, "cancelled");
    assert.equal(statuses(state), "cancelled pending pending");
});

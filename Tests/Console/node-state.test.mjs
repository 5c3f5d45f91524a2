import assert from "node:assert/strict";
import { test } from "node:test";

import { endedCount, isOpen } from "../../Sources/Console/Files/node-state.js";
import { emptyRun, isFinished, nodeState, reduce } from "../../Sources/Console/Files/run-state.js";
import { item, nodeComplete, nodeStart, numbered, output, start } from "./execution.mjs";

const after = (events, ids = ["a", "b"]) => numbered(events).reduce(reduce, emptyRun(ids));
const question = output("a", { prompt: "Ship it?", schema: null, deadline: null }, "approval");

test("a node that asks waits, until it ends, and the time that it waited is told apart", () => {
    const asked = nodeState(after([start(), nodeStart("a", 1, "approval"), question]), "a");
    assert.deepEqual([asked.status, asked.question, isOpen(asked)], ["waiting", 3, true]);
    assert.equal(asked.startedAt, Date.parse(numbered([start(), start(), start()])[2].timestamp));
    const ended = nodeState(after([start(), nodeStart("a", 1, "approval"), question, nodeComplete("a", "success", { duration_ms: 1, wait_ms: 7_200_000 })]), "a");
    assert.deepEqual([ended.status, ended.question, ended.attempts[0].durationMs, ended.attempts[0].waitMs], ["success", null, 1, 7_200_000]);
    assert.equal(nodeState(after([nodeStart("a"), nodeComplete("a")]), "a").attempts[0].waitMs, null);
});

test("who waits goes on waiting across a restart, and is counted as what it is", () => {
    const state = after([start(), nodeStart("a", 1, "approval"), question, nodeStart("b"), start(2)]);
    assert.equal(nodeState(state, "a").status, "waiting");
    assert.equal(nodeState(state, "b").status, "pending");
    assert.deepEqual([state.counts.waiting, state.counts.running, state.counts.pending], [1, 0, 1]);
    assert.equal(nodeState(after([start(), nodeStart("a", 1, "delay"), start(2)]), "a").status, "running");
});

test("a channel that happens to be called so asks nothing and counts no items", () => {
    const state = after([start(), nodeStart("a", 1, "python"), question, item("a", 0)]);
    assert.deepEqual([nodeState(state, "a").status, nodeState(state, "a").items], ["running", null]);
    const odd = after([start(), nodeStart("a", 1, "map"), output("a", "text", "item"), output("a", { index: "x" }, "item")]);
    assert.equal(endedCount(nodeState(odd, "a").items), 0);
});

test("a graph within a node begins with its first event and ends with what the node around it says", () => {
    const end = { type: "scope_end", status: "error", duration_ms: 12, error: "no" };
    assert.equal(numbered([nodeStart("a")]).reduce(reduce, emptyRun(["a"], "queued")).status, "running");
    const state = after([nodeStart("a"), nodeComplete("a", "error"), end]);
    assert.deepEqual([state.status, state.durationMs, state.error, isFinished(state)], ["error", 12, "no", true]);
    const again = after([nodeStart("a"), nodeComplete("a", "error"), end, nodeStart("a", 2)]);
    assert.deepEqual([again.status, again.error, isFinished(again)], ["running", null, false]);
    assert.equal(after([nodeStart("a"), { ...end, status: "cached" }]).status, "success");
});

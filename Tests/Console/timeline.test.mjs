import assert from "node:assert/strict";
import { test } from "node:test";

import { emptyRun, reduce } from "../../Sources/Console/Files/run-state.js";
import { Timeline } from "../../Sources/Console/Files/timeline.js";
import { nodeComplete, nodeStart, numbered, output, sampleRun, start } from "./execution.mjs";

function timeline(events, ids) {
    const made = new Timeline(ids);
    for (const event of events) made.push(event, JSON.stringify(event));
    return made;
}

test("the state at each seq is that of the events so far, across checkpoints", () => {
    const ids = Array.from({ length: 200 }, (_, index) => `n${index}`);
    const events = numbered([start(), ...ids.flatMap((id) => [nodeStart(id), output(id, "x"), nodeComplete(id)])]);
    const made = timeline(events, ids);
    let state = emptyRun(ids, "queued");
    assert.deepEqual(made.stateAt(0), state);
    for (const event of events) {
        state = reduce(state, event);
        assert.deepEqual(made.stateAt(event.seq), state);
    }
    assert.equal(made.lastSeq, 601);
});

test("an event that is there already is ignored", () => {
    const made = timeline(sampleRun, ["a", "b", "c"]);
    assert.equal(made.push(sampleRun[3], ""), false);
    assert.equal(made.entries.length, sampleRun.length);
});

test("entries are found by seq and by node", () => {
    const made = timeline(sampleRun, ["a", "b", "c"]);
    assert.equal(made.entry(4)?.event, sampleRun[3]);
    assert.equal(made.entry(99), undefined);
    assert.equal(made.entry(null), undefined);
    assert.deepEqual(made.entriesOfNode("b", 7).map((entry) => entry.event.seq), [5, 6, 7]);
    assert.deepEqual(made.entriesOfNode("x", 7), []);
    assert.equal(made.timeAt(3) - made.timeAt(1), 200);
    assert.equal(made.timeAt(0), null);
});

test("entries are found by seq behind a gap, too", () => {
    const made = new Timeline(["a", "b", "c"]);
    made.noteGap({ type: "gap", execution_id: "01a", from: 1, to: 4 });
    for (const event of sampleRun.slice(4)) made.push(event, "");
    assert.equal(made.firstSeq, 5);
    assert.equal(made.entry(6)?.event, sampleRun[5]);
    assert.equal(made.entry(4), undefined);
    assert.equal(made.stateAt(5).counts.running, 1);
    assert.equal(made.stateAt(3).counts.running, 0);
});

test("restarts are remembered where they were", () => {
    assert.deepEqual(timeline(numbered([start(), nodeStart("a"), start(2), nodeStart("a", 2)]), ["a"]).seams, [3]);
    assert.deepEqual(timeline(sampleRun, ["a", "b", "c"]).seams, []);
});

test("the last outputs of an attempt are found without a look at the others", () => {
    const events = numbered([
        start(), nodeStart("a"), ...Array.from({ length: 5 }, (_, index) => output("a", `${index}`)), nodeComplete("a", "error", { will_retry: true }),
        nodeStart("a", 2), output("a", "again"),
    ]);
    const made = timeline(events, ["a"]);
    const data = (...query) => made.outputsOfNode("a", ...query).map(({ event }) => event.data);
    assert.deepEqual(data(2, 8, 100), ["0", "1", "2", "3", "4"]);
    assert.deepEqual(data(2, 8, 2), ["3", "4"]);
    assert.deepEqual(data(2, 5, 100), ["0", "1", "2"]);
    assert.deepEqual(data(9, Infinity, 100), ["again"]);
    assert.deepEqual(made.outputsOfNode("nowhere", 0, Infinity, 9), []);
});

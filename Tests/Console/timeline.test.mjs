import assert from "node:assert/strict";
import { test } from "node:test";

import { emptyRun, nodeState, reduce } from "../../Sources/Console/Files/run-state.js";
import { endedCount, runningCount } from "../../Sources/Console/Files/node-state.js";
import { Timeline } from "../../Sources/Console/Files/timeline.js";
import { item, nodeComplete, nodeStart, numbered, opening, output, sampleRun, start, within } from "./execution.mjs";

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

test("entries are found by seq", () => {
    const made = timeline(sampleRun, ["a", "b", "c"]);
    assert.equal(made.entry(4)?.event, sampleRun[3]);
    assert.equal(made.entry(99), undefined);
    assert.equal(made.entry(null), undefined);
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

test("events of other graphs are not taken, though their nodes are called the same", () => {
    const events = numbered([
        start(), nodeStart("each", 1, "map"), within(["each", 0], nodeStart("a")), within(["each", 1], nodeStart("a")),
        within(["each", 0], nodeComplete("a", "error")), nodeStart("a"), item("each", 0, "error"),
    ]);
    const outer = timeline(events, ["each", "a"]);
    assert.equal(nodeState(outer.latest, "a").status, "running");
    assert.deepEqual(outer.entries.map(({ event }) => event.seq), [1, 2, 6, 7]);
    const inner = new Timeline(["a"], "running", ["each", 0]);
    for (const event of events.slice(2)) inner.push(event, "");
    assert.equal(nodeState(inner.latest, "a").status, "error");
    assert.deepEqual(inner.entries.map(({ event }) => event.seq), [3, 5]);
    assert.equal(inner.latest.startedAt, Date.parse(events[2].timestamp));
});

/** A map whose items all succeed but each tenth. */
const mapRun = numbered([
    start(), nodeStart("each", 1, "map"),
    opening("each", 0, { total: 501, graph: "page", revision: 3 }),
    ...Array.from({ length: 500 }, (_, index) => [opening("each", index + 1, { total: 501 }), item("each", index, index % 10 === 9 ? "error" : "success")]).flat(),
    nodeComplete("each", "error"), { type: "complete", status: "error", duration_ms: 1, failed_nodes: ["each"] },
]);

test("of items only those that failed are kept as entries, and any event in between can be shown", () => {
    const made = new Timeline(["each", "after"]);
    const counts = { total: null, opened: 0, success: 0, cached: 0, error: 0, cancelled: 0, earlier: 0 }, expected = [];
    for (const event of mapRun) {
        made.push(event, "");
        if (event.data?.status === "running") Object.assign(counts, { opened: counts.opened + 1, total: event.data.total });
        else if (event.data) counts[event.data.status] += 1;
        expected.push({ ...counts });
        assert.deepEqual(nodeState(made.latest, "each").items, event.seq > 1 ? counts : null);
        assert.equal(made.latest.seq, event.seq);
    }
    assert.equal(made.entries.length, 50 + 4);
    for (const event of mapRun) {
        const state = made.stateAt(event.seq);
        assert.equal(state.seq, event.seq);
        assert.deepEqual(nodeState(state, "each").items, event.seq > 1 ? expected[event.seq - 1] : null, `after ${event.seq}`);
        assert.equal(made.timeAt(event.seq), Date.parse(event.timestamp));
        assert.equal(made.seqBeside(event.seq, 1), Math.min(event.seq + 1, mapRun.length));
        assert.equal(made.seqBeside(event.seq, -1), event.seq - 1);
    }
    assert.deepEqual(expected.at(-1), { total: 501, opened: 501, success: 450, cached: 0, error: 50, cancelled: 0, earlier: 0 });
});

test("a step goes to the next event that is there", () => {
    const made = timeline(mapRun.filter(({ seq }) => seq % 7 === 1), ["each"]);
    assert.equal(made.seqBeside(1, 1), 8);
    assert.equal(made.seqBeside(14, 1), 15);
    assert.equal(made.seqBeside(15, -1), 8);
    assert.equal(made.seqBeside(1, -1), 0);
    assert.equal(made.stateAt(14).seq, 8);
});

test("where a graph within a node began is known, and which graph it is", () => {
    const made = timeline(mapRun, ["each", "after"]);
    const { seq, graph, revision } = made.opening("each", 17);
    assert.deepEqual([seq, graph, revision], [mapRun.find(({ data }) => data?.status === "running" && data.index === 17).seq, "page", 3]);
    assert.equal(made.opening("each", 501), undefined);
    assert.equal(made.opening("after", null), undefined);
    const once = timeline(numbered([start(), nodeStart("sub", 1, "graph"), opening("sub", undefined, { graph: "other", revision: 2 })]), ["sub"]);
    assert.deepEqual([once.opening("sub", null).seq, once.opening("sub", null).revision, once.entries.length], [3, 2, 3]);
});

test("items are counted by how they ended; a further attempt keeps those that succeeded and begins the others anew", () => {
    const first = [start(), nodeStart("a", 1, "map"), opening("a", 0, { total: 9 }), opening("a", 1), opening("a", 2), item("a", 0), item("a", 1, "error"), item("a", 2, "cancelled")];
    const counts = (events) => nodeState(timeline(numbered(events), ["a"]).latest, "a").items;
    assert.deepEqual(counts(first), { total: 9, opened: 3, success: 1, cached: 0, error: 1, cancelled: 1, earlier: 0 });
    assert.deepEqual([endedCount(counts(first)), runningCount(counts(first.slice(0, -2)))], [3, 2]);
    const again = counts([...first, nodeComplete("a", "error", { will_retry: true }), nodeStart("a", 2, "map"), opening("a", 1)]);
    assert.deepEqual([again.total, again.success, again.error, runningCount(again)], [9, 1, 0, 1]);
    const taken = timeline(numbered([start(), nodeStart("a", 1, "map"), item("a", 0, "cached"), item("a", 2, "cached"), opening("a", 1, { total: 3 })]), ["a"]);
    const { items } = nodeState(taken.latest, "a");
    assert.deepEqual([items.cached, endedCount(items), runningCount(items), taken.lastIndex("a")], [2, 2, 1, 2]);
    assert.deepEqual([0, 1, 2, null].map((index) => taken.isTakenOver("a", index)), [true, false, true, false]);
});

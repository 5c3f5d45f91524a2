import assert from "node:assert/strict";
import { test } from "node:test";

import { LogRows } from "../../Sources/Console/Files/log-rows.js";
import { closing, item, nodeComplete, nodeStart, numbered, opening, output, sampleRun, start } from "./execution.mjs";

function rows(events, names = new Map([["a", "Anna"]])) {
    const log = new LogRows(names);
    for (const event of numbered(events)) log.add({ event, text: JSON.stringify(event) });
    return log.rows;
}

test("a run reads as sentences", () => {
    const log = new LogRows(new Map([["a", "Anna"]]));
    for (const event of sampleRun) log.add({ event, text: JSON.stringify(event) });
    assert.deepEqual(log.rows.map(({ node, level, text }) => `${level} ${node}: ${text}`), [
        "event : Run started: 3 nodes, revision 1", "event Anna: started", "output Anna: hello ", "success Anna: finished in 90 ms",
        "event b: started", "error b: failed after 90 ms: no; it will be retried", "event b: started, attempt 2",
        "error b: failed after 90 ms: no again", "muted c: skipped", "error : Run ended with errors after 500 ms",
    ]);
});

test("words of several speakers at once grow into one row each", () => {
    const log = rows([start(), output("a", "one "), output("b", "eins "), output("a", "two"), output("b", "zwei")]);
    assert.deepEqual(log.slice(1).map((row) => row.text), ["one two", "eins zwei"]);
});

test("words do not grow past the end of their attempt, nor into other channels", () => {
    const log = rows([output("a", "x"), nodeComplete("a"), nodeStart("a", 2), output("a", "y"), output("a", "z", "log"), output("a", "!")]);
    assert.deepEqual(log.map((row) => row.text), ["x", "finished in 90 ms", "started, attempt 2", "y!", "z"]);
});

test("a row of words has an end", () => {
    const log = rows(Array.from({ length: 30 }, () => output("a", "0123456789".repeat(10))));
    assert.equal(log.length, 2);
});

test("outputs that are no strings are shown as JSON, as they were written", () => {
    const log = new LogRows(new Map());
    const [event] = numbered([output("a", { n: 1 })]);
    log.add({ event, text: JSON.stringify(event).replace('{"n":1}', '{"n":1.00}') });
    assert.equal(log.rows[0].text, '{"n":1.00}');
});

test("graphs within nodes have rows that say how they went", () => {
    const log = rows([
        nodeStart("each", 1, "map"), item("each", 17, "error", { error: "no such page" }), item("each", 18, "cancelled"),
        opening("sub", undefined, { graph: "other", revision: 3 }), closing("sub"), opening("sub"), output("talk", "hello", "scope"),
    ]);
    assert.deepEqual(log.slice(1).map(({ level, text }) => [level, text]), [
        ["error", "item 17 failed after 3.1 ms: no such page"], ["muted", "item 18 was cancelled after 3.1 ms"],
        ["event", "graph other started, revision 3"], ["muted", "its graph finished after 7 ms"], ["event", "its graph started"], ["output", "hello"],
    ]);
});

test("questions and answers read as who gave them and why", () => {
    const answer = (data) => output("ask", data, "answer");
    const question = output("ask", { prompt: "Ship it?", schema: null, deadline: null }, "approval");
    const log = rows([question, answer({ approved: true, data: null, by: "ann", comment: null }), answer({ approved: false, by: null, comment: "too dear" }), answer({ text: 1 })]);
    assert.deepEqual(log.map(({ level, text }) => [level, text]), [["event", "asks: Ship it?"], ["success", "approved by ann"], ["error", "refused: too dear"], ["output", '{"text":1}']]);
});

test("the end of a graph within a node, and what was waited for people, are told", () => {
    const end = { type: "scope_end", status: "error", duration_ms: 12, error: "no" };
    const log = rows([nodeComplete("ask", "success", { wait_ms: 7_200_000 }), end, { ...end, status: "success", error: undefined }]);
    assert.deepEqual(log.map(({ level, text }) => [level, text]), [
        ["success", "finished in 90 ms, after it had waited 2 h 0 min for an answer"],
        ["error", "Failed after 12 ms: no"], ["success", "Finished after 12 ms"],
    ]);
});

test("a resumed run says so", () => {
    const [, seam] = rows([start(), start(2)]);
    assert.equal(seam.level, "seam");
    assert.match(seam.text, /restarted: start 2/);
});

test("going back and on again gives the rows that going there at once gives", () => {
    const speakers = ["a", "b", "c"];
    const events = numbered([start(), ...Array.from({ length: 1500 }, (_, index) => {
        const id = speakers[index % 3], turn = Math.floor(index / 40) % 4;
        return index % 97 === 0 ? nodeStart(id) : output(id, `${index} `, turn === 0 ? "stderr" : "chunk");
    })]).map((event) => ({ event, text: JSON.stringify(event) }));
    const at = (count) => {
        const log = new LogRows(new Map());
        for (const entry of events.slice(0, count)) log.add(entry);
        return log.rows;
    };
    const log = new LogRows(new Map());
    let shown = 0;
    for (const count of [1501, 1500, 1499, 700, 701, 256, 255, 1024, 1023, 0, 1, 0, 513, 1501, 300]) {
        if (count < shown) shown = log.rewind(count).eventCount;
        for (; shown < count; shown += 1) log.add(events[shown]);
        assert.deepEqual(log.rows, at(count), `after ${count} events`);
    }
});

test("a step back makes few rows anew and keeps the others", () => {
    const events = numbered(Array.from({ length: 5000 }, (_, index) => output("a", `${index}`, "log"))).map((event) => ({ event, text: JSON.stringify(event) }));
    const log = new LogRows(new Map());
    for (const entry of events) log.add(entry);
    const first = log.rows[0];
    const { eventCount } = log.rewind(4999);
    assert.ok(eventCount > 4700);
    assert.equal(log.rows.length, eventCount);
    assert.equal(log.rows[0], first);
});

test("rows that lose words are named", () => {
    const log = new LogRows(new Map());
    const entries = numbered(Array.from({ length: 300 }, () => output("a", "x"))).map((event) => ({ event, text: JSON.stringify(event) }));
    for (const entry of entries) log.add(entry);
    const { eventCount, shortened } = log.rewind(299);
    assert.equal(eventCount, 256);
    assert.deepEqual(shortened, [log.rows[0]]);
    assert.equal(log.rows[0].text, "x".repeat(256));
});

test("the marks of many open rows hold no more than the events do", () => {
    const entries = numbered(Array.from({ length: 8000 }, (_, index) => output(`n${index % 1000}`, `${index} `)))
        .map((event) => ({ event, text: JSON.stringify(event) }));
    const log = new LogRows(new Map());
    for (const entry of entries) log.add(entry);
    let shown = 8000, marks = 0;
    while (shown > 0) {
        shown = log.rewind(shown - 1).eventCount;
        marks += 1;
    }
    assert.ok(marks <= 12, `${marks} marks`);
    for (const entry of entries) log.add(entry);
    for (let { eventCount } = log.rewind(5500); eventCount < 5500; eventCount += 1) log.add(entries[eventCount]);
    const straight = new LogRows(new Map());
    for (const entry of entries.slice(0, 5500)) straight.add(entry);
    assert.deepEqual(log.rows, straight.rows);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { LogRows } from "../../Sources/Console/Files/log-rows.js";
import { MatchingRows } from "../../Sources/Console/Files/matching-rows.js";
import { numbered, output } from "./execution.mjs";

/** A filtered log that goes to any moment, as <run-log> does; each event is shown by itself. */
class FilteredLog {
    matching;
    #entries;
    #log = new LogRows(new Map());
    #count = 0;

    constructor(events, words) {
        this.#entries = numbered(events).map((event) => ({ event, text: JSON.stringify(event) }));
        this.matching = new MatchingRows((row) => row.text.includes(words));
    }

    /** How many rows at the beginning stand where they stood. */
    show(count) {
        let kept = this.matching.rows.length, shortened = [];
        if (count < this.#count) {
            ({ eventCount: this.#count, shortened } = this.#log.rewind(count));
            kept = this.matching.rewind(this.#log.rows.at(-1)?.seq ?? 0, shortened);
        }
        for (; this.#count < count; this.#count += 1) this.matching.take(this.#log.add(this.#entries[this.#count]));
        return kept;
    }

    get seqs() {
        return this.matching.rows.map((row) => row.seq);
    }

    /** What the log has of the rows that fit, by itself. */
    get fitting() {
        return this.#log.rows.filter((row) => row.text.includes("end")).map((row) => row.seq);
    }
}

// Row 1 grows word by word and fits only after event 400; the lines before and after it fit at once.
const events = [output("a", "x"), ...Array.from({ length: 598 }, (_, index) =>
    index === 398 ? output("a", "end") : index % 2 === 0 ? output("b", "end", "log") : output("a", "x"))];

test("rows that a step back takes away go, though an older row has come after them", () => {
    const log = new FilteredLog(events, "end");
    log.show(400);
    assert.equal(log.seqs.at(-1), 1);
    log.show(599);
    for (const count of [300, 599, 598, 410, 300, 401, 400, 257, 256, 0, 599, 400, 399]) {
        log.show(count);
        assert.equal(new Set(log.seqs).size, log.seqs.length, `after ${count} events, no row is there twice`);
        assert.deepEqual(log.seqs.toSorted((a, b) => a - b), log.fitting, `after ${count} events`);
    }
});

test("a row that has lost the words goes, and comes again with them", () => {
    const log = new FilteredLog([output("a", "x"), ...Array.from({ length: 300 }, () => output("a", "x")), output("a", "end")], "end");
    log.show(302);
    assert.deepEqual(log.seqs, [1]);
    assert.equal(log.show(301), 0);
    assert.deepEqual(log.seqs, []);
    log.show(302);
    assert.deepEqual(log.seqs, [1]);
});

test("the places are those of the rows after a step back", () => {
    const log = new FilteredLog(events, "end");
    log.show(599);
    const kept = log.show(300);
    assert.ok(kept > 100 && kept <= log.matching.rows.length);
    assert.deepEqual(log.matching.rows.map((row) => log.matching.take(row)), [...log.matching.rows.keys()]);
});

test("what stays behind a row that goes moves up", () => {
    const matching = new MatchingRows((row) => row.text !== "");
    const rows = [1, 9, 2, 3].map((seq) => ({ seq, text: "x" }));
    for (const row of rows) matching.take(row);
    rows[2].text = "";
    assert.equal(matching.rewind(5, [rows[2]]), 1);
    assert.deepEqual(matching.rows, [rows[0], rows[3]]);
    assert.deepEqual(rows.map((row) => matching.take(row)), [0, undefined, undefined, 1]);
});

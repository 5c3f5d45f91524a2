import assert from "node:assert/strict";
import { test } from "node:test";

import { ItemTrack } from "../../Sources/Console/Files/item-track.js";

test("each of many items is found by its seq", () => {
    const track = new ItemTrack();
    for (let index = 0; index < 100_000; index += 1) track.push(10 + index * 3, index, 99_999 - index);
    assert.equal(track.countThrough(9), 0);
    assert.equal(track.countThrough(10), 1);
    assert.equal(track.countThrough(12), 1);
    assert.equal(track.countThrough(10 + 99_999 * 3), 100_000);
    assert.equal(track.countThrough(Infinity), 100_000);
    assert.deepEqual(track.at(99_999), { seq: 10 + 99_999 * 3, time: 99_999 });
    assert.equal(track.at(100_000), undefined);
    assert.equal(track.at(-1), undefined);
    assert.equal(track.seqOf(99_999), 10);
    assert.equal(track.seqOf(0), 10 + 99_999 * 3);
    assert.equal(track.seqOf(100_000), undefined);
    assert.equal(new ItemTrack().seqOf(0), undefined);
});

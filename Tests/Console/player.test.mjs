import assert from "node:assert/strict";
import { test } from "node:test";

import { Player } from "../../Sources/Console/Files/player.js";
import { Timeline } from "../../Sources/Console/Files/timeline.js";
import { sampleRun } from "./execution.mjs";

function timeline(events = sampleRun) {
    const made = new Timeline(["a", "b", "c"]);
    for (const event of events) made.push(event, "");
    return made;
}

test("events are reached when their time has come", () => {
    const player = new Player(timeline(), 1);
    assert.deepEqual([50, 49, 1, 250, 10_000].map((time) => player.advance(time)), [1, 1, 2, 4, 10]);
    assert.ok(player.isAtEnd);
});

test("from before the beginning, the first event is reached at once", () => {
    assert.equal(new Player(timeline(), 0).advance(0), 1);
});

test("long silences are cut short", () => {
    const late = sampleRun.map((event, index) =>
        index < 3 ? event : { ...event, timestamp: new Date(Date.parse(event.timestamp) + 3_600_000).toISOString() });
    const player = new Player(timeline(late), 3);
    assert.equal(player.advance(1_999), 3);
    assert.equal(player.advance(1), 4);
    assert.equal(player.advance(100), 5);
});

test("a clock that was set back holds nothing up", () => {
    const odd = sampleRun.map((event, index) => (index === 4 ? { ...event, timestamp: sampleRun[0].timestamp } : event));
    const player = new Player(timeline(odd), 4);
    assert.equal(player.advance(0), 5);
});

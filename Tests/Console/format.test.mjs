import assert from "node:assert/strict";
import { test } from "node:test";

import { ago, clock, count, duration, offset } from "../../Sources/Console/Files/format.js";

test("durations have three digits at most and a unit", () => {
    const cases = [
        [0, "0 ms"], [0.42, "0.4 ms"], [9.96, "10 ms"], [12.3, "12 ms"], [999.4, "999 ms"], [999.6, "1.00 s"], [1850, "1.85 s"],
        [12_340, "12.3 s"], [59_960, "1 min 0 s"], [192_000, "3 min 12 s"], [3_600_000, "1 h 0 min"], [7_500_000, "2 h 5 min"],
        [-3, "0 ms"],
    ];
    for (const [milliseconds, text] of cases) assert.equal(duration(milliseconds), text);
});

test("a running clock goes from seconds to hours", () => {
    const cases = [[0, "0.0 s"], [59_900, "59.9 s"], [59_960, "0:59"], [60_000, "1:00"], [185_000, "3:05"], [3_725_000, "1:02:05"]];
    for (const [milliseconds, text] of cases) assert.equal(clock(milliseconds), text);
});

test("offsets, ages and counts read well", () => {
    assert.equal(offset(12), "+0.012");
    assert.equal(offset(75_300), "+75.300");
    const now = Date.parse("2026-01-31T12:00:00Z");
    assert.equal(ago("2026-01-31T11:59:55.123456Z", now), "just now");
    assert.equal(ago("2026-01-31T11:57:00Z", now), "3 min ago");
    assert.equal(ago("2026-01-31T02:00:00Z", now), "10 h ago");
    assert.match(ago("2025-12-31T02:00:00Z", now), /2025/);
    assert.equal(count(1, "node"), "1 node");
    assert.equal(count(0, "node"), "0 nodes");
});

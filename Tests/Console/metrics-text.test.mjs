import assert from "node:assert/strict";
import { test } from "node:test";

import { parseMetrics, quantileOf, rate, total } from "../../Sources/Console/Files/metrics-text.js";
import { figureGroups, valueText } from "../../Sources/Console/Files/operation-figures.js";

const text = `# HELP jobs Jobs.
# TYPE jobs gauge
jobs 12
spent_total{kind="a \\"b\\"",x="1"} 2.5e3 1700000000
spent_total{kind="c"} 7
turn_bucket{le="0.001"} 90
turn_bucket{le="0.01"} 99
turn_bucket{le="+Inf"} 100
broken{ 1
`;

test("names, labels and numbers are read, and the rest is passed over", () => {
    const metrics = parseMetrics(text);
    assert.equal(total(metrics, "jobs"), 12);
    assert.deepEqual(metrics.get("spent_total"), [{ labels: { kind: 'a "b"', x: "1" }, value: 2500 }, { labels: { kind: "c" }, value: 7 }]);
    assert.equal(total(metrics, "spent_total"), 2507);
    assert.equal(total(metrics, "nothing"), undefined);
});

test("a counter that began anew has grown by what it says now", () => {
    assert.equal(rate(10, 30, 2), 10);
    assert.equal(rate(1000, 4, 2), 2);
    assert.equal(rate(undefined, 4, 2), undefined);
    assert.equal(rate(1, 4, 0), undefined);
});

test("quantiles come from what was counted between two readings", () => {
    const buckets = (...counts) => ["0.001", "0.01", "+Inf"].map((le, index) => ({ labels: { le }, value: counts[index] }));
    assert.equal(quantileOf(undefined, buckets(90, 99, 100), 0.9), 0.001);
    assert.equal(quantileOf(buckets(90, 90, 90), buckets(90, 100, 100), 0.5).toFixed(6), "0.005500");
    assert.equal(quantileOf(undefined, buckets(0, 0, 5), 0.5), 0.01);
    assert.equal(quantileOf(buckets(1, 1, 1), buckets(1, 1, 1), 0.5), undefined);
    assert.equal(quantileOf(undefined, undefined, 0.5), undefined);
});

test("values are short and have their unit", () => {
    assert.equal(valueText(3, ""), "3");
    assert.equal(valueText(12_345, "/s"), "12.3 k /s");
    assert.equal(valueText(1536, "bytes"), "1.5 KiB");
    assert.equal(valueText(0, "bytes/s"), "0 B/s");
    assert.equal(valueText(0.0421, "ms"), "0.042 ms");
});

test("each figure has a name that no other has", () => {
    const names = figureGroups.flatMap(({ figures }) => figures.map(({ name }) => name));
    assert.equal(new Set(names).size, names.length);
});

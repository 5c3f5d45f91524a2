import assert from "node:assert/strict";
import { test } from "node:test";

import { Problem } from "../../Sources/Console/Files/problem.js";
import { advice } from "../../Sources/Console/Files/problem-advice.js";

test("a problem is told as what to do, never as a code", () => {
    for (const fields of [{ status: 429, code: "queue_full" }, { status: 404, code: "unknown_graph" }, { status: 503, code: "http_503" }, { status: 502 }, { status: 403 }]) {
        const { title, advice: todo } = advice(new Problem(fields));
        assert.ok(title && todo, JSON.stringify(fields));
        assert.doesNotMatch(`${title} ${todo}`, /\b[45]\d\d\b|_full|_graph/);
    }
});

test("what nobody has heard of keeps its own title", () => {
    assert.deepEqual(advice(new Problem({ status: 409, code: "odd", title: "Odd" })), { title: "Odd", advice: "" });
});

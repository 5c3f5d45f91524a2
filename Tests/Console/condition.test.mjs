import assert from "node:assert/strict";
import { test } from "node:test";

import { conditionText } from "../../Sources/Console/Files/condition.js";

test("a condition is what it says in Lua, or where it stands in Python", () => {
    assert.equal(conditionText("state.n > 1"), "state.n > 1");
    assert.equal(conditionText({ python: "graph.edges[0][2]", file: "graph.py" }), "python: graph.edges[0][2]");
    for (const none of [undefined, null, "", {}, { python: 7 }, 3]) assert.equal(conditionText(none), "");
});

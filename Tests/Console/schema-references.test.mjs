import assert from "node:assert/strict";
import { test } from "node:test";

import { withoutReferences } from "../../Sources/Console/Files/schema-references.js";

test("a reference becomes what it names, and what stands beside it stays", () => {
    const schema = {
        type: "object", $defs: { colour: { type: "string", enum: ["red"] }, "a/b": { type: "integer" } },
        properties: { wall: { $ref: "#/$defs/colour", title: "Wall" }, size: { $ref: "#/$defs/a~1b" }, all: { type: "array", items: { $ref: "#/$defs/colour" } } },
    };
    assert.deepEqual(withoutReferences(schema), {
        type: "object",
        properties: {
            wall: { type: "string", enum: ["red"], title: "Wall" }, size: { type: "integer" },
            all: { type: "array", items: { type: "string", enum: ["red"] } },
        },
    });
});

test("a schema that refers to itself ends, and what names nothing takes anything", () => {
    const tree = { type: "object", properties: { child: { $ref: "#" }, lost: { $ref: "#/$defs/none" }, foreign: { $ref: "https://example.org/x" } } };
    let made = withoutReferences(tree), depth = 0;
    assert.deepEqual([made.properties.lost, made.properties.foreign], [{}, {}]);
    for (; made?.properties?.child; depth += 1) made = made.properties.child;
    assert.ok(depth > 1 && depth < 20, `${depth}`);
});

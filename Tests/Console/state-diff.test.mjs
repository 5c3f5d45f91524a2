import assert from "node:assert/strict";
import { test } from "node:test";

import { stateDiff } from "../../Sources/Console/Files/state-diff.js";

const diff = (before, after) => stateDiff(before, after).differences.map(({ place, before, after }) => [place, before, after]);

test("only what changed is told, at its place, as it was written", () => {
    assert.deepEqual(diff('{"a":1,"b":{"c":[1,2],"d":"x"}}', '{"a":1.0,"b":{"c":[1,3],"d":"x"},"e":null}'), [
        ["a", "1", "1.0"], ["b.c[1]", "2", "3"], ["e", null, "null"],
    ]);
    assert.deepEqual(diff('{"a":1,"gone":[true]}', '{"a":1}'), [["gone", "[true]", null]]);
    assert.deepEqual(diff("{}", "{}"), []);
});

test("one item more in an array is one difference, wherever it is", () => {
    assert.deepEqual(diff('{"l":[1,2,3]}', '{"l":[1,2,3,4]}'), [["l[3]", null, "4"]]);
    assert.deepEqual(diff('{"l":[1,2,3]}', '{"l":[0,1,2,3]}'), [["l[0]", null, "0"]]);
    assert.deepEqual(diff('{"l":[1,2,3]}', '{"l":[1,3]}'), [["l[1]", "2", null]]);
    assert.deepEqual(diff('{"l":[1,1]}', '{"l":[1,1,1]}'), [["l[2]", null, "1"]]);
});

test("another kind of value replaces the whole, and odd keys are quoted", () => {
    assert.deepEqual(diff('{"a b":{"c":1}}', '{"a b":[1]}'), [['"a b"', '{"c":1}', "[1]"]]);
    assert.deepEqual(diff("1", "2"), [["(all)", "1", "2"]]);
});

test("a great number of differences is cut, and says so", () => {
    const many = (value) => `{${Array.from({ length: 600 }, (_, index) => `"k${index}":${value}`).join(",")}}`;
    const { differences, isCut } = stateDiff(many(1), many(2));
    assert.equal(differences.length, 500);
    assert.ok(isCut);
    assert.ok(!stateDiff(many(1), many(1)).isCut);
});

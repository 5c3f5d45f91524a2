import assert from "node:assert/strict";
import { test } from "node:test";

import { editedKeys, stateFields, withField } from "../../Sources/Console/Files/state-fields.js";

const shape = '{"name":"a\\"b","count":1.50,"on":false,"list":[1],"none":null}';

test("each key of the document is a field of its value's kind", () => {
    assert.deepEqual(stateFields(shape, '{"count":2e3,"extra":1}'), [
        { key: "name", kind: "text", value: 'a"b' }, { key: "count", kind: "number", value: "2e3" },
        { key: "on", kind: "switch", value: "false" }, { key: "list", kind: "json", value: "[1]" }, { key: "none", kind: "json", value: "null" },
    ]);
    assert.deepEqual(stateFields('{"a":1}', '{"a":"x"}'), [{ key: "a", kind: "json", value: '"x"' }]);
});

test("without a shape, or with a state that cannot be read, there is no form", () => {
    assert.equal(stateFields("{}", "{}"), null);
    assert.equal(stateFields(shape, "{"), null);
    assert.equal(stateFields(shape, "[]"), null);
});

test("a field changes its own key and leaves the rest as it was written", () => {
    const state = '{"big":12345678901234567890,"name":"x"}';
    assert.deepEqual(withField(state, { key: "name", kind: "text", value: 'q"' }), { state: '{"big":12345678901234567890,"name":"q\\""}' });
    assert.deepEqual(withField(state, { key: "count", kind: "number", value: " 1.50 " }), { state: '{"big":12345678901234567890,"name":"x","count":1.50}' });
    assert.deepEqual(withField("{}", { key: "list", kind: "json", value: "[1, 2]" }), { state: '{"list":[1,2]}' });
});

test("what is no value is a fault with words", () => {
    assert.match(withField("{}", { key: "n", kind: "number", value: "01" }).fault, /n must be a number/);
    assert.match(withField("{}", { key: "l", kind: "json", value: "[" }).fault, /l is no JSON/);
    assert.match(withField("{", { key: "l", kind: "json", value: "1" }).fault, /must be a JSON object/);
});

test("a rerun is told only the keys that were edited, as they were written", () => {
    assert.equal(editedKeys('{"a":1,"b":{"c":[1]}}', '{ "a": 1, "b": { "c": [1] } }'), undefined);
    assert.equal(editedKeys('{"a":1,"b":2}', '{"a":1.0,"b":2,"new":null}'), '{"a":1.0,"new":null}');
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { indented, memberText, objectFault } from "../../Sources/Console/Files/json-text.js";

test("a member is cut out as it was written", () => {
    const text = '{"a\\"b": [1, {"x": "}"}], "n":12345678901234567890.10 ,"s":"\\u00e9\\\\","o":{"2":0,"1":0}, "last" : null}';
    assert.equal(memberText(text, 'a"b'), '[1, {"x": "}"}]');
    assert.equal(memberText(text, "n"), "12345678901234567890.10");
    assert.equal(memberText(text, "s"), '"\\u00e9\\\\"');
    assert.equal(memberText(text, "o"), '{"2":0,"1":0}');
    assert.equal(memberText(text, "last"), "null");
    assert.equal(memberText(text, "x"), undefined);
});

test("a member of something that is no object, or is empty, is undefined", () => {
    for (const text of ["{}", " { } ", "[]", '"a"', "1"]) assert.equal(memberText(text, "a"), undefined);
});

test("indenting changes nothing but space", () => {
    const text = '{"10":1e3,"2":[ ],"s":"a, b: {\\"c\\"}","o":{"big":12345678901234567890,"e":{}}}';
    assert.equal(
        indented(text),
        '{\n  "10": 1e3,\n  "2": [],\n  "s": "a, b: {\\"c\\"}",\n  "o": {\n    "big": 12345678901234567890,\n    "e": {}\n  }\n}');
    assert.deepEqual(JSON.parse(indented(text)), JSON.parse(text));
    assert.equal(indented(indented(text)), indented(text));
});

test("scalars stay as they are", () => {
    for (const text of ['"a"', "1.50", "null", "true", "[]", "{}"]) assert.equal(indented(text), text);
});

test("what is no object is told why", () => {
    assert.equal(objectFault('{"a": 1}'), null);
    for (const text of ["[]", "null", "3", '"x"']) assert.match(objectFault(text) ?? "", /must be a JSON object/);
    assert.match(objectFault(" ") ?? "", /Write a JSON object/);
    assert.match(objectFault('{\n  "a": 1,\n}') ?? "", /no JSON: .*line 3, column 1/);
    assert.match(objectFault('{"a": ') ?? "", /no JSON/);
});

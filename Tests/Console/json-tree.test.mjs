import assert from "node:assert/strict";
import { test } from "node:test";

import { JSONFault, at, parseTree, renamed, replaced, sharing, stepsOf, textOf, treeOf, valueOf } from "../../Sources/Console/Files/json-tree.js";

test("what is parsed is written as it was, but for space", () => {
    const text = '{"10":1.0,"a":[1e400,-0,12345678901234567890],"9":"\\u00e4\\/","e":{},"f":[]}';
    assert.equal(textOf(parseTree(` ${text.replaceAll(",", " ,\n ")} `)), text);
});

test("an edit leaves number tokens and key order of all else alone", () => {
    const tree = parseTree('{"z":1.0,"a":{"y":2.50,"x":1E2},"10":0.10}');
    assert.equal(textOf(replaced(tree, ["a", "x"], treeOf(7))), '{"z":1.0,"a":{"y":2.50,"x":7},"10":0.10}');
    assert.equal(textOf(replaced(tree, ["a", "y"], undefined)), '{"z":1.0,"a":{"x":1E2},"10":0.10}');
    assert.equal(textOf(replaced(tree, ["new", "deep"], treeOf([1]))), '{"z":1.0,"a":{"y":2.50,"x":1E2},"10":0.10,"new":{"deep":[1]}}');
});

test("an edit that changes nothing gives the same tree, and shares what it does not touch", () => {
    const tree = parseTree('{"a":{"b":1},"c":[{"d":2}]}');
    assert.equal(replaced(tree, ["no", "such"], undefined), tree);
    assert.equal(at(replaced(tree, ["a", "b"], treeOf(2)), ["c"]), at(tree, ["c"]));
});

test("elements of arrays are replaced and removed", () => {
    const tree = parseTree("[1,2.0,3]");
    assert.equal(textOf(replaced(tree, [1], treeOf("x"))), '[1,"x",3]');
    assert.equal(textOf(replaced(tree, [0], undefined)), "[2.0,3]");
});

test("a key is renamed in its place, unless the name is taken", () => {
    const tree = parseTree('{"a":1.0,"b":2}');
    assert.equal(textOf(renamed(tree, "a", "c")), '{"c":1.0,"b":2}');
    assert.equal(renamed(tree, "a", "b"), tree);
});

for (const text of ["", "{", "[1,]", '{"a":1,}', '{"a" 1}', "01", "1.", ".5", "+1", "nul", '"\n"', '"\\x"', "1 2", "{a:1}", "'a'", '{"a":1,"a":2}']) {
    test(`${JSON.stringify(text)} is no JSON`, () => assert.throws(() => parseTree(text), JSONFault));
}

test("a fault is named by line and column", () => {
    assert.throws(() => parseTree('{\n  "a": 1,\n  b\n}'), /a key in double quotes, but there is "b", line 3, column 3/);
});

test("a text that is nested too deeply is refused, not followed", () => {
    assert.throws(() => parseTree("[".repeat(100_000)), /Nested too deeply/);
});

test("a tree that says the same is made of the old one's parts", () => {
    const old = parseTree('{"nodes":[{"id":"a","v":1.0},{"id":"b"}],"id":"g"}');
    const parsed = parseTree('{"nodes":[{"id":"x"},{"id":"a","v":1.0},{"id":"b"}],"id":"g"}');
    const shared = sharing(old, parsed);
    assert.equal(textOf(shared), textOf(parsed));
    assert.equal(at(shared, ["nodes", 1]), at(old, ["nodes", 0]));
    assert.equal(sharing(old, parseTree(textOf(old))), old);
});

test("1.0 is not taken for 1", () => {
    const old = parseTree("[1]");
    assert.equal(textOf(sharing(old, parseTree("[1.0]"))), "[1.0]");
});

test("values are those of JSON.parse, also under keys that objects of JavaScript have", () => {
    assert.deepEqual(valueOf(parseTree('{"a":[1,{"b":null}]}')), { a: [1, { b: null }] });
    assert.equal(textOf(replaced(parseTree('{"__proto__":{"x":1}}'), ["__proto__", "x"], treeOf(2))), '{"__proto__":{"x":2}}');
});

test("pointers are taken apart", () => {
    assert.deepEqual(stepsOf("/nodes/0/a~1b/c~0d"), ["nodes", "0", "a/b", "c~d"]);
    assert.deepEqual(stepsOf(""), []);
});

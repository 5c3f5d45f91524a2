import assert from "node:assert/strict";
import { test } from "node:test";

import { ROOT, depthOf, graphAddress, isSamePath, parentOf, parsePath, pathOf, pathText, pathWords, runAddress, scopeAddress, scopeSteps } from "../../Sources/Console/Files/scope-path.js";

const paths = [[], ["each", 17], ["sub"], ["loop", 3, "each", 0], ["a", "b", 2, "c"], ["graph", 2, "draft, final/ä", 1]];

test("a path is the same after it was written into an address and read again", () => {
    for (const path of paths) assert.deepEqual(parsePath(pathText(path)), path);
    assert.equal(pathText(["each", 17]), "each,17");
    assert.equal(pathText(["graph", 2, "a,b/c"]), "graph,2,a%2Cb%2Fc");
});

test("a path is made of steps, each with an index or without", () => {
    assert.deepEqual(scopeSteps(["loop", 3, "sub", "each", 0]), [{ node: "loop", index: 3 }, { node: "sub", index: null }, { node: "each", index: 0 }]);
    for (const path of paths) assert.deepEqual(pathOf(scopeSteps(path)), path);
    assert.deepEqual(paths.map(depthOf), [0, 1, 1, 2, 3, 2]);
    assert.deepEqual(parentOf(["loop", 3, "each", 0]), ["loop", 3]);
    assert.deepEqual(parentOf(["a", "b"]), ["a"]);
    assert.deepEqual(parentOf(ROOT), []);
});

test("what names no scope is no path, and a broken escape stands as it is", () => {
    for (const text of [",", "each,", ",17"]) assert.equal(parsePath(text), null);
    assert.deepEqual(parsePath("each,%zz"), ["each", "%zz"]);
    assert.deepEqual(parsePath("7,8"), ["7", 8]);
});

test("paths are compared by what they say, and an event without one is of the execution itself", () => {
    assert.ok(isSamePath(["each", 17], ["each", 17]));
    assert.ok(!isSamePath(["each", 17], ["each", 1]));
    assert.ok(!isSamePath(["each", 17], ["each", 17, "sub"]));
    assert.ok(isSamePath(undefined, ROOT));
});

test("an address has the path behind the execution", () => {
    assert.equal(runAddress("01a"), "#/executions/01a");
    assert.equal(runAddress("01a", ["each", 17, "sub"]), "#/executions/01a/each,17,sub");
    assert.equal(graphAddress("my graph", ["each", "sub"]), "#/graphs/my%20graph/in/each,sub");
    const graph = { document: { id: "g" } };
    assert.equal(scopeAddress({ executionId: "01a", graph }, ["each", 17]), "#/executions/01a/each,17");
    assert.equal(scopeAddress({ executionId: null, graph }, ["each", 17]), "#/graphs/g/in/each");
    assert.equal(scopeAddress({ executionId: null, graph }, []), "#/graphs/g");
    assert.equal(pathWords(["each", 17, "sub"]), "each › 17 › sub");
});

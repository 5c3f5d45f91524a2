import assert from "node:assert/strict";
import { test } from "node:test";

import { EditHistory } from "../../Sources/Console/Files/edit-history.js";
import * as draft from "../../Sources/Console/Files/graph-draft.js";
import { parseTree, textOf, treeOf } from "../../Sources/Console/Files/json-tree.js";

const TEXT = '{"id":"g","nodes":[{"id":"a","kind":"set","config":{"values":{"n":1.0}},"position":{"x":1.50,"y":2}},'
    + '{"kind":"lua","id":"b"},{"id":"c","kind":"lua"}],"edges":[{"from":"a","to":"b","when":"true"},{"from":"b","to":"c"}]}';
const graph = () => parseTree(TEXT);

test("a node keeps its fields when another of them changes", () => {
    const changed = draft.withNodeField(graph(), "a", ["name"], treeOf("A"));
    assert.match(textOf(changed), /"values":\{"n":1\.0\}\},"position":\{"x":1\.50,"y":2\},"name":"A"/);
});

test("an object that loses its last field goes, but for config", () => {
    const retried = draft.withNodeField(graph(), "b", ["retry", "max_attempts"], treeOf(3));
    assert.equal(textOf(draft.withNodeField(retried, "b", ["retry", "max_attempts"], undefined)), TEXT);
    assert.match(textOf(draft.withNodeField(graph(), "a", ["config", "values"], undefined)), /"config":\{\}/);
});

test("a node that is renamed keeps its edges", () => {
    assert.deepEqual(draft.edgesOf(draft.withNodeRenamed(graph(), "b", "z")),
        [{ from: "a", to: "z", when: "true" }, { from: "z", to: "c" }]);
});

test("a node goes with its edges", () => {
    const changed = draft.withoutNodes(graph(), new Set(["b"]));
    assert.deepEqual(draft.nodesOf(changed).map((node) => node.id), ["a", "c"]);
    assert.deepEqual(draft.edgesOf(changed), []);
});

test("positions are whole numbers, and a node that has not moved keeps its own as written", () => {
    const moved = draft.withPositions(graph(), new Map([["b", { x: 10.4, y: -0.2 }], ["a", { x: 1.5, y: 2 }]]));
    assert.match(textOf(moved), /\{"kind":"lua","id":"b","position":\{"x":10,"y":0\}\}/);
    const stays = draft.withPositions(parseTree('{"nodes":[{"id":"a","position":{"x":5.0,"y":2e0}}]}'), new Map([["a", { x: 5, y: 2 }]]));
    assert.match(textOf(stays), /\{"x":5\.0,"y":2e0\}/);
});

test("an edge is drawn once, and its condition comes and goes", () => {
    const joined = draft.withEdge(graph(), "a", "c");
    assert.equal(draft.withEdge(joined, "a", "c"), joined);
    const conditional = draft.withCondition(joined, "a", "c", "state.n > 1");
    assert.equal(draft.edgesOf(conditional)[2].when, "state.n > 1");
    assert.equal(textOf(draft.withCondition(conditional, "a", "c", "")), textOf(joined));
    assert.equal(textOf(draft.withoutEdge(joined, "a", "c")), TEXT);
});

test("a graph without edges gets its first", () => {
    const lone = parseTree('{"id":"g","nodes":[{"id":"a"},{"id":"b"}]}');
    assert.equal(textOf(draft.withEdge(lone, "a", "b")), '{"id":"g","nodes":[{"id":"a"},{"id":"b"}],"edges":[{"from":"a","to":"b"}]}');
});

test("an edge that would close a cycle is known before it is drawn", () => {
    assert.deepEqual(draft.cycleBy(graph(), "c", "a"), ["a", "b", "c", "a"]);
    assert.deepEqual(draft.cycleBy(graph(), "a", "a"), ["a", "a"]);
    assert.equal(draft.cycleBy(graph(), "a", "c"), null);
});

test("free ids follow the names that are there", () => {
    const taken = new Set(["lua", "lua_2"]);
    assert.equal(draft.freeID("lua", taken), "lua_3");
    assert.equal(draft.freeID("lua_2", taken), "lua_3");
    assert.equal(draft.freeID("set", taken), "set");
    assert.equal(draft.freeID("9 lives!", taken), "_9_lives_");
    assert.match(draft.freeID("x".repeat(100), new Set(["x".repeat(56)])), draft.NODE_ID);
});

test("what is copied is pasted with free ids, its edges and its numbers", () => {
    const fragment = parseTree(draft.fragmentText(graph(), new Set(["a", "b"])));
    assert.ok(draft.isFragment(fragment));
    const { document, ids } = draft.withFragment(graph(), fragment, (index, position) => ({ x: (position?.x ?? 0) + 40, y: index }));
    assert.deepEqual(ids, ["a_2", "b_2"]);
    assert.match(textOf(document), /\{"id":"a_2","kind":"set","config":\{"values":\{"n":1\.0\}\},"position":\{"x":42,"y":0\}\}/);
    assert.deepEqual(draft.edgesOf(document)[2], { from: "a_2", to: "b_2", when: "true" });
});

test("text that is no fragment is told apart", () => {
    for (const text of ["[]", "1", "{}", '{"nodes":[1]}']) assert.equal(draft.isFragment(parseTree(text)), false, text);
});

test("whatever stands in a document, it can be looked at", () => {
    const odd = parseTree('{"nodes":[1,null,{"id":7}],"edges":[[],"x"]}');
    assert.equal(draft.nodesOf(odd).length, 3);
    assert.equal(draft.edgesOf(odd).length, 2);
    assert.equal(JSON.parse(draft.skeletonText(odd)).nodes.length, 0);
});

test("undo and redo go through every step, and a group is one", () => {
    const history = new EditHistory(graph());
    const first = history.document;
    history.change(draft.withEdge(first, "a", "c"), "Connect");
    for (const name of ["A", "Ab", "Abc"]) history.change(draft.withNodeField(history.document, "a", ["name"], treeOf(name)), "Rename", "name a");
    assert.equal(history.undoLabel, "Rename");
    assert.ok(history.undo());
    assert.equal(draft.nodesOf(history.document)[0].name, undefined);
    assert.ok(history.undo());
    assert.equal(history.document, first);
    assert.equal(history.isDirty, false);
    assert.equal(history.undo(), false);
    assert.ok(history.redo() && history.redo());
    assert.equal(draft.nodesOf(history.document)[0].name, "Abc");
    assert.equal(history.redo(), false);
});

test("a new change drops what could be redone, and saving moves the mark", () => {
    const history = new EditHistory(graph());
    history.change(draft.withEdge(history.document, "a", "c"), "Connect");
    history.markSaved();
    assert.equal(history.isDirty, false);
    history.undo();
    assert.equal(history.isDirty, true);
    history.change(draft.withNodeRenamed(history.document, "a", "q"), "Rename");
    assert.equal(history.canRedo, false);
});

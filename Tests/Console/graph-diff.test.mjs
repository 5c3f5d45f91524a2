import assert from "node:assert/strict";
import { test } from "node:test";

import { placed, placeWords } from "../../Sources/Console/Files/fault-places.js";
import { changesBetween, summary } from "../../Sources/Console/Files/graph-diff.js";
import { edgesOf, nodesOf } from "../../Sources/Console/Files/graph-draft.js";
import { merge } from "../../Sources/Console/Files/graph-merge.js";
import { parseTree, textOf } from "../../Sources/Console/Files/json-tree.js";

const tree = (value) => parseTree(typeof value === "string" ? value : JSON.stringify(value));
const base = tree('{"id":"g","name":"G","nodes":[{"id":"a","config":{"n":1.0,"m":2}},{"id":"b"},{"id":"c"}],"edges":[{"from":"a","to":"b"}]}');
const edited = (change) => {
    const value = JSON.parse(textOf(base));
    change(value);
    return tree(value);
};

test("a difference names nodes, edges and settings, and their fields", () => {
    const now = tree('{"id":"g","name":"H","nodes":[{"id":"a","config":{"n":1,"m":2,"k":[3]}},{"id":"c"},{"id":"d"}],"edges":[{"from":"a","to":"c"}]}');
    const changes = changesBetween(base, now);
    assert.deepEqual(changes.map(({ of, id, change }) => `${of} ${id} ${change}`), [
        "graph name changed", "node a changed", "node d added", "node b removed", "edge a → c added", "edge a → b removed"]);
    assert.deepEqual(changes[1].fields, [
        { path: "config.n", before: "1.0", after: "1" }, { path: "config.k", before: null, after: "[3]" }]);
    assert.equal(summary(changes), "1 node added, 1 edge added, 1 node changed, 1 setting changed, 1 node removed, 1 edge removed");
});

test("equal documents do not differ", () => {
    assert.deepEqual(changesBetween(base, parseTree(textOf(base))), []);
    assert.equal(summary([]), "No difference");
});

test("changes of two people to different things go together", () => {
    const mine = edited((graph) => (graph.nodes[1].name = "B"));
    const theirs = edited((graph) => {
        graph.nodes.push({ id: "d" });
        graph.edges.push({ from: "b", to: "d" });
        graph.name = "Theirs";
    });
    const merged = merge(base, mine, theirs);
    assert.deepEqual(merged.disagreements, []);
    const result = JSON.parse(textOf(merged.result(new Map())));
    assert.deepEqual(result.nodes.map((node) => node.id), ["a", "b", "c", "d"]);
    assert.equal(result.nodes[1].name, "B");
    assert.equal(result.name, "Theirs");
    assert.equal(result.edges.length, 2);
});

test("changes to different fields of one node go together", () => {
    const mine = edited((graph) => (graph.nodes[0].name = "mine"));
    const theirs = edited((graph) => (graph.nodes[0].timeout_ms = 5));
    const merged = merge(base, mine, theirs);
    assert.deepEqual(merged.disagreements, []);
    const [node] = JSON.parse(textOf(merged.result(new Map()))).nodes;
    assert.deepEqual([node.name, node.timeout_ms], ["mine", 5]);
});

test("what both changed is chosen", () => {
    const mine = edited((graph) => (graph.nodes[0].config.m = 3));
    const theirs = edited((graph) => (graph.nodes[0].config.m = 4));
    const merged = merge(base, mine, theirs);
    assert.deepEqual(merged.disagreements.map(({ of, id, key }) => [of, id, key]), [["node", "a", "config"]]);
    const m = (choices) => JSON.parse(textOf(merged.result(choices))).nodes[0].config.m;
    assert.equal(m(new Map()), 3);
    assert.equal(m(new Map([[merged.disagreements[0].name, "theirs"]])), 4);
});

test("a node that one removed and the other changed is chosen, and its edges follow", () => {
    const mine = edited((graph) => {
        graph.nodes.splice(1, 1);
        graph.edges = [];
    });
    const theirs = edited((graph) => {
        graph.nodes[1].name = "kept";
        graph.edges[0].when = "true";
    });
    const merged = merge(base, mine, theirs);
    assert.equal(merged.disagreements.length, 2);
    const all = new Map(merged.disagreements.map(({ name }) => [name, "theirs"]));
    assert.equal(JSON.parse(textOf(merged.result(all))).edges.length, 1);
    const onlyEdge = new Map(merged.disagreements.filter(({ of }) => of === "edge").map(({ name }) => [name, "theirs"]));
    assert.deepEqual(JSON.parse(textOf(merged.result(onlyEdge))).edges, []);
});

test("a merge keeps numbers as they were written", () => {
    const mine = tree(textOf(base).replace('{"id":"c"}', '{"id":"c","name":"C"}'));
    const theirs = tree(textOf(base).replace('"G"', '"x"'));
    const merged = merge(base, mine, theirs);
    assert.equal(textOf(merged.result(new Map())), textOf(mine).replace('"G"', '"x"'));
    assert.deepEqual([merged.mine, merged.theirs], [["node c"], ["graph name"]]);
});

test("faults find their node, edge or setting", () => {
    const faults = placed([
        { pointer: "/nodes/1/config/code", message: "m" }, { pointer: "/edges/0/when", message: "m" },
        { pointer: "/limits/timeout_ms", message: "m" }, { pointer: "", message: "m" }, { pointer: "/nodes/9", message: "m" },
    ], nodesOf(base), edgesOf(base));
    assert.deepEqual(faults.map(placeWords), [
        "Node b · config.code", "Edge a → b · when", "Graph · limits.timeout_ms", "Graph", "Graph · nodes.9"]);
});

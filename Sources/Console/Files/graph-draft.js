// What can be done to a graph document. Each change is a function from one document to the next; none touches more than it
// must, so that all else stays as it was written.

import { at, emptyObject, replaced, textOf, treeOf, valueOf } from "./json-tree.js";

/** @typedef {import("./json-tree.js").JSONTree} JSONTree */
/** @typedef {import("./json-tree.js").JSONPath} JSONPath */
/** @typedef {import("./events.js").GraphEdge} GraphEdge */
/** @typedef {import("./events.js").GraphNode} GraphNode */
/** @typedef {import("./geometry.js").Point} Point */

export const NODE_ID = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
export const GRAPH_ID = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/**
 * @param {JSONTree} document
 * @param {"nodes" | "edges"} key
 * @returns {readonly JSONTree[]}
 */
function list(document, key) {
    const found = at(document, [key]);
    return found?.kind === "array" ? found.items : [];
}

/** @type {WeakMap<JSONTree, any>} */
const read = new WeakMap();

/**
 * An element of a list as values, whatever is wrong with it.
 * @param {JSONTree} tree
 */
function values(tree) {
    let known = read.get(tree);
    if (known === undefined) {
        known = valueOf(tree);
        if (typeof known !== "object" || known === null) known = {};
        read.set(tree, known);
    }
    return known;
}

/**
 * The nodes as values, in document order. The same tree gives the same objects.
 * @param {JSONTree} document
 * @returns {GraphNode[]}
 */
export function nodesOf(document) {
    return list(document, "nodes").map((tree) => values(tree));
}

/** @param {JSONTree} document @returns {GraphEdge[]} */
export function edgesOf(document) {
    return list(document, "edges").map((tree) => values(tree));
}

/** @param {JSONTree} document @param {string} id */
export function placeOf(document, id) {
    return list(document, "nodes").findIndex((tree) => values(tree).id === id);
}

/** @param {JSONTree} document @param {string} from @param {string} to */
export function edgePlace(document, from, to) {
    return list(document, "edges").findIndex((tree) => values(tree).from === from && values(tree).to === to);
}

/** @param {JSONTree} document @param {string} id */
export function nodeTree(document, id) {
    return list(document, "nodes")[placeOf(document, id)];
}

/**
 * @param {JSONTree} document
 * @param {JSONPath} path
 * @param {JSONTree | undefined} value
 * @returns {JSONTree}
 */
export function withField(document, path, value) {
    return replaced(document, path, value) ?? emptyObject;
}

/**
 * Changes a field of a node; undefined removes it. Objects that are left empty by that go, too, but for `config`.
 * @param {JSONTree} document
 * @param {string} id
 * @param {JSONPath} path
 * @param {JSONTree | undefined} value
 */
export function withNodeField(document, id, path, value) {
    const place = placeOf(document, id);
    if (place < 0) return document;
    let changed = withField(document, ["nodes", place, ...path], value);
    if (value === undefined && path.length > 1 && path[0] !== "config") {
        const rest = at(changed, ["nodes", place, path[0]]);
        if (rest?.kind === "object" && rest.members.length === 0) changed = withField(changed, ["nodes", place, path[0]], undefined);
    }
    return changed;
}

/**
 * Gives a node another id, also in its edges. Conditions that name it are left alone: they are code.
 * @param {JSONTree} document
 * @param {string} from
 * @param {string} to
 */
export function withNodeRenamed(document, from, to) {
    const place = placeOf(document, from);
    if (place < 0 || from === to) return document;
    let changed = withField(document, ["nodes", place, "id"], treeOf(to));
    list(document, "edges").forEach((tree, index) => {
        for (const end of /** @type {const} */ (["from", "to"])) {
            if (values(tree)[end] === from) changed = withField(changed, ["edges", index, end], treeOf(to));
        }
    });
    return changed;
}

/**
 * @param {JSONTree} document
 * @param {{ id: string, name?: string, kind: string, config: JSONTree, position: Point }} node
 */
export function withNode(document, node) {
    const { config, position, ...head } = node;
    let tree = /** @type {JSONTree} */ (replaced(treeOf(head), ["config"], config));
    tree = /** @type {JSONTree} */ (replaced(tree, ["position"], treeOf(rounded(position))));
    return withElement(document, "nodes", tree);
}

/**
 * @param {JSONTree} document
 * @param {"nodes" | "edges"} key
 * @param {JSONTree} tree
 */
function withElement(document, key, tree) {
    return withField(document, [key], { kind: "array", items: [...list(document, key), tree] });
}

/**
 * @param {JSONTree} document
 * @param {string} from
 * @param {string} to
 */
export function withEdge(document, from, to) {
    return edgePlace(document, from, to) < 0 ? withElement(document, "edges", treeOf({ from, to })) : document;
}

/**
 * @param {JSONTree} document
 * @param {string} from
 * @param {string} to
 */
export function withoutEdge(document, from, to) {
    const place = edgePlace(document, from, to);
    return place < 0 ? document : withField(document, ["edges", place], undefined);
}

/**
 * @param {JSONTree} document
 * @param {string} from
 * @param {string} to
 * @param {string} when Empty for none.
 */
export function withCondition(document, from, to, when) {
    const place = edgePlace(document, from, to);
    return place < 0 ? document : withField(document, ["edges", place, "when"], when === "" ? undefined : treeOf(when));
}

/**
 * Takes nodes away, and the edges at them.
 * @param {JSONTree} document
 * @param {ReadonlySet<string>} ids
 */
export function withoutNodes(document, ids) {
    const nodes = list(document, "nodes").filter((tree) => !ids.has(values(tree).id));
    const edges = list(document, "edges");
    const kept = edges.filter((tree) => !ids.has(values(tree).from) && !ids.has(values(tree).to));
    const changed = withField(document, ["nodes"], { kind: "array", items: nodes });
    return kept.length === edges.length ? changed : withField(changed, ["edges"], { kind: "array", items: kept });
}

/**
 * Sets positions. A node that already stands there keeps the numbers as they were written.
 * @param {JSONTree} document
 * @param {ReadonlyMap<string, Point>} positions
 */
export function withPositions(document, positions) {
    const items = list(document, "nodes").map((tree) => {
        const point = positions.get(values(tree).id);
        if (!point) return tree;
        const { x, y } = rounded(point), before = values(tree).position;
        if (before?.x === x && before?.y === y) return tree;
        return /** @type {JSONTree} */ (replaced(tree, ["position"], treeOf({ x, y })));
    });
    return withField(document, ["nodes"], { kind: "array", items });
}

/** @param {Point} point */
function rounded({ x, y }) {
    // Adding 0 makes 0 of -0, which JSON would write.
    return { x: Math.round(x) + 0, y: Math.round(y) + 0 };
}

/**
 * An id that no node has, made from a word: `lua`, `lua_2`, `lua_3` …
 * @param {string} word
 * @param {ReadonlySet<string>} taken
 */
export function freeID(word, taken) {
    const stem = word.replace(/[^A-Za-z0-9_-]/g, "_").replace(/^(?![A-Za-z_])/, "_").slice(0, 56);
    if (!taken.has(stem)) return stem;
    const base = stem.replace(/_\d+$/, "");
    let number = 2;
    while (taken.has(`${base}_${number}`)) number += 1;
    return `${base}_${number}`;
}

/**
 * An id that no graph has, made from another.
 * @param {string} id
 * @param {ReadonlySet<string>} taken
 */
export function freeGraphID(id, taken) {
    const stem = id.toLowerCase().replace(/[^a-z0-9._-]/g, "-").replace(/^[^a-z0-9]+/, "").slice(0, 56) || "graph";
    if (!taken.has(stem)) return stem;
    let number = 2;
    while (taken.has(`${stem}-${number}`)) number += 1;
    return `${stem}-${number}`;
}

/** @param {JSONTree} document */
export function nodeIDs(document) {
    return new Set(nodesOf(document).map((node) => node.id));
}

/**
 * The way from `to` back to `from`, if the graph has one: an edge between them would close a cycle.
 * @param {JSONTree} document
 * @param {string} from
 * @param {string} to
 * @returns {string[] | null} The nodes of the cycle, in order.
 */
export function cycleBy(document, from, to) {
    /** @type {Map<string, string[]>} */
    const next = new Map();
    for (const edge of edgesOf(document)) next.set(edge.from, [...(next.get(edge.from) ?? []), edge.to]);
    /** @type {Map<string, string | null>} */
    const cameFrom = new Map([[to, null]]);
    const open = [to];
    for (let id = open.shift(); id !== undefined; id = open.shift()) {
        if (id === from) {
            const path = [];
            for (let step = /** @type {string | null} */ (from); step !== null; step = cameFrom.get(step) ?? null) path.unshift(step);
            return [...path, to];
        }
        for (const other of next.get(id) ?? []) {
            if (cameFrom.has(other)) continue;
            cameFrom.set(other, id);
            open.push(other);
        }
    }
    return null;
}

/** Tells what is on the clipboard. */
const FRAGMENT = "millrace-fragment";

/**
 * Nodes and the edges between them, as text for the clipboard.
 * @param {JSONTree} document
 * @param {ReadonlySet<string>} ids
 */
export function fragmentText(document, ids) {
    const nodes = list(document, "nodes").filter((tree) => ids.has(values(tree).id));
    const edges = list(document, "edges").filter((tree) => ids.has(values(tree).from) && ids.has(values(tree).to));
    return textOf({
        kind: "object", members: [
            { key: FRAGMENT, value: treeOf(1) },
            { key: "nodes", value: { kind: "array", items: nodes } },
            { key: "edges", value: { kind: "array", items: edges } },
        ],
    });
}

/**
 * Whether a tree is what `fragmentText` makes, or at least a document.
 * @param {JSONTree} tree
 */
export function isFragment(tree) {
    return at(tree, ["nodes"])?.kind === "array" && list(tree, "nodes").every((node) => typeof values(node).id === "string");
}

/**
 * Adds a fragment, its nodes under ids that are free.
 * @param {JSONTree} document
 * @param {JSONTree} fragment
 * @param {(index: number, position: Point | undefined) => Point} place Where each node goes.
 * @returns {{ document: JSONTree, ids: string[] }}
 */
export function withFragment(document, fragment, place) {
    const taken = nodeIDs(document);
    /** @type {Map<string, string>} */
    const ids = new Map();
    let changed = document;
    list(fragment, "nodes").forEach((tree, index) => {
        const { id, position } = values(tree);
        const free = freeID(id, taken);
        taken.add(free);
        ids.set(id, free);
        let copy = /** @type {JSONTree} */ (replaced(tree, ["id"], treeOf(free)));
        copy = /** @type {JSONTree} */ (replaced(copy, ["position"], treeOf(rounded(place(index, position)))));
        changed = withElement(changed, "nodes", copy);
    });
    for (const tree of list(fragment, "edges")) {
        const [from, to] = [ids.get(values(tree).from), ids.get(values(tree).to)];
        if (from === undefined || to === undefined) continue;
        const edge = replaced(/** @type {JSONTree} */ (replaced(tree, ["from"], treeOf(from))), ["to"], treeOf(to));
        changed = withElement(changed, "edges", /** @type {JSONTree} */ (edge));
    }
    return { document: changed, ids: [...ids.values()] };
}

/**
 * The bare shape of a document, for the layout: nothing in it can be wrong but its ids and cycles.
 * @param {JSONTree} document
 */
export function skeletonText(document) {
    const ids = nodesOf(document).map((node) => node.id).filter((id) => typeof id === "string");
    const nodes = ids.map((id) => ({ id, kind: "delay", config: { duration_ms: 0 } }));
    const edges = edgesOf(document).map(({ from, to }) => ({ from, to }));
    return JSON.stringify({ id: "layout", nodes, edges });
}

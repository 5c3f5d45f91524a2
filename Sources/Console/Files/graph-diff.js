// What differs between two documents of a graph: for the canvas, and field by field for a list.

import { at, textOf } from "./json-tree.js";
import { edgesOf, nodesOf } from "./graph-draft.js";

/** @typedef {import("./json-tree.js").JSONTree} JSONTree */
/** @typedef {"added" | "removed" | "changed"} Change */

/**
 * A field that differs; `before` or `after` is null where it lacks.
 * @typedef {{ path: string, before: string | null, after: string | null }} FieldChange
 */

/**
 * @typedef {object} ItemChange
 * @property {"node" | "edge" | "graph"} of
 * @property {string} id Of a node its id, of an edge `from → to`, of the graph the key.
 * @property {Change} change
 * @property {FieldChange[]} fields
 */

/** What is told of one item is not longer than this; the list says that there is more. */
const FIELDS_MAX = 50;

/** @param {string} from @param {string} to */
export function edgeName(from, to) {
    return `${from} → ${to}`;
}

/**
 * A document as named parts, in order: nodes by id, edges by their ends, all else by key.
 * @param {JSONTree} document
 * @returns {Map<string, { of: "node" | "edge" | "graph", id: string, tree: JSONTree }>}
 */
export function partsOf(document) {
    /** @type {Map<string, { of: "node" | "edge" | "graph", id: string, tree: JSONTree }>} */
    const parts = new Map();
    if (document.kind !== "object") return parts;
    for (const { key, value } of document.members) {
        if ((key !== "nodes" && key !== "edges") || value.kind !== "array") {
            parts.set(`graph ${key}`, { of: "graph", id: key, tree: value });
        }
    }
    const nodes = at(document, ["nodes"]), edges = at(document, ["edges"]);
    nodesOf(document).forEach(({ id }, index) => {
        if (nodes?.kind === "array") parts.set(`node ${id}`, { of: "node", id, tree: nodes.items[index] });
    });
    edgesOf(document).forEach(({ from, to }, index) => {
        const id = edgeName(from, to);
        if (edges?.kind === "array") parts.set(`edge ${id}`, { of: "edge", id, tree: edges.items[index] });
    });
    return parts;
}

/**
 * What changed from one document to another, in the order of the graph, its nodes, its edges.
 * @param {JSONTree} before
 * @param {JSONTree} after
 * @returns {ItemChange[]}
 */
export function changesBetween(before, after) {
    const old = partsOf(before), now = partsOf(after);
    /** @type {ItemChange[]} */
    const changes = [];
    for (const [name, { of, id, tree }] of now) {
        const was = old.get(name);
        if (!was) changes.push({ of, id, change: "added", fields: of === "graph" ? [{ path: "", before: null, after: textOf(tree) }] : [] });
        else if (was.tree !== tree && textOf(was.tree) !== textOf(tree)) {
            changes.push({ of, id, change: "changed", fields: fieldsBetween(was.tree, tree) });
        }
    }
    for (const [name, { of, id, tree }] of old) {
        if (!now.has(name)) {
            changes.push({ of, id, change: "removed", fields: of === "graph" ? [{ path: "", before: textOf(tree), after: null }] : [] });
        }
    }
    const order = ["graph", "node", "edge"];
    return changes.sort((a, b) => order.indexOf(a.of) - order.indexOf(b.of));
}

/**
 * @param {JSONTree} before
 * @param {JSONTree} after
 * @returns {FieldChange[]}
 */
export function fieldsBetween(before, after) {
    /** @type {FieldChange[]} */
    const fields = [];

    /** @param {JSONTree | undefined} old @param {JSONTree | undefined} now @param {string} path */
    function compare(old, now, path) {
        if (fields.length >= FIELDS_MAX || old === now) return;
        if (old?.kind === "object" && now?.kind === "object") {
            const keys = new Set([...now.members, ...old.members].map((member) => member.key));
            for (const key of keys) compare(at(old, [key]), at(now, [key]), path === "" ? key : `${path}.${key}`);
            return;
        }
        const [was, is] = [old && textOf(old), now && textOf(now)];
        if (was !== is) fields.push({ path, before: was ?? null, after: is ?? null });
    }

    compare(before, after, "");
    return fields;
}

/**
 * In a few words: `2 nodes added, 1 edge removed`.
 * @param {readonly ItemChange[]} changes
 */
export function summary(changes) {
    const words = [];
    for (const change of /** @type {const} */ (["added", "changed", "removed"])) {
        for (const of of /** @type {const} */ (["node", "edge", "graph"])) {
            const number = changes.filter((item) => item.change === change && item.of === of).length;
            const noun = of === "graph" ? "setting" : of;
            if (number > 0) words.push(`${number} ${noun}${number === 1 ? "" : "s"} ${change}`);
        }
    }
    return words.length > 0 ? words.join(", ") : "No difference";
}

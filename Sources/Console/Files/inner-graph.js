// The graphs that run within nodes: those that stand in a node's config, and those that it names.

import { at, parseTree, textOf } from "./json-tree.js";

/** @typedef {import("./graph-api.js").LoadedGraph} LoadedGraph */
/** @typedef {import("./events.js").GraphNode} GraphNode */
/** @typedef {import("./json-tree.js").JSONTree} JSONTree */

/**
 * What a node runs within itself: nodes of its own config, or another graph by its id; `revision` null is the current one.
 * @typedef {{ kind: "inline" } | { kind: "named", id: string, revision: number | null }} Inner
 */

const holding = new Set(["map", "repeat", "graph"]);
/** Of each item or iteration: the words for one of them. */
const indexed = new Map([["map", "item"], ["repeat", "iteration"]]);

/**
 * @param {GraphNode | undefined} node
 * @returns {Inner | null} null for a node that runs no graph, or says none yet.
 */
export function innerOf(node) {
    if (!node || !holding.has(node.kind)) return null;
    const { graph, nodes, revision } = /** @type {{ [key: string]: unknown }} */ (node.config ?? {});
    if (typeof graph === "string") return { kind: "named", id: graph, revision: typeof revision === "number" ? revision : null };
    return Array.isArray(nodes) ? { kind: "inline" } : null;
}

/**
 * What each run of a node's graph is called: `item`, `iteration`; null for a node whose graph runs once.
 * @param {string | undefined} kind
 */
export function indexWord(kind) {
    return indexed.get(kind ?? "") ?? null;
}

/**
 * A graph that stands in the config of a node, as a document of its own. What it does not say is its document's.
 * @param {LoadedGraph} outer
 * @param {string} nodeId
 * @returns {LoadedGraph}
 */
export function inlineGraph(outer, nodeId) {
    const { document } = outer, place = document.nodes.findIndex(({ id }) => id === nodeId), node = document.nodes[place];
    const config = at(parseTree(outer.text), ["nodes", place, "config"]);
    /** @type {[string, JSONTree | undefined][]} */
    const members = [
        ["id", { kind: "text", text: JSON.stringify(document.id) }], ["name", { kind: "text", text: JSON.stringify(node?.name ?? nodeId) }],
        ["reducers", at(parseTree(outer.text), ["reducers"])], ["nodes", at(config, ["nodes"])], ["edges", at(config, ["edges"])],
    ];
    const tree = { kind: /** @type {const} */ ("object"), members: members.flatMap(([key, value]) => (value ? [{ key, value }] : [])) };
    const text = textOf(tree);
    return { document: JSON.parse(text), text, revision: outer.revision };
}

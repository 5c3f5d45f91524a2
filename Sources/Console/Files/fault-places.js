// Where in the editor a fault of a document belongs.

import { stepsOf } from "./json-tree.js";

/** @typedef {{ pointer: string, message: string }} Fault */
/** @typedef {import("./events.js").GraphEdge} GraphEdge */
/** @typedef {import("./events.js").GraphNode} GraphNode */

/**
 * A fault and its place. `field` is the path of it within the node, the edge or the graph.
 * @typedef {object} PlacedFault
 * @property {string} message
 * @property {string} pointer
 * @property {"node" | "edge" | "graph"} of
 * @property {string | null} id Of a node.
 * @property {{ from: string, to: string } | null} edge
 * @property {string[]} field
 */

/**
 * @param {readonly Fault[]} faults
 * @param {readonly GraphNode[]} nodes
 * @param {readonly GraphEdge[]} edges
 * @returns {PlacedFault[]}
 */
export function placed(faults, nodes, edges) {
    return faults.map(({ pointer, message }) => {
        const [list, index, ...field] = stepsOf(pointer);
        const node = list === "nodes" ? nodes[Number(index)] : undefined;
        if (node && typeof node.id === "string") return { message, pointer, of: "node", id: node.id, edge: null, field };
        const edge = list === "edges" ? edges[Number(index)] : undefined;
        if (edge) return { message, pointer, of: "edge", id: null, edge: { from: edge.from, to: edge.to }, field };
        return { message, pointer, of: "graph", id: null, edge: null, field: stepsOf(pointer) };
    });
}

/**
 * The place of a fault in words: `Node greet · config.values`.
 * @param {PlacedFault} fault
 */
export function placeWords(fault) {
    const field = fault.field.join(".");
    const whose = fault.of === "node" ? `Node ${fault.id}` : fault.edge ? `Edge ${fault.edge.from} → ${fault.edge.to}` : "Graph";
    return field === "" ? whose : `${whose} · ${field}`;
}

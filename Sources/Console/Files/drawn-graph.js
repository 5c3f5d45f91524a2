// Graphs that a library runs within their one node, LangGraph's: shown as the library draws them. The drawing stands in the
// document; it may have cycles, and names that documents do not know.

import { geometryOf } from "./drawn-layout.js";

/** @typedef {import("./events.js").GraphDocument} GraphDocument */
/** @typedef {import("./graph-api.js").LoadedGraph} LoadedGraph */

/**
 * @typedef {object} Drawing
 * @property {{ id: string, name: string }[]} nodes Those of graphs within are called `outer:inner`.
 * @property {{ from: string, to: string, conditional?: boolean, label?: string | null }[]} edges
 */

/** What LangGraph calls the ends of a graph. */
export const START = "__start__", END = "__end__";

const HOST_KIND = "langgraph";

/**
 * @param {GraphDocument} document
 * @returns {{ host: string, drawing: Drawing } | null} The node that runs the graph, and what it runs; null for any other graph.
 */
export function drawingOf(document) {
    const [host, ...others] = document.nodes, drawing = document.drawing;
    if (!drawing || others.length > 0 || host?.kind !== HOST_KIND) return null;
    const nodes = (drawing.nodes ?? []).filter((node) => typeof node?.id === "string"), ids = new Set(nodes.map(({ id }) => id));
    const edges = (drawing.edges ?? []).filter((edge) => ids.has(edge?.from) && ids.has(edge?.to));
    return nodes.length > 0 ? { host: host.id, drawing: { nodes, edges } } : null;
}

/**
 * The graph with the drawing's nodes and edges in place of its own; its text stays what it is.
 * @param {LoadedGraph} graph
 * @param {Drawing} drawing
 * @returns {LoadedGraph}
 */
export function drawnGraph(graph, { nodes, edges }) {
    return {
        ...graph,
        document: {
            ...graph.document,
            nodes: nodes.map(({ id, name }) => ({ id, name: nameOf(id, name), kind: kindOf(id) })),
            edges: edges.map(({ from, to, conditional, label }) => ({ from, to, drawn: { isConditional: conditional === true, label: label ?? "" } })),
        },
    };
}

/** @param {string} id @param {unknown} name */
function nameOf(id, name) {
    if (id === START) return "Start";
    if (id === END) return "End";
    return typeof name === "string" && name !== "" ? name : id;
}

/**
 * What is said of a node beside its name: which graphs it lies in.
 * @param {string} id
 */
function kindOf(id) {
    if (id === START || id === END) return "LangGraph";
    const around = id.split(":").slice(0, -1);
    return around.length > 0 ? `in ${around.join(" › ")}` : "node";
}

/**
 * Where the nodes of a drawing stand.
 * @param {import("./graph-api.js").GraphAPI} api
 * @param {Drawing} drawing
 */
export async function drawnPositions(api, drawing) {
    const { text, ids, widened } = geometryOf(drawing);
    const places = Object.entries(await api.layout(text));
    return widened(new Map(places.map(([id, point]) => [ids.get(id) ?? id, point])));
}

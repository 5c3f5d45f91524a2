// The layout of a drawing: the server lays out documents, whose ids are of few characters and which have no cycles.

import { widened } from "./geometry.js";

/** @typedef {import("./drawn-graph.js").Drawing} Drawing */
/** @typedef {import("./geometry.js").Point} Point */

/**
 * @param {Drawing} drawing
 * @returns {{ text: string, ids: Map<string, string>, widened: (points: Map<string, Point>) => Map<string, Point> }} A document, and
 *     its ids as the drawing has them.
 */
export function geometryOf({ nodes, edges }) {
    const names = new Map(nodes.map(({ id }, index) => [id, `n${index}`]));
    const forward = forwardEdges(nodes.map(({ id }) => id), edges);
    const document = {
        id: "drawing",
        nodes: nodes.map((_, index) => ({ id: `n${index}`, kind: "set", config: { values: {} } })),
        edges: forward.map(({ from, to }) => ({ from: names.get(from), to: names.get(to) })),
    };
    return {
        text: JSON.stringify(document), ids: new Map([...names].map(([id, name]) => [name, id])),
        widened: (points) => widened(points, forward.map(({ from, to }) => ({ from, to }))),
    };
}

/**
 * The edges without those that lead back to where a way from the beginning has come by, and each pair once.
 * @template {{ from: string, to: string }} Edge
 * @param {readonly string[]} ids The beginning first.
 * @param {readonly Edge[]} edges
 * @returns {Edge[]}
 */
export function forwardEdges(ids, edges) {
    /** @type {Map<string, Edge[]>} */
    const leaving = new Map(ids.map((id) => [id, []]));
    const pairs = new Set();
    for (const edge of edges) {
        const pair = JSON.stringify([edge.from, edge.to]);
        if (edge.from === edge.to || pairs.has(pair)) continue;
        pairs.add(pair);
        leaving.get(edge.from)?.push(edge);
    }
    /** @type {Edge[]} */
    const forward = [];
    const open = new Set(), done = new Set();
    for (const root of ids) {
        /** @type {{ id: string, next: number }[]} */
        const way = done.has(root) ? [] : [{ id: root, next: 0 }];
        if (way.length > 0) open.add(root);
        while (way.length > 0) {
            const step = way[way.length - 1], edge = leaving.get(step.id)?.[step.next];
            step.next += 1;
            if (!edge) {
                open.delete(step.id);
                done.add(step.id);
                way.pop();
            } else if (!open.has(edge.to)) {
                forward.push(edge);
                if (done.has(edge.to)) continue;
                open.add(edge.to);
                way.push({ id: edge.to, next: 0 });
            }
        }
    }
    return forward;
}

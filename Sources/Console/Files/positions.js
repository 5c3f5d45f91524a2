// Where nodes stand whose document says so for some of them, all, or none.

import { NODE_HEIGHT, NODE_WIDTH, boundsOf } from "./geometry.js";

/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./events.js").GraphEdge} GraphEdge */
/** @typedef {import("./events.js").GraphNode} GraphNode */

const GAP = { x: 56, y: 36 };

/** @param {unknown} position @returns {Point | null} */
function point(position) {
    const { x, y } = /** @type {any} */ (position ?? {});
    return Number.isFinite(x) && Number.isFinite(y) ? { x, y } : null;
}

/**
 * Whether the document gives no position at all, so that a layout is to be computed.
 * @param {readonly GraphNode[]} nodes
 */
export function lacksPositions(nodes) {
    return !nodes.some((node) => point(node.position));
}

/**
 * A place for each node: the document's, else a computed one, else free room to the right of a node that it follows.
 * @param {readonly GraphNode[]} nodes
 * @param {readonly GraphEdge[]} edges
 * @param {ReadonlyMap<string, Point>} computed Used only if the document gives no positions.
 * @returns {Map<string, Point>}
 */
export function filledPositions(nodes, edges, computed) {
    const isComputed = lacksPositions(nodes);
    /** @type {Map<string, Point>} */
    const places = new Map();
    for (const node of nodes) {
        const given = isComputed ? computed.get(node.id) : point(node.position);
        if (given) places.set(node.id, { x: given.x, y: given.y });
    }
    if (places.size === new Set(nodes.map((node) => node.id)).size) return places;
    for (const { id } of nodes) {
        if (places.has(id)) continue;
        const source = edges.find((edge) => edge.to === id && places.has(edge.from));
        const bounds = boundsOf(places.values());
        const wish = source ? besides(/** @type {Point} */ (places.get(source.from))) : { x: bounds.x, y: bounds.y + bounds.height + GAP.y };
        places.set(id, places.size === 0 ? { x: 80, y: 40 } : freePlace(places.values(), wish));
    }
    return places;
}

/** @param {Point} from */
export function besides(from) {
    return { x: from.x + NODE_WIDTH + GAP.x, y: from.y };
}

/**
 * The wished place, or the first free one below it.
 * @param {Iterable<Point>} taken
 * @param {Point} wish
 * @returns {Point}
 */
export function freePlace(taken, wish) {
    const near = [...taken].filter(({ x }) => Math.abs(x - wish.x) < NODE_WIDTH + GAP.x / 2);
    let { y } = wish;
    for (let isFree = false; !isFree;) {
        const hit = near.find((other) => Math.abs(other.y - y) < NODE_HEIGHT + GAP.y / 2);
        if (hit) y = hit.y + NODE_HEIGHT + GAP.y;
        else isFree = true;
    }
    return { x: wish.x, y };
}

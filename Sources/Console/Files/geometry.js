// Where things stand on the canvas: nodes, edges, labels, in the document's own units.

import { conditionText } from "./condition.js";

/** @typedef {{ x: number, y: number }} Point */
/** @typedef {{ x: number, y: number, width: number, height: number }} Box */
/** @typedef {import("./events.js").GraphEdge} GraphEdge */
/** @typedef {import("./events.js").GraphNode} GraphNode */

export const NODE_WIDTH = 184;
export const NODE_HEIGHT = 64;
/** Room for the longest label of a condition that is shown whole; longer ones are cut. */
const LABEL_WIDTH_MAX = 168;
const LABEL_CHARACTER_WIDTH = 6.3;
const LABEL_PADDING = 14;
/** What stays free on both sides of a label together, for the ends of the edge. */
const LABEL_MARGIN = 56;

/**
 * Computed layers, moved apart where conditions stand between them, so that these can be read.
 * @param {Map<string, Point>} positions
 * @param {readonly GraphEdge[]} edges
 * @returns {Map<string, Point>}
 */
export function widened(positions, edges) {
    const columns = [...new Set([...positions.values()].map((point) => point.x))].sort((a, b) => a - b);
    const gaps = columns.map(() => 0);
    for (const { to, when } of edges) {
        const column = columns.indexOf(positions.get(to)?.x ?? NaN), text = conditionText(when);
        if (text === "" || column < 1) continue;
        const free = columns[column] - columns[column - 1] - NODE_WIDTH;
        gaps[column] = Math.max(gaps[column], labelWidth(text) + LABEL_MARGIN - free);
    }
    const shifts = new Map();
    let shift = 0;
    columns.forEach((x, index) => shifts.set(x, (shift += gaps[index])));
    return new Map([...positions].map(([id, { x, y }]) => [id, { x: x + shifts.get(x), y }]));
}

/** @param {string} text */
export function labelWidth(text) {
    return Math.min(LABEL_WIDTH_MAX, Math.ceil(text.length * LABEL_CHARACTER_WIDTH) + LABEL_PADDING);
}

/**
 * The part of a condition that its label shows.
 * @param {string} text
 */
export function labelText(text) {
    const fits = Math.floor((LABEL_WIDTH_MAX - LABEL_PADDING) / LABEL_CHARACTER_WIDTH);
    return text.length <= fits ? text : `${text.slice(0, fits - 1)}…`;
}

/**
 * The box around all nodes.
 * @param {Iterable<Point>} points
 * @returns {Box}
 */
export function boundsOf(points) {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const { x, y } of points) {
        left = Math.min(left, x);
        top = Math.min(top, y);
        right = Math.max(right, x + NODE_WIDTH);
        bottom = Math.max(bottom, y + NODE_HEIGHT);
    }
    return left > right ? { x: 0, y: 0, width: NODE_WIDTH, height: NODE_HEIGHT } : { x: left, y: top, width: right - left, height: bottom - top };
}

/** @param {Box} outer @param {Box} inner */
export function contains(outer, inner) {
    return inner.x >= outer.x && inner.y >= outer.y && inner.x + inner.width <= outer.x + outer.width && inner.y + inner.height <= outer.y + outer.height;
}

/** @param {Box} a @param {Box} b */
export function overlaps(a, b) {
    return a.x < b.x + b.width && a.x + a.width > b.x && a.y < b.y + b.height && a.y + a.height > b.y;
}

/**
 * A box with more around it on each side, by a share of its size.
 * @param {Box} box
 * @param {number} share
 * @returns {Box}
 */
export function widenedBy({ x, y, width, height }, share) {
    return { x: x - width * share, y: y - height * share, width: width * (1 + 2 * share), height: height * (1 + 2 * share) };
}

/**
 * An edge from the right side of its source to the left side of its target, as SVG path data. One that leads back is led
 * around below both.
 * @param {Point} from
 * @param {Point} to
 */
export function edgePath(from, to) {
    const [startX, startY] = [from.x + NODE_WIDTH, from.y + NODE_HEIGHT / 2];
    const [endX, endY] = [to.x, to.y + NODE_HEIGHT / 2];
    const gap = endX - startX;
    if (gap < 16) {
        const below = Math.max(from.y, to.y) + NODE_HEIGHT + 40;
        return `M${startX},${startY} C${startX + 60},${startY} ${startX + 60},${below} ${(startX + endX) / 2},${below} `
            + `S${endX - 60},${endY} ${endX},${endY}`;
    }
    const bend = Math.min(Math.max(gap / 2, 24), 120);
    return `M${startX},${startY} C${startX + bend},${startY} ${endX - bend},${endY} ${endX},${endY}`;
}

/**
 * The middle of an edge's label: in the gap before the target, where edges of one source have parted.
 * @param {Point} from
 * @param {Point} to
 * @param {number} width Of the label.
 * @returns {Point}
 */
export function labelPoint(from, to, width) {
    const [startX, startY] = [from.x + NODE_WIDTH, from.y + NODE_HEIGHT / 2];
    const endY = to.y + NODE_HEIGHT / 2;
    if (to.x - startX < 16) return { x: (startX + to.x) / 2, y: Math.max(from.y, to.y) + NODE_HEIGHT + 40 };
    const x = Math.max(to.x - 24 - width / 2, (startX + to.x) / 2);
    return { x, y: yOnEdge(startX, startY, to.x, endY, x) };
}

/**
 * The height of the edge's curve at `x`, found by bisection: the curve only goes to the right.
 * @param {number} startX @param {number} startY @param {number} endX @param {number} endY @param {number} x
 */
function yOnEdge(startX, startY, endX, endY, x) {
    const bend = Math.min(Math.max((endX - startX) / 2, 24), 120);
    let low = 0, high = 1;
    for (let step = 0; step < 20; step += 1) {
        const t = (low + high) / 2, rest = 1 - t;
        const at = rest ** 3 * startX + 3 * rest ** 2 * t * (startX + bend) + 3 * rest * t ** 2 * (endX - bend) + t ** 3 * endX;
        if (at < x) low = t;
        else high = t;
    }
    return startY + (endY - startY) * low * low * (3 - 2 * low);
}

/**
 * SVG path data at another place.
 * @param {string} data
 * @param {number} x
 * @param {number} y
 */
export function pathAt(data, x, y) {
    return data.replace(/([A-Z])([^A-Za-z]*)/g, (_, command, rest) => {
        let index = 0;
        const moved = rest.replace(/-?(?:\d+\.?\d*|\.\d+)/g, (/** @type {string} */ number) => {
            const place = index++;
            // Of an arc, only the last two of seven numbers are a point.
            if (command === "A" && place % 7 < 5) return number;
            const isX = command === "H" || (command !== "V" && (command === "A" ? place % 7 === 5 : place % 2 === 0));
            return ` ${Number(number) + (isX ? x : y)}`;
        });
        return command + moved;
    });
}

/**
 * The node that the keyboard goes to from `id`: the nearest in that direction, those straight ahead first.
 * @param {ReadonlyMap<string, Point>} positions
 * @param {string} id
 * @param {"left" | "right" | "up" | "down"} direction
 * @returns {string | null}
 */
export function neighbour(positions, id, direction) {
    const from = positions.get(id);
    if (!from) return null;
    const isHorizontal = direction === "left" || direction === "right";
    const sign = direction === "right" || direction === "down" ? 1 : -1;
    let best = null, bestCost = Infinity;
    for (const [other, { x, y }] of positions) {
        const ahead = sign * (isHorizontal ? x - from.x : y - from.y);
        const aside = Math.abs(isHorizontal ? y - from.y : x - from.x);
        const cost = ahead + 2.5 * aside;
        if (other !== id && ahead > 0 && cost < bestCost) [best, bestCost] = [other, cost];
    }
    return best;
}

/**
 * What part of the canvas is seen: canvas = (screen − offset) / scale.
 * @typedef {{ x: number, y: number, scale: number }} View
 */

export const SCALE_MIN = 0.05;
export const SCALE_MAX = 3;
/** A fitted graph is not blown up beyond this. */
const FIT_SCALE_MAX = 1.25;

/**
 * The view that shows all of a box.
 * @param {Box} bounds
 * @param {{ width: number, height: number }} screen
 * @param {number} [margin] In pixels of the screen.
 * @returns {View}
 */
export function fitted(bounds, screen, margin = 32) {
    const scale = Math.min(
        Math.max((screen.width - 2 * margin) / bounds.width, SCALE_MIN),
        Math.max((screen.height - 2 * margin) / bounds.height, SCALE_MIN), FIT_SCALE_MAX);
    return {
        scale, x: screen.width / 2 - (bounds.x + bounds.width / 2) * scale,
        y: screen.height / 2 - (bounds.y + bounds.height / 2) * scale,
    };
}

/**
 * The view after zooming by a factor, with one point of the screen staying where it is.
 * @param {View} view
 * @param {number} factor
 * @param {Point} point
 * @returns {View}
 */
export function zoomed(view, factor, point) {
    const scale = Math.min(SCALE_MAX, Math.max(SCALE_MIN, view.scale * factor));
    const ratio = scale / view.scale;
    return { scale, x: point.x - (point.x - view.x) * ratio, y: point.y - (point.y - view.y) * ratio };
}

/**
 * The view moved as little as needed to show a box.
 * @param {View} view
 * @param {Box} box
 * @param {{ width: number, height: number }} screen
 * @returns {View}
 */
export function revealing(view, box, screen) {
    const margin = 24;
    const [left, top] = [box.x * view.scale + view.x, box.y * view.scale + view.y];
    const [right, bottom] = [left + box.width * view.scale, top + box.height * view.scale];
    const moved = (/** @type {number} */ low, /** @type {number} */ high, /** @type {number} */ size) =>
        low < margin ? margin - low : high > size - margin ? size - margin - high : 0;
    return { ...view, x: view.x + moved(left, right, screen.width), y: view.y + moved(top, bottom, screen.height) };
}

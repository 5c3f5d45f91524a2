// A graph as a picture of its own, for documents: SVG text that needs no style sheet.

import { conditionText } from "./condition.js";
import { NODE_HEIGHT, NODE_WIDTH, boundsOf, edgePath, labelPoint, labelText, labelWidth } from "./geometry.js";

/** @typedef {import("./events.js").GraphEdge} GraphEdge */
/** @typedef {import("./events.js").GraphNode} GraphNode */
/** @typedef {import("./geometry.js").Point} Point */

const MARGIN = 24;
const NAME_CHARACTERS_MAX = 22;

/** @param {string} text */
function escaped(text) {
    // Characters that XML cannot hold at all are shown as the replacement character.
    return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd")
        .replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

/** @param {string} text */
function cut(text) {
    return text.length > NAME_CHARACTERS_MAX ? `${text.slice(0, NAME_CHARACTERS_MAX - 1)}…` : text;
}

/**
 * @param {string} title
 * @param {readonly GraphNode[]} nodes
 * @param {readonly GraphEdge[]} edges
 * @param {ReadonlyMap<string, Point>} positions
 */
export function graphSVG(title, nodes, edges, positions) {
    const { x, y, width, height } = boundsOf(positions.values());
    const lines = edges.flatMap(({ from, to, when }) => {
        const [start, end] = [positions.get(from), positions.get(to)];
        if (!start || !end) return [];
        const line = `<path d="${edgePath(start, end)}" fill="none" stroke="#8a96a8" stroke-width="1.75" marker-end="url(#tip)"/>`;
        const text = conditionText(when);
        return text !== "" ? [line, condition(text.replace(/\s+/g, " "), start, end)] : [line];
    });
    const boxes = nodes.flatMap((node) => {
        const point = positions.get(node.id);
        return point ? [box(node, point)] : [];
    });
    return [
        '<?xml version="1.0" encoding="UTF-8"?>',
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${x - MARGIN} ${y - MARGIN} ${width + 2 * MARGIN} ${height + 2 * MARGIN}" `
            + `width="${width + 2 * MARGIN}" height="${height + 2 * MARGIN}" font-family="system-ui, sans-serif">`,
        `<title>${escaped(title)}</title>`,
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="8.5" refY="5" markerWidth="10" markerHeight="10" markerUnits="userSpaceOnUse" orient="auto">'
            + '<path d="M0 0.8 9.5 5 0 9.2z" fill="#8a96a8"/></marker></defs>',
        ...lines, ...boxes, "</svg>", "",
    ].join("\n");
}

/** @param {GraphNode} node @param {Point} point */
function box(node, { x, y }) {
    return `<g transform="translate(${x} ${y})"><rect width="${NODE_WIDTH}" height="${NODE_HEIGHT}" rx="10" fill="#ffffff" stroke="#8a96a8" stroke-width="1.5"/>`
        + `<text x="14" y="28" font-size="13" font-weight="600" fill="#16202e">${escaped(cut(String(node.name ?? node.id)))}</text>`
        + `<text x="14" y="47" font-size="11" fill="#566274">${escaped(cut(String(node.kind)))}</text></g>`;
}

/** @param {string} when @param {Point} from @param {Point} to */
function condition(when, from, to) {
    const width = labelWidth(when), { x, y } = labelPoint(from, to, width);
    return `<g transform="translate(${x} ${y})"><rect x="${-width / 2}" y="-10" width="${width}" height="20" rx="10" fill="#ffffff" stroke="#d8dee7"/>`
        + `<text text-anchor="middle" y="3.5" font-size="10.5" font-family="monospace" fill="#566274">${escaped(labelText(when))}</text></g>`;
}

// A small sign for each kind of node, and the colour of its tile (by a class of the style sheet).

import { drawn } from "./dom.js";
import { pathAt } from "./geometry.js";

/**
 * Lines on a field of 16 by 16.
 * @type {Record<string, string>}
 */
const signs = {
    set: "M3 5h10M3 8h10M3 11h6",
    delay: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM8 5v3l2 1.5",
    lua: "M5.5 4 2 8l3.5 4M10.5 4 14 8l-3.5 4",
    python: "M5.5 4 2 8l3.5 4M10.5 4 14 8l-3.5 4M9 3 7 13",
    process: "M2.5 3.5h11v9h-11zM5 6.5 7 8 5 9.5M8.5 10H11",
    map: "M3 8h3M6 8l4-4h3M6 8h7M6 8l4 4h3",
    repeat: "M12.5 6A5 5 0 0 0 3.6 6.5M3.5 10a5 5 0 0 0 8.9-.5M12.8 2.8V6H9.6M3.2 13.2V10h3.2",
    graph: "M2.5 6h4v4h-4zM10 2.5h3.5V6H10zM10 10h3.5v3.5H10zM6.5 8H8.5M10 4.2H8.5v7.6H10",
    http: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM2.5 8h11M8 2.5C5 5.5 5 10.5 8 13.5M8 2.5c3 3 3 8 0 11",
    approval: "M3 8.5 6.5 12 13 4.5",
    other: "M8 2.5 13.5 8 8 13.5 2.5 8z",
};

/**
 * The name of the sign: that of the kind, or of one whose name is part of its own, such as `http` in `http_request`.
 * @param {string} kind
 */
function signName(kind) {
    return Object.keys(signs).find((name) => kind.split(/[_-]/).includes(name)) ?? "other";
}

/** @param {string} kind */
export function kindClass(kind) {
    return `kind-tile kind-${signName(kind)}`;
}

/**
 * The sign, as part of a drawing.
 * @param {string} kind
 * @param {number} x
 * @param {number} y
 */
export function kindSign(kind, x, y) {
    return drawn("path", { class: "kind-sign", d: pathAt(signs[signName(kind)], x, y) });
}

/**
 * The sign on its tile, beside text.
 * @param {string} kind
 */
export function kindTile(kind) {
    return drawn("svg", { class: kindClass(kind), viewBox: "0 0 24 24", width: 24, height: 24, "aria-hidden": "true" },
        drawn("rect", { class: "kind-back", width: 24, height: 24, rx: 6 }), kindSign(kind, 4, 4));
}

// The name of a node in large, for a view in which nothing else could be read.

import { drawn } from "./dom.js";
import { NODE_HEIGHT } from "./geometry.js";
import { fittedText } from "./text-width.js";

/** @typedef {import("./geometry.js").Point} Point */

const FONT = "600 18px system-ui, sans-serif";
const LINE_HEIGHT = 22;

/**
 * In at most two lines, in the middle of the box's height.
 * @param {string} name
 * @param {Point} place Where the box begins, and the text with it.
 * @param {readonly [number, number]} widths Of the two lines.
 */
export function largeName(name, { x, y }, widths) {
    const lines = [""];
    for (const word of name.split(/\s+/)) {
        const line = lines[lines.length - 1], longer = line === "" ? word : `${line} ${word}`;
        if (lines.length === 2 || line === "" || fittedText(longer, FONT, widths[0]) === longer) lines[lines.length - 1] = longer;
        else lines.push(word);
    }
    const first = y + (NODE_HEIGHT - LINE_HEIGHT * lines.length) / 2 + 17;
    return drawn("text", { class: "node-name-large", "aria-hidden": "true" }, ...lines.map((line, index) =>
        drawn("tspan", { x, y: first + index * LINE_HEIGHT }, fittedText(line, FONT, widths[index]))));
}

// A node on the canvas: a box with its kind, name, status and time.

import { drawn, iconPath, setAttribute, setText } from "./dom.js";
import { duration, clock } from "./format.js";
import { NODE_HEIGHT, NODE_WIDTH } from "./geometry.js";
import { statusIcon, statusWord } from "./status.js";

/** @typedef {import("./run-state.js").NodeState} NodeState */
/** @typedef {import("./events.js").GraphNode} GraphNode */
/** @typedef {import("./geometry.js").Point} Point */

const PADDING = 14;
const NAME_WIDTH = NODE_WIDTH - 2 * PADDING - 22;
const NAME_FONT = "600 13px system-ui, sans-serif";
const KIND_FONT = "11px system-ui, sans-serif";
const LARGE_FONT = "600 18px system-ui, sans-serif";
/** The second line of a large name has the status icon above it, not beside it. */
const LARGE_WIDTHS = [NODE_WIDTH - 2 * PADDING - 20, NODE_WIDTH - 2 * PADDING];
const LARGE_LINE = 22;

export class CanvasNode {
    /** @type {NodeState | null} */
    #state = null;
    #status = drawn("path", { class: "node-status", "fill-rule": "evenodd", transform: `translate(${NODE_WIDTH - 28} 12)` });
    #line = drawn("text", { class: "node-kind", x: PADDING, y: 47 });
    #time = drawn("text", { class: "node-time", x: NODE_WIDTH - PADDING, y: 47, "text-anchor": "end" });
    #node;
    element;

    /**
     * @param {GraphNode} node
     * @param {Point} point
     */
    constructor(node, point) {
        this.#node = node;
        const name = node.name ?? node.id;
        const fitting = fitted(name, NAME_FONT, NAME_WIDTH);
        this.element = drawn("g",
            { class: "node", role: "button", tabindex: -1, "data-id": node.id, transform: `translate(${point.x} ${point.y})` },
            fitting === name ? null : drawn("title", {}, name),
            drawn("rect", { class: "node-halo", x: -4, y: -4, width: NODE_WIDTH + 8, height: NODE_HEIGHT + 8, rx: 13 }),
            drawn("rect", { class: "node-box", width: NODE_WIDTH, height: NODE_HEIGHT, rx: 10 }),
            drawn("text", { class: "node-name", x: PADDING, y: 26 }, fitting),
            largeName(name),
            this.#status, this.#line, this.#time);
    }

    /** @param {NodeState} state */
    show(state) {
        if (state === this.#state) return;
        const isNewStatus = state.status !== this.#state?.status || state.attempts.length !== this.#state.attempts.length;
        this.#state = state;
        if (isNewStatus) this.#showStatus(state);
        setText(this.#time, state.durationMs !== null && state.attempts.length > 0 && state.status !== "skipped" ? duration(state.durationMs) : "");
    }

    /** @param {NodeState} state */
    #showStatus(state) {
        const { status, attempts } = state;
        const word = statusWord(status).toLowerCase();
        const tries = attempts.length > 1 ? `, attempt ${attempts.length}` : "";
        setAttribute(this.element, "data-status", status);
        setAttribute(this.element, "aria-label", `${this.#node.name ?? this.#node.id}, ${this.#node.kind}, ${word}${tries}`);
        setAttribute(this.#status, "d", iconPath(statusIcon(status)));
        const retry = attempts.length > 1 ? ` ×${attempts.length}` : "";
        setText(this.#line, fitted(status === "pending" ? this.#node.kind : `${this.#node.kind} · ${word}${retry}`, KIND_FONT, 116));
    }

    /**
     * Shows how long a running node has been running.
     * @param {number} now Milliseconds since 1970 by the server's clock.
     */
    tick(now) {
        if (this.#state?.status !== "running" || this.#state.startedAt === null) return;
        setText(this.#time, clock(now - this.#state.startedAt));
    }

    get isRunning() {
        return this.#state?.status === "running";
    }

    /** @param {boolean} isSelected */
    select(isSelected) {
        setAttribute(this.element, "aria-pressed", String(isSelected));
    }

    /** @param {boolean} isTabStop */
    makeTabStop(isTabStop) {
        setAttribute(this.element, "tabindex", isTabStop ? "0" : "-1");
    }
}

/**
 * A name in at most two lines, in the middle of the box.
 * @param {string} name
 */
function largeName(name) {
    const lines = [""];
    for (const word of name.split(/\s+/)) {
        const line = lines[lines.length - 1];
        const longer = line === "" ? word : `${line} ${word}`;
        if (lines.length === 2 || line === "" || widthOf(longer, LARGE_FONT) <= LARGE_WIDTHS[0]) lines[lines.length - 1] = longer;
        else lines.push(word);
    }
    const first = (NODE_HEIGHT - LARGE_LINE * lines.length) / 2 + 17;
    return drawn("text", { class: "node-name-large", "aria-hidden": "true" }, ...lines.map((line, index) =>
        drawn("tspan", { x: PADDING, y: first + index * LARGE_LINE }, fitted(line, LARGE_FONT, LARGE_WIDTHS[index]))));
}

const ruler = document.createElement("canvas").getContext("2d");

/**
 * @param {string} text
 * @param {string} font
 */
function widthOf(text, font) {
    if (!ruler) return 0;
    ruler.font = font;
    return ruler.measureText(text).width;
}

/**
 * As much of a text as fits.
 * @param {string} text
 * @param {string} font
 * @param {number} width
 */
function fitted(text, font, width) {
    if (widthOf(text, font) <= width) return text;
    let low = 0, high = text.length;
    while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (widthOf(`${text.slice(0, middle)}…`, font) <= width) low = middle;
        else high = middle - 1;
    }
    return `${text.slice(0, low).trimEnd()}…`;
}

// A node on the canvas: a box with its kind, name, status and time; a frame where a graph runs within it, with how far its
// items are. What cannot be made out is not there.

import { drawn, iconPath, setAttribute, setText } from "./dom.js";
import { duration, clock } from "./format.js";
import { NODE_HEIGHT, NODE_WIDTH, pathAt } from "./geometry.js";
import { indexWord, innerOf } from "./inner-graph.js";
import { largeName } from "./large-name.js";
import { endedCount, isOpen } from "./node-state.js";
import { statusIcon, statusWord } from "./status.js";
import { fittedText } from "./text-width.js";

/** @typedef {import("./canvas-view.js").Detail} Detail */
/** @typedef {import("./node-state.js").NodeState} NodeState */
/** @typedef {import("./events.js").GraphNode} GraphNode */
/** @typedef {import("./geometry.js").Point} Point */

/** Before how often a node has run. */
const TIMES = " ×";
const PADDING = 14;
const NAME_WIDTH = NODE_WIDTH - 2 * PADDING - 22;
const NAME_FONT = "600 13px system-ui, sans-serif";
const KIND_WIDTH = 116;
const KIND_FONT = "11px system-ui, sans-serif";
/** Room for the sign that opens a frame. */
const OPEN_WIDTH = 22;
/** The second line of a large name has the status icon above it, not beside it. */
const LARGE_WIDTHS = /** @type {const} */ ([NODE_WIDTH - 2 * PADDING - 20, NODE_WIDTH - 2 * PADDING]);

export class CanvasNode {
    /** @type {NodeState | null} */
    #state = null;
    #node;
    #point;
    #name;
    /** @type {Detail | null} */
    #detail = null;
    /** @type {Element[]} What is there besides the box. */
    #details = [];
    #status = drawn("path", { class: "node-status", "fill-rule": "evenodd" });
    #line = drawn("text", { class: "node-kind" });
    #time = drawn("text", { class: "node-time", "text-anchor": "end" });
    /** @type {{ done: SVGRectElement, failed: SVGRectElement } | null} Of a node with items. */
    #progress = null;
    /** What goes into the graph within it. */
    #open;
    element;

    /**
     * @param {GraphNode} node
     * @param {Point} point
     */
    constructor(node, point) {
        const { x, y } = point;
        this.#node = node;
        this.#point = point;
        this.#name = node.name ?? node.id;
        const isFrame = innerOf(node) !== null;
        this.#open = isFrame ? openSign(x + NODE_WIDTH - 50, y + 12) : null;
        this.element = drawn("g", { class: isFrame ? "node scope-node" : "node", role: "button", tabindex: -1, "data-id": node.id },
            ...(isFrame ? frameLines(point, indexWord(node.kind) !== null) : []),
            drawn("rect", { class: "node-halo", x: x - 4, y: y - 4, width: NODE_WIDTH + 8, height: NODE_HEIGHT + 8, rx: 13 }),
            drawn("rect", { class: "node-box", x, y, width: NODE_WIDTH, height: NODE_HEIGHT, rx: 10 }));
    }

    /** @returns {import("./geometry.js").Box} */
    get box() {
        return { ...this.#point, width: NODE_WIDTH, height: NODE_HEIGHT };
    }

    /** @param {Detail} detail How much of it is shown. */
    draw(detail) {
        if (detail === this.#detail) return;
        this.#detail = detail;
        for (const part of this.#details) part.remove();
        this.#details = detail === "far" ? [] : [this.#status, ...(detail === "near" ? this.#lines() : [this.#largeName()])];
        if (this.#open && detail === "near") this.#details.push(this.#open);
        if (!this.#details.some((part) => part.textContent === this.#name)) this.#details.push(drawn("title", {}, this.#name));
        this.element.append(...this.#details);
        this.#showDetails();
    }

    #lines() {
        const { x, y } = this.#point;
        for (const [part, at] of /** @type {const} */ ([[this.#line, x + PADDING], [this.#time, x + NODE_WIDTH - PADDING]])) {
            setAttribute(part, "x", String(at));
            setAttribute(part, "y", String(y + 47));
        }
        const width = NAME_WIDTH - (this.#open ? OPEN_WIDTH : 0);
        return [drawn("text", { class: "node-name", x: x + PADDING, y: y + 26 }, fittedText(this.#name, NAME_FONT, width)), this.#line, this.#time];
    }

    #largeName() {
        return largeName(this.#name, { x: this.#point.x + PADDING, y: this.#point.y }, LARGE_WIDTHS);
    }

    /** @param {NodeState} state */
    show(state) {
        if (state === this.#state) return;
        const isNewStatus = state.status !== this.#state?.status || state.attempts.length !== this.#state.attempts.length;
        this.#state = state;
        if (isNewStatus) {
            setAttribute(this.element, "data-status", state.status);
            setAttribute(this.element, "aria-label", `${this.#name}, ${this.#node.kind}, ${statusWord(state.status).toLowerCase()}${tries(state, ", attempt ")}`);
        }
        this.#showProgress(state);
        this.#showDetails();
    }

    /**
     * How much of the items has ended, as a line at the foot of the box.
     * @param {NodeState} state
     */
    #showProgress(state) {
        const items = state.items;
        if (!items) return;
        this.element.setAttribute("aria-description", itemWords(state));
        if (items.total === null || items.total === 0) return;
        if (!this.#progress) {
            const { x, y } = this.#point;
            const line = (/** @type {string} */ name, /** @type {number} */ width) =>
                drawn("rect", { class: name, x: x + PADDING, y: y + NODE_HEIGHT - 9, width, height: 4, rx: 2 });
            this.#progress = { done: line("node-progress-done", 0), failed: line("node-progress-failed", 0) };
            this.element.append(line("node-progress", NODE_WIDTH - 2 * PADDING), this.#progress.done, this.#progress.failed);
        }
        const { done, failed } = this.#progress, scale = (NODE_WIDTH - 2 * PADDING) / items.total;
        setAttribute(done, "width", String(endedCount(items) * scale));
        setAttribute(failed, "width", String(items.error * scale));
    }

    #showDetails() {
        const state = this.#state;
        if (!state || !this.#status.parentNode) return;
        setAttribute(this.#status, "d", pathAt(iconPath(statusIcon(state.status)), this.#point.x + NODE_WIDTH - 28, this.#point.y + 12));
        if (this.#detail !== "near") return;
        // How often a node of a cycle has run comes before where it lies, which may be cut.
        const isDrawn = state.attempts[0]?.task !== undefined;
        const { kind } = this.#node, word = `${statusWord(state.status).toLowerCase()}${tries(state, TIMES)}`;
        setText(this.#line, fittedText(itemWords(state) || (state.status === "pending" ? kind : isDrawn ? `${word} · ${kind}` : `${kind} · ${word}`), KIND_FONT, KIND_WIDTH));
        const hasTime = state.durationMs !== null && state.attempts.length > 0 && state.status !== "skipped";
        setText(this.#time, hasTime ? duration(state.durationMs ?? 0) : "");
    }

    /**
     * Shows how long a running node has been running.
     * @param {number} now Milliseconds since 1970 by the server's clock.
     */
    tick(now) {
        if (this.#detail !== "near" || !this.#state || !isOpen(this.#state) || this.#state.startedAt === null) return;
        setText(this.#time, clock(now - this.#state.startedAt));
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

/** @param {NodeState} state @param {string} before */
function tries({ attempts }, before) {
    if (attempts[0]?.task && before !== TIMES) return attempts.length > 1 ? `, ran ${attempts.length} times` : "";
    return attempts.length > 1 ? `${before}${attempts.length}` : "";
}

/**
 * How many items have ended, and failed.
 * @param {NodeState} state
 */
function itemWords({ items }) {
    if (!items) return "";
    const failed = items.error > 0 ? `, ${items.error.toLocaleString()} failed` : "";
    const of = items.total === null ? "" : ` of ${items.total.toLocaleString()}`;
    return `${endedCount(items).toLocaleString()}${of}${failed}`;
}

/**
 * The lines that tell a frame from a box: another one behind it where its graph runs more than once, one within it otherwise.
 * @param {Point} point
 * @param {boolean} isRepeated
 */
function frameLines({ x, y }, isRepeated) {
    const behind = (/** @type {number} */ by) => drawn("rect", { class: "node-behind", x: x + by, y: y + by, width: NODE_WIDTH, height: NODE_HEIGHT, rx: 10 });
    return isRepeated ? [behind(8), behind(4)] : [behind(4)];
}

/** @param {number} x @param {number} y */
function openSign(x, y) {
    return drawn("g", { class: "node-open" }, drawn("title", {}, "Open the graph within"),
        drawn("rect", { x: x - 4, y: y - 4, width: 24, height: 24, rx: 6 }),
        drawn("path", { "fill-rule": "evenodd", d: pathAt(iconPath("enter"), x, y) }));
}

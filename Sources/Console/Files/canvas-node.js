// A node on the canvas: a box with its kind, name, status and time. What cannot be made out is not there.

import { drawn, iconPath, setAttribute, setText } from "./dom.js";
import { duration, clock } from "./format.js";
import { NODE_HEIGHT, NODE_WIDTH, pathAt } from "./geometry.js";
import { largeName } from "./large-name.js";
import { statusIcon, statusWord } from "./status.js";
import { fittedText } from "./text-width.js";

/** @typedef {import("./canvas-view.js").Detail} Detail */
/** @typedef {import("./run-state.js").NodeState} NodeState */
/** @typedef {import("./events.js").GraphNode} GraphNode */
/** @typedef {import("./geometry.js").Point} Point */

const PADDING = 14;
const NAME_WIDTH = NODE_WIDTH - 2 * PADDING - 22;
const NAME_FONT = "600 13px system-ui, sans-serif";
const KIND_WIDTH = 116;
const KIND_FONT = "11px system-ui, sans-serif";
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
        this.element = drawn("g", { class: "node", role: "button", tabindex: -1, "data-id": node.id },
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
        return [drawn("text", { class: "node-name", x: x + PADDING, y: y + 26 }, fittedText(this.#name, NAME_FONT, NAME_WIDTH)), this.#line, this.#time];
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
        this.#showDetails();
    }

    #showDetails() {
        const state = this.#state;
        if (!state || !this.#status.parentNode) return;
        setAttribute(this.#status, "d", pathAt(iconPath(statusIcon(state.status)), this.#point.x + NODE_WIDTH - 28, this.#point.y + 12));
        if (this.#detail !== "near") return;
        const { kind } = this.#node, word = `${statusWord(state.status).toLowerCase()}${tries(state, " ×")}`;
        setText(this.#line, fittedText(state.status === "pending" ? kind : `${kind} · ${word}`, KIND_FONT, KIND_WIDTH));
        const hasTime = state.durationMs !== null && state.attempts.length > 0 && state.status !== "skipped";
        setText(this.#time, hasTime ? duration(state.durationMs ?? 0) : "");
    }

    /**
     * Shows how long a running node has been running.
     * @param {number} now Milliseconds since 1970 by the server's clock.
     */
    tick(now) {
        if (this.#detail !== "near" || this.#state?.status !== "running" || this.#state.startedAt === null) return;
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
    return attempts.length > 1 ? `${before}${attempts.length}` : "";
}

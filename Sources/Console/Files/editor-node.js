// A node on the editor's canvas: a box with the sign of its kind, its name, and a port on either side.

import { drawn, setAttribute } from "./dom.js";
import { NODE_HEIGHT, NODE_WIDTH } from "./geometry.js";
import { kindClass, kindSign } from "./kind-icons.js";
import { fittedText } from "./text-width.js";

/** @typedef {import("./events.js").GraphNode} GraphNode */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./graph-diff.js").Change} Change */
/** @typedef {import("./editor-view.js").Detail} Detail */

const TILE = 32;
const TEXT_X = 56;
const TEXT_WIDTH = NODE_WIDTH - TEXT_X - 14;
const NAME_FONT = "600 13px system-ui, sans-serif";
const KIND_FONT = "11px system-ui, sans-serif";
const LARGE_FONT = "600 18px system-ui, sans-serif";
const LARGE_X = 14;
const LARGE_WIDTH = NODE_WIDTH - 2 * LARGE_X;
const LARGE_LINE = 22;
const PORT_RADIUS = 5.5;
const PORT_REACH = 14;

export class EditorNode {
    /** @type {GraphNode | null} */
    #node = null;
    #kindTitle = "";
    #faultCount = 0;
    /** @type {Detail | null} */
    #detail = null;
    element = drawn("g", { class: "node edit-node", role: "button", tabindex: -1 });

    /**
     * Shows a node. Only one that differs is drawn anew.
     * @param {GraphNode} node
     * @param {string} kindTitle
     * @param {Detail} detail
     */
    show(node, kindTitle, detail) {
        if (node === this.#node && kindTitle === this.#kindTitle && detail === this.#detail) return;
        if (node.id !== this.#node?.id) setAttribute(this.element, "data-id", node.id);
        this.#node = node;
        this.#kindTitle = kindTitle;
        this.#detail = detail;
        const name = String(node.name ?? node.id);
        this.element.replaceChildren(
            drawn("title", {}, `${name}\n${kindTitle} · ${node.id}`),
            drawn("rect", { class: "node-halo", x: -4, y: -4, width: NODE_WIDTH + 8, height: NODE_HEIGHT + 8, rx: 13 }),
            drawn("rect", { class: "node-box", width: NODE_WIDTH, height: NODE_HEIGHT, rx: 10 }),
            ...(detail === "near" ? this.#details(node, name) : detail === "half" ? [largeName(name)] : []),
            ...(detail === "far" ? [] : [port("in", 0), port("out", NODE_WIDTH)]),
            ...(this.#faultCount > 0 && detail !== "far" ? [badge()] : []));
        this.#label();
    }

    /** @param {GraphNode} node @param {string} name */
    #details(node, name) {
        return [
            drawn("g", { class: kindClass(String(node.kind)), transform: `translate(12 ${(NODE_HEIGHT - TILE) / 2})` },
                drawn("rect", { class: "kind-back", width: TILE, height: TILE, rx: 8 }), kindSign(String(node.kind), "translate(8 8)")),
            drawn("text", { class: "node-name", x: TEXT_X, y: 29 }, fittedText(name, NAME_FONT, TEXT_WIDTH)),
            drawn("text", { class: "node-kind", x: TEXT_X, y: 46 }, fittedText(this.#kindTitle, KIND_FONT, TEXT_WIDTH)),
        ];
    }

    /** @param {Point} point */
    move({ x, y }) {
        setAttribute(this.element, "transform", `translate(${x} ${y})`);
    }

    /** @param {number} count */
    markFaults(count) {
        if (count === this.#faultCount) return;
        this.#faultCount = count;
        this.element.classList.toggle("faulty", count > 0);
        this.element.querySelector(".node-badge")?.remove();
        if (count > 0 && this.#detail !== "far") this.element.append(badge());
        this.#label();
    }

    #label() {
        const node = this.#node;
        if (!node) return;
        const faults = this.#faultCount > 0 ? `, ${this.#faultCount} problem${this.#faultCount === 1 ? "" : "s"}` : "";
        setAttribute(this.element, "aria-label", `${node.name ?? node.id}, ${this.#kindTitle}${faults}`);
    }

    /** @param {boolean} isSelected */
    select(isSelected) {
        setAttribute(this.element, "aria-pressed", String(isSelected));
    }

    /** @param {boolean} isTabStop */
    makeTabStop(isTabStop) {
        setAttribute(this.element, "tabindex", isTabStop ? "0" : "-1");
    }

    /** @param {Change | null} change */
    markChange(change) {
        if (change) setAttribute(this.element, "data-change", change);
        else this.element.removeAttribute("data-change");
    }
}

/**
 * A name in at most two lines, in the middle of the box.
 * @param {string} name
 */
function largeName(name) {
    const lines = [""];
    for (const word of name.split(/\s+/)) {
        const line = lines[lines.length - 1], longer = line === "" ? word : `${line} ${word}`;
        if (lines.length === 2 || line === "" || fittedText(longer, LARGE_FONT, LARGE_WIDTH) === longer) lines[lines.length - 1] = longer;
        else lines.push(word);
    }
    const first = (NODE_HEIGHT - LARGE_LINE * lines.length) / 2 + 17;
    return drawn("text", { class: "node-name-large", "aria-hidden": "true" }, ...lines.map((line, index) =>
        drawn("tspan", { x: LARGE_X, y: first + index * LARGE_LINE }, fittedText(line, LARGE_FONT, LARGE_WIDTH))));
}

function badge() {
    return drawn("g", { class: "node-badge", transform: `translate(${NODE_WIDTH - 10} 2)` },
        drawn("circle", { r: 9 }), drawn("text", { "text-anchor": "middle", y: 4 }, "!"));
}

/** @param {"in" | "out"} side @param {number} x */
function port(side, x) {
    return drawn("g", { class: `port port-${side}`, "data-port": side, transform: `translate(${x} ${NODE_HEIGHT / 2})` },
        drawn("circle", { class: "port-reach", r: PORT_REACH }), drawn("circle", { class: "port-dot", r: PORT_RADIUS }));
}

// A node on the editor's canvas: a box with the sign of its kind, its name, and a port on either side.

import { drawn, setAttribute } from "./dom.js";
import { NODE_HEIGHT, NODE_WIDTH } from "./geometry.js";
import { kindClass, kindSign } from "./kind-icons.js";
import { largeName } from "./large-name.js";
import { fittedText } from "./text-width.js";

/** @typedef {import("./events.js").GraphNode} GraphNode */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./graph-diff.js").Change} Change */
/** @typedef {import("./canvas-view.js").Detail} Detail */

const TILE = 32;
const TEXT_X = 56;
const TEXT_WIDTH = NODE_WIDTH - TEXT_X - 14;
const NAME_FONT = "600 13px system-ui, sans-serif";
const KIND_FONT = "11px system-ui, sans-serif";
const LARGE_X = 14;
const LARGE_WIDTH = NODE_WIDTH - 2 * LARGE_X;
const PORT_RADIUS = 5.5;
const PORT_REACH = 14;

export class EditorNode {
    /** @type {GraphNode | null} */
    #node = null;
    #kindTitle = "";
    #faultCount = 0;
    /** @type {Point} */
    #point = { x: NaN, y: NaN };
    /** @type {Detail | null} */
    #detail = null;
    element = drawn("g", { class: "node edit-node", role: "button", tabindex: -1 });

    /**
     * Shows a node. Only one that differs is drawn anew.
     * @param {GraphNode} node
     * @param {string} kindTitle
     * @param {Point} point
     * @param {Detail} detail
     */
    show(node, kindTitle, point, detail) {
        const isSamePlace = point.x === this.#point.x && point.y === this.#point.y;
        if (isSamePlace && node === this.#node && kindTitle === this.#kindTitle && detail === this.#detail) return;
        if (node.id !== this.#node?.id) setAttribute(this.element, "data-id", node.id);
        this.#node = node;
        this.#kindTitle = kindTitle;
        this.#point = point;
        this.#detail = detail;
        const { x, y } = point, name = String(node.name ?? node.id);
        this.element.replaceChildren(
            drawn("title", {}, `${name}\n${kindTitle} · ${node.id}`),
            drawn("rect", { class: "node-halo", x: x - 4, y: y - 4, width: NODE_WIDTH + 8, height: NODE_HEIGHT + 8, rx: 13 }),
            drawn("rect", { class: "node-box", x, y, width: NODE_WIDTH, height: NODE_HEIGHT, rx: 10 }),
            ...(detail === "near" ? this.#details(node, name) : []),
            ...(detail === "half" ? [largeName(name, { x: x + LARGE_X, y }, [LARGE_WIDTH, LARGE_WIDTH])] : []),
            ...(detail === "far" ? [] : [port("in", point), port("out", { x: x + NODE_WIDTH, y })]),
            ...(this.#faultCount > 0 && detail !== "far" ? [badge(point)] : []));
        this.#label();
    }

    /** @param {GraphNode} node @param {string} name */
    #details(node, name) {
        const kind = String(node.kind), { x, y } = this.#point, top = y + (NODE_HEIGHT - TILE) / 2;
        return [
            drawn("g", { class: kindClass(kind) },
                drawn("rect", { class: "kind-back", x: x + 12, y: top, width: TILE, height: TILE, rx: 8 }), kindSign(kind, x + 20, top + 8)),
            drawn("text", { class: "node-name", x: x + TEXT_X, y: y + 29 }, fittedText(name, NAME_FONT, TEXT_WIDTH)),
            drawn("text", { class: "node-kind", x: x + TEXT_X, y: y + 46 }, fittedText(this.#kindTitle, KIND_FONT, TEXT_WIDTH)),
        ];
    }

    /** @param {number} count */
    markFaults(count) {
        if (count === this.#faultCount) return;
        this.#faultCount = count;
        this.element.classList.toggle("faulty", count > 0);
        this.element.querySelector(".node-badge")?.remove();
        if (count > 0 && this.#detail !== "far") this.element.append(badge(this.#point));
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

/** @param {Point} point */
function badge({ x, y }) {
    return drawn("g", { class: "node-badge" },
        drawn("circle", { cx: x + NODE_WIDTH - 10, cy: y + 2, r: 9 }),
        drawn("text", { "text-anchor": "middle", x: x + NODE_WIDTH - 10, y: y + 6 }, "!"));
}

/** @param {"in" | "out"} side @param {Point} point Of the corner above it. */
function port(side, { x, y }) {
    const middle = { cx: x, cy: y + NODE_HEIGHT / 2 };
    return drawn("g", { class: `port port-${side}`, "data-port": side },
        drawn("circle", { class: "port-reach", ...middle, r: PORT_REACH }), drawn("circle", { class: "port-dot", ...middle, r: PORT_RADIUS }));
}

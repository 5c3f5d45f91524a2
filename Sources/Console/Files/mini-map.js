// <mini-map>: the whole graph in a corner, and what part of it is seen. Dragging there moves the view.

import { drawn } from "./dom.js";
import { NODE_HEIGHT, NODE_WIDTH, boundsOf } from "./geometry.js";

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./geometry.js").Point} Point */

const MARGIN = 80;

export class MiniMap extends HTMLElement {
    #nodes = drawn("path", { class: "map-nodes" });
    #seen = drawn("rect", { class: "map-seen", rx: 24 });
    #screen = drawn("svg", { preserveAspectRatio: "xMidYMid meet", "aria-hidden": "true" }, this.#nodes, this.#seen);
    /** @type {Box} */
    #bounds = { x: 0, y: 0, width: 1, height: 1 };
    /** @type {(point: Point) => void} */
    onMove = () => {};

    connectedCallback() {
        if (this.firstChild) return;
        this.setAttribute("aria-hidden", "true");
        this.append(this.#screen);
        const move = (/** @type {PointerEvent} */ event) => {
            if (event.buttons !== 1) return;
            this.setPointerCapture(event.pointerId);
            this.onMove(this.#pointAt(event));
        };
        this.addEventListener("pointerdown", move);
        this.addEventListener("pointermove", move);
    }

    /** @param {Map<string, Point>} positions */
    show(positions) {
        const { x, y, width, height } = boundsOf(positions.values());
        this.#bounds = { x: x - MARGIN, y: y - MARGIN, width: width + 2 * MARGIN, height: height + 2 * MARGIN };
        this.#screen.setAttribute("viewBox", `${this.#bounds.x} ${this.#bounds.y} ${this.#bounds.width} ${this.#bounds.height}`);
        this.#nodes.setAttribute("d", [...positions.values()].map((point) =>
            `M${point.x} ${point.y}h${NODE_WIDTH}v${NODE_HEIGHT}h${-NODE_WIDTH}z`).join(""));
        this.hidden = positions.size < 2;
    }

    /** @param {Box} seen */
    showSeen(seen) {
        const left = Math.max(seen.x, this.#bounds.x), top = Math.max(seen.y, this.#bounds.y);
        const right = Math.min(seen.x + seen.width, this.#bounds.x + this.#bounds.width);
        const bottom = Math.min(seen.y + seen.height, this.#bounds.y + this.#bounds.height);
        for (const [name, value] of Object.entries({ x: left, y: top, width: Math.max(right - left, 0), height: Math.max(bottom - top, 0) })) {
            this.#seen.setAttribute(name, String(value));
        }
    }

    /** @param {PointerEvent} event @returns {Point} */
    #pointAt(event) {
        const { left, top, width, height } = this.#screen.getBoundingClientRect();
        const scale = Math.min(width / this.#bounds.width, height / this.#bounds.height);
        return {
            x: this.#bounds.x + this.#bounds.width / 2 + (event.clientX - left - width / 2) / scale,
            y: this.#bounds.y + this.#bounds.height / 2 + (event.clientY - top - height / 2) / scale,
        };
    }
}

customElements.define("mini-map", MiniMap);

// An edge on the editor's canvas: its line, a wider one that can be hit, and the label of its condition.

import { conditionLabel } from "./canvas-edge.js";
import { conditionText } from "./condition.js";
import { drawn, setAttribute } from "./dom.js";
import { edgePath } from "./geometry.js";

/** @typedef {import("./events.js").GraphEdge} GraphEdge */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./graph-diff.js").Change} Change */
/** @typedef {"plain" | "selected" | "faulty" | Change} EdgeLook */

/** @type {readonly EdgeLook[]} */
const looks = ["plain", "selected", "faulty", "added", "removed", "changed"];

export class EditorEdge {
    /** @type {GraphEdge | null} */
    #edge = null;
    #line = drawn("path", { class: "edge" });
    #reach = drawn("path", { class: "edge-reach" });
    #label = drawn("g", { class: "edge-label" });
    /** @type {EdgeLook | null} */
    #look = null;
    #place = "";
    #isFar = false;
    element = drawn("g", { class: "edit-edge" }, this.#line);

    /**
     * @param {GraphEdge} edge
     * @param {Point} from
     * @param {Point} to
     * @param {boolean} isFar From afar there is no label to read, and nothing to aim at.
     */
    show(edge, from, to, isFar) {
        const place = `${from.x} ${from.y} ${to.x} ${to.y}`;
        if (edge === this.#edge && place === this.#place && isFar === this.#isFar) return;
        this.#isFar = isFar;
        if (edge !== this.#edge) {
            setAttribute(this.element, "data-from", edge.from);
            setAttribute(this.element, "data-to", edge.to);
        }
        this.#edge = edge;
        this.#place = place;
        const path = edgePath(from, to);
        this.#line.setAttribute("d", path);
        if (isFar) {
            this.#reach.remove();
            this.#label.remove();
            return;
        }
        this.#reach.setAttribute("d", path);
        if (!this.#reach.parentNode) this.element.prepend(this.#reach);
        this.#showCondition(edge.when, from, to);
    }

    /** @param {unknown} when @param {Point} from @param {Point} to */
    #showCondition(when, from, to) {
        const text = conditionText(when);
        if (text === "") return this.#label.remove();
        const label = conditionLabel(text, from, to);
        this.#label.remove();
        this.element.append((this.#label = label));
    }

    /** @param {EdgeLook} look */
    look(look) {
        if (look === this.#look) return;
        this.#look = look;
        setAttribute(this.element, "data-look", look);
        setAttribute(this.#line, "marker-end", `url(#tip-${look})`);
    }
}

/** The arrowheads, one for each look. */
export function tips() {
    return drawn("defs", {}, ...looks.map((look) =>
        drawn("marker", {
            id: `tip-${look}`, class: `tip tip-${look}`, viewBox: "0 0 10 10", refX: 8.5, refY: 5, markerWidth: 10, markerHeight: 10,
            markerUnits: "userSpaceOnUse", orient: "auto",
        }, drawn("path", { d: "M0 0.8 9.5 5 0 9.2z" }))));
}

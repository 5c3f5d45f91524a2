// An edge on the canvas, and the label of its condition.

import { conditionText } from "./condition.js";
import { drawn, setAttribute } from "./dom.js";
import { edgePath, labelPoint, labelText, labelWidth } from "./geometry.js";

/** @typedef {import("./events.js").GraphEdge} GraphEdge */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./node-state.js").NodeState} NodeState */
/** @typedef {"idle" | "active" | "taken" | "untaken"} EdgeState */

/** @type {readonly EdgeState[]} */
export const edgeStates = ["idle", "active", "taken", "untaken"];

const LABEL_HEIGHT = 20;

export class CanvasEdge {
    #source;
    #target;
    #isDrawn;
    element;
    /** @type {SVGGElement | null} */
    label = null;

    /**
     * @param {GraphEdge} edge
     * @param {Point} from
     * @param {Point} to
     */
    constructor(edge, from, to) {
        this.#target = edge.to;
        this.#source = edge.from;
        this.#isDrawn = edge.drawn !== undefined;
        this.element = drawn("path", { class: edge.drawn?.isConditional ? "edge conditional" : "edge", d: edgePath(from, to), "data-from": edge.from, "data-to": edge.to });
        const when = conditionText(edge.when);
        if (when) this.label = conditionLabel(when, from, to);
        else if (edge.drawn?.label) this.label = edgeLabel(edge.drawn.label, edge.drawn.label, from, to);
        this.#set("idle");
    }

    /**
     * @param {NodeState} source
     * @param {NodeState} target
     */
    show(source, target) {
        this.#set(this.#stateOf(source, target));
    }

    /**
     * @param {NodeState} source
     * @param {NodeState} target
     * @returns {EdgeState}
     */
    #stateOf(source, target) {
        if (this.#isDrawn) {
            if (source.status === "running") return "active";
            if (!target.from.includes(this.#source)) return "idle";
            return target.status === "running" ? "active" : "taken";
        }
        const isDecided = !["pending", "running", "waiting", "retrying"].includes(source.status);
        if (isDecided && !source.taken.includes(this.#target)) return "untaken";
        if (source.status === "running" || target.status === "running") return "active";
        return isDecided ? "taken" : "idle";
    }

    /** @param {EdgeState} state */
    #set(state) {
        if (this.element.getAttribute("data-state") === state) return;
        setAttribute(this.element, "data-state", state);
        setAttribute(this.element, "marker-end", `url(#arrow-${state})`);
        if (this.label) setAttribute(this.label, "data-state", state);
    }
}

/**
 * The condition of an edge, on the edge.
 * @param {string} when
 * @param {Point} from
 * @param {Point} to
 */
export function conditionLabel(when, from, to) {
    return edgeLabel(when, `when ${when}`, from, to);
}

/**
 * @param {string} words
 * @param {string} title All of it.
 * @param {Point} from
 * @param {Point} to
 */
function edgeLabel(words, title, from, to) {
    const text = words.replace(/\s+/g, " "), width = labelWidth(text), { x, y } = labelPoint(from, to, width);
    return drawn("g", { class: "edge-label" },
        drawn("title", {}, title),
        drawn("rect", { x: x - width / 2, y: y - LABEL_HEIGHT / 2, width, height: LABEL_HEIGHT, rx: LABEL_HEIGHT / 2 }),
        drawn("text", { "text-anchor": "middle", x, y: y + 3.5 }, labelText(text)));
}

/** The arrowheads, one for each state: their colours are set by the style sheet. */
export function arrowheads() {
    const heads = edgeStates.map((state) =>
        drawn("marker",
            { id: `arrow-${state}`, class: `arrow arrow-${state}`, viewBox: "0 0 10 10", refX: 8.5, refY: 5, markerWidth: 10, markerHeight: 10,
                markerUnits: "userSpaceOnUse", orient: "auto" },
            drawn("path", { d: "M0 0.8 9.5 5 0 9.2z" })));
    return drawn("defs", {}, ...heads);
}

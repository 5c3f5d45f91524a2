// <graph-canvas>: a graph as boxes and arrows, in the colours of its execution's state.

import { CanvasEdge, arrowheads } from "./canvas-edge.js";
import { CanvasGestures } from "./canvas-gestures.js";
import { CanvasNode } from "./canvas-node.js";
import { CanvasView } from "./canvas-view.js";
import { button, drawn, element } from "./dom.js";
import { FrameBatch } from "./frame-batch.js";
import { NODE_HEIGHT, NODE_WIDTH, contains, neighbour, overlaps, widenedBy } from "./geometry.js";
import { BLOCK_SIZE } from "./run-state.js";

/** @typedef {import("./graph-view.js").GraphView} GraphView */
/** @typedef {import("./node-state.js").NodeState} NodeState */
/** @typedef {import("./run-state.js").RunState} RunState */

const ZOOM_STEP = 1.25;
const PAN_STEP = 60;
/** Steps of the colours in the style sheet. */
const HEAT_LEVELS = 5;
/** With more nodes running than this, the edges stand still: so many moving lines keep a browser from drawing anything else. */
const ANIMATED_NODES_MAX = 150;
/** A frame lasts 16 ms; the browser takes some 0.1 ms for a node that changes, with its edges. */
const NODES_PER_FRAME = 100;
/** Of a graph of more nodes, only those in sight have their texts in the page. */
const DETAILED_NODES_MAX = 250;
/** What is drawn in detail around the part in sight, as a share of it. */
const DETAILED_AROUND = 0.5;

export class GraphCanvas extends HTMLElement {
    #edgeLayer = drawn("g");
    #labelLayer = drawn("g");
    #nodeLayer = drawn("g");
    #screen = element("div", { class: "canvas", role: "group" });
    #view = new CanvasView(this.#screen, arrowheads(), drawn("g", {}, this.#edgeLayer, this.#labelLayer, this.#nodeLayer));
    #gestures = new CanvasGestures(this.#view);
    /** @type {GraphView | null} */
    #session = null;
    /** @type {CanvasNode[]} In the order of the document. */
    #nodes = [];
    /** @type {Map<string, { node: CanvasNode, edges: { edge: CanvasEdge, from: string, to: string }[] }>} */
    #byId = new Map();
    /** @type {import("./geometry.js").Box | null} What is drawn in detail; null for all. */
    #detailed = null;
    /** @type {RunState | null} */
    #shown = null;
    /** @type {Set<number>} The places of nodes that are not yet drawn as they are in that state. */
    #due = new Set();
    #frame = new FrameBatch(() => this.#drawDue(NODES_PER_FRAME));
    /** @type {string | null} */
    #selected = null;
    /** @type {string | null} The node that Tab comes to. */
    #current = null;

    connectedCallback() {
        if (this.firstChild) return;
        const controls = element("div", { class: "canvas-controls", role: "group", "aria-label": "View" },
            button({ icon: "plus", label: "Zoom in", onclick: () => this.#view.zoom(ZOOM_STEP) }),
            button({ icon: "minus", label: "Zoom out", onclick: () => this.#view.zoom(1 / ZOOM_STEP) }),
            button({ icon: "fit", label: "Show the whole graph", onclick: () => this.fit() }));
        this.append(this.#screen, controls);
        this.#screen.addEventListener("click", (event) => this.#click(event));
        this.#screen.addEventListener("dblclick", (event) => {
            const id = nodeAt(event);
            if (id === null) this.fit();
            else this.#enter(id);
        });
        this.#screen.addEventListener("keydown", (event) => this.#key(event));
        this.#screen.addEventListener("focusin", (event) => this.#focused(event));
        this.#view.onMove = () => this.#moved();
        this.#view.onScale = () => this.#drawDetails();
        new ResizeObserver(() => {
            this.#view.measure();
            if (!this.#view.isMovedByHand) this.fit();
        }).observe(this);
        this.#view.measure();
    }

    /**
     * Draws the graph of a session.
     * @param {GraphView} session
     */
    open(session) {
        this.#session = session;
        this.#shown = null;
        this.#due.clear();
        this.#selected = null;
        const { document } = session.graph;
        this.#screen.setAttribute("aria-label", `Graph ${document.name ?? document.id}. Arrow keys go from node to node, Enter inspects, O opens the graph within a node.`);
        this.#nodes = document.nodes.map((node) => new CanvasNode(node, session.positions.get(node.id) ?? { x: 0, y: 0 }));
        this.#byId = new Map(document.nodes.map((node, index) => [node.id, { node: this.#nodes[index], edges: [] }]));
        const edges = (document.edges ?? []).flatMap((edge) => this.#connect(session, edge));
        this.#nodeLayer.replaceChildren(...this.#nodes.map((node) => node.element));
        this.#edgeLayer.replaceChildren(...edges.map((edge) => edge.element));
        this.#labelLayer.replaceChildren(...edges.flatMap((edge) => edge.label ?? []));
        this.#current = null;
        this.#moveTabStop(document.nodes[0]?.id ?? null);
        this.setAttribute("data-graph", document.id);
        if (!this.#view.fit(session.bounds)) this.#drawDetails();
    }

    /**
     * @param {GraphView} session
     * @param {import("./events.js").GraphEdge} edge
     * @returns {CanvasEdge[]}
     */
    #connect(session, edge) {
        const [from, to] = [session.positions.get(edge.from), session.positions.get(edge.to)];
        if (!from || !to) return [];
        const made = new CanvasEdge(edge, from, to);
        const entry = { edge: made, from: edge.from, to: edge.to };
        this.#byId.get(edge.from)?.edges.push(entry);
        this.#byId.get(edge.to)?.edges.push(entry);
        return [made];
    }

    /** Draws what can be made out of the nodes. */
    #drawDetails() {
        const { detail, visible } = this.#view, isLarge = this.#nodes.length > DETAILED_NODES_MAX;
        this.#detailed = isLarge ? widenedBy(visible, DETAILED_AROUND) : null;
        for (const node of this.#nodes) node.draw(this.#detailed === null || overlaps(node.box, this.#detailed) ? detail : "far");
    }

    #moved() {
        if (this.#detailed !== null && this.#view.detail !== "far" && !contains(this.#detailed, this.#view.visible)) this.#drawDetails();
    }

    /**
     * Shows a state of the execution. Only what differs from the one before is touched, and of that so much in one frame
     * that the page stays quick; the rest follows in the next ones.
     * @param {RunState} state
     */
    show(state) {
        const before = this.#shown;
        if (state === before || !this.#session) return;
        this.#shown = state;
        state.blocks.forEach((block, blockIndex) => {
            const old = before?.blocks[blockIndex];
            if (block === old) return;
            block.forEach((node, index) => {
                if (node !== old?.[index]) this.#due.add(blockIndex * BLOCK_SIZE + index);
            });
        });
        this.#screen.classList.toggle("calm", state.counts.running > ANIMATED_NODES_MAX);
        this.#drawDue(before === null ? Infinity : NODES_PER_FRAME);
    }

    /** @param {number} countMax */
    #drawDue(countMax) {
        const state = this.#shown, nodes = this.#session?.graph.document.nodes;
        if (!state || !nodes) return;
        const at = (/** @type {number} */ place) => state.blocks[Math.floor(place / BLOCK_SIZE)][place % BLOCK_SIZE];
        /** @type {Set<{ edge: CanvasEdge, from: string, to: string }>} */
        const edges = new Set();
        let left = countMax;
        for (const place of this.#due) {
            if (left === 0) break;
            left -= 1;
            this.#due.delete(place);
            this.#nodes[place].show(at(place));
            for (const entry of this.#byId.get(nodes[place].id)?.edges ?? []) edges.add(entry);
        }
        for (const { edge, from, to } of edges) edge.show(at(state.places.get(from) ?? 0), at(state.places.get(to) ?? 0));
        if (this.#due.size > 0) this.#frame.request();
    }

    /**
     * Moves the clocks of running nodes on.
     * @param {number} now Milliseconds since 1970 by the server's clock.
     */
    tick(now) {
        const counts = this.#shown?.counts;
        if (!counts || counts.running + counts.waiting === 0) return;
        for (const node of this.#nodes) node.tick(now);
    }

    /**
     * Colours the nodes by how much of the time they took, 0…1; null takes that away again.
     * @param {ReadonlyMap<string, number> | null} heat
     */
    showHeat(heat) {
        for (const [id, { node }] of this.#byId) {
            if (heat) node.element.setAttribute("data-heat", String(Math.round((heat.get(id) ?? 0) * HEAT_LEVELS)));
            else node.element.removeAttribute("data-heat");
        }
    }

    fit() {
        if (this.#session) this.#view.fit(this.#session.bounds);
    }

    /**
     * Marks a node as selected and brings it into sight.
     * @param {string | null} id
     */
    select(id) {
        if (this.#selected !== null) this.#byId.get(this.#selected)?.node.select(false);
        this.#selected = id;
        if (id === null) return;
        this.#byId.get(id)?.node.select(true);
        this.#moveTabStop(id);
        this.#reveal(id);
    }

    /** @param {string} id */
    #reveal(id) {
        const point = this.#session?.positions.get(id);
        if (point) this.#view.reveal({ ...point, width: NODE_WIDTH, height: NODE_HEIGHT });
    }

    /** Gives the keyboard back to the canvas. */
    focusNode() {
        if (this.#current !== null) this.#byId.get(this.#current)?.node.element.focus();
    }

    /** @param {string | null} id */
    #moveTabStop(id) {
        if (this.#current !== null) this.#byId.get(this.#current)?.node.makeTabStop(false);
        this.#current = id;
        if (id !== null) this.#byId.get(id)?.node.makeTabStop(true);
    }

    /** @param {string | null} id */
    #choose(id) {
        this.dispatchEvent(new CustomEvent("node-select", { bubbles: true, detail: id }));
    }

    /** @param {MouseEvent} event */
    #click(event) {
        if (this.#gestures.wasDragged) return;
        const id = nodeAt(event);
        if (id !== null && event.target instanceof Element && event.target.closest(".node-open")) this.#enter(id);
        else this.#choose(id);
    }

    /** @param {string} id Of a node that a graph may run in. */
    #enter(id) {
        this.dispatchEvent(new CustomEvent("scope-open", { bubbles: true, detail: id }));
    }

    /** @param {FocusEvent} event */
    #focused(event) {
        const id = nodeAt(event);
        if (id === null) return;
        this.#moveTabStop(id);
        if (event.target instanceof Element && event.target.matches(":focus-visible")) this.#reveal(id);
    }

    /** @param {KeyboardEvent} event */
    #key(event) {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (this.#act(event)) event.preventDefault();
    }

    /**
     * @param {KeyboardEvent} event
     * @returns {boolean} Whether the key meant something.
     */
    #act(event) {
        const arrow = /^Arrow(Left|Right|Up|Down)$/.exec(event.key)?.[1]?.toLowerCase();
        if (arrow) {
            const direction = /** @type {"left" | "right" | "up" | "down"} */ (arrow);
            if (event.shiftKey) {
                const [x, y] = { left: [1, 0], right: [-1, 0], up: [0, 1], down: [0, -1] }[direction];
                this.#view.pan(x * PAN_STEP, y * PAN_STEP);
            } else {
                this.#walk(direction);
            }
            return true;
        }
        switch (event.key) {
            case "Enter":
            case " ":
                this.#choose(nodeAt(event));
                return true;
            case "o": {
                const id = nodeAt(event);
                if (id !== null) this.#enter(id);
                return id !== null;
            }
            case "Escape":
                this.#choose(null);
                return true;
            case "+":
            case "=":
                this.#view.zoom(ZOOM_STEP);
                return true;
            case "-":
                this.#view.zoom(1 / ZOOM_STEP);
                return true;
            case "0":
                this.fit();
                return true;
            default:
                return false;
        }
    }

    /** @param {"left" | "right" | "up" | "down"} direction */
    #walk(direction) {
        if (this.#current === null || !this.#session) return;
        const id = neighbour(this.#session.positions, this.#current, direction);
        if (id === null) return;
        this.#moveTabStop(id);
        this.focusNode();
    }
}

/**
 * The node that an event happened on.
 * @param {Event} event
 * @returns {string | null}
 */
function nodeAt(event) {
    return event.target instanceof Element ? event.target.closest("g.node")?.getAttribute("data-id") ?? null : null;
}

customElements.define("graph-canvas", GraphCanvas);

// <editor-canvas>: a graph that can be changed. It draws a scene, and tells its host what people want; it changes nothing
// by itself.
//
// Of a large graph only what is in sight is in the page: 1,000 nodes are few to compute with and many to paint.

import { CanvasView } from "./canvas-view.js";
import { button, drawn, element, setAttribute } from "./dom.js";
import { CanvasKeys } from "./editor-canvas-keys.js";
import { EditorEdge, tips } from "./editor-edge.js";
import { EditorGestures } from "./editor-gestures.js";
import { EditorNode } from "./editor-node.js";
import { NODE_HEIGHT, NODE_WIDTH, boundsOf, contains, edgePath, overlaps, widenedBy } from "./geometry.js";
import { MiniMap } from "./mini-map.js";

/** @typedef {import("./events.js").GraphEdge} GraphEdge */
/** @typedef {import("./events.js").GraphNode} GraphNode */
/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./graph-diff.js").Change} Change */
/** @typedef {{ from: string, to: string }} Ends */

/**
 * What is drawn.
 * @typedef {object} Scene
 * @property {string} label
 * @property {readonly GraphNode[]} nodes
 * @property {readonly GraphEdge[]} edges
 * @property {Map<string, Point>} positions
 * @property {(kind: string) => string} kindTitle
 * @property {ReadonlySet<string>} selection
 * @property {Ends | null} selectedEdge
 * @property {ReadonlyMap<string, number>} faults Of nodes, how many.
 * @property {ReadonlySet<string>} faultyEdges By `edgeKey`.
 * @property {ReadonlyMap<string, Change> | null} changes Of a comparison: by id of a node and key of an edge. Nothing can be changed then.
 */

/**
 * Whoever answers to what is done on the canvas.
 * @typedef {object} CanvasHost
 * @property {(ids: Iterable<string>, edge?: Ends | null) => void} select
 * @property {(ids: ReadonlySet<string>, by: Point) => void} move
 * @property {(from: string, to: string) => void} connect
 * @property {(at: Point, screen: Point, port?: { id: string, side: "in" | "out" }) => void} addAt
 * @property {(text: string) => void} say To a screen reader.
 */

const ZOOM_STEP = 1.25;
const GRID = 10;
/** What is shown of a graph without nodes. */
const EMPTY = { x: 0, y: 0, width: 900, height: 500 };
/** A graph of fewer nodes is in the page as a whole, for screen readers. */
const CULLED_NODES_MIN = 250;
/** What is kept around the part in sight, as a share of it. */
const KEPT_AROUND = 0.5;

/** @param {string} from @param {string} to */
export function edgeKey(from, to) {
    return `${from} ${to}`;
}

export class EditorCanvas extends HTMLElement {
    #edgeLayer = drawn("g");
    #nodeLayer = drawn("g");
    #overlay = drawn("g", { "aria-hidden": "true" });
    #screen = element("div", { class: "canvas", role: "application", "aria-roledescription": "graph" });
    #map = new MiniMap();
    view = new CanvasView(this.#screen, tips(), drawn("g", {}, this.#edgeLayer, this.#nodeLayer, this.#overlay));
    #gestures = new EditorGestures(this.view, this.#answers());
    #keys = new CanvasKeys(this);
    /** @type {Scene | null} */
    scene = null;
    /** @type {CanvasHost | null} */
    host = null;
    /** @type {Map<string, EditorNode>} */
    #nodes = new Map();
    /** @type {Map<string, EditorEdge>} */
    #edges = new Map();
    /** @type {{ ids: ReadonlySet<string>, by: Point } | null} What is being dragged, and how far. */
    #dragged = null;
    /** @type {Box | null} What the page holds, of a graph that is culled. */
    #kept = null;
    /** @type {Map<string, Point> | null} */
    #mapped = null;
    /** @type {string | null} The node that Tab comes to. */
    current = null;

    connectedCallback() {
        if (this.firstChild) return;
        const controls = element("div", { class: "canvas-controls", role: "group", "aria-label": "View" },
            button({ icon: "plus", label: "Zoom in", onclick: () => this.view.zoom(ZOOM_STEP) }),
            button({ icon: "minus", label: "Zoom out", onclick: () => this.view.zoom(1 / ZOOM_STEP) }),
            button({ icon: "fit", label: "Show the whole graph", onclick: () => this.fit() }));
        this.append(this.#screen, this.#map, controls);
        this.#map.onMove = (point) => this.view.centre(point);
        this.view.onMove = () => this.#moved();
        this.view.onScale = () => this.#draw();
        this.#screen.addEventListener("keydown", (event) => this.#keys.press(event));
        this.#screen.addEventListener("focusin", (event) => this.#focused(event));
        new ResizeObserver(() => {
            this.view.measure();
            if (!this.view.isMovedByHand) this.fit();
        }).observe(this);
        this.view.measure();
    }

    // Drawing

    /** @param {Scene} scene @param {boolean} [isFitted] Whether all of it comes into view. */
    show(scene, isFitted = false) {
        this.scene = scene;
        this.#gestures.isReadOnly = scene.changes !== null;
        setAttribute(this.#screen, "aria-label", scene.label);
        if (this.current === null || !scene.positions.has(this.current)) this.#moveTabStop(scene.nodes[0]?.id ?? null);
        if (this.#mapped !== scene.positions) this.#map.show((this.#mapped = scene.positions));
        if (!isFitted || !this.fit()) this.#draw();
        this.#map.showSeen(this.view.visible);
    }

    #draw() {
        const scene = this.scene;
        if (!scene) return;
        const isCulled = scene.nodes.length >= CULLED_NODES_MIN;
        this.#kept = isCulled ? widenedBy(this.view.visible, KEPT_AROUND) : null;
        this.#drawNodes(scene);
        this.#drawEdges(scene);
    }

    /** @param {Scene} scene */
    #drawNodes(scene) {
        const wanted = new Set(), { detail } = this.view;
        for (const node of scene.nodes) {
            const point = this.#place(node.id);
            if (!point || (!this.#isKept(point, point) && node.id !== this.current)) continue;
            wanted.add(node.id);
            let drawing = this.#nodes.get(node.id);
            if (!drawing) {
                this.#nodes.set(node.id, (drawing = new EditorNode()));
                drawing.makeTabStop(node.id === this.current);
            }
            drawing.show(node, scene.kindTitle(node.kind), point, detail);
            drawing.select(scene.selection.has(node.id));
            drawing.markFaults(scene.faults.get(node.id) ?? 0);
            drawing.markChange(scene.changes?.get(node.id) ?? null);
            if (!drawing.element.parentNode) this.#nodeLayer.append(drawing.element);
        }
        for (const [id, { element: drawing }] of this.#nodes) {
            if (wanted.has(id)) continue;
            drawing.remove();
            this.#nodes.delete(id);
        }
    }

    /** @param {Scene} scene */
    #drawEdges(scene) {
        const wanted = new Set(), isFar = this.view.detail === "far", chosen = scene.selectedEdge && edgeKey(scene.selectedEdge.from, scene.selectedEdge.to);
        for (const edge of scene.edges) {
            const key = edgeKey(edge.from, edge.to), from = this.#place(edge.from), to = this.#place(edge.to);
            if (!from || !to || !this.#isKept(from, to)) continue;
            wanted.add(key);
            let drawing = this.#edges.get(key);
            if (!drawing) this.#edges.set(key, (drawing = new EditorEdge()));
            drawing.show(edge, from, to, isFar);
            drawing.look(key === chosen ? "selected" : scene.changes?.get(key) ?? (scene.faultyEdges.has(key) ? "faulty" : "plain"));
            if (!drawing.element.parentNode) this.#edgeLayer.append(drawing.element);
        }
        for (const [key, { element: drawing }] of this.#edges) {
            if (wanted.has(key)) continue;
            drawing.remove();
            this.#edges.delete(key);
        }
    }

    /** @param {string} id */
    #place(id) {
        const point = this.scene?.positions.get(id);
        if (!point || !this.#dragged?.ids.has(id)) return point;
        return { x: point.x + this.#dragged.by.x, y: point.y + this.#dragged.by.y };
    }

    /** @param {Point} a @param {Point} b */
    #isKept(a, b) {
        if (!this.#kept) return true;
        const x = Math.min(a.x, b.x), y = Math.min(a.y, b.y);
        return overlaps(this.#kept, { x, y, width: Math.max(a.x, b.x) + NODE_WIDTH - x, height: Math.max(a.y, b.y) + NODE_HEIGHT - y });
    }

    #moved() {
        const seen = this.view.visible;
        this.#map.showSeen(seen);
        if (this.#kept && !contains(this.#kept, seen)) this.#draw();
    }

    fit() {
        const { positions } = this.scene ?? { positions: new Map() }, margin = Math.min(48, this.view.size.width / 10);
        return this.view.fit(positions.size > 0 ? boundsOf(positions.values()) : EMPTY, margin);
    }

    /** @param {string} id */
    reveal(id) {
        const point = this.scene?.positions.get(id);
        if (point) this.view.reveal({ ...point, width: NODE_WIDTH, height: NODE_HEIGHT });
    }

    // Focus

    /** @param {string | null} id */
    #moveTabStop(id) {
        if (this.current !== null) this.#nodes.get(this.current)?.makeTabStop(false);
        this.current = id;
        if (id !== null) this.#nodes.get(id)?.makeTabStop(true);
    }

    /**
     * Brings the keyboard to a node.
     * @param {string | null} id
     */
    focusNode(id = this.current) {
        if (id === null) return;
        this.#moveTabStop(id);
        if (!this.#nodes.get(id)?.element.parentNode) this.#draw();
        this.#nodes.get(id)?.element.focus({ preventScroll: true });
        this.reveal(id);
    }

    /** @param {FocusEvent} event */
    #focused(event) {
        const id = event.target instanceof Element ? event.target.closest("g.node")?.getAttribute("data-id") ?? null : null;
        if (id !== null) this.#moveTabStop(id);
    }

    // Gestures

    /** @returns {import("./editor-gestures.js").GestureTarget} */
    #answers() {
        return {
            clicked: (id, edge, isAdding) => this.#clicked(id, edge, isAdding),
            grabbed: (id, isAdding) => {
                if (!this.scene?.selection.has(id)) this.host?.select(isAdding ? [...(this.scene?.selection ?? []), id] : [id]);
            },
            dragged: (id, by, isFree) => this.#drag(id, by, isFree),
            dropped: (isDropped) => this.#drop(isDropped),
            drew: (id, side, at, over) => this.drawLine(id, side, over === null || over === id ? at : this.scene?.positions.get(over) ?? at, over),
            connected: (id, side, at, over, screen) => {
                this.clearOverlay();
                if (over === null) this.host?.addAt(at, screen, { id, side });
                else if (over !== id) this.host?.connect(side === "out" ? id : over, side === "out" ? over : id);
            },
            gaveUp: () => this.clearOverlay(),
            framed: (from, to, isDone, isAdding) => this.#frame(from, to, isDone, isAdding),
            doubleClicked: (at, screen) => {
                if (this.scene?.changes === null) this.host?.addAt(at, screen);
            },
        };
    }

    /** @param {string | null} id @param {Ends | null} edge @param {boolean} isAdding */
    #clicked(id, edge, isAdding) {
        const selection = this.scene?.selection ?? new Set();
        if (id === null) {
            this.host?.select([], edge);
            return;
        }
        if (!isAdding) this.host?.select([id]);
        else this.host?.select(selection.has(id) ? [...selection].filter((other) => other !== id) : [...selection, id]);
        this.#moveTabStop(id);
        this.#nodes.get(id)?.element.focus({ preventScroll: true });
    }

    /** @param {string} id @param {Point} by @param {boolean} isFree */
    #drag(id, by, isFree) {
        const scene = this.scene, origin = scene?.positions.get(id);
        if (!scene || !origin) return;
        const snapped = (/** @type {number} */ value) => (isFree ? Math.round(value) : Math.round(value / GRID) * GRID);
        const to = { x: snapped(origin.x + by.x) - origin.x, y: snapped(origin.y + by.y) - origin.y };
        this.#dragged = { ids: scene.selection.has(id) ? scene.selection : new Set([id]), by: to };
        this.#draw();
    }

    /** @param {boolean} isDropped */
    #drop(isDropped) {
        const dragged = this.#dragged, scene = this.scene;
        this.#dragged = null;
        if (isDropped && dragged && scene) this.moveNodes(dragged.ids, dragged.by);
        else this.#draw();
    }

    /** @param {ReadonlySet<string>} ids @param {Point} by */
    moveNodes(ids, by) {
        if (this.scene?.changes === null) this.host?.move(ids, by);
    }

    /**
     * The edge that is being drawn.
     * @param {string} id
     * @param {"in" | "out"} side
     * @param {Point} to A point, or the place of the node `over`.
     * @param {string | null} over
     */
    drawLine(id, side, to, over) {
        const from = this.scene?.positions.get(id);
        if (!from) return;
        const isOver = over !== null && over !== id;
        // A loose end is a node of which only the port is there.
        const loose = { x: side === "out" ? to.x : to.x - NODE_WIDTH, y: to.y - NODE_HEIGHT / 2 };
        const end = isOver ? to : loose;
        this.#overlay.replaceChildren(
            drawn("path", { class: "edge-new", d: side === "out" ? edgePath(from, end) : edgePath(end, from) }),
            isOver ? drawn("rect", { class: "node-target", x: to.x - 4, y: to.y - 4, width: NODE_WIDTH + 8, height: NODE_HEIGHT + 8, rx: 13 }) : "");
    }

    clearOverlay() {
        this.#overlay.replaceChildren();
    }

    /** @param {Point} from @param {Point} to @param {boolean} isDone @param {boolean} isAdding */
    #frame(from, to, isDone, isAdding) {
        const box = { x: Math.min(from.x, to.x), y: Math.min(from.y, to.y), width: Math.abs(to.x - from.x), height: Math.abs(to.y - from.y) };
        if (!isDone) {
            this.#overlay.replaceChildren(drawn("rect", { class: "frame", ...box }));
            return;
        }
        this.clearOverlay();
        const inside = [...(this.scene?.positions ?? [])].filter(([, { x, y }]) =>
            x < box.x + box.width && x + NODE_WIDTH > box.x && y < box.y + box.height && y + NODE_HEIGHT > box.y).map(([id]) => id);
        this.host?.select(isAdding ? new Set([...(this.scene?.selection ?? []), ...inside]) : inside);
    }

    /**
     * Gives up what a pointer is doing.
     * @returns {boolean} Whether it did anything.
     */
    cancelGesture() {
        return this.#gestures.cancel();
    }
}

customElements.define("editor-canvas", EditorCanvas);

// What pointers do on the editor's canvas: press, drag, pinch, turn the wheel.
//
// A press begins on something (a port, a node, an edge, nothing) and stays about that until it ends.

/** @typedef {import("./canvas-view.js").CanvasView} CanvasView */
/** @typedef {import("./geometry.js").Point} Point */

/** A press that moves less than this is a click. */
const CLICK_PIXELS_MAX = 4;

/**
 * What the canvas does about gestures. Points and distances are the canvas's own units.
 * @typedef {object} GestureTarget
 * @property {(id: string | null, edge: { from: string, to: string } | null, isAdding: boolean) => void} clicked
 * @property {(id: string, isAdding: boolean) => void} grabbed A node is about to be dragged.
 * @property {(id: string, by: Point, isFree: boolean) => void} dragged
 * @property {(isDropped: boolean) => void} dropped
 * @property {(id: string, side: "in" | "out", at: Point, over: string | null) => void} drew An edge, from a port to a point.
 * @property {(id: string, side: "in" | "out", at: Point, over: string | null, screen: Point) => void} connected
 * @property {() => void} gaveUp
 * @property {(from: Point, to: Point, isDone: boolean, isAdding: boolean) => void} framed
 * @property {(at: Point, screen: Point) => void} doubleClicked
 */

/**
 * @typedef {object} Press
 * @property {"pan" | "node" | "edge" | "port" | "frame"} on
 * @property {string} id
 * @property {{ from: string, to: string } | null} edge
 * @property {"in" | "out"} side
 * @property {Point} from Of the screen.
 * @property {boolean} isAdding
 * @property {boolean} isMoved
 */

export class EditorGestures {
    /** @type {Map<number, Point>} */
    #pointers = new Map();
    /** @type {Press | null} */
    #press = null;

    /**
     * @param {CanvasView} view
     * @param {GestureTarget} target
     */
    constructor(view, target) {
        this.view = view;
        this.target = target;
        /** Whether nodes and edges can be changed; looking around always works. */
        this.isReadOnly = false;
        const { screen } = view;
        screen.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
        screen.addEventListener("pointerdown", (event) => this.#down(event));
        screen.addEventListener("pointermove", (event) => this.#move(event));
        screen.addEventListener("pointerup", (event) => this.#up(event, true));
        screen.addEventListener("pointercancel", (event) => this.#up(event, false));
        screen.addEventListener("dblclick", (event) => {
            if (elementAt(event.target, "g.node, g.edit-edge")) return;
            const point = view.screenPoint(event);
            target.doubleClicked(view.canvasPoint(point), point);
        });
    }

    /** Ends what is going on, as if it had not begun. */
    cancel() {
        const press = this.#press;
        this.#press = null;
        this.#pointers.clear();
        if (!press?.isMoved) return press !== null;
        if (press.on === "node") this.target.dropped(false);
        else this.target.gaveUp();
        return true;
    }

    /** @param {WheelEvent} event */
    #wheel(event) {
        event.preventDefault();
        const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
        if (event.shiftKey) return this.view.pan(-(event.deltaX || event.deltaY) * unit, 0);
        // Pinching on a touchpad comes as a wheel with the control key, in small steps.
        this.view.zoom(Math.exp(-event.deltaY * unit * (event.ctrlKey ? 0.01 : 0.0015)), this.view.screenPoint(event));
    }

    /** @param {PointerEvent} event */
    #down(event) {
        if (event.button !== 0 && event.button !== 1) return;
        const from = this.view.screenPoint(event);
        this.#pointers.set(event.pointerId, from);
        if (this.#pointers.size > 1) {
            const pointers = new Map(this.#pointers);
            this.cancel();
            this.#pointers = pointers;
            return;
        }
        const node = elementAt(event.target, "g.node"), edge = elementAt(event.target, "g.edit-edge");
        const side = elementAt(event.target, "[data-port]")?.getAttribute("data-port");
        const isAdding = event.shiftKey || event.ctrlKey || event.metaKey;
        /** @type {Press["on"]} */
        let on = isAdding ? "frame" : "pan";
        if (event.button === 1) on = "pan";
        else if (node && side && !this.isReadOnly) on = "port";
        else if (node) on = "node";
        else if (edge) on = "edge";
        this.#press = {
            on, from, isAdding, isMoved: false, side: side === "in" ? "in" : "out", id: node?.getAttribute("data-id") ?? "",
            edge: edge ? { from: edge.getAttribute("data-from") ?? "", to: edge.getAttribute("data-to") ?? "" } : null,
        };
    }

    /** @param {PointerEvent} event */
    #move(event) {
        const before = this.#pointers.get(event.pointerId);
        if (!before) return;
        const point = this.view.screenPoint(event);
        const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
        if (other) {
            this.#pointers.set(event.pointerId, point);
            const distance = (/** @type {Point} */ from) => Math.hypot(from.x - other.x, from.y - other.y);
            return this.view.zoom(distance(point) / Math.max(distance(before), 1), other);
        }
        const press = this.#press;
        if (!press) return;
        if (!press.isMoved) {
            if (Math.hypot(point.x - press.from.x, point.y - press.from.y) <= CLICK_PIXELS_MAX) return;
            press.isMoved = true;
            this.view.screen.setPointerCapture(event.pointerId);
            if (press.on === "node") this.target.grabbed(press.id, press.isAdding);
        }
        this.#pointers.set(event.pointerId, point);
        this.#drag(press, before, point, event);
    }

    /** @param {Press} press @param {Point} before @param {Point} point @param {PointerEvent} event */
    #drag(press, before, point, event) {
        const at = this.view.canvasPoint(point), from = this.view.canvasPoint(press.from);
        switch (press.on) {
            case "port": return this.target.drew(press.id, press.side, at, nodeUnder(event));
            case "node":
                if (!this.isReadOnly) return this.target.dragged(press.id, { x: at.x - from.x, y: at.y - from.y }, event.altKey);
                return this.view.pan(point.x - before.x, point.y - before.y);
            case "frame": return this.target.framed(from, at, false, press.isAdding);
            default: return this.view.pan(point.x - before.x, point.y - before.y);
        }
    }

    /** @param {PointerEvent} event @param {boolean} isDone */
    #up(event, isDone) {
        this.#pointers.delete(event.pointerId);
        const press = this.#press;
        if (!press) return;
        if (!isDone) return void this.cancel();
        this.#press = null;
        if (!press.isMoved) return this.target.clicked(press.id || null, press.edge, press.isAdding);
        const screen = this.view.screenPoint(event), at = this.view.canvasPoint(screen);
        if (press.on === "node") this.target.dropped(true);
        else if (press.on === "port") this.target.connected(press.id, press.side, at, nodeUnder(event), screen);
        else if (press.on === "frame") this.target.framed(this.view.canvasPoint(press.from), at, true, press.isAdding);
    }
}

/** @param {EventTarget | null} target @param {string} selector */
function elementAt(target, selector) {
    return target instanceof Element ? target.closest(selector) : null;
}

/**
 * The node under a pointer that is captured.
 * @param {PointerEvent} event
 */
function nodeUnder(event) {
    return document.elementFromPoint(event.clientX, event.clientY)?.closest("g.node")?.getAttribute("data-id") ?? null;
}

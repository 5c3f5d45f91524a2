// What pointers do on a canvas that is only looked at: drag, pinch, turn the wheel.

/** @typedef {import("./canvas-view.js").CanvasView} CanvasView */
/** @typedef {import("./geometry.js").Point} Point */

/** A press that moves less than this is a click. */
const CLICK_PIXELS_MAX = 4;

export class CanvasGestures {
    /** @type {Map<number, Point>} The pointers that are down. */
    #pointers = new Map();
    #moved = 0;
    #view;

    /** @param {CanvasView} view */
    constructor(view) {
        this.#view = view;
        const { screen } = view;
        screen.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
        screen.addEventListener("pointerdown", (event) => this.#press(event));
        screen.addEventListener("pointermove", (event) => this.#drag(event));
        for (const type of /** @type {const} */ (["pointerup", "pointercancel"])) {
            screen.addEventListener(type, (event) => this.#release(event));
        }
    }

    /** Whether the press that a click ends was a drag. */
    get wasDragged() {
        return this.#moved > CLICK_PIXELS_MAX;
    }

    /** @param {WheelEvent} event */
    #wheel(event) {
        event.preventDefault();
        const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
        if (event.shiftKey) return this.#view.pan(-(event.deltaX || event.deltaY) * unit, 0);
        // Pinching on a touchpad comes as a wheel with the control key, in small steps.
        this.#view.zoom(Math.exp(-event.deltaY * unit * (event.ctrlKey ? 0.01 : 0.0015)), this.#view.screenPoint(event));
    }

    /** @param {PointerEvent} event */
    #press(event) {
        if (event.button !== 0 && event.button !== 1) return;
        if (this.#pointers.size === 0) this.#moved = 0;
        this.#pointers.set(event.pointerId, this.#view.screenPoint(event));
    }

    /** @param {PointerEvent} event */
    #drag(event) {
        const before = this.#pointers.get(event.pointerId);
        if (!before) return;
        const point = this.#view.screenPoint(event);
        const [x, y] = [point.x - before.x, point.y - before.y];
        this.#moved += Math.abs(x) + Math.abs(y);
        if (!this.wasDragged) return;
        const { screen } = this.#view;
        if (!screen.hasPointerCapture(event.pointerId)) screen.setPointerCapture(event.pointerId);
        this.#pointers.set(event.pointerId, point);
        const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
        if (!other) return this.#view.pan(x, y);
        const distance = (/** @type {Point} */ at) => Math.hypot(at.x - other.x, at.y - other.y);
        this.#view.zoom(distance(point) / Math.max(distance(before), 1), other);
    }

    /** @param {PointerEvent} event */
    #release(event) {
        this.#pointers.delete(event.pointerId);
    }
}

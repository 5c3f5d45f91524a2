// Moving about on the canvas: dragging, the wheel, two fingers, buttons.

import { setAttribute } from "./dom.js";
import { fitted, revealing, zoomed } from "./geometry.js";

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./geometry.js").View} View */

/** A press that moves less than this is a click. */
const CLICK_PIXELS_MAX = 4;
/** Below the first scale a node shows its name alone, in large; below the second no text could be read. */
const DETAIL_SCALE_MIN = 0.75;
const TEXT_SCALE_MIN = 0.3;

export class CanvasView {
    /** @type {View} */
    #view = { x: 0, y: 0, scale: 1 };
    /** @type {Map<number, Point>} The pointers that are down. */
    #pointers = new Map();
    #moved = 0;
    /** Whether the view was moved by hand, so that a change of the window's size leaves it alone. */
    isMovedByHand = false;

    /**
     * @param {SVGSVGElement} screen
     * @param {SVGGElement} content What is moved.
     */
    constructor(screen, content) {
        this.screen = screen;
        this.content = content;
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

    get scale() {
        return this.#view.scale;
    }

    get #size() {
        return { width: this.screen.clientWidth, height: this.screen.clientHeight };
    }

    /** @param {View} view */
    #set(view) {
        this.#view = view;
        setAttribute(this.content, "transform", `translate(${view.x} ${view.y}) scale(${view.scale})`);
        this.screen.classList.toggle("half", view.scale < DETAIL_SCALE_MIN);
        this.screen.classList.toggle("far", view.scale < TEXT_SCALE_MIN);
    }

    /** @param {Box} bounds */
    fit(bounds) {
        if (this.#size.width === 0 || this.#size.height === 0) return;
        this.isMovedByHand = false;
        this.#set(fitted(bounds, this.#size));
    }

    /** @param {number} factor @param {Point} [point] */
    zoom(factor, point) {
        this.isMovedByHand = true;
        this.#set(zoomed(this.#view, factor, point ?? { x: this.#size.width / 2, y: this.#size.height / 2 }));
    }

    /** @param {number} x @param {number} y */
    pan(x, y) {
        this.isMovedByHand = true;
        this.#set({ ...this.#view, x: this.#view.x + x, y: this.#view.y + y });
    }

    /** @param {Box} box */
    reveal(box) {
        this.#set(revealing(this.#view, box, this.#size));
    }

    /** @param {{ clientX: number, clientY: number }} event @returns {Point} */
    #point(event) {
        const { left, top } = this.screen.getBoundingClientRect();
        return { x: event.clientX - left, y: event.clientY - top };
    }

    /** @param {WheelEvent} event */
    #wheel(event) {
        event.preventDefault();
        const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
        if (event.shiftKey) return this.pan(-(event.deltaX || event.deltaY) * unit, 0);
        // Pinching on a touchpad comes as a wheel with the control key, in small steps.
        this.zoom(Math.exp(-event.deltaY * unit * (event.ctrlKey ? 0.01 : 0.0015)), this.#point(event));
    }

    /** @param {PointerEvent} event */
    #press(event) {
        if (event.button !== 0 && event.button !== 1) return;
        if (this.#pointers.size === 0) this.#moved = 0;
        this.#pointers.set(event.pointerId, this.#point(event));
    }

    /** @param {PointerEvent} event */
    #drag(event) {
        const before = this.#pointers.get(event.pointerId);
        if (!before) return;
        const point = this.#point(event);
        const [x, y] = [point.x - before.x, point.y - before.y];
        this.#moved += Math.abs(x) + Math.abs(y);
        if (!this.wasDragged) return;
        if (!this.screen.hasPointerCapture(event.pointerId)) this.screen.setPointerCapture(event.pointerId);
        this.#pointers.set(event.pointerId, point);
        const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
        if (!other) return this.pan(x, y);
        const distance = (/** @type {Point} */ at) => Math.hypot(at.x - other.x, at.y - other.y);
        this.zoom(distance(point) / Math.max(distance(before), 1), other);
    }

    /** @param {PointerEvent} event */
    #release(event) {
        this.#pointers.delete(event.pointerId);
    }
}

// What part of an editor's canvas is seen. Moving changes one transform, once per frame; the rest is told afterwards.

import { FrameBatch } from "./frame-batch.js";
import { fitted, revealing, zoomed } from "./geometry.js";

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./geometry.js").View} View */

/** @typedef {"near" | "half" | "far"} Detail */

/** Below the first scale a node shows its name alone, in large; below the second no text could be read. */
const DETAIL_SCALE_MIN = 0.6;
const TEXT_SCALE_MIN = 0.3;

export class EditorView {
    /** @type {View} */
    #view = { x: 0, y: 0, scale: 1 };
    #frame = new FrameBatch(() => this.#draw());
    /** Whether the view was moved by hand, so that a change of the window's size leaves it alone. */
    isMovedByHand = false;
    onMove = () => {};

    /**
     * @param {SVGSVGElement} screen
     * @param {SVGGElement} content What is moved.
     */
    constructor(screen, content) {
        this.screen = screen;
        this.content = content;
        this.size = { width: 0, height: 0 };
    }

    get scale() {
        return this.#view.scale;
    }

    /**
     * How much of a node can be made out.
     * @returns {Detail}
     */
    get detail() {
        return this.scale < TEXT_SCALE_MIN ? "far" : this.scale < DETAIL_SCALE_MIN ? "half" : "near";
    }

    /** @param {View} view */
    #set(view) {
        this.#view = view;
        this.#frame.request();
    }

    #draw() {
        const { x, y, scale } = this.#view;
        this.content.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
        this.screen.classList.toggle("half", scale < DETAIL_SCALE_MIN);
        this.screen.classList.toggle("far", scale < TEXT_SCALE_MIN);
        this.onMove();
    }

    /** Takes note of the size of the screen, which is not to be asked for while anything moves. */
    measure() {
        this.size = { width: this.screen.clientWidth, height: this.screen.clientHeight };
        this.#frame.request();
    }

    /** @param {Box} bounds */
    fit(bounds) {
        if (this.size.width === 0 || this.size.height === 0) return;
        this.isMovedByHand = false;
        this.#set(fitted(bounds, this.size, Math.min(48, this.size.width / 10)));
    }

    /** @param {number} factor @param {Point} [point] */
    zoom(factor, point) {
        this.isMovedByHand = true;
        this.#set(zoomed(this.#view, factor, point ?? { x: this.size.width / 2, y: this.size.height / 2 }));
    }

    /** @param {number} x @param {number} y */
    pan(x, y) {
        this.isMovedByHand = true;
        this.#set({ ...this.#view, x: this.#view.x + x, y: this.#view.y + y });
    }

    /** @param {Box} box */
    reveal(box) {
        if (this.size.width > 0) this.#set(revealing(this.#view, box, this.size));
    }

    /** @param {Point} point Of the canvas, to be in the middle. */
    centre(point) {
        this.isMovedByHand = true;
        const { scale } = this.#view;
        this.#set({ scale, x: this.size.width / 2 - point.x * scale, y: this.size.height / 2 - point.y * scale });
    }

    /**
     * The part of the canvas that is seen.
     * @returns {Box}
     */
    get visible() {
        const { x, y, scale } = this.#view;
        return { x: -x / scale, y: -y / scale, width: this.size.width / scale, height: this.size.height / scale };
    }

    /**
     * The point of the screen where an event happened.
     * @param {{ clientX: number, clientY: number }} event
     * @returns {Point}
     */
    screenPoint(event) {
        const { left, top } = this.screen.getBoundingClientRect();
        return { x: event.clientX - left, y: event.clientY - top };
    }

    /**
     * The point of the canvas at a point of the screen.
     * @param {Point} point
     * @returns {Point}
     */
    canvasPoint(point) {
        const { x, y, scale } = this.#view;
        return { x: (point.x - x) / scale, y: (point.y - y) / scale };
    }
}

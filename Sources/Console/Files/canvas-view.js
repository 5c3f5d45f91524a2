// What part of a canvas is seen.
//
// A drawing of 1,000 nodes takes longer to paint than a frame lasts. So it is painted once, on a layer of its own, and
// moving about only shifts and stretches that layer, once per frame. When the view rests at another scale than the one
// that was painted, the drawing is painted anew, and sharp.
//
// The layer's transform is an animation that stands still: Chromium hands its changes to the compositor at once, but goes
// through the whole drawing when a style's transform changes. It also keeps a part of the drawing for each transform and
// each opacity within it, so there are none: every shape has its own coordinates.

import { drawn, element, setAttribute } from "./dom.js";
import { FrameBatch } from "./frame-batch.js";
import { fitted, revealing, zoomed } from "./geometry.js";

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./geometry.js").View} View */

/** @typedef {"near" | "half" | "far"} Detail */

/** Below the first scale a node shows its name alone, in large; below the second no text could be read. */
const DETAIL_SCALE_MIN = 0.7;
const TEXT_SCALE_MIN = 0.3;
/** A layer that is stretched or shrunk by more than this is painted anew, although the view still moves. */
const STRETCH_MAX = 2;
/** The view rests when it has not moved for so long. */
const REST_MS = 150;

export class CanvasView {
    /** @type {View} */
    #view = { x: 0, y: 0, scale: 1 };
    /** @type {View} What the drawing was painted for. */
    #painted = this.#view;
    #frame = new FrameBatch(() => this.#move());
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #resting;
    #content;
    /** @type {KeyframeEffect} The layer's transform. */
    #motion;
    /** Whether the view was moved by hand, so that a change of the window's size leaves it alone. */
    isMovedByHand = false;
    /** Called in each frame in which the view has moved. */
    onMove = () => {};
    /** Called before the drawing is painted for another scale. */
    onScale = () => {};

    /**
     * @param {HTMLElement} screen
     * @param {SVGDefsElement} definitions
     * @param {SVGGElement} content The drawing.
     */
    constructor(screen, definitions, content) {
        this.screen = screen;
        this.#content = content;
        const layer = element("div", { class: "canvas-layer" }, drawn("svg", { role: "presentation" }, definitions, content));
        screen.append(layer);
        this.#motion = new KeyframeEffect(layer, null, { duration: 1, fill: "both" });
        new Animation(this.#motion).pause();
        this.size = { width: 0, height: 0 };
    }

    get scale() {
        return this.#view.scale;
    }

    /**
     * How much of a node can be made out, at the scale that was painted.
     * @returns {Detail}
     */
    get detail() {
        const { scale } = this.#painted;
        return scale < TEXT_SCALE_MIN ? "far" : scale < DETAIL_SCALE_MIN ? "half" : "near";
    }

    /** @param {View} view */
    #set(view) {
        this.#view = view;
        this.#frame.request();
    }

    #move() {
        const { x, y, scale } = this.#view, painted = this.#painted, stretch = scale / painted.scale;
        clearTimeout(this.#resting);
        if (stretch > STRETCH_MAX || stretch < 1 / STRETCH_MAX) return this.#paint();
        // Between two pixels a text would blur; while it is stretched, it does anyway.
        const place = (/** @type {number} */ by) => (stretch === 1 ? Math.round(by * devicePixelRatio) / devicePixelRatio : by);
        this.#transform(`translate(${place(x - painted.x * stretch)}px, ${place(y - painted.y * stretch)}px) scale(${stretch})`);
        if (stretch !== 1) this.#resting = setTimeout(() => this.#paint(), REST_MS);
        this.onMove();
    }

    /** Paints the drawing for the view as it is. */
    #paint() {
        const { x, y, scale } = (this.#painted = this.#view), { detail } = this;
        this.#transform("none");
        setAttribute(this.#content, "transform", `translate(${x} ${y}) scale(${scale})`);
        this.screen.classList.toggle("half", detail !== "near");
        this.screen.classList.toggle("far", detail === "far");
        this.onScale();
        this.onMove();
    }

    /** @param {string} transform Of the layer. */
    #transform(transform) {
        this.#motion.setKeyframes({ transform: [transform, transform] });
    }

    /** Takes note of the size of the screen, which is not to be asked for while anything moves. */
    measure() {
        this.size = { width: this.screen.clientWidth, height: this.screen.clientHeight };
        this.#frame.request();
    }

    /**
     * Shows all of a box.
     * @param {Box} bounds
     * @param {number} [margin] In pixels.
     * @returns {boolean} Whether there was a screen to show it on.
     */
    fit(bounds, margin) {
        if (this.size.width === 0 || this.size.height === 0) return false;
        this.isMovedByHand = false;
        this.#view = fitted(bounds, this.size, margin);
        clearTimeout(this.#resting);
        this.#paint();
        return true;
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

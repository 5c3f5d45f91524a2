// The keyboard on the editor's canvas: going from node to node, selecting, moving, connecting.

import { NODE_HEIGHT, NODE_WIDTH, neighbour } from "./geometry.js";

/** @typedef {import("./editor-canvas.js").EditorCanvas} EditorCanvas */
/** @typedef {"left" | "right" | "up" | "down"} Direction */

const PAN_STEP = 60;
const ZOOM_STEP = 1.25;
const MOVE_STEP = 10;

/** @type {Record<Direction, [x: number, y: number]>} */
const steps = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] };

export class CanvasKeys {
    #canvas;
    /** @type {string | null} The node that an edge is being drawn from. */
    #from = null;

    /** @param {EditorCanvas} canvas */
    constructor(canvas) {
        this.#canvas = canvas;
    }

    /** @param {KeyboardEvent} event */
    press(event) {
        if (!this.#act(event)) return;
        event.preventDefault();
        event.stopPropagation();
    }

    /** @param {KeyboardEvent} event @returns {boolean} Whether the key meant something. */
    #act(event) {
        const canvas = this.#canvas, { scene, host, view } = canvas;
        if (!scene || !host) return false;
        const arrow = /^Arrow(Left|Right|Up|Down)$/.exec(event.key)?.[1]?.toLowerCase();
        if (arrow) return this.#arrow(event, /** @type {Direction} */ (arrow));
        if (event.ctrlKey || event.metaKey || event.altKey) return false;
        switch (event.key) {
            case "Enter":
            case " ":
                if (this.#from !== null) this.#connect();
                else if (canvas.current !== null) host.select([canvas.current]);
                return true;
            case "Escape":
                if (!canvas.cancelGesture() && !this.#giveUp()) host.select([]);
                return true;
            case "+":
            case "=":
                view.zoom(ZOOM_STEP);
                return true;
            case "-":
                view.zoom(1 / ZOOM_STEP);
                return true;
            case "0":
                canvas.fit();
                return true;
            case "c":
                if (canvas.current === null || scene.changes !== null) return false;
                this.#from = canvas.current;
                host.say(`Connecting from ${this.#from}. Arrow keys choose the target, Enter connects, Escape cancels.`);
                this.#show();
                return true;
            default:
                return false;
        }
    }

    /** @param {KeyboardEvent} event @param {Direction} direction */
    #arrow(event, direction) {
        const canvas = this.#canvas, scene = canvas.scene, [x, y] = steps[direction];
        if (!scene || event.altKey) return false;
        if (event.ctrlKey || event.metaKey) {
            const ids = scene.selection.size > 0 ? scene.selection : new Set(canvas.current === null ? [] : [canvas.current]);
            const step = MOVE_STEP * (event.shiftKey ? 5 : 1);
            canvas.moveNodes(ids, { x: x * step, y: y * step });
            if (canvas.current !== null) canvas.reveal(canvas.current);
            return true;
        }
        if (event.shiftKey) {
            canvas.view.pan(-x * PAN_STEP, -y * PAN_STEP);
            return true;
        }
        if (canvas.current === null) return false;
        const id = neighbour(scene.positions, canvas.current, direction);
        if (id !== null) canvas.focusNode(id);
        if (this.#from !== null) this.#show();
        return true;
    }

    #show() {
        const { scene, current } = this.#canvas;
        if (this.#from === null || current === null || !scene) return;
        const point = scene.positions.get(current);
        if (!point) return;
        const isSelf = current === this.#from;
        const end = isSelf ? { x: point.x + NODE_WIDTH + 60, y: point.y + NODE_HEIGHT / 2 } : point;
        this.#canvas.drawLine(this.#from, "out", end, isSelf ? null : current);
    }

    #connect() {
        const from = this.#from, to = this.#canvas.current;
        this.#giveUp();
        if (from !== null && to !== null && from !== to) this.#canvas.host?.connect(from, to);
    }

    /** @returns {boolean} Whether an edge was being drawn. */
    #giveUp() {
        if (this.#from === null) return false;
        this.#from = null;
        this.#canvas.clearOverlay();
        return true;
    }
}

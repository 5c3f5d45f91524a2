// <running-nodes>: the nodes that run at this moment, or wait for an answer, each with its time: on a large graph they are not
// all in sight.

import { element, setText } from "./dom.js";
import { clock } from "./format.js";
import { isOpen } from "./node-state.js";
import { BLOCK_SIZE } from "./run-state.js";

/** @typedef {import("./graph-view.js").GraphView} GraphView */
/** @typedef {import("./run-state.js").RunState} RunState */

/** @typedef {{ id: string, startedAt: number, status: string }} OpenNode */

const SHOWN_MAX = 12;

export class RunningNodes extends HTMLElement {
    /** @type {Map<string, { item: HTMLElement, time: HTMLElement, startedAt: number, status: string }>} */
    #shown = new Map();
    #list = element("ul");
    #more = element("span");
    #word = element("span", { class: "running-word" });
    /** @type {RunState | null} */
    #state = null;

    connectedCallback() {
        if (this.firstChild) return;
        this.hidden = true;
        this.append(this.#word, this.#list, this.#more);
        this.addEventListener("click", (event) => {
            const id = event.target instanceof Element && event.target.closest("button")?.getAttribute("data-id");
            if (id) this.dispatchEvent(new CustomEvent("node-select", { bubbles: true, detail: id }));
        });
    }

    /** @param {GraphView} session */
    show(session) {
        const { state } = session;
        if (state === this.#state) return;
        this.#state = state;
        const running = openNodes(state);
        this.hidden = running.length === 0;
        setText(this.#word, running.some(({ status }) => status === "running") ? "Running" : "Waiting for an answer");
        const statuses = new Map(running.slice(0, SHOWN_MAX).map(({ id, status }) => [id, status]));
        for (const [id, { item, status }] of this.#shown) {
            if (statuses.get(id) === status) continue;
            item.remove();
            this.#shown.delete(id);
        }
        for (const node of running.slice(0, SHOWN_MAX)) {
            const known = this.#shown.get(node.id);
            if (known) known.startedAt = node.startedAt;
            else this.#list.append(this.#item(node, session.names.get(node.id) ?? node.id));
        }
        setText(this.#more, running.length > SHOWN_MAX ? `and ${running.length - SHOWN_MAX} more` : "");
    }

    /** @param {OpenNode} node @param {string} name */
    #item({ id, startedAt, status }, name) {
        const time = element("span", { class: "running-time" });
        const item = element("li", {}, element("button", { type: "button", "data-id": id, "data-status": status }, status === "waiting" ? `${name} waits` : name, time));
        this.#shown.set(id, { item, time, startedAt, status });
        return item;
    }

    /** @param {number} now Milliseconds since 1970 by the server's clock. */
    tick(now) {
        for (const { time, startedAt } of this.#shown.values()) setText(time, clock(now - startedAt));
    }
}

/**
 * @param {RunState} state
 * @returns {OpenNode[]}
 */
function openNodes(state) {
    if (state.counts.running + state.counts.waiting === 0) return [];
    const found = [];
    for (const [id, place] of state.places) {
        const node = state.blocks[Math.floor(place / BLOCK_SIZE)][place % BLOCK_SIZE];
        if (isOpen(node)) found.push({ id, startedAt: node.startedAt ?? 0, status: node.status });
    }
    return found;
}

customElements.define("running-nodes", RunningNodes);

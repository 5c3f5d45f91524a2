// <running-nodes>: the nodes that run at this moment, each with its time: on a large graph they are not all in sight.

import { element, setText } from "./dom.js";
import { clock } from "./format.js";
import { BLOCK_SIZE } from "./run-state.js";

/** @typedef {import("./run-session.js").RunSession} RunSession */
/** @typedef {import("./run-state.js").RunState} RunState */

const SHOWN_MAX = 12;

export class RunningNodes extends HTMLElement {
    /** @type {Map<string, { item: HTMLElement, time: HTMLElement, startedAt: number }>} */
    #shown = new Map();
    #list = element("ul");
    #more = element("span");
    /** @type {RunState | null} */
    #state = null;

    connectedCallback() {
        if (this.firstChild) return;
        this.hidden = true;
        this.append(element("span", { class: "running-word" }, "Running"), this.#list, this.#more);
        this.addEventListener("click", (event) => {
            const id = event.target instanceof Element && event.target.closest("button")?.getAttribute("data-id");
            if (id) this.dispatchEvent(new CustomEvent("node-select", { bubbles: true, detail: id }));
        });
    }

    /** @param {RunSession} session */
    show(session) {
        const { state } = session;
        if (state === this.#state) return;
        this.#state = state;
        const running = runningNodes(state);
        this.hidden = running.length === 0;
        const ids = new Set(running.slice(0, SHOWN_MAX).map(({ id }) => id));
        for (const [id, { item }] of this.#shown) {
            if (ids.has(id)) continue;
            item.remove();
            this.#shown.delete(id);
        }
        for (const { id, startedAt } of running.slice(0, SHOWN_MAX)) {
            const known = this.#shown.get(id);
            if (known) known.startedAt = startedAt;
            else this.#list.append(this.#item(id, session.names.get(id) ?? id, startedAt));
        }
        setText(this.#more, running.length > SHOWN_MAX ? `and ${running.length - SHOWN_MAX} more` : "");
    }

    /** @param {string} id @param {string} name @param {number} startedAt */
    #item(id, name, startedAt) {
        const time = element("span", { class: "running-time" });
        const item = element("li", {}, element("button", { type: "button", "data-id": id }, name, time));
        this.#shown.set(id, { item, time, startedAt });
        return item;
    }

    /** @param {number} now Milliseconds since 1970 by the server's clock. */
    tick(now) {
        for (const { time, startedAt } of this.#shown.values()) setText(time, clock(now - startedAt));
    }
}

/**
 * @param {RunState} state
 * @returns {{ id: string, startedAt: number }[]}
 */
function runningNodes(state) {
    if (state.counts.running === 0) return [];
    const found = [];
    for (const [id, place] of state.places) {
        const node = state.blocks[Math.floor(place / BLOCK_SIZE)][place % BLOCK_SIZE];
        if (node.status === "running") found.push({ id, startedAt: node.startedAt ?? 0 });
    }
    return found;
}

customElements.define("running-nodes", RunningNodes);

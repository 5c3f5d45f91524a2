// <state-view>: the state of the execution at the event that is shown, and the one that it began with.

import { element } from "./dom.js";
import { memberText } from "./json-text.js";
import { headingWithCopy, jsonView } from "./json-view.js";
import { Problem } from "./problem.js";
import { ranks, stateAfter } from "./state-at.js";

/** @typedef {import("./graph-view.js").GraphView} GraphView */

/** While events come, the state is made anew no more often than this. */
const REFRESH_MS = 1_000;

export class StateView extends HTMLElement {
    /** @type {GraphView | null} */
    #session = null;
    /** What is shown: the execution and the event. */
    #shown = "";
    #madeAt = -Infinity;
    /** @type {Map<string, number>} */
    #ranks = new Map();
    #now = element("section");
    #initial = element("section");
    #fault = element("section", { class: "fault", hidden: true });

    connectedCallback() {
        if (this.firstChild) return;
        this.classList.add("states");
        this.append(this.#fault, this.#now, this.#initial);
        new IntersectionObserver(() => this.update()).observe(this);
    }

    /** @param {GraphView} session */
    open(session) {
        this.#session = session;
        this.#ranks = ranks(session.graph.document);
        this.#shown = "";
        this.#madeAt = -Infinity;
        this.update();
    }

    /** Shows what the session shows; only while it is seen itself. */
    update() {
        const session = this.#session;
        if (!session || this.offsetParent === null) return;
        const { state, timeline } = session, end = timeline?.entry(state.endSeq);
        const key = `${session.executionId} ${session.shownSeq} ${session.initialStateText}`;
        const isMoving = session.isFollowing && session.isRunning && performance.now() - this.#madeAt < REFRESH_MS;
        if (key === this.#shown || isMoving) return;
        this.#shown = key;
        this.#madeAt = performance.now();
        const first = timeline?.entries[0];
        const initial = (first?.event.type === "start" && session.shownSeq >= first.event.seq && memberText(first.text, "initial_state")) || session.initialStateText;
        show(this.#initial, "Initial state", initial);
        this.#fault.hidden = state.error === null;
        if (state.error !== null) this.#fault.replaceChildren(element("h4", {}, "Error"), element("p", {}, state.error));
        const final = end && memberText(end.text, "final_state");
        this.#now.hidden = timeline === null || state.seq === 0;
        if (this.#now.hidden || !timeline) return;
        if (final !== undefined) return show(this.#now, "Final state", final);
        if (session.isDrawn) return this.#showStep(session, timeline);
        const text = stateAfter(initial, timeline.updatesThrough(session.shownSeq), this.#ranks, session.graph.document.reducers ?? {});
        show(this.#now, `State after event ${session.shownSeq}`, text);
    }

    /**
     * What a library runs combines its updates by rules of its own: the state is the one that the last step began with, or the
     * one that its task saw when it ended.
     * @param {GraphView} session
     * @param {import("./timeline.js").Timeline} timeline
     */
    async #showStep(session, timeline) {
        const key = this.#shown;
        let place = timeline.countThrough(session.shownSeq) - 1;
        while (place >= 0 && !["node_start", "node_complete"].includes(timeline.entries[place].event.type)) place -= 1;
        const last = timeline.entries[place];
        this.#now.hidden = last === undefined;
        if (!last) return;
        try {
            const text = await session.fullEvent(last.event.seq);
            if (key !== this.#shown) return;
            const state = memberText(text, last.event.type === "node_start" ? "input_state" : "output_state") ?? memberText(text, "input_state") ?? "{}";
            show(this.#now, `State at event ${last.event.seq}`, state);
        } catch (error) {
            this.#now.replaceChildren(element("p", { class: "empty" }, Problem.from(error).message));
        }
    }
}

/** @param {HTMLElement} section @param {string} title @param {string} text */
function show(section, title, text) {
    const place = section.querySelector("pre")?.scrollTop ?? 0;
    section.replaceChildren(headingWithCopy(title, text), jsonView(text, title));
    const view = section.querySelector("pre");
    if (view) view.scrollTop = place;
}

customElements.define("state-view", StateView);

// <run-bar>: run and stop, the initial state, and how far the execution is.

import { button, element, icon, setAttribute, setText } from "./dom.js";
import { clock, count, duration } from "./format.js";
import { indented, objectFault } from "./json-text.js";
import { finishedCount, isFinished } from "./run-state.js";
import { statusBadge } from "./status.js";

/** @typedef {import("./run-session.js").RunSession} RunSession */

export class RunBar extends HTMLElement {
    /** @type {RunSession | null} */
    #session = null;
    #run = button({ icon: "play", text: "Run", class: "button primary", onclick: () => this.#runOrStop() });
    #toggle = element("button", {
        type: "button", class: "button", "aria-expanded": "false", "aria-controls": "state-editor", onclick: () => this.#toggleEditor(),
    }, "Initial state");
    #badge = element("span", { class: "run-status" });
    #progress = element("progress", { "aria-label": "Nodes finished" });
    #counts = element("span", { class: "run-counts" });
    #elapsed = element("span", { class: "run-elapsed", title: "Time since the start" });
    #fault = element("p", { class: "field-fault", id: "state-fault", role: "alert" });
    #text = element("textarea", {
        spellcheck: "false", autocomplete: "off", rows: 8, "aria-label": "Initial state, a JSON object", "aria-describedby": "state-fault state-help",
        oninput: () => this.#check(), onkeydown: (event) => this.#key(event),
    });
    #editor = element("div", { id: "state-editor", class: "state-editor", hidden: true },
        this.#text, this.#fault,
        element("p", { id: "state-help", class: "help" }, "Laid over the state of the document, key by key. Control + Enter runs. ",
            element("button", { type: "button", class: "link", onclick: () => this.#reset() }, "Reset")));
    /** What was shown last, so that the badge is only made anew when it changes. */
    #shownStatus = "";

    connectedCallback() {
        if (this.firstChild) return;
        this.append(
            element("div", { class: "run-row" }, this.#run, this.#toggle, this.#badge,
                element("div", { class: "run-progress" }, this.#progress, this.#counts), this.#elapsed),
            this.#editor);
    }

    /**
     * @param {RunSession} session
     * @param {boolean} keepsText Whether what was typed stays: the graph is still the same.
     */
    open(session, keepsText) {
        this.#session = session;
        if (!keepsText) this.#reset();
        this.update();
    }

    #reset() {
        this.#text.value = indented(this.#session?.initialStateText ?? "{}");
        this.#check();
    }

    #toggleEditor() {
        this.#editor.hidden = !this.#editor.hidden;
        this.#toggle.setAttribute("aria-expanded", String(!this.#editor.hidden));
        if (!this.#editor.hidden) this.#text.focus();
    }

    #check() {
        const fault = objectFault(this.#text.value);
        setText(this.#fault, fault ?? "");
        setAttribute(this.#text, "aria-invalid", String(fault !== null));
        this.#toggle.classList.toggle("faulty", fault !== null);
        this.#enable();
        return fault === null;
    }

    /** @param {KeyboardEvent} event */
    #key(event) {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        if (!this.#session?.isRunning) this.#runOrStop();
    }

    #runOrStop() {
        const session = this.#session;
        if (!session) return;
        if (session.isRunning) session.cancel();
        else if (this.#check()) session.start(this.#text.value);
    }

    #enable() {
        const session = this.#session;
        const isRunning = session?.isRunning ?? false;
        this.#run.disabled = isRunning
            ? session?.isStarting === true || session?.isCancelling === true
            : this.#text.getAttribute("aria-invalid") === "true";
    }

    /** Shows what the session shows. */
    update() {
        const session = this.#session;
        if (!session) return;
        const { state } = session;
        const word = !session.isRunning ? "Run" : session.isStarting ? "Starting…" : session.isCancelling ? "Stopping…" : "Stop";
        this.#showButton(word);
        this.#enable();
        this.#showStatus(session.isStarting ? "queued" : state.status);
        const nodeCount = state.places.size, done = finishedCount(state);
        this.#progress.hidden = this.#counts.hidden = session.timeline === null;
        this.#progress.max = Math.max(nodeCount, 1);
        this.#progress.value = done;
        const failed = state.counts.error > 0 ? `, ${state.counts.error} failed` : "";
        setText(this.#counts, `${done} of ${count(nodeCount, "node")}${failed}`);
        setAttribute(this.#progress, "data-status", state.counts.error > 0 ? "error" : state.status);
        this.tick(Date.now());
    }

    /** @param {string} word */
    #showButton(word) {
        const isStop = word.startsWith("Stop");
        if (this.#run.textContent === word) return;
        this.#run.replaceChildren(icon(isStop ? "stop" : "play"), element("span", {}, word));
        this.#run.classList.toggle("stop", isStop);
    }

    /** @param {string} status */
    #showStatus(status) {
        if (status === this.#shownStatus) return;
        this.#shownStatus = status;
        this.#badge.replaceChildren(status === "idle" ? "" : statusBadge(status));
    }

    /**
     * Moves the clock on.
     * @param {number} now Milliseconds since 1970 by the server's clock.
     */
    tick(now) {
        const session = this.#session, timeline = session?.timeline;
        if (!session || !timeline) return setText(this.#elapsed, "");
        const { state } = session;
        if (isFinished(state) && state.durationMs !== null) return setText(this.#elapsed, duration(state.durationMs));
        if (state.startedAt === null) return setText(this.#elapsed, "");
        const end = session.isFollowing && session.isRunning ? now : timeline.timeAt(session.shownSeq) ?? state.startedAt;
        setText(this.#elapsed, clock(end - state.startedAt));
    }
}

customElements.define("run-bar", RunBar);

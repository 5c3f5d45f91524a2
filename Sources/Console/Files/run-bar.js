// <run-bar>: run and stop, the initial state, and how far the execution is.

import { button, element, icon, setAttribute, setText } from "./dom.js";
import { fieldFaults } from "./form-data.js";
import { clock, count, duration } from "./format.js";
import { finishedCount, isFinished } from "./run-state.js";
import { RunningNodes } from "./running-nodes.js";
import { StateEditor } from "./state-editor.js";
import { statusBadge } from "./status.js";

/** @typedef {import("./graph-view.js").GraphView} GraphView */
/** @typedef {import("./run-session.js").RunSession} RunSession */

/** Where a start has its state, in what is wrong with it. */
const STATE_MEMBER = "initial_state";

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
    #state = new StateEditor("initial-state", "Initial state");
    #keeps = element("select", { "aria-label": "When nobody watches the run" },
        element("option", { value: "continue" }, "it goes on"),
        element("option", { value: "cancel" }, "it is stopped"));
    #editor = element("div", { id: "state-editor", class: "run-options", hidden: true, onkeydown: (event) => this.#key(event) },
        this.#state,
        element("p", { class: "help" }, "Laid over the state of the document, key by key. Control + Enter runs. ",
            element("button", { type: "button", class: "link", onclick: () => this.#reset() }, "Reset")),
        element("label", { class: "run-option" }, "When nobody watches the run any more, ", this.#keeps));
    #running = new RunningNodes();
    /** What was shown last, so that the badge is only made anew when it changes. */
    #shownStatus = "";
    /** @type {import("./problem.js").Problem | null} The refusal whose faults the fields show. */
    #shownProblem = null;

    connectedCallback() {
        if (this.firstChild) return;
        this.#state.onChange = () => this.#check();
        this.append(
            element("div", { class: "run-row" }, this.#run, this.#toggle, this.#badge,
                element("div", { class: "run-progress" }, this.#progress, this.#counts), this.#elapsed),
            this.#running, this.#editor);
    }

    /**
     * @param {RunSession} session
     * @param {boolean} keepsText Whether what was typed stays: the graph is still the same.
     */
    open(session, keepsText) {
        this.#session = session;
        if (!keepsText) {
            this.#reset();
            // What the graph needs and the document does not have is asked for before anybody runs into it.
            this.#showEditor(session.executionId === null && this.#state.missing.length > 0);
        }
        this.update();
    }

    #reset() {
        this.#state.open(this.#session?.initialStateText ?? "{}", this.#session?.graph.document.input_schema ?? null);
    }

    #toggleEditor() {
        this.#showEditor(this.#editor.hidden);
        if (!this.#editor.hidden) this.#state.focusFirst();
    }

    /** @param {boolean} isShown */
    #showEditor(isShown) {
        this.#editor.hidden = !isShown;
        this.#toggle.setAttribute("aria-expanded", String(isShown));
    }

    /** Says in the form what a refused start has found in it. */
    #showProblem() {
        const problem = this.#session?.problem ?? null;
        if (problem === this.#shownProblem) return;
        this.#shownProblem = problem;
        const faults = problem ? fieldFaults(problem).filter(({ field }) => field[0] === STATE_MEMBER) : [];
        if (faults.length > 0) this.#showEditor(true);
        this.#state.showFaults(faults.map((fault) => ({ ...fault, field: fault.field.slice(1) })));
    }

    #check() {
        const isFit = this.#state.fault === null;
        this.#toggle.classList.toggle("faulty", !isFit);
        this.#enable();
        return isFit;
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
        else if (this.#check()) session.start(this.#state.value, this.#keeps.value === "cancel" ? "cancel" : "continue");
    }

    #enable() {
        const session = this.#session;
        const isRunning = session?.isRunning ?? false;
        this.#run.disabled = isRunning
            ? session?.isStarting === true || session?.isCancelling === true
            : this.#state.fault !== null;
    }

    /**
     * Shows what the session shows, and what runs of what is seen.
     * @param {GraphView | null} [view] The graph that is seen: its own, or one within it.
     */
    update(view = this.#session) {
        const session = this.#session;
        if (!session) return;
        this.#showProblem();
        const { state } = session;
        const word = !session.isRunning ? "Run" : session.isStarting ? "Starting…" : session.isCancelling ? "Stopping…" : "Stop";
        this.#showButton(word);
        this.#enable();
        const { running, waiting, retrying } = state.counts;
        const onlyWaits = state.status === "running" && waiting > 0 && running + retrying === 0;
        this.#showStatus(session.isStarting ? "queued" : onlyWaits ? "waiting" : state.status);
        const nodeCount = state.places.size, done = finishedCount(state);
        this.#progress.hidden = this.#counts.hidden = session.timeline === null;
        this.#progress.max = Math.max(nodeCount, 1);
        this.#progress.value = done;
        const failed = state.counts.error > 0 ? `, ${state.counts.error} failed` : "";
        setText(this.#counts, `${done} of ${count(nodeCount, "node")}${failed}`);
        setAttribute(this.#progress, "data-status", state.counts.error > 0 ? "error" : state.status);
        if (view) this.#running.show(view);
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
        const place = status === "queued" ? this.#session?.queuePosition : null;
        const key = `${status} ${place}`;
        if (key === this.#shownStatus) return;
        this.#shownStatus = key;
        const words = place ? (place === 1 ? " next to start" : ` ${place - 1} before it`) : "";
        this.#badge.replaceChildren(...(status === "idle" ? [] : [statusBadge(status), words]));
    }

    /**
     * Moves the clock on.
     * @param {number} now Milliseconds since 1970 by the server's clock.
     */
    tick(now) {
        const session = this.#session, timeline = session?.timeline;
        if (!session || !timeline) return setText(this.#elapsed, "");
        const { state } = session;
        const end = session.isFollowing && session.isRunning ? now : timeline.timeAt(session.shownSeq) ?? state.startedAt;
        if (end !== null) this.#running.tick(end);
        if (isFinished(state) && state.durationMs !== null) return setText(this.#elapsed, duration(state.durationMs));
        setText(this.#elapsed, state.startedAt === null || end === null ? "" : clock(end - state.startedAt));
    }
}

customElements.define("run-bar", RunBar);

// <graph-workspace>: one graph and its execution: canvas, controls, log, inspector. All parts show one session.

import { Announcer } from "./announcer.js";
import { element, setText } from "./dom.js";
import { ExecutionList } from "./execution-list.js";
import { moment } from "./format.js";
import { FrameBatch } from "./frame-batch.js";
import { GraphCanvas } from "./graph-canvas.js";
import { modeSwitch } from "./mode-switch.js";
import { NodeInspector } from "./node-inspector.js";
import { Problem } from "./problem.js";
import { ProblemList } from "./problem-list.js";
import { ProfileView } from "./profile-view.js";
import { askForRerun } from "./rerun-dialog.js";
import { RunBar } from "./run-bar.js";
import { RunLog } from "./run-log.js";
import { RunSession } from "./run-session.js";
import { StateView } from "./state-view.js";
import { statusWord } from "./status.js";
import { TabDock } from "./tab-dock.js";
import { TimeScrubber } from "./time-scrubber.js";

/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */
/** @typedef {{ session: RunSession, summary?: import("./events.js").ExecutionSummary }} Opened */

/** How often the clocks of running nodes move. */
const TICK_MS = 100;

export class GraphWorkspace extends HTMLElement {
    /** @type {GraphAPI} */
    #api;
    /** @type {RunSession | null} */
    #session = null;
    /** @type {string | null} */
    #selected = null;
    #frame = new FrameBatch(() => this.#update());
    #announcer;
    #title = element("h2", { tabindex: -1 });
    #about = element("p", { class: "about" });
    #modes = element("div", { class: "modes" });
    #bar = new RunBar();
    #problems = new ProblemList();
    #canvas = new GraphCanvas();
    #scrubber = new TimeScrubber();
    #log = new RunLog();
    #states = new StateView();
    #runs = new ExecutionList();
    #profile;
    #inspector = new NodeInspector();
    #dock = new TabDock();
    #wasRunning = false;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    #timer;

    /** @type {(session: RunSession) => void} */
    onUpdate = () => {};

    /**
     * @param {GraphAPI} api
     * @param {HTMLElement} statusLine
     */
    constructor(api, statusLine) {
        super();
        this.#api = api;
        this.#announcer = new Announcer(statusLine);
        this.#profile = new ProfileView(api);
        this.#profile.onHeat = (heat) => this.#canvas.showHeat(heat);
        this.addEventListener("rerun-request", (event) => {
            const { id, state } = /** @type {CustomEvent<{ id: string, state: Promise<string> }>} */ (event).detail;
            this.#rerun(id, state);
        });
        this.addEventListener("node-select", (event) => this.#select(/** @type {CustomEvent<string | null>} */ (event).detail));
        this.addEventListener("seq-select", (event) => this.#session?.show(/** @type {CustomEvent<number>} */ (event).detail));
    }

    connectedCallback() {
        this.#timer = setInterval(() => this.#tick(), TICK_MS);
        if (this.firstChild) return;
        this.#inspector.hidden = true;
        this.#dock.show([["Log", this.#log], ["State", this.#states], ["Profile", this.#profile], ["Runs", this.#runs]]);
        this.append(
            element("header", { class: "workspace-head" }, element("div", { class: "workspace-title" }, this.#title, this.#about), this.#modes, this.#bar, this.#problems),
            element("div", { class: "panes" }, element("div", { class: "stage" }, this.#canvas, this.#scrubber), this.#dock, this.#inspector));
    }

    disconnectedCallback() {
        clearInterval(this.#timer);
    }

    get executionId() {
        return this.#session?.executionId ?? null;
    }

    get graphId() {
        return this.#session?.graph.document.id ?? null;
    }

    /**
     * A graph, without an execution, to be shown.
     * @param {string} id
     * @returns {Promise<Opened>}
     */
    async loadGraph(id) {
        return { session: await RunSession.load(this.#api, id) };
    }

    /**
     * An execution, with the revision of the graph that it ran.
     * @param {string} id
     * @returns {Promise<Opened>}
     */
    async loadExecution(id) {
        const summary = await this.#api.execution(id);
        return { session: await RunSession.load(this.#api, summary.graph_id, summary.graph_revision), summary };
    }

    /** @param {Opened} opened */
    show({ session, summary }) {
        const isSameGraph = session.graph.document.id === this.graphId;
        this.close();
        this.#session = session;
        session.onChange = () => this.#frame.request();
        session.onStarted = (executionId) => {
            location.hash = `#/executions/${executionId}`;
        };
        const { document: graph, revision } = session.graph;
        setText(this.#title, graph.name ?? graph.id);
        this.#modes.replaceChildren(modeSwitch("run", graph.id));
        const when = summary ? ` · Run of ${moment(summary.started_at ?? summary.created_at)}` : "";
        setText(this.#about, `${graph.description ?? ""}${graph.description ? " · " : ""}Revision ${revision ?? "?"}${when}`);
        this.#canvas.open(session);
        this.#bar.open(session, isSameGraph && !summary);
        this.#log.open(session);
        this.#profile.open(session);
        this.#scrubber.open(session);
        this.#states.open(session);
        this.#runs.current = session.executionId;
        this.#runs.open(this.#api, graph.id);
        this.#select(isSameGraph && this.#selected !== null && session.nodes.has(this.#selected) ? this.#selected : null);
        if (summary) session.watch(summary);
        this.#update();
    }

    /** Ends the stream, not the execution. */
    close() {
        if (!this.#session) return;
        this.#session.onChange = () => {};
        this.#session.close();
        this.#session = null;
    }

    focusTitle() {
        this.#title.focus({ preventScroll: true });
    }

    /** @param {string | null} id */
    #select(id) {
        const wasOpen = !this.#inspector.hidden && this.#inspector.contains(document.activeElement);
        this.#selected = id;
        this.#inspector.hidden = id === null;
        this.#canvas.select(id);
        if (!this.#session) return;
        this.#inspector.open(this.#session, id);
        if (id !== null) this.#inspector.focusTitle();
        else if (wasOpen) this.#canvas.focusNode();
    }

    /**
     * @param {string} nodeId
     * @param {Promise<string>} state That the node started with.
     */
    async #rerun(nodeId, state) {
        const session = this.#session, executionId = session?.executionId;
        if (!session || !executionId) return;
        try {
            const started = await askForRerun(this.#api, {
                executionId, graphId: session.graph.document.id, revision: session.graph.revision ?? 1, nodeId,
                nodeName: session.names.get(nodeId) ?? nodeId, state: await state,
            });
            if (started) location.hash = `#/executions/${started.execution_id}`;
        } catch (error) {
            this.#problems.show(Problem.from(error));
        }
    }

    #update() {
        const session = this.#session;
        if (!session) return;
        this.#canvas.show(session.state);
        this.#bar.update();
        this.#scrubber.update();
        this.#log.update();
        this.#profile.update();
        if (this.#selected !== null) this.#inspector.update();
        this.#problems.show(session.problem);
        this.#states.update();
        this.#announcer.update(session, performance.now());
        this.#refreshRuns(session);
        document.title = titleOf(session);
        this.onUpdate(session);
    }

    /**
     * The list of runs is read again when one starts or ends.
     * @param {RunSession} session
     */
    #refreshRuns(session) {
        const isRunning = session.isRunning && !session.isStarting;
        if (isRunning === this.#wasRunning && this.#runs.current === session.executionId) return;
        this.#wasRunning = isRunning;
        this.#runs.current = session.executionId;
        this.#runs.refresh();
    }

    #tick() {
        const session = this.#session;
        if (!session || document.hidden || !session.isRunning || !session.isFollowing) return;
        const now = Date.now() - this.#api.clockSkewMs;
        this.#canvas.tick(now);
        this.#bar.tick(now);
    }
}

/** @param {RunSession} session */
function titleOf(session) {
    const name = session.graph.document.name ?? session.graph.document.id;
    const status = session.timeline ? `${statusWord(session.timeline.latest.status)} · ` : "";
    return `${status}${name} · Millrace`;
}

customElements.define("graph-workspace", GraphWorkspace);

// <graph-workspace>: one graph and its execution: canvas, controls, log, inspector. The controls are the execution's; all
// other parts show one view: its own graph, or one that runs within a node.

import { Announcer } from "./announcer.js";
import { element, setText } from "./dom.js";
import { ExecutionList } from "./execution-list.js";
import { moment } from "./format.js";
import { FrameBatch } from "./frame-batch.js";
import { GraphCanvas } from "./graph-canvas.js";
import { indexWord, innerOf } from "./inner-graph.js";
import { modeSwitch } from "./mode-switch.js";
import { NodeInspector } from "./node-inspector.js";
import { Problem } from "./problem.js";
import { ProblemList } from "./problem-list.js";
import { ProfileView } from "./profile-view.js";
import { askForRerun } from "./rerun-dialog.js";
import { RunBar } from "./run-bar.js";
import { RunLog } from "./run-log.js";
import { RunSession } from "./run-session.js";
import { ScopeBar } from "./scope-bar.js";
import { isSamePath, pathWords, runAddress, scopeAddress } from "./scope-path.js";
import { ScopeSession } from "./scope-session.js";
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
    /** @type {ScopeSession | null} The graph within it that is open. */
    #scope = null;
    /** Counts the graphs within it that were gone to, so that a slow answer for an earlier one is dropped. */
    #visit = 0;
    /** @type {string | null} */
    #selected = null;
    #frame = new FrameBatch(() => this.#update());
    #announcer;
    #title = element("h2", { tabindex: -1 });
    #about = element("p", { class: "about" });
    #modes = element("div", { class: "modes" });
    #bar = new RunBar();
    #problems = new ProblemList();
    #way = new ScopeBar();
    #canvas = new GraphCanvas();
    #scrubber = new TimeScrubber();
    #log = new RunLog();
    #states = new StateView();
    #runs = new ExecutionList();
    #profile;
    #inspector;
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
        this.#inspector = new NodeInspector(api);
        this.#profile.onHeat = (heat) => this.#canvas.showHeat(heat);
        this.addEventListener("rerun-request", (event) => {
            const { id, state } = /** @type {CustomEvent<{ id: string, state: Promise<string> }>} */ (event).detail;
            this.#rerun(id, state);
        });
        this.addEventListener("rerun-failed", (event) => this.#rerunFailed(/** @type {CustomEvent<string>} */ (event).detail));
        this.addEventListener("scope-open", (event) => this.#enter(/** @type {CustomEvent<string>} */ (event).detail));
        this.addEventListener("node-select", (event) => this.#select(/** @type {CustomEvent<string | null>} */ (event).detail));
        this.addEventListener("seq-select", (event) => this.#view?.show(/** @type {CustomEvent<number>} */ (event).detail));
    }

    connectedCallback() {
        this.#timer = setInterval(() => this.#tick(), TICK_MS);
        if (this.firstChild) return;
        this.#inspector.hidden = true;
        this.#dock.show([["Log", this.#log], ["State", this.#states], ["Profile", this.#profile], ["Runs", this.#runs]]);
        this.append(
            element("header", { class: "workspace-head" }, element("div", { class: "workspace-title" }, this.#title, this.#about), this.#modes, this.#bar, this.#problems),
            element("div", { class: "panes" }, element("div", { class: "stage" }, this.#way, this.#canvas, this.#scrubber), this.#dock, this.#inspector));
    }

    disconnectedCallback() {
        clearInterval(this.#timer);
    }

    get executionId() {
        return this.#session?.executionId ?? null;
    }

    /** What all parts but the controls show. */
    get #view() {
        return this.#scope ?? this.#session;
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
            location.hash = runAddress(executionId);
        };
        const { document: graph, revision } = session.graph;
        setText(this.#title, graph.name ?? graph.id);
        this.#modes.replaceChildren(modeSwitch("run", graph.id));
        const when = summary ? ` · Run of ${moment(summary.started_at ?? summary.created_at)}` : "";
        setText(this.#about, `${graph.description ?? ""}${graph.description ? " · " : ""}Revision ${revision ?? "?"}${when}`);
        this.#bar.open(session, isSameGraph && !summary);
        this.#runs.current = session.executionId;
        this.#runs.open(this.#api, graph.id);
        this.#open(isSameGraph ? this.#selected : null);
        if (summary) session.watch(summary);
        this.#update();
    }

    /**
     * Opens a graph that runs within a node; the root goes back to the execution's own.
     * @param {import("./scope-path.js").ScopePath} path
     */
    async openScope(path) {
        const session = this.#session, visit = (this.#visit += 1);
        if (!session || isSamePath(path, this.#view?.path)) return;
        const scope = path.length > 0 ? await ScopeSession.load(this.#api, session, path) : null;
        if (visit !== this.#visit || session !== this.#session) return scope?.close();
        const left = this.#scope;
        this.#leave();
        this.#scope = scope;
        if (scope) {
            scope.onChange = () => this.#frame.request();
            scope.onStale = () => this.#again(path);
            scope.rootChanged();
        }
        // Whoever comes back finds the node that was gone into.
        this.#open(left && isSamePath(path, left.outer.path) ? left.step.node : null);
        this.#update();
    }

    /** @param {import("./scope-path.js").ScopePath} path */
    async #again(path) {
        this.#leave();
        try {
            await this.openScope(path);
        } catch (error) {
            this.#problems.show(Problem.from(error));
        }
    }

    #leave() {
        if (!this.#scope) return;
        this.#scope.onChange = this.#scope.onStale = () => {};
        this.#scope.close();
        this.#scope = null;
    }

    /**
     * Has all parts show the view.
     * @param {string | null} selected A node, if the view has it.
     */
    #open(selected) {
        const session = this.#session, view = this.#view;
        if (!session || !view) return;
        this.#way.open(session, this.#scope);
        this.#canvas.open(view);
        this.#log.open(view);
        this.#profile.open(view);
        this.#scrubber.open(view);
        this.#states.open(view);
        this.#select(selected !== null && view.nodes.has(selected) ? selected : null);
    }

    /**
     * Goes into a node: to the graph that it runs, of the first of its items.
     * @param {string} nodeId
     */
    #enter(nodeId) {
        const view = this.#view, node = view?.nodes.get(nodeId);
        if (!view || !innerOf(node)) return;
        const isIndexed = view.executionId !== null && indexWord(node?.kind) !== null;
        location.hash = scopeAddress(view, [...view.path, nodeId, ...(isIndexed ? [0] : [])]);
    }

    /** Ends the stream, not the execution. */
    close() {
        this.#leave();
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
        if (!this.#view) return;
        this.#inspector.open(this.#view, id);
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
            if (started) location.hash = runAddress(started.execution_id);
        } catch (error) {
            this.#problems.show(Problem.from(error));
        }
    }

    /**
     * Runs the items of a map again that failed; the results of the others are taken over.
     * @param {string} nodeId
     */
    async #rerunFailed(nodeId) {
        const executionId = this.#session?.executionId;
        if (!executionId) return;
        try {
            const started = await this.#api.rerun(executionId, { fromNode: nodeId, items: "failed" });
            location.hash = runAddress(started.execution_id);
        } catch (error) {
            this.#problems.show(Problem.from(error));
        }
    }

    #update() {
        const session = this.#session, view = this.#view;
        if (!session || !view) return;
        this.#scope?.rootChanged();
        this.#way.update();
        this.#canvas.show(view.state);
        this.#bar.update(view);
        this.#scrubber.update();
        this.#log.update();
        this.#profile.update();
        if (this.#selected !== null) this.#inspector.update();
        this.#problems.show(session.problem ?? this.#scope?.problem ?? null);
        this.#states.update();
        this.#announcer.update(session, performance.now());
        this.#refreshRuns(session);
        document.title = titleOf(session, view);
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
        const session = this.#session, view = this.#view;
        if (!session || !view || document.hidden || !session.isRunning || !view.isFollowing) return;
        const now = Date.now() - this.#api.clockSkewMs;
        this.#canvas.tick(now);
        this.#bar.tick(now);
    }
}

/** @param {RunSession} session @param {import("./graph-view.js").GraphView} view */
function titleOf(session, view) {
    const name = session.graph.document.name ?? session.graph.document.id;
    const status = view.timeline ? `${statusWord(view.timeline.latest.status)} · ` : "";
    const way = view === session ? "" : `${pathWords(view.path)} · `;
    return `${status}${way}${name} · Millrace`;
}

customElements.define("graph-workspace", GraphWorkspace);

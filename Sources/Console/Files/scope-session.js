// A graph that runs within a node of an execution, with its events. They come by a stream of its own, as deep as it needs to
// be, that begins where the graph did: the graph around it knows where.

import { GraphView, positionsOf } from "./graph-view.js";
import { inlineGraph, innerOf } from "./inner-graph.js";
import { memberText } from "./json-text.js";
import { Problem } from "./problem.js";
import { isFinished, nodeState } from "./run-state.js";
import { ScopeEvents } from "./scope-events.js";
import { depthOf, pathOf, scopeSteps } from "./scope-path.js";
import { Timeline } from "./timeline.js";

/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */
/** @typedef {import("./graph-api.js").LoadedGraph} LoadedGraph */
/** @typedef {import("./scope-path.js").ScopePath} ScopePath */

export class ScopeSession extends GraphView {
    #outer;
    #events;
    /** @type {number | null} The seq of the last event that came, its own or not; null before it was begun. */
    #lastSeq = null;
    #stopStream = () => {};
    #isClosed = false;
    #initialState = "{}";
    /** Called when it runs another revision of its graph than the one that was loaded before it began. */
    onStale = () => {};

    /**
     * @param {GraphAPI} api
     * @param {LoadedGraph} graph
     * @param {Map<string, import("./geometry.js").Point>} positions
     * @param {ScopePath} path
     * @param {GraphView} outer The graph around it; `rootChanged` has its events looked at.
     */
    constructor(api, graph, positions, path, outer) {
        super(api, graph, positions, path);
        this.#outer = outer;
        this.executionId = outer.executionId;
        const node = outer.nodes.get(this.step.node);
        this.#events = new ScopeEvents(path, (node?.retry?.max_attempts ?? 1) > 1);
        if (this.executionId !== null) this.timeline = new Timeline([...this.nodes.keys()], "queued", path);
        document.addEventListener("visibilitychange", this.#seen);
    }

    /**
     * @param {GraphAPI} api
     * @param {GraphView} root The execution.
     * @param {ScopePath} path Not empty.
     * @returns {Promise<ScopeSession>}
     */
    static async load(api, root, path) {
        const steps = scopeSteps(path), outer = steps.length > 1 ? await ScopeSession.load(api, root, pathOf(steps.slice(0, -1))) : root;
        const graph = await innerGraph(api, outer, steps[steps.length - 1].node);
        const session = new ScopeSession(api, graph, await positionsOf(api, graph), path, outer);
        if (outer instanceof ScopeSession) {
            // A graph that lies between is only asked where the next one begins.
            outer.onChange = () => session.outerChanged();
            outer.onStale = () => session.onStale();
        }
        return session;
    }

    /** The node that it runs in, and which of its items or iterations it is. */
    get step() {
        return scopeSteps(this.path)[depthOf(this.path) - 1];
    }

    /** The graph around it. */
    get outer() {
        return this.#outer;
    }

    get initialStateText() {
        return this.#initialState;
    }

    get isRunning() {
        return this.#lastSeq !== null && super.isRunning && !this.#events.isOver;
    }

    /** To be called when the execution has got further. */
    rootChanged() {
        if (this.#outer instanceof ScopeSession) this.#outer.rootChanged();
        else this.outerChanged();
    }

    /** To be called when the graph around it has got further. */
    outerChanged() {
        // A graph that is looked into outside of an execution has nothing to follow, whatever the one around it begins.
        if (this.executionId === null || this.#lastSeq !== null || this.#isClosed) return;
        const { node, index } = this.step, opening = this.#outer.timeline?.opening(node, index);
        if (!opening) return this.onChange();
        this.#lastSeq = opening.seq;
        if (opening.revision !== undefined && opening.revision !== this.graph.revision) return this.onStale();
        // The graph around it has told where it begins; only the execution itself is shown beside it.
        if (this.#outer instanceof ScopeSession) this.#outer.close();
        this.#watch();
    }

    /**
     * Why there is nothing to see; empty if there is.
     * @returns {string}
     */
    get absence() {
        if (this.#lastSeq !== null) return "";
        const { timeline } = this.#outer, around = this.#outer instanceof ScopeSession ? this.#outer.absence : "";
        if (around || !timeline) return around;
        const { node, index } = this.step, status = nodeState(timeline.latest, node)?.status;
        if (timeline.isTakenOver(node, index) || status === "cached") return "Its result was taken over from an earlier run, which shows it.";
        const mayBegin = status === "pending" || status === "running" || status === "retrying";
        return mayBegin && !isFinished(timeline.latest) ? "This has not begun yet." : "This did not run.";
    }

    #watch() {
        this.#stopStream();
        this.#stopStream = this.api.watchExecution(this.executionId ?? "", this.#lastSeq ?? 0, {
            onEvent: (event, text) => this.#take(event, text),
            onGap: (gap) => {
                this.#lastSeq = gap.to;
                this.timeline?.noteGap(gap);
                this.onChange();
            },
            onConnection: (connection) => {
                this.connection = connection;
                this.onChange();
            },
            onProblem: (problem) => {
                this.problem = problem;
                this.#end();
            },
            onEnd: () => this.#end(),
        }, depthOf(this.path));
    }

    /** @param {import("./events.js").ExecutionEvent} event @param {string} text */
    #take(event, text) {
        this.#lastSeq = event.seq;
        const taken = this.#events.take(event);
        if (taken) {
            this.timeline?.push(taken, text);
            if ("node_id" in taken && this.timeline?.entries.length === 1) this.#readInitialState(taken);
        }
        if (this.#events.isOver) this.#end();
        else if (taken) this.onChange();
    }

    /**
     * The first node has the state that the graph begins with.
     * @param {import("./events.js").NodeStartEvent | import("./events.js").NodeOutputEvent | import("./events.js").NodeCompleteEvent} event
     */
    async #readInitialState({ type, seq, node_id: id }) {
        try {
            const text = await (type === "node_start" ? this.fullEvent(seq) : this.nodeText(id));
            this.#initialState = memberText(text, "input_state") ?? "{}";
        } catch (error) {
            this.problem = Problem.from(error);
        }
        this.onChange();
    }

    /** A browser has few connections: one that is not seen gives its own up, and goes on behind the last event. */
    #seen = () => {
        if (this.#lastSeq === null || this.#events.isOver || this.#isClosed) return;
        if (!document.hidden) return this.#watch();
        this.#stopStream();
        this.connection = null;
    };

    #end() {
        this.#stopStream();
        document.removeEventListener("visibilitychange", this.#seen);
        this.connection = null;
        this.onChange();
    }

    close() {
        this.#isClosed = true;
        this.#stopStream();
        document.removeEventListener("visibilitychange", this.#seen);
        if (this.#outer instanceof ScopeSession) this.#outer.close();
        super.close();
    }
}

/**
 * The graph that runs within a node.
 * @param {GraphAPI} api
 * @param {GraphView} outer
 * @param {string} nodeId
 * @returns {Promise<LoadedGraph>}
 */
async function innerGraph(api, outer, nodeId) {
    const inner = innerOf(outer.nodes.get(nodeId));
    if (!inner) throw new Problem({ code: "no_scope", status: 404, title: "There is no graph within this node", detail: `Node ${nodeId} runs no graph of its own.` });
    if (inner.kind === "inline") return inlineGraph(outer.graph, nodeId);
    const pinned = outer.timeline?.opening(nodeId, null);
    return api.graph(inner.id, pinned?.revision ?? inner.revision ?? undefined);
}

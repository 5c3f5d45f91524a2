// What the workspace shows: a graph, and an execution of it once there is one, live or at an earlier event.
//
// The session owns the stream. Whatever happens ends in one call of `onChange`, which the workspace answers once per frame.

import { initialStateText } from "./graph-api.js";
import { boundsOf, widened } from "./geometry.js";
import { filledPositions, lacksPositions } from "./positions.js";
import { Problem } from "./problem.js";
import { emptyRun, isFinished } from "./run-state.js";
import { Timeline } from "./timeline.js";

/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */
/** @typedef {import("./graph-api.js").LoadedGraph} LoadedGraph */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./run-state.js").RunState} RunState */
/** @typedef {import("./event-stream.js").StreamConnection} StreamConnection */

/** Full states of events that were looked at last. */
const FULL_EVENTS_MAX = 32;

export class RunSession {
    /** @type {Timeline | null} */
    timeline = null;
    /** @type {string | null} */
    executionId = null;
    /** @type {StreamConnection | null} Of the stream; null when there is none. */
    connection = null;
    /** @type {Problem | null} */
    problem = null;
    /** @type {number | null} Its place in the queue when it was opened. */
    queuePosition = null;
    /** The start was sent and not yet confirmed. */
    isStarting = false;
    isCancelling = false;
    onChange = () => {};
    /** @type {(executionId: string) => void} */
    onStarted = () => {};

    /** @type {number | null} The seq that is shown; null follows the newest. */
    #shownSeq = null;
    #stopStream = () => {};
    #stopStart = () => {};
    #idle;
    #api;
    /** @type {Map<number, Promise<string>>} */
    #fullEvents = new Map();

    /**
     * @param {GraphAPI} api
     * @param {LoadedGraph} graph
     * @param {Map<string, Point>} positions
     */
    constructor(api, graph, positions) {
        this.#api = api;
        this.graph = graph;
        this.positions = positions;
        this.bounds = boundsOf(positions.values());
        this.nodes = new Map(graph.document.nodes.map((node) => [node.id, node]));
        this.names = new Map(graph.document.nodes.map((node) => [node.id, node.name ?? node.id]));
        this.#idle = emptyRun([...this.nodes.keys()]);
    }

    /**
     * @param {GraphAPI} api
     * @param {string} graphId
     * @param {number} [revision]
     */
    static async load(api, graphId, revision) {
        const graph = await api.graph(graphId, revision);
        const { nodes, edges = [] } = graph.document;
        if (!lacksPositions(nodes)) return new RunSession(api, graph, filledPositions(nodes, edges, new Map()));
        const computed = new Map(Object.entries(await api.layout(graph.text)));
        return new RunSession(api, graph, widened(computed, edges));
    }

    get initialStateText() {
        return initialStateText(this.graph.text);
    }

    /**
     * What is shown.
     * @type {RunState}
     */
    get state() {
        if (!this.timeline) return this.#idle;
        return this.#shownSeq === null ? this.timeline.latest : this.timeline.stateAt(this.#shownSeq);
    }

    get shownSeq() {
        return this.#shownSeq ?? this.timeline?.lastSeq ?? 0;
    }

    /** Whether new events are shown as they come. */
    get isFollowing() {
        return this.#shownSeq === null;
    }

    /** Whether the execution goes on, whatever part of it is shown. */
    get isRunning() {
        return this.isStarting || (this.timeline !== null && !isFinished(this.timeline.latest));
    }

    /**
     * Shows the execution as it was after an event; null goes back to following it.
     * @param {number | null} seq
     */
    show(seq) {
        const isNewest = seq !== null && this.timeline !== null && seq >= this.timeline.lastSeq && !this.isRunning;
        this.#shownSeq = isNewest ? null : seq;
        this.onChange();
    }

    /**
     * Starts the graph. The stream of the start is left as soon as the shared one has caught up: a browser has few
     * connections.
     * @param {string} initialState A JSON object.
     * @param {"continue" | "cancel"} [onDisconnect] What becomes of it when nobody watches it any more.
     */
    start(initialState, onDisconnect = "continue") {
        this.close();
        this.timeline = null;
        this.executionId = null;
        this.problem = null;
        this.isStarting = true;
        this.#shownSeq = null;
        this.#fullEvents.clear();
        this.#stopStart = this.#api.streamExecuteGraph(this.graph.document.id, { initialState, onDisconnect }, {
            ...this.#handlers(),
            onStarted: (id) => {
                this.isStarting = false;
                this.#open(id);
                this.#share(id);
                this.onStarted(id);
            },
        });
        this.onChange();
    }

    /** @param {string} id */
    #share(id) {
        const { live } = this.#api;
        if (!live) return;
        const handlers = this.#handlers();
        this.#stopStream = live.watchExecution(id, 0, {
            ...handlers,
            onEvent: (event, text) => {
                if (event.seq >= (this.timeline?.lastSeq ?? 0)) this.#stopStart();
                handlers.onEvent(event, text);
            },
        });
    }

    /**
     * Shows an execution that was started elsewhere or before: all its events, then those to come.
     * @param {import("./events.js").ExecutionSummary} summary
     */
    watch({ execution_id: id, status, queue_position: place }) {
        this.#open(id);
        this.queuePosition = place ?? null;
        const isLive = status === "queued" || status === "running" || status === "held";
        this.#stopStream = ((isLive && this.#api.live) || this.#api).watchExecution(id, 0, this.#handlers());
        this.onChange();
    }

    /** @param {string} id */
    #open(id) {
        this.executionId = id;
        this.timeline = new Timeline([...this.nodes.keys()]);
    }

    /** @returns {import("./event-stream.js").StreamHandlers} */
    #handlers() {
        return {
            onEvent: (event, text) => {
                this.timeline?.push(event, text);
                this.onChange();
            },
            onGap: (gap) => {
                this.timeline?.noteGap(gap);
                this.onChange();
            },
            onConnection: (connection) => {
                this.connection = connection;
                this.onChange();
            },
            onProblem: (problem) => {
                this.isStarting = false;
                this.#end(problem);
            },
            onEnd: () => this.#end(null),
        };
    }

    /** @param {Problem | null} problem */
    #end(problem) {
        this.#stopStart();
        this.#stopStream();
        this.connection = null;
        this.isCancelling = false;
        if (problem) this.problem = problem;
        this.onChange();
    }

    /** Asks the server to stop the execution; its last events still come over the stream. */
    async cancel() {
        if (!this.executionId || this.isCancelling) return;
        this.isCancelling = true;
        this.onChange();
        try {
            await this.#api.cancelExecution(this.executionId);
        } catch (error) {
            this.isCancelling = false;
            const problem = Problem.from(error);
            if (problem.code !== "execution_finished") this.problem = problem;
            this.onChange();
        }
    }

    /**
     * An event with its full states, as text.
     * @param {number} seq
     * @returns {Promise<string>}
     */
    fullEvent(seq) {
        const known = this.#fullEvents.get(seq);
        if (known) return known;
        const loading = this.#api.fullEvent(this.executionId ?? "", seq);
        loading.catch(() => this.#fullEvents.delete(seq));
        this.#fullEvents.set(seq, loading);
        for (const old of this.#fullEvents.keys()) {
            if (this.#fullEvents.size <= FULL_EVENTS_MAX) break;
            this.#fullEvents.delete(old);
        }
        return loading;
    }

    /**
     * All that the server knows of a node, as the text of a JSON object.
     * @param {string} id
     */
    nodeText(id) {
        return this.#api.nodeText(this.executionId ?? "", id);
    }

    /** Ends the stream. The execution goes on. */
    close() {
        this.#stopStart();
        this.#stopStream();
        this.#stopStart = this.#stopStream = () => {};
        this.connection = null;
        this.isCancelling = false;
    }
}

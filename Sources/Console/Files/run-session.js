// What the workspace shows first: a graph, and an execution of it once there is one. The session owns the stream.

import { DrawnEvents } from "./drawn-events.js";
import { drawingOf, drawnGraph, drawnPositions } from "./drawn-graph.js";
import { initialStateText } from "./graph-api.js";
import { GraphView, positionsOf } from "./graph-view.js";
import { Problem } from "./problem.js";
import { Timeline } from "./timeline.js";

/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */

export class RunSession extends GraphView {
    /** @type {number | null} Its place in the queue when it was opened. */
    queuePosition = null;
    isCancelling = false;
    /** @type {(executionId: string) => void} */
    onStarted = () => {};

    /** @type {DrawnEvents | null} Of a graph that is shown as a library draws it. */
    #drawn = null;
    #stopStream = () => {};
    #stopStart = () => {};

    /**
     * @param {GraphAPI} api
     * @param {string} graphId
     * @param {number} [revision]
     */
    static async load(api, graphId, revision) {
        const graph = await api.graph(graphId, revision), drawn = drawingOf(graph.document);
        if (!drawn) return new RunSession(api, graph, await positionsOf(api, graph));
        const session = new RunSession(api, drawnGraph(graph, drawn.drawing), await drawnPositions(api, drawn.drawing));
        session.#drawn = new DrawnEvents(drawn.host, drawn.drawing);
        return session;
    }

    /** How deep its stream goes: what a drawing shows runs within its node. */
    get #depth() {
        return this.#drawn ? Infinity : 0;
    }

    get initialStateText() {
        return initialStateText(this.graph.text);
    }

    /**
     * Starts the graph. The stream of the start is left as soon as the shared one has caught up: a browser has few
     * connections.
     * @param {string} initialState A JSON object.
     * @param {"continue" | "cancel"} [onDisconnect] What becomes of it when nobody watches it any more.
     */
    start(initialState, onDisconnect = "continue") {
        this.close();
        this.startOver();
        this.isStarting = true;
        this.#stopStart = this.api.streamExecuteGraph(this.graph.document.id, { initialState, onDisconnect }, {
            ...this.#handlers(),
            onStarted: (id) => {
                this.isStarting = false;
                this.#open(id);
                this.#share(id);
                this.onStarted(id);
            },
        }, this.#depth);
        this.onChange();
    }

    /** @param {string} id */
    #share(id) {
        const { live } = this.api;
        // The shared stream goes no deeper than the execution itself.
        if (!live || this.#drawn) return;
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
        this.#stopStream = isLive && this.api.live && !this.#drawn
            ? this.api.live.watchExecution(id, 0, this.#handlers())
            : this.api.watchExecution(id, 0, this.#handlers(), this.#depth);
        this.onChange();
    }

    /** @param {string} id */
    #open(id) {
        this.executionId = id;
        this.#drawn?.startOver();
        this.timeline = new Timeline([...this.nodes.keys()]);
    }

    /** @returns {import("./event-stream.js").StreamHandlers} */
    #handlers() {
        return {
            onEvent: (event, text) => {
                const taken = this.#drawn ? this.#drawn.take(event) : event;
                if (!taken) return;
                this.timeline?.push(taken, text);
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
            await this.api.cancelExecution(this.executionId);
        } catch (error) {
            this.isCancelling = false;
            const problem = Problem.from(error);
            if (problem.code !== "execution_finished") this.problem = problem;
            this.onChange();
        }
    }

    /** Ends the stream. The execution goes on. */
    close() {
        this.#stopStart();
        this.#stopStream();
        this.#stopStart = this.#stopStream = () => {};
        this.isCancelling = false;
        super.close();
    }
}

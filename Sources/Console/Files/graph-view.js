// What the parts of the workspace show: a graph, the execution's own or one that runs within a node, and its events once
// there are any, live or at an earlier one. Whatever happens ends in one call of `onChange`.

import { boundsOf, widened } from "./geometry.js";
import { filledPositions, lacksPositions } from "./positions.js";
import { emptyRun, isFinished, nodeState } from "./run-state.js";
import { ROOT } from "./scope-path.js";

/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */
/** @typedef {import("./graph-api.js").LoadedGraph} LoadedGraph */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./problem.js").Problem} Problem */
/** @typedef {import("./run-state.js").RunState} RunState */
/** @typedef {import("./scope-path.js").ScopePath} ScopePath */
/** @typedef {import("./event-stream.js").StreamConnection} StreamConnection */

/** Full states of events that were looked at last. */
const FULL_EVENTS_MAX = 32;

export class GraphView {
    /** @type {import("./timeline.js").Timeline | null} */
    timeline = null;
    /** @type {string | null} */
    executionId = null;
    /** @type {StreamConnection | null} Of the stream; null when there is none. */
    connection = null;
    /** @type {Problem | null} */
    problem = null;
    /** The start was sent and not yet confirmed. */
    isStarting = false;
    onChange = () => {};

    /** @type {number | null} The seq that is shown; null follows the newest. */
    #shownSeq = null;
    #idle;
    /** @type {Map<number, Promise<string>>} */
    #fullEvents = new Map();
    api;

    /**
     * @param {GraphAPI} api
     * @param {LoadedGraph} graph
     * @param {Map<string, Point>} positions
     * @param {ScopePath} [path] Where in the execution it runs.
     */
    constructor(api, graph, positions, path = ROOT) {
        this.api = api;
        this.graph = graph;
        /** Whether its nodes are those of a drawing, which run in steps. */
        this.isDrawn = graph.document.edges?.some((edge) => edge.drawn) ?? false;
        this.positions = positions;
        this.path = path;
        this.bounds = boundsOf(positions.values());
        this.nodes = new Map(graph.document.nodes.map((node) => [node.id, node]));
        this.names = new Map(graph.document.nodes.map((node) => [node.id, node.name ?? node.id]));
        this.#idle = emptyRun([...this.nodes.keys()]);
    }

    /**
     * The state that it begins with, a JSON object.
     * @returns {string}
     */
    get initialStateText() {
        return "{}";
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

    /** Whether it goes on, whatever part of it is shown. */
    get isRunning() {
        return this.isStarting || (this.timeline !== null && !isFinished(this.timeline.latest));
    }

    /**
     * Shows it as it was after an event; null goes back to following it.
     * @param {number | null} seq
     */
    show(seq) {
        const isNewest = seq !== null && this.timeline !== null && seq >= this.timeline.lastSeq && !this.isRunning;
        this.#shownSeq = isNewest ? null : seq;
        this.onChange();
    }

    /** Forgets what was looked at: another execution begins. */
    startOver() {
        this.timeline = null;
        this.executionId = null;
        this.problem = null;
        this.#shownSeq = null;
        this.#fullEvents.clear();
    }

    /**
     * An event with its full states, as text.
     * @param {number} seq
     * @returns {Promise<string>}
     */
    fullEvent(seq) {
        const known = this.#fullEvents.get(seq);
        if (known) return known;
        const loading = this.api.fullEvent(this.executionId ?? "", seq);
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
        const task = this.timeline && nodeState(this.timeline.latest, id)?.attempts.at(-1)?.task;
        if (task) return this.api.nodeText(this.executionId ?? "", task.nodeId, task.path);
        return this.api.nodeText(this.executionId ?? "", id, this.path);
    }

    /** Ends the stream. The execution goes on. */
    close() {
        this.connection = null;
    }
}

/**
 * Where the nodes of a graph stand.
 * @param {GraphAPI} api
 * @param {LoadedGraph} graph
 */
export async function positionsOf(api, { document: { nodes, edges = [] }, text }) {
    if (!lacksPositions(nodes)) return filledPositions(nodes, edges, new Map());
    return widened(new Map(Object.entries(await api.layout(text))), edges);
}

// The server's API, as the console uses it. Every call either returns what it promises or throws a `Problem`.
//
// Paths are relative to the page, so that the console also works behind a proxy that serves it under a prefix.

import { EventStream } from "./event-stream.js";
import { memberText } from "./json-text.js";
import { Problem, problemOf } from "./problem.js";
import { ROOT, pathText } from "./scope-path.js";

/** @typedef {import("./event-stream.js").StreamHandlers} StreamHandlers */
/** @typedef {import("./events.js").ExecutionSummary} ExecutionSummary */
/** @typedef {import("./events.js").GraphDocument} GraphDocument */
/** @typedef {import("./events.js").GraphSummary} GraphSummary */
/** @typedef {import("./scope-path.js").ScopePath} ScopePath */
/** @typedef {import("./profile-model.js").ExecutionProfile} ExecutionProfile */
/** @typedef {import("./profile-model.js").GraphProfile} GraphProfile */

/**
 * What an execution starts with.
 * @typedef {object} ExecuteRequest
 * @property {string} [initialState] A JSON object as text, so that it is sent as it was written.
 * @property {"continue" | "cancel"} [onDisconnect] What becomes of the execution when nobody watches it any more.
 */

/**
 * @template Item
 * @typedef {import("./events.js").Page<Item>} Page
 */

/**
 * A graph document, parsed and as it was written.
 * @typedef {{ document: GraphDocument, text: string, revision: number | null }} LoadedGraph
 */

const PAGE_SIZE = 50;
const GRAPHS_PER_PAGE = 500;
/** The server says something every 15 s. */
const SILENCE_MS_MAX = 45_000;
const SKEW_MS_MIN = 3_000;

export class GraphAPI {
    /** @type {import("./event-stream.js").Transport} */
    #transport;
    #base;

    /**
     * Called after each request: whether the server answered.
     * @type {(isReachable: boolean) => void}
     */
    onContact = () => {};

    /** Called when the server asks who this is. */
    onUnauthorized = () => {};

    /**
     * The stream that all tabs share, where there is one: live executions are followed on it.
     * @type {import("./live-events.js").LiveEvents | null}
     */
    live = null;

    /** How far this machine's clock is ahead of the server's. */
    clockSkewMs = 0;

    /** @param {{ base?: string, fetch?: typeof fetch, silenceMsMax?: number }} [options] */
    constructor(options = {}) {
        const send = options.fetch ?? globalThis.fetch.bind(globalThis);
        this.#base = options.base ?? "";
        this.#transport = {
            silenceMsMax: options.silenceMsMax ?? SILENCE_MS_MAX,
            fetch: async (path, init) => {
                try {
                    const response = await send(path, init);
                    this.onContact(true);
                    this.#compareClocks(response);
                    if (response.status === 401) this.onUnauthorized();
                    return response;
                } catch (error) {
                    if (!init?.signal?.aborted) this.onContact(false);
                    throw error;
                }
            },
        };
    }

    /** @param {Response} response */
    #compareClocks(response) {
        const skew = Date.now() - Date.parse(response.headers.get("Date") ?? "");
        // The field counts whole seconds, so a small difference may be none.
        if (Number.isFinite(skew)) this.clockSkewMs = Math.abs(skew) < SKEW_MS_MIN ? 0 : skew;
    }

    /**
     * All graphs, by id.
     * @returns {Promise<GraphSummary[]>}
     */
    async listGraphs() {
        /** @type {GraphSummary[]} */
        const graphs = [];
        let cursor = "";
        do {
            const query = new URLSearchParams({ limit: `${GRAPHS_PER_PAGE}`, ...(cursor && { cursor }) });
            /** @type {Page<GraphSummary>} */
            const page = await this.#json(`api/graphs?${query}`);
            graphs.push(...page.items);
            cursor = page.next_cursor ?? "";
        } while (cursor);
        return graphs;
    }

    /**
     * Files of the graphs folder that are not in force, and why.
     * @returns {Promise<import("./events.js").UnloadedFile[]>}
     */
    async unloadedFiles() {
        return (await this.#json("api/graphs?faults=true&limit=1")).faults;
    }

    /**
     * @param {string} id
     * @param {number} [revision] An old one; without it, the current one.
     * @returns {Promise<LoadedGraph>}
     */
    async graph(id, revision) {
        const query = revision === undefined ? "" : `?revision=${revision}`;
        const response = await this.#send(`api/graphs/${encodeURIComponent(id)}${query}`);
        // Behind the document stands the number of its revision, which is no part of it.
        const [, text, number] = /^(.*),"revision":(\d+)\}$/s.exec(await response.text()) ?? [];
        if (text === undefined) throw new Problem({ code: "no_document", detail: "The answer holds no graph." });
        return { document: JSON.parse(`${text}}`), text: `${text}}`, revision: Number(number) };
    }

    /**
     * Positions for the nodes of a document.
     * @param {string} documentText
     * @returns {Promise<Record<string, { x: number, y: number }>>}
     */
    async layout(documentText) {
        const headers = { "Content-Type": "application/json" };
        const { positions } = await this.#json("api/layout", { method: "POST", headers, body: documentText });
        return positions;
    }

    /**
     * Executions, newest first.
     * @param {{ graphId?: string, status?: string, since?: string, until?: string, cursor?: string, limit?: number }} [filter]
     * @returns {Promise<Page<ExecutionSummary>>}
     */
    async listExecutions(filter = {}) {
        const query = new URLSearchParams({ limit: `${filter.limit ?? PAGE_SIZE}` });
        if (filter.graphId) query.set("graph_id", filter.graphId);
        if (filter.status) query.set("status", filter.status);
        if (filter.since) query.set("since", filter.since);
        if (filter.until) query.set("until", filter.until);
        if (filter.cursor) query.set("cursor", filter.cursor);
        return this.#json(`api/executions?${query}`);
    }

    /** @param {string} id @returns {Promise<ExecutionSummary>} */
    async execution(id) {
        return this.#json(`api/executions/${encodeURIComponent(id)}`);
    }

    /**
     * Returns once the cancel is stored.
     * @param {string} id
     */
    async cancelExecution(id) {
        await this.#send(`api/executions/${encodeURIComponent(id)}/cancel`, { method: "POST" });
    }

    /**
     * Has one that is held go on.
     * @param {string} id
     */
    async resumeExecution(id) {
        await this.#send(`api/executions/${encodeURIComponent(id)}/resume`, { method: "POST" });
    }

    /**
     * Deletes a finished execution with all its events.
     * @param {string} id
     */
    async deleteExecution(id) {
        await this.#send(`api/executions/${encodeURIComponent(id)}`, { method: "DELETE" });
    }

    /**
     * Runs an execution again: results of all but one node and its descendants are taken over.
     * @param {string} id
     * @param {{ fromNode?: string, items?: "failed", state?: string, revision?: number }} request `state` is a JSON object as
     *     text; with `items` only those of a map run again that failed.
     * @returns {Promise<ExecutionSummary>} Of the new execution.
     */
    async rerun(id, { fromNode, items, state, revision }) {
        const members = [];
        if (fromNode !== undefined) members.push(`"from_node":${JSON.stringify(fromNode)}`);
        if (items !== undefined) members.push(`"items":${JSON.stringify(items)}`);
        if (state !== undefined) members.push(`"state":${state}`);
        if (revision !== undefined) members.push(`"revision":${revision}`);
        const headers = { "Content-Type": "application/json" };
        return this.#json(`api/executions/${encodeURIComponent(id)}/rerun`, { method: "POST", headers, body: `{${members.join(",")}}` });
    }

    /** @param {string} id @returns {Promise<ExecutionProfile>} */
    async profile(id) {
        return this.#json(`api/executions/${encodeURIComponent(id)}/profile`);
    }

    /**
     * How a graph's nodes did in its last executions.
     * @param {string} graphId
     * @param {number} last
     * @returns {Promise<GraphProfile>}
     */
    async graphProfile(graphId, last) {
        return this.#json(`api/graphs/${encodeURIComponent(graphId)}/profile?last=${last}`);
    }

    /**
     * What is known of a node in an execution, as the text of a JSON object.
     * @param {string} executionId
     * @param {string} nodeId
     * @param {ScopePath} [path] Of the graph that it is a node of.
     */
    async nodeText(executionId, nodeId, path = ROOT) {
        const query = path.length > 0 ? `?path=${pathText(path)}` : "";
        return (await this.#send(`api/executions/${encodeURIComponent(executionId)}/nodes/${encodeURIComponent(nodeId)}${query}`)).text();
    }

    /** @param {string} graphId @returns {Promise<import("./events.js").RevisionSummary[]>} */
    async revisions(graphId) {
        return (await this.#json(`api/graphs/${encodeURIComponent(graphId)}/revisions`)).items;
    }

    /**
     * Who the server takes this browser for.
     * @returns {Promise<import("./account.js").Session>}
     */
    async session() {
        return this.#json("api/session");
    }

    /** @param {string} token */
    async signIn(token) {
        const headers = { "Content-Type": "application/json" };
        await this.#send("api/session", { method: "POST", headers, body: JSON.stringify({ token }) });
    }

    async signOut() {
        await this.#send("api/session", { method: "DELETE" });
    }

    /** The server's figures, as Prometheus text. */
    async metrics() {
        return (await this.#send("metrics", { cache: "no-store" })).text();
    }

    /**
     * Whether the server is ready for work.
     * @returns {Promise<boolean>}
     */
    async isReady() {
        try {
            await this.#send("readyz", { cache: "no-store" });
            return true;
        } catch {
            return false;
        }
    }

    /**
     * Starts a graph and streams its events. They come without full states; `fullEvent` has those.
     * @param {string} graphId
     * @param {ExecuteRequest} request
     * @param {StreamHandlers} handlers
     * @param {number} [depth] How many graphs deep; `Infinity` for all.
     * @returns {() => void} Ends the stream; the execution goes on unless the request says otherwise.
     */
    streamExecuteGraph(graphId, request, handlers, depth = 0) {
        const members = [];
        if (request.initialState !== undefined) members.push(`"initial_state":${request.initialState}`);
        if (request.onDisconnect !== undefined) members.push(`"on_disconnect":${JSON.stringify(request.onDisconnect)}`);
        const stream = new EventStream(this.#transport, handlers, Number.isFinite(depth) ? { depth } : {});
        stream.start(`${this.#base}api/graphs/${encodeURIComponent(graphId)}/execute/stream`, {
            method: "POST",
            headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
            body: `{${members.join(",")}}`,
        });
        return () => stream.stop();
    }

    /**
     * Streams the events of an execution, past and to come.
     * @param {string} id
     * @param {number} after The seq of the last event that is known; 0 for all.
     * @param {StreamHandlers} handlers
     * @param {number} [depth] How deep into graphs within nodes; a map alone may have a million of them.
     * @returns {() => void} Ends the stream, not the execution.
     */
    watchExecution(id, after, handlers, depth = 0) {
        const path = `${this.#base}api/executions/${encodeURIComponent(id)}/events`;
        const stream = new EventStream(this.#transport, handlers, { path, after, ...(Number.isFinite(depth) && { depth }) });
        stream.follow();
        return () => stream.stop();
    }

    /**
     * The text of one event with its full states.
     * @param {string} id
     * @param {number} seq
     * @param {AbortSignal} [signal]
     * @returns {Promise<string>}
     */
    fullEvent(id, seq, signal) {
        const path = `${this.#base}api/executions/${encodeURIComponent(id)}/events`;
        return new Promise((resolve, reject) => {
            const stream = new EventStream(this.#transport, {
                onEvent: (_event, text) => {
                    stream.stop();
                    resolve(text);
                },
                onGap: () => {
                    stream.stop();
                    reject(new Problem({ code: "gap", detail: "The history no longer keeps this event." }));
                },
                onProblem: reject,
                onEnd: () => reject(new Problem({ code: "no_event", detail: "The history does not have this event." })),
            }, { path, detail: "full", after: seq - 1 });
            signal?.addEventListener("abort", () => stream.stop());
            stream.follow();
        });
    }

    /**
     * Any other call; throws a `Problem` unless it succeeds.
     * @param {string} path
     * @param {RequestInit} [init]
     */
    send(path, init) {
        return this.#send(path, init);
    }

    /**
     * @param {string} path
     * @param {RequestInit} [init]
     */
    async #send(path, init) {
        /** @type {Response} */
        let response;
        try {
            response = await this.#transport.fetch(this.#base + path, init);
        } catch (error) {
            if (init?.signal?.aborted) throw error;
            throw Problem.unreachable();
        }
        if (!response.ok) throw await problemOf(response);
        return response;
    }

    /** @param {string} path @param {RequestInit} [init] */
    async #json(path, init) {
        return (await this.#send(path, init)).json();
    }
}

/**
 * The initial state of a document, as it was written.
 * @param {string} documentText
 */
export function initialStateText(documentText) {
    return memberText(documentText, "initial_state") ?? "{}";
}

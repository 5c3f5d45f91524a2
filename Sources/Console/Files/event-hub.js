// One connection to `GET /api/events` for many readers: the lists of all tabs, and the executions that are open in them.
//
// A browser has six connections per host over HTTP/1.1, so that a stream for each tab would use them up. The hub runs in a
// worker that all tabs share, or in the page where there is none. A reader says what it wants and gets messages; each event
// of an execution comes to each of its readers once and in order, whatever the connection does. What happens in graphs within
// nodes is left out, with its seqs: whoever looks into one has a stream of its own.

import { Problem, problemOf } from "./problem.js";
import { SSEParser } from "./sse-parser.js";
import { Watchdog, backoff, pause } from "./watchdog.js";

/** @typedef {import("./events.js").GapEvent} GapEvent */
/** @typedef {import("./events.js").LightEvent} LightEvent */
/** @typedef {import("./events.js").ExecutionSummary} ExecutionSummary */
/** @typedef {import("./event-stream.js").StreamConnection} StreamConnection */
/** @typedef {{ type: "snapshot", executions: ExecutionSummary[] } | LightEvent} ListMessage */

/**
 * What a reader says. `key` is its own number for an execution that it watches.
 * @typedef {{ kind: "watch", key: number, executionId: string, after: number } | { kind: "unwatch", key: number }
 *     | { kind: "list", isWanted: boolean } | { kind: "retry" }} Wish
 */

/**
 * What a reader is told.
 * @typedef {{ kind: "events", key: number, texts: string[] } | { kind: "gap", key: number, gap: GapEvent }
 *     | { kind: "list", messages: ListMessage[] } | { kind: "stir" } | { kind: "connection", connection: StreamConnection | null }
 *     | { kind: "refused", key: number | null, problem: { status: number, code: string, title: string, detail: string } }} Message
 */

/** @typedef {{ executionId: string, lastSeq: number, reader: HubReader, key: number }} Watch */

const FIRST_WAIT_MS = 2_000;
/** The server says something every 15 s. */
const SILENCE_MS_MAX = 45_000;
/** Tabs that open together ask once. */
const GATHER_MS = 5;
/** Connections that may begin shortly after each other without bringing anybody an event; then each waits a while. */
const BURST_MAX = 10;
const BURST_MS = 5_000;
/** How often lists are told that nodes do something. */
const STIR_MS = 500;
/** What the server allows; beyond this, readers have streams of their own. */
const EXECUTIONS_MAX = 32;

/** A reader of the hub: a tab. */
export class HubReader {
    #hub;
    #send;
    /** @type {Message[]} */
    #outbox = [];
    wantsList = false;

    /** @param {EventHub} hub @param {(messages: Message[]) => void} send */
    constructor(hub, send) {
        this.#hub = hub;
        this.#send = send;
    }

    /** @param {Wish} wish */
    wish(wish) {
        this.#hub.take(this, wish);
    }

    close() {
        this.#hub.detach(this);
    }

    /** @param {Message} message */
    tell(message) {
        const last = this.#outbox.at(-1);
        if (message.kind === "events" && last?.kind === "events" && last.key === message.key) last.texts.push(...message.texts);
        else if (message.kind === "list" && last?.kind === "list") last.messages.push(...message.messages);
        else this.#outbox.push(message);
    }

    flush() {
        if (this.#outbox.length === 0) return;
        const messages = this.#outbox;
        this.#outbox = [];
        this.#send(messages);
    }
}

export class EventHub {
    #url;
    #fetch;
    #silenceMsMax;
    /** @type {Set<HubReader>} */
    #readers = new Set();
    /** @type {Watch[]} */
    #watches = [];
    /** @type {StreamConnection | null} */
    #connection = null;
    /** @type {{ abort: AbortController, seqs: Map<string, number> } | null} What is asked for now: execution → last seq. */
    #request = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #gathering;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #stirring;
    #isRunning = false;
    #isRefused = false;
    #waitMs = FIRST_WAIT_MS;
    #failures = 0;
    /** @type {number[]} When the latest connections began. */
    #begun = [];

    /** @param {{ url: string, fetch?: typeof fetch, silenceMsMax?: number }} options */
    constructor(options) {
        this.#url = options.url;
        this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
        this.#silenceMsMax = options.silenceMsMax ?? SILENCE_MS_MAX;
    }

    /**
     * @param {(messages: Message[]) => void} send
     * @returns {HubReader}
     */
    attach(send) {
        const reader = new HubReader(this, send);
        this.#readers.add(reader);
        return reader;
    }

    /** @param {HubReader} reader */
    detach(reader) {
        this.#readers.delete(reader);
        this.#watches = this.#watches.filter((watch) => watch.reader !== reader);
        this.#gather();
    }

    /**
     * @param {HubReader} reader
     * @param {Wish} wish
     */
    take(reader, wish) {
        switch (wish.kind) {
            case "watch":
                this.#watch({ executionId: wish.executionId, lastSeq: wish.after, reader, key: wish.key });
                break;
            case "unwatch":
                this.#watches = this.#watches.filter((watch) => watch.reader !== reader || watch.key !== wish.key);
                break;
            case "list":
                // A list reads what there is by itself, so one that comes later does without the snapshot.
                reader.wantsList = wish.isWanted;
                reader.tell({ kind: "connection", connection: this.#connection });
                reader.flush();
                break;
            case "retry":
                this.#isRefused = false;
                break;
        }
        this.#gather();
    }

    /** @param {Watch} watch */
    #watch(watch) {
        const ids = new Set(this.#watches.map(({ executionId }) => executionId));
        if (this.#isRefused || (!ids.has(watch.executionId) && ids.size >= EXECUTIONS_MAX)) {
            watch.reader.tell({ kind: "refused", key: watch.key, problem: plain(new Problem({ code: "no_shared_stream" })) });
            return watch.reader.flush();
        }
        this.#watches.push(watch);
        watch.reader.tell({ kind: "connection", connection: this.#connection });
        watch.reader.flush();
    }

    #gather() {
        clearTimeout(this.#gathering);
        this.#gathering = setTimeout(() => this.#arrange(), GATHER_MS);
    }

    get #isWanted() {
        return this.#watches.length > 0 || [...this.#readers].some((reader) => reader.wantsList);
    }

    /** Makes the connection carry what is wanted. */
    #arrange() {
        const request = this.#request;
        if (!this.#isWanted || this.#isRefused) return request?.abort.abort();
        if (!this.#isRunning) return void this.#run();
        if (!request) return;
        const { seqs } = request, ids = new Set(this.#watches.map(({ executionId }) => executionId));
        const isMissing = this.#watches.some((watch) => watch.lastSeq < (seqs.get(watch.executionId) ?? Infinity));
        // What nobody looks at any more must not count as watched: its execution may be one that ends then.
        if (isMissing || [...seqs.keys()].some((id) => !ids.has(id))) request.abort.abort();
    }

    async #run() {
        this.#isRunning = true;
        this.#failures = 0;
        while (this.#isWanted && !this.#isRefused) {
            const abort = new AbortController();
            this.#request = { abort, seqs: new Map() };
            const isBurst = this.#isBurst();
            if (this.#failures > 0 || isBurst) {
                const milliseconds = Math.max(backoff(this.#waitMs, Math.max(this.#failures, 1)), isBurst ? FIRST_WAIT_MS : 0);
                this.#show({ state: "waiting", milliseconds });
                await pause(milliseconds, abort.signal);
            }
            if (!this.#isWanted) break;
            await this.#connect();
        }
        this.#request = null;
        this.#isRunning = false;
        this.#show(null);
    }

    /** Notes that a connection begins, and tells whether too many have lately that brought nothing. */
    #isBurst() {
        const now = Date.now();
        this.#begun = [...this.#begun.filter((time) => now - time < BURST_MS), now];
        return this.#begun.length > BURST_MAX;
    }

    /** One connection, from the request to its end. */
    async #connect() {
        const abort = new AbortController();
        /** @type {Map<string, number>} */
        const seqs = new Map();
        for (const { executionId, lastSeq } of this.#watches) {
            seqs.set(executionId, Math.min(lastSeq, seqs.get(executionId) ?? Infinity));
        }
        this.#request = { abort, seqs };
        const watchdog = new Watchdog(this.#silenceMsMax, () => abort.abort("silence"));
        watchdog.feed();
        this.#failures += 1;
        try {
            const wanted = [...seqs].map(([id, seq]) => `${encodeURIComponent(id)}:${seq}`).join(",");
            const query = wanted ? `?executions=${wanted}&state=update&depth=0` : "";
            const headers = { Accept: "text/event-stream" };
            const response = await this.#fetch(this.#url + query, { headers, cache: "no-store", signal: abort.signal });
            if (!response.ok) throw await problemOf(response);
            await this.#read(response, watchdog, seqs);
        } catch (error) {
            if (error instanceof Problem && !abort.signal.aborted) this.#failed(error);
        } finally {
            watchdog.stop();
            // Another connection was wanted: this one is not at fault.
            if (abort.signal.aborted && abort.signal.reason !== "silence") this.#failures = 0;
            abort.abort();
            this.#flush();
        }
    }

    /** @param {Problem} problem */
    #failed(problem) {
        this.#waitMs = Math.max(this.#waitMs, problem.retryAfterMs ?? 0);
        if (problem.isTemporary) return;
        // It may be one execution that the server refuses, so each of them is left to a stream of its own, which says why.
        const isAboutExecutions = this.#watches.length > 0 && problem.status !== 401;
        for (const { reader, key } of this.#watches) reader.tell({ kind: "refused", key, problem: plain(problem) });
        this.#watches = [];
        if (isAboutExecutions) return;
        this.#isRefused = true;
        for (const reader of this.#readers) {
            if (reader.wantsList) reader.tell({ kind: "refused", key: null, problem: plain(problem) });
        }
    }

    /**
     * @param {Response} response
     * @param {Watchdog} watchdog
     * @param {Map<string, number>} seqs
     */
    async #read(response, watchdog, seqs) {
        const parser = new SSEParser({
            onEvent: ({ data }) => this.#take(data, seqs),
            onRetry: (milliseconds) => {
                this.#waitMs = milliseconds;
            },
        });
        this.#show({ state: "open" });
        const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
        for (;;) {
            const { done, value } = await reader.read();
            if (done) return;
            watchdog.feed();
            this.#failures = 1;
            parser.push(value);
            this.#flush();
        }
    }

    /**
     * @param {string} text
     * @param {Map<string, number>} seqs
     */
    #take(text, seqs) {
        const message = JSON.parse(text);
        if (message.type === "gap") return this.#takeGap(message, seqs);
        if (message.seq !== undefined) return this.#takeEvent(message, text, seqs);
        // What single nodes do is of no interest to lists, and there is much of it: only that something did. Nor are graphs.
        if (message.type === "node_started" || message.type === "node_ended") return this.#stir();
        if (!message.type.startsWith("execution_") && message.type !== "snapshot") return;
        for (const reader of this.#readers) {
            if (reader.wantsList) reader.tell({ kind: "list", messages: [message] });
        }
    }

    /** Tells lists, once in a while, that nodes have started or ended. */
    #stir() {
        this.#stirring ??= setTimeout(() => {
            this.#stirring = undefined;
            for (const reader of this.#readers) if (reader.wantsList) reader.tell({ kind: "stir" });
            this.#flush();
        }, STIR_MS);
    }

    /**
     * @param {import("./events.js").ExecutionEvent} event
     * @param {string} text
     * @param {Map<string, number>} seqs
     */
    #takeEvent({ execution_id: id, seq, type }, text, seqs) {
        const known = seqs.get(id);
        if (known === undefined || seq <= known) return;
        seqs.set(id, seq);
        for (const watch of this.#watches) {
            // One that still lacks what came before this connection is served by the next.
            if (watch.executionId !== id || seq <= watch.lastSeq || watch.lastSeq < known) continue;
            watch.lastSeq = seq;
            this.#begun = [];
            watch.reader.tell({ kind: "events", key: watch.key, texts: [text] });
        }
        if (type !== "complete" && type !== "error") return;
        seqs.delete(id);
        this.#watches = this.#watches.filter((watch) => watch.executionId !== id || watch.lastSeq < seq);
        this.#gather();
    }

    /**
     * @param {GapEvent} gap
     * @param {Map<string, number>} seqs
     */
    #takeGap(gap, seqs) {
        const id = gap.execution_id;
        if (!seqs.has(id)) return;
        seqs.set(id, Math.max(seqs.get(id) ?? 0, gap.to));
        for (const watch of this.#watches) {
            if (watch.executionId !== id || watch.lastSeq >= gap.to) continue;
            watch.lastSeq = gap.to;
            this.#begun = [];
            watch.reader.tell({ kind: "gap", key: watch.key, gap });
        }
    }

    /** @param {StreamConnection | null} connection */
    #show(connection) {
        this.#connection = connection;
        for (const reader of this.#readers) reader.tell({ kind: "connection", connection });
        this.#flush();
    }

    #flush() {
        for (const reader of this.#readers) reader.flush();
    }
}

/** @param {Problem} problem A message to another thread carries plain values. */
function plain({ status, code, title, detail }) {
    return { status, code, title, detail };
}

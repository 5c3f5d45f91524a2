// One execution's events over connections that may break: each event once, in order, until the last. A stream that leaves out
// what is deep within nodes leaves out its seqs too; where nothing is left out, one that is missing is asked for again.
//
// A connection is a fetch whose body is read as it comes. When it breaks, or says nothing for too long, the next one asks
// for the events behind the last that was seen (`Last-Event-ID`), after the wait that the server asked for (`retry:`).

import { Problem, problemOf } from "./problem.js";
import { SSEParser } from "./sse-parser.js";
import { Watchdog, backoff, pause } from "./watchdog.js";

/** @typedef {import("./events.js").ExecutionEvent} ExecutionEvent */
/** @typedef {import("./events.js").GapEvent} GapEvent */

/**
 * @typedef {object} StreamHandlers
 * @property {(event: ExecutionEvent, text: string) => void} onEvent Each event once; `text` is its JSON as it was sent.
 * @property {(gap: GapEvent) => void} [onGap] Events that the history no longer keeps.
 * @property {(executionId: string, eventsPath: string) => void} [onStarted] The execution is stored.
 * @property {(connection: StreamConnection) => void} [onConnection]
 * @property {(problem: Problem) => void} [onProblem] The stream ended for good, before the last event.
 * @property {() => void} [onEnd] The last event has come.
 */

/** @typedef {{ state: "open" } | { state: "waiting", milliseconds: number }} StreamConnection */

/**
 * How a stream reaches the server; tests have their own.
 * @typedef {object} Transport
 * @property {typeof fetch} fetch
 * @property {number} silenceMsMax The server says something every 15 s; after so long a silence the connection is dead.
 */

const FIRST_WAIT_MS = 2_000;

export class EventStream {
    #transport;
    #handlers;
    #abort = new AbortController();
    #lastSeq;
    /** @type {string | null} */
    #path;
    #query;
    #isWhole;
    #waitMs = FIRST_WAIT_MS;
    #failures = 0;
    #isFinished = false;

    /**
     * @param {Transport} transport
     * @param {StreamHandlers} handlers
     * @param {{ path?: string, detail?: "update" | "full", depth?: number, after?: number }} from Where the events are, how
     *     much of states and of graphs within nodes is wanted, and the seq of the last event that is known.
     */
    constructor(transport, handlers, from) {
        this.#transport = transport;
        this.#handlers = handlers;
        this.#path = from.path ?? null;
        this.#query = `?state=${from.detail ?? "update"}${from.depth === undefined ? "" : `&depth=${from.depth}`}`;
        this.#isWhole = from.depth === undefined;
        this.#lastSeq = from.after ?? 0;
    }

    /** Ends the stream, not the execution. No handler is called any more. */
    stop() {
        this.#abort.abort();
    }

    get #isStopped() {
        return this.#abort.signal.aborted;
    }

    /**
     * Starts an execution by POST and follows it.
     * @param {string} path
     * @param {RequestInit} request
     */
    async start(path, request) {
        try {
            await this.#connect(path, request, (response) => {
                this.#path = response.headers.get("Location");
                const id = response.headers.get("Content-Location")?.split("/").pop();
                if (!this.#path || !id) throw new Problem({ detail: "The answer does not say where the events are." });
                this.#handlers.onStarted?.(id, this.#path);
            });
        } catch (error) {
            // Without an answer nobody knows whether it has started; a second POST might start it twice.
            if (this.#path === null) return this.#fail(unconfirmed(error));
            if (this.#isFatal(error)) return this.#fail(error);
        }
        await this.follow();
    }

    /** Follows the events until the last one or `stop`. */
    async follow() {
        while (!this.#isStopped && !this.#isFinished) {
            if (this.#failures > 0) await this.#wait();
            if (this.#isStopped) return;
            try {
                const headers = { Accept: "text/event-stream", ...(this.#lastSeq > 0 && { "Last-Event-ID": `${this.#lastSeq}` }) };
                await this.#connect(this.#path ?? "", { headers });
            } catch (error) {
                if (this.#isFatal(error)) return this.#fail(error);
            }
        }
        if (!this.#isStopped) this.#handlers.onEnd?.();
    }

    /** @param {unknown} error */
    #isFatal(error) {
        return error instanceof Problem && !error.isTemporary;
    }

    /** @param {unknown} error */
    #fail(error) {
        if (!this.#isStopped) this.#handlers.onProblem?.(Problem.from(error));
    }

    /**
     * One connection, from the request to its end.
     * @param {string} path
     * @param {RequestInit} request
     * @param {(response: Response) => void} [onAnswer]
     */
    async #connect(path, request, onAnswer) {
        this.#failures += 1;
        const connection = new AbortController();
        const stop = () => connection.abort();
        this.#abort.signal.addEventListener("abort", stop, { once: true });
        const watchdog = new Watchdog(this.#transport.silenceMsMax, stop);
        try {
            watchdog.feed();
            const response = await this.#transport.fetch(path + this.#query, {
                ...request,
                cache: "no-store", signal: connection.signal,
            });
            if (!response.ok) {
                const problem = await problemOf(response);
                this.#waitMs = Math.max(this.#waitMs, problem.retryAfterMs ?? 0);
                throw problem;
            }
            if (this.#isStopped) return;
            onAnswer?.(response);
            if (response.status === 204) this.#isFinished = true;
            else await this.#read(response, watchdog);
        } finally {
            watchdog.stop();
            this.#abort.signal.removeEventListener("abort", stop);
            connection.abort();
        }
    }

    /**
     * @param {Response} response
     * @param {Watchdog} watchdog
     */
    async #read(response, watchdog) {
        const parser = new SSEParser({
            onEvent: ({ data }) => this.#take(data),
            onRetry: (milliseconds) => {
                this.#waitMs = milliseconds;
            },
        });
        this.#handlers.onConnection?.({ state: "open" });
        const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
        while (!this.#isFinished) {
            const { done, value } = await reader.read();
            if (done || this.#isStopped) return;
            watchdog.feed();
            this.#failures = 1;
            parser.push(value);
        }
    }

    /** @param {string} text */
    #take(text) {
        if (this.#isStopped || this.#isFinished) return;
        /** @type {ExecutionEvent | GapEvent} */
        const event = JSON.parse(text);
        if (event.type === "gap") {
            this.#lastSeq = Math.max(this.#lastSeq, event.to);
            return this.#handlers.onGap?.(event);
        }
        if (event.seq <= this.#lastSeq) return;
        if (this.#isWhole && event.seq > this.#lastSeq + 1) throw new Error(`event ${this.#lastSeq + 1} is missing before ${event.seq}`);
        this.#lastSeq = event.seq;
        this.#isFinished = event.type === "complete" || event.type === "error";
        try {
            this.#handlers.onEvent(event, text);
        } catch (error) {
            // A fault of the reader's own is no broken connection: it is reported, and the stream goes on.
            queueMicrotask(() => {
                throw error;
            });
        }
    }

    /** Waits as the server asked, longer after each attempt that reached nobody, and no longer once the network is back. */
    async #wait() {
        const milliseconds = backoff(this.#waitMs, this.#failures);
        this.#handlers.onConnection?.({ state: "waiting", milliseconds });
        await pause(milliseconds, this.#abort.signal);
    }
}

/** @param {unknown} error */
function unconfirmed(error) {
    if (error instanceof Problem) return error;
    return new Problem({
        code: "start_unconfirmed", title: "The server did not confirm the start",
        detail: "The connection broke before an answer came. Look at the runs of this graph before you start it again.",
    });
}

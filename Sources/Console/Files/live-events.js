// What happens on the server, live, over the one stream that all tabs share; over one of this page alone where the browser
// has no shared workers; and over one for each execution where the server refuses that.

import { EventHub } from "./event-hub.js";
import { Problem } from "./problem.js";

/** @typedef {import("./event-hub.js").ListMessage} ListMessage */
/** @typedef {import("./event-hub.js").Message} Message */
/** @typedef {import("./event-hub.js").Wish} Wish */
/** @typedef {import("./event-stream.js").StreamConnection} StreamConnection */
/** @typedef {import("./event-stream.js").StreamHandlers} StreamHandlers */
/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */

/**
 * @typedef {object} ListHandlers
 * @property {(messages: ListMessage[]) => void} onMessages
 * @property {() => void} [onStir] Nodes have started or ended, in whatever execution.
 * @property {(isLive: boolean) => void} onLive Whether messages come as things happen.
 */

/** @typedef {{ executionId: string, lastSeq: number, handlers: StreamHandlers, stop: (() => void) | null }} Watching */

/** A shared worker that has not answered by then is not to be had. */
const WORKER_WAIT_MS = 4_000;

export class LiveEvents {
    #api;
    /** @type {(wish: Wish) => void} */
    #wish = () => {};
    /** @type {() => void} */
    #close = () => {};
    /** @type {Map<number, Watching>} */
    #watched = new Map();
    #lastKey = 0;
    /** @type {Set<ListHandlers>} */
    #lists = new Set();
    /** @type {StreamConnection | null} Of the shared stream. */
    connection = null;
    /** @type {"worker" | "page" | null} Where the stream is held. */
    place = null;
    /** Called when the state of the connection changes. */
    onConnection = () => {};

    /** @param {GraphAPI} api */
    constructor(api) {
        this.#api = api;
        if (!this.#openWorker()) this.#openHere();
        addEventListener("pagehide", () => this.#close());
    }

    /** @returns {boolean} */
    #openWorker() {
        if (typeof SharedWorker === "undefined") return false;
        /** @type {SharedWorker} */
        let worker;
        try {
            worker = new SharedWorker(new URL("./events-worker.js", import.meta.url), { type: "module", name: "millrace-events-2" });
        } catch {
            return false;
        }
        const { port } = worker;
        const giveUp = () => {
            if (this.place === "worker") return;
            port.close();
            this.#openHere();
        };
        const timer = setTimeout(giveUp, WORKER_WAIT_MS);
        worker.addEventListener("error", giveUp);
        port.addEventListener("message", ({ data }) => {
            clearTimeout(timer);
            if (this.place === null) this.place = "worker";
            this.#take(data);
        });
        port.start();
        const lock = `millrace-tab-${crypto.getRandomValues(new Uint32Array(4)).join("-")}`;
        // Held as long as this page lives. There are no locks on plain HTTP but to this machine; there, `pagehide` must do.
        navigator.locks?.request(lock, () => {
            port.postMessage({ kind: "hello", lock });
            return new Promise(() => {});
        });
        this.#wish = (wish) => port.postMessage(wish);
        this.#close = () => port.postMessage({ kind: "close" });
        return true;
    }

    #openHere() {
        if (this.place !== null) return;
        this.place = "page";
        const reader = new EventHub({ url: "api/events" }).attach((messages) => this.#take(messages));
        this.#wish = (wish) => reader.wish(wish);
        this.#close = () => reader.close();
        if (this.#lists.size > 0) this.#wish({ kind: "list", isWanted: true });
        for (const [key, { executionId, lastSeq }] of this.#watched) this.#wish({ kind: "watch", key, executionId, after: lastSeq });
    }

    /**
     * Streams the events of an execution, past and to come.
     * @param {string} executionId
     * @param {number} after The seq of the last event that is known; 0 for all.
     * @param {StreamHandlers} handlers
     * @returns {() => void} Ends it; no handler is called any more.
     */
    watchExecution(executionId, after, handlers) {
        const key = (this.#lastKey += 1);
        this.#watched.set(key, { executionId, lastSeq: after, handlers, stop: null });
        this.#wish({ kind: "watch", key, executionId, after });
        return () => {
            const watching = this.#watched.get(key);
            this.#watched.delete(key);
            if (watching?.stop) watching.stop();
            else if (watching) this.#wish({ kind: "unwatch", key });
        };
    }

    /**
     * Tells of all executions.
     * @param {ListHandlers} handlers
     * @returns {() => void} Ends it.
     */
    watchList(handlers) {
        this.#lists.add(handlers);
        handlers.onLive(this.connection?.state === "open");
        this.#wish({ kind: "list", isWanted: true });
        return () => {
            this.#lists.delete(handlers);
            if (this.#lists.size === 0) this.#wish({ kind: "list", isWanted: false });
        };
    }

    /** Tries again what was refused: somebody has signed in. */
    retry() {
        this.#wish({ kind: "retry" });
        if (this.#lists.size > 0) this.#wish({ kind: "list", isWanted: true });
    }

    /** @param {Message[]} messages */
    #take(messages) {
        for (const message of messages) {
            switch (message.kind) {
                case "events":
                    this.#events(message.key, message.texts);
                    break;
                case "gap":
                    this.#watched.get(message.key)?.handlers.onGap?.(message.gap);
                    break;
                case "list":
                    for (const list of this.#lists) list.onMessages(message.messages);
                    break;
                case "stir":
                    for (const list of this.#lists) list.onStir?.();
                    break;
                case "connection":
                    this.#connected(message.connection);
                    break;
                case "refused":
                    this.#refused(message.key, new Problem(message.problem));
                    break;
            }
        }
    }

    /**
     * @param {number} key
     * @param {string[]} texts
     */
    #events(key, texts) {
        for (const text of texts) {
            const watching = this.#watched.get(key);
            if (!watching) return;
            /** @type {import("./events.js").ExecutionEvent} */
            const event = JSON.parse(text);
            watching.lastSeq = event.seq;
            try {
                watching.handlers.onEvent(event, text);
            } catch (error) {
                // A fault of the reader's own ends nothing: it is reported, and the events go on.
                queueMicrotask(() => {
                    throw error;
                });
            }
            if (event.type !== "complete" && event.type !== "error") continue;
            this.#watched.delete(key);
            watching.handlers.onEnd?.();
        }
    }

    /** @param {StreamConnection | null} connection */
    #connected(connection) {
        this.connection = connection;
        this.onConnection();
        for (const list of this.#lists) list.onLive(connection?.state === "open");
        if (!connection) return;
        for (const { handlers, stop } of this.#watched.values()) if (!stop) handlers.onConnection?.(connection);
    }

    /**
     * @param {number | null} key
     * @param {Problem} problem
     */
    #refused(key, problem) {
        if (problem.status === 401) this.#api.onUnauthorized();
        if (key === null) {
            for (const list of this.#lists) list.onLive(false);
            return;
        }
        const watching = this.#watched.get(key);
        if (!watching) return;
        watching.stop = this.#api.watchExecution(watching.executionId, watching.lastSeq, watching.handlers);
    }
}

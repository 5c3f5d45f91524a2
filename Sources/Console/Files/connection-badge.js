// <connection-badge>: whether the server can be reached, always in sight.

import { element, setAttribute, setText } from "./dom.js";

/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */
/** @typedef {"unknown" | "connected" | "live" | "waiting" | "lost"} ConnectionState */

/** How often the server is asked when nothing else shows that it is there. */
const CHECK_MS = 10_000;
/** Sooner while it is lost. */
const LOST_CHECK_MS = 2_000;

/** @type {Record<ConnectionState, [word: string, detail: string]>} */
const words = {
    unknown: ["Connecting", "Asking the server."],
    connected: ["Connected", "The server answers."],
    live: ["Live", "Events arrive as they happen."],
    waiting: ["Reconnecting", "The stream broke; no event is lost. It goes on where it stopped."],
    lost: ["Not reachable", "The server does not answer. The console keeps trying."],
};

export class ConnectionBadge extends HTMLElement {
    #word = element("span");
    /** @type {GraphAPI | null} */
    #api = null;
    /** @type {boolean | null} */
    #isReachable = null;
    /** @type {import("./event-stream.js").StreamConnection | null} */
    #stream = null;
    /** @type {import("./event-stream.js").StreamConnection | null} Of all tabs. */
    #shared = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #timer;
    onReturn = () => {};

    connectedCallback() {
        if (this.firstChild) return;
        this.setAttribute("role", "status");
        this.append(element("span", { class: "dot", "aria-hidden": "true" }), this.#word);
        this.#show();
    }

    /** @param {GraphAPI} api */
    open(api) {
        this.#api = api;
        api.onContact = (isReachable) => this.#contact(isReachable);
        addEventListener("online", () => this.#check());
        addEventListener("offline", () => this.#contact(false));
        document.addEventListener("visibilitychange", () => this.#check());
        this.#plan();
    }

    /** @param {import("./event-stream.js").StreamConnection | null} stream */
    follow(stream) {
        if (stream === this.#stream) return;
        this.#stream = stream;
        this.#show();
    }

    /** @param {import("./event-stream.js").StreamConnection | null} stream */
    followShared(stream) {
        // Its fall is the first sign of a server that is gone, its rise of one that is back.
        if (stream?.state !== this.#shared?.state) this.#api?.isReady();
        this.#shared = stream;
        this.#show();
    }

    /** @param {boolean} isReachable */
    #contact(isReachable) {
        const isBack = isReachable && this.#isReachable === false;
        this.#isReachable = isReachable;
        this.#show();
        this.#plan();
        if (isBack) this.onReturn();
    }

    #plan() {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#check(), this.#isReachable === false ? LOST_CHECK_MS : CHECK_MS);
    }

    #check() {
        if (document.hidden || !this.#api) return;
        // An open stream is watched by itself.
        if (this.#stream?.state === "open" || this.#shared?.state === "open") return this.#plan();
        this.#api.isReady();
    }

    /** @returns {ConnectionState} */
    get state() {
        if (this.#stream?.state === "waiting") return "waiting";
        if (this.#isReachable === false) return "lost";
        if (this.#shared?.state === "waiting" && !this.#stream) return "waiting";
        if (this.#stream?.state === "open") return "live";
        return this.#isReachable === null ? "unknown" : "connected";
    }

    #show() {
        const [word, detail] = words[this.state];
        setAttribute(this, "data-state", this.state);
        setAttribute(this, "title", detail);
        setText(this.#word, word);
    }
}

customElements.define("connection-badge", ConnectionBadge);

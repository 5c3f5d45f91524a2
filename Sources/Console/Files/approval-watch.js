// The questions that wait, kept up to date: read again when something happens on the server, and now and then.

import { listApprovals } from "./approvals.js";
import { Problem } from "./problem.js";

/** @typedef {import("./approvals.js").Approval} Approval */
/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */

/** At most one reading in this time, however much happens. */
const PAUSE_MS = 1_000;
/** How often they are read where nothing told that they might have changed. */
const POLL_MS = 10_000;

export class ApprovalWatch {
    #api;
    #isReading = false;
    #isStale = false;
    #isRefused = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #timer;
    #pageCount = 1;
    /** @type {Set<() => void>} */
    #listeners = new Set();
    /** @type {readonly Approval[]} The oldest. */
    approvals = [];
    hasMore = false;
    isKnown = false;
    /** @type {Problem | null} */
    problem = null;

    /** @param {GraphAPI} api Whose shared stream is there. */
    constructor(api) {
        this.#api = api;
        api.live?.watchList({ onMessages: () => this.stir(), onStir: () => this.stir(), onLive: () => this.stir() });
        document.addEventListener("visibilitychange", () => this.stir());
        document.addEventListener("approval-answered", () => this.stir());
    }

    /**
     * @param {() => void} onChange Called after each reading.
     * @returns {() => void} Ends it.
     */
    listen(onChange) {
        this.#listeners.add(onChange);
        return () => this.#listeners.delete(onChange);
    }

    /** Tries again what was refused: somebody has signed in. */
    retry() {
        this.#isRefused = false;
        this.#read();
    }

    /** Takes note that they may have changed. */
    stir() {
        if (this.#isStale) return;
        this.#isStale = true;
        if (!this.#isReading) this.#plan(PAUSE_MS);
    }

    /** Reads one page more. */
    readMore() {
        this.#pageCount += 1;
        this.#read();
    }

    /** @param {number} milliseconds */
    #plan(milliseconds) {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#read(), milliseconds);
    }

    async #read() {
        if (this.#isReading || this.#isRefused) return;
        if (document.hidden) return this.#plan(POLL_MS);
        this.#isReading = true;
        this.#isStale = false;
        try {
            const approvals = [];
            let cursor = "";
            for (let page = 0; page < this.#pageCount && (page === 0 || cursor); page += 1) {
                const { items, next_cursor } = await listApprovals(this.#api, cursor);
                approvals.push(...items);
                cursor = next_cursor ?? "";
            }
            [this.approvals, this.hasMore, this.isKnown, this.problem] = [approvals, cursor !== "", true, null];
        } catch (error) {
            this.problem = Problem.from(error);
            this.#isRefused = !this.problem.isTemporary;
        }
        this.#isReading = false;
        for (const listener of this.#listeners) listener();
        this.#plan(this.#isStale ? PAUSE_MS : POLL_MS);
    }
}

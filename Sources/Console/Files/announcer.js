// What a screen reader is told of an execution: its start, its progress now and then, its end.

import { count, duration } from "./format.js";
import { finishedCount, isFinished } from "./run-state.js";
import { statusWord } from "./status.js";

/** @typedef {import("./run-session.js").RunSession} RunSession */

/** Progress is told no more often than this: speech is slow. */
const INTERVAL_MS = 4_000;

export class Announcer {
    #line;
    #spoken = "";
    #time = -Infinity;
    /** @type {string | null} */
    #executionId = null;

    /** @param {HTMLElement} line An element with the role `status`. */
    constructor(line) {
        this.#line = line;
    }

    /**
     * @param {RunSession} session
     * @param {number} now
     */
    update(session, now) {
        const { timeline } = session;
        if (!timeline || !session.isFollowing) return;
        const isNew = session.executionId !== this.#executionId;
        this.#executionId = session.executionId;
        const text = sentence(timeline.latest, isNew);
        const isDue = isNew || isFinished(timeline.latest) || now - this.#time >= INTERVAL_MS;
        if (!isDue || text === this.#spoken) return;
        this.#spoken = text;
        this.#time = now;
        this.#line.textContent = text;
    }
}

/**
 * @param {import("./run-state.js").RunState} state
 * @param {boolean} isNew
 */
function sentence(state, isNew) {
    const failed = state.counts.error > 0 ? `, ${state.counts.error} failed` : "";
    if (isFinished(state)) {
        const took = state.durationMs === null ? "" : ` after ${duration(state.durationMs)}`;
        return `Run ended${took}: ${statusWord(state.status)}${failed}.${state.error ? ` ${state.error}` : ""}`;
    }
    if (isNew && state.seq === 0) return "Run started.";
    return `${finishedCount(state)} of ${count(state.places.size, "node")} finished${failed}.`;
}

// Waiting: for a sign of life, and before another try.

/** Calls back after too long a silence. */
export class Watchdog {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #timer;

    /** @param {number} milliseconds @param {() => void} onSilence */
    constructor(milliseconds, onSilence) {
        this.milliseconds = milliseconds;
        this.onSilence = onSilence;
    }

    feed() {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(this.onSilence, this.milliseconds);
    }

    stop() {
        clearTimeout(this.#timer);
    }
}

const WAIT_MS_MAX = 30_000;

/**
 * How long to wait before another try: as the server asked, and longer after each one that reached nobody.
 * @param {number} waitMs
 * @param {number} failures Tries that failed, from 1.
 */
export function backoff(waitMs, failures) {
    return Math.min(waitMs * 2 ** (failures - 1), Math.max(WAIT_MS_MAX, waitMs));
}

/**
 * Waits, no longer than until the network is back or the signal says so.
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 */
export function pause(milliseconds, signal) {
    return new Promise((resolve) => {
        const done = () => {
            clearTimeout(timer);
            globalThis.removeEventListener?.("online", done);
            signal.removeEventListener("abort", done);
            resolve(undefined);
        };
        const timer = setTimeout(done, milliseconds);
        globalThis.addEventListener?.("online", done);
        signal.addEventListener("abort", done);
    });
}

// Replaying an execution by its own clock: which event has been reached after so much time.

/** @typedef {import("./timeline.js").Timeline} Timeline */

/** Nobody wants to watch nothing happen for longer than this. */
const GAP_MS_MAX = 2_000;

export class Player {
    #timeline;
    #time;
    seq;

    /**
     * @param {Timeline} timeline
     * @param {number} seq The last event that was shown.
     */
    constructor(timeline, seq) {
        this.#timeline = timeline;
        this.seq = seq;
        this.#time = timeline.timeAt(seq) ?? timeline.timeAt(timeline.firstSeq) ?? 0;
    }

    get isAtEnd() {
        return this.seq >= this.#timeline.lastSeq;
    }

    /**
     * Goes on by so much of the execution's time.
     * @param {number} milliseconds
     * @returns {number} The seq of the last event reached.
     */
    advance(milliseconds) {
        let left = milliseconds;
        while (!this.isAtEnd) {
            const next = this.#timeline.seqBeside(this.seq, 1), time = this.#timeline.timeAt(next) ?? this.#time;
            const gap = Math.min(Math.max(time - this.#time, 0), GAP_MS_MAX);
            if (gap > left) {
                this.#time = time - gap + left;
                return this.seq;
            }
            left -= gap;
            this.#time = time;
            this.seq = next;
        }
        return this.seq;
    }
}

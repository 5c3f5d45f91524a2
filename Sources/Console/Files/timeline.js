// All events of one execution that have come so far, and the state after any of them.
//
// The state after the last event is at hand; for one in between, the nearest checkpoint before it is carried on.
// Checkpoints are cheap, because states share what did not change.

import { memberText } from "./json-text.js";
import { emptyRun, outerNode, reduce } from "./run-state.js";

/** @typedef {import("./events.js").ExecutionEvent} ExecutionEvent */
/** @typedef {import("./events.js").GapEvent} GapEvent */
/** @typedef {import("./run-state.js").RunState} RunState */

/**
 * An event and the line of JSON that it came as.
 * @typedef {object} Entry
 * @property {ExecutionEvent} event
 * @property {string} text
 */

const EVENTS_PER_CHECKPOINT = 128;

export class Timeline {
    /** @type {Entry[]} */
    #entries = [];
    /** @type {{ index: number, state: RunState }[]} The state after so many entries. */
    #checkpoints;
    /** @type {Map<string, number[]>} Node id → the indices of its events. */
    #indicesOfNode = new Map();
    /** @type {{ from: number, to: number }[]} */
    gaps = [];
    /** @type {number[]} The seqs of the starts after the first: the daemon was restarted there. */
    seams = [];
    /** @type {number[]} The indices of the ends of nodes that brought an update. */
    #ends = [];

    /**
     * @param {readonly string[]} nodeIds
     * @param {import("./run-state.js").RunStatus} [status] Before the first event.
     */
    constructor(nodeIds, status = "queued") {
        /** @type {RunState} The state after the last event. */
        this.latest = emptyRun(nodeIds, status);
        this.#checkpoints = [{ index: 0, state: this.latest }];
    }

    /** The seq of the last event, 0 before the first. */
    get lastSeq() {
        return this.latest.seq;
    }

    /** The seq of the first event that is kept. */
    get firstSeq() {
        return this.#entries[0]?.event.seq ?? 1;
    }

    get entries() {
        return this.#entries;
    }

    /**
     * Takes the next event.
     * @param {ExecutionEvent} event
     * @param {string} text
     * @returns {boolean} Whether it was new; one that is there already is ignored.
     */
    push(event, text) {
        if (event.seq <= this.lastSeq) return false;
        this.latest = reduce(this.latest, event);
        this.#entries.push({ event, text });
        if (event.type === "start" && event.attempt > 1) this.seams.push(event.seq);
        if (event.type === "node_complete" && !event.will_retry && !event.path?.length) this.#ends.push(this.#entries.length - 1);
        if ("node_id" in event) this.#remember(outerNode(event));
        if (this.#entries.length % EVENTS_PER_CHECKPOINT === 0) {
            this.#checkpoints.push({ index: this.#entries.length, state: this.latest });
        }
        return true;
    }

    /** @param {string} id */
    #remember(id) {
        const indices = this.#indicesOfNode.get(id);
        if (indices) indices.push(this.#entries.length - 1);
        else this.#indicesOfNode.set(id, [this.#entries.length - 1]);
    }

    /**
     * Takes note that events are no longer kept.
     * @param {GapEvent} gap
     */
    noteGap(gap) {
        this.gaps.push({ from: gap.from, to: gap.to });
    }

    /**
     * How many entries have a seq of at most `seq`.
     * @param {number} seq
     */
    countThrough(seq) {
        let low = 0, high = this.#entries.length;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (this.#entries[middle].event.seq <= seq) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /**
     * The state after the event `seq`.
     * @param {number} seq
     * @returns {RunState}
     */
    stateAt(seq) {
        if (seq >= this.lastSeq) return this.latest;
        const count = this.countThrough(seq);
        const checkpoint = this.#checkpoints[Math.floor(count / EVENTS_PER_CHECKPOINT)];
        let state = checkpoint.state;
        for (let index = checkpoint.index; index < count; index += 1) state = reduce(state, this.#entries[index].event);
        return state;
    }

    /**
     * @param {number | null} seq
     * @returns {Entry | undefined}
     */
    entry(seq) {
        const found = seq === null ? undefined : this.#entries[this.countThrough(seq) - 1];
        return found?.event.seq === seq ? found : undefined;
    }

    /**
     * The events of a node up to `seq`, in order.
     * @param {string} nodeId
     * @param {number} seq
     * @returns {Entry[]}
     */
    entriesOfNode(nodeId, seq) {
        const indices = this.#indicesOfNode.get(nodeId) ?? [];
        return indices.map((index) => this.#entries[index]).filter((entry) => entry.event.seq <= seq);
    }

    /**
     * The last outputs of a node between two events, in order.
     * @param {string} nodeId
     * @param {number} after
     * @param {number} through
     * @param {number} countMax
     * @returns {Entry[]}
     */
    outputsOfNode(nodeId, after, through, countMax) {
        const indices = this.#indicesOfNode.get(nodeId) ?? [];
        /** @type {Entry[]} */
        const found = [];
        for (let place = indices.length - 1; place >= 0 && found.length < countMax; place -= 1) {
            const entry = this.#entries[indices[place]];
            if (entry.event.seq <= after) break;
            if (entry.event.type === "node_output" && entry.event.seq <= through) found.push(entry);
        }
        return found.reverse();
    }

    /**
     * The updates of the nodes that have ended by then, as JSON objects.
     * @param {number} seq
     * @returns {Map<string, string>}
     */
    updatesThrough(seq) {
        const updates = new Map();
        for (const index of this.#ends) {
            const { event, text } = this.#entries[index];
            if (event.seq > seq) break;
            const update = memberText(text, "update");
            if (event.type === "node_complete" && update !== undefined) updates.set(event.node_id, update);
        }
        return updates;
    }

    /**
     * When that event happened, in milliseconds since 1970.
     * @param {number} seq
     */
    timeAt(seq) {
        const entry = this.#entries[this.countThrough(seq) - 1];
        return entry ? Date.parse(entry.event.timestamp) : null;
    }
}

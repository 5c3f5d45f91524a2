// All events of one graph that have come so far, the execution's own or one within a node, and the state after any of them.
//
// The state after the last event is at hand; for one in between, the nearest checkpoint before it is carried on.
// Checkpoints are cheap, because states share what did not change. Items that ended in success are counted and not kept: a
// map may have a million of them.

import { ItemTrack } from "./item-track.js";
import { memberText } from "./json-text.js";
import { endedItem, openedScope } from "./node-state.js";
import { emptyRun, nodeState, reduce, withItems } from "./run-state.js";
import { ROOT, isSamePath } from "./scope-path.js";

/** @typedef {import("./events.js").ExecutionEvent} ExecutionEvent */
/** @typedef {import("./events.js").GapEvent} GapEvent */
/** @typedef {import("./run-state.js").RunState} RunState */

/**
 * An event and the line of JSON that it came as.
 * @typedef {object} Entry
 * @property {ExecutionEvent} event
 * @property {string} text
 */

/** @typedef {{ opened: ItemTrack, success: ItemTrack, cached: ItemTrack }} ItemTracks Those that began, ended in success, were taken over. */

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
    /** @type {Map<string, ItemTracks>} Node id → its items. */
    #items = new Map();
    /** @type {Map<string, import("./events.js").ScopeOpening & { seq: number }>} Node id → the first graph that began within it. */
    #openings = new Map();
    #path;
    /** @type {RunState} The state after the last event, but for the items that were counted since. */
    #latest;
    /** Whether items were counted since. */
    #isBehind = false;
    #lastSeq = 0;

    /**
     * @param {readonly string[]} nodeIds
     * @param {import("./run-state.js").RunStatus} [status] Before the first event.
     * @param {import("./scope-path.js").ScopePath} [path] Of the graph; events of others are not taken.
     */
    constructor(nodeIds, status = "queued", path = ROOT) {
        this.#path = path;
        this.#latest = emptyRun(nodeIds, status);
        this.#checkpoints = [{ index: 0, state: this.#latest }];
    }

    /** The state after the last event. */
    get latest() {
        if (this.#isBehind) this.#latest = this.#counted(this.#latest, this.#lastSeq);
        this.#isBehind = false;
        return this.#latest;
    }

    /** The seq of the last event, 0 before the first. */
    get lastSeq() {
        return this.#lastSeq;
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
     * @returns {boolean} Whether it was new and of this graph; else it is ignored.
     */
    push(event, text) {
        if (event.seq <= this.lastSeq || ("node_id" in event && !isSamePath(event.path, this.#path))) return false;
        this.#lastSeq = event.seq;
        if (event.type === "node_output" && this.#isCounted(event)) return true;
        this.#latest = reduce(this.#latest, event);
        this.#entries.push({ event, text });
        if (event.type === "start" && event.attempt > 1) this.seams.push(event.seq);
        if (event.type === "node_complete" && !event.will_retry) this.#ends.push(this.#entries.length - 1);
        if ("node_id" in event) this.#remember(event.node_id);
        if (this.#entries.length % EVENTS_PER_CHECKPOINT === 0) {
            this.#checkpoints.push({ index: this.#entries.length, state: this.#latest });
        }
        return true;
    }

    /**
     * Takes note of an item that began, ended in success or was taken over.
     * @param {import("./events.js").NodeOutputEvent} event
     * @returns {boolean} Whether it tells of one.
     */
    #isCounted(event) {
        const { node_id: id, seq } = event, opening = openedScope(event);
        if (opening && !this.#openings.has(id)) this.#openings.set(id, { ...opening, seq });
        if (!nodeState(this.#latest, id)?.items) return false;
        const item = endedItem(event), index = opening?.index ?? item?.index, end = opening ? "opened" : item?.end;
        if (index === undefined || !end || end === "error" || end === "cancelled") return false;
        const known = this.#items.get(id), tracks = known ?? { opened: new ItemTrack(), success: new ItemTrack(), cached: new ItemTrack() };
        if (!known) this.#items.set(id, tracks);
        tracks[end].push(seq, Date.parse(event.timestamp), index);
        this.#isBehind = true;
        return true;
    }

    /**
     * Where a graph within a node began, and of which graph it is a revision; undefined where it has not.
     * @param {string} nodeId
     * @param {number | null} index Of the item or iteration.
     */
    opening(nodeId, index) {
        const first = this.#openings.get(nodeId);
        const seq = index === null ? first?.seq : this.#items.get(nodeId)?.opened.seqOf(index);
        return first && seq !== undefined ? { ...first, seq } : undefined;
    }

    /**
     * Whether the result of an item was taken over from another execution.
     * @param {string} nodeId
     * @param {number | null} index
     */
    isTakenOver(nodeId, index) {
        return index !== null && this.#items.get(nodeId)?.cached.seqOf(index) !== undefined;
    }

    /**
     * The largest index of a node's items or iterations that have begun or were taken over; -1 without any.
     * @param {string} nodeId
     */
    lastIndex(nodeId) {
        const tracks = this.#items.get(nodeId);
        return tracks ? Math.max(tracks.opened.lastIndex, tracks.cached.lastIndex) : -1;
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
        return this.#counted(state, seq);
    }

    /**
     * A state with the items that had been counted by then.
     * @param {RunState} state
     * @param {number} seq
     */
    #counted(state, seq) {
        let next = state;
        for (const [id, { opened, success, cached }] of this.#items) {
            const counts = { opened: opened.countThrough(seq), success: success.countThrough(seq), cached: cached.countThrough(seq) };
            next = withItems(next, id, { ...counts, total: counts.opened > 0 ? this.#openings.get(id)?.total ?? null : null });
        }
        return next.seq < seq ? { ...next, seq: this.seqBeside(seq + 1, -1) } : next;
    }

    get #tracks() {
        return [...this.#items.values()].flatMap(({ opened, success, cached }) => [opened, success, cached]);
    }

    /**
     * The seq of the next event that is shown after (1) or before (-1) another; 0 before the first.
     * @param {number} seq
     * @param {1 | -1} direction
     */
    seqBeside(seq, direction) {
        const isOn = direction > 0, tracks = this.#tracks;
        const entry = this.#entries[isOn ? this.countThrough(seq) : this.countThrough(seq - 1) - 1];
        const beside = [entry?.event, ...tracks.map((track) => track.at(isOn ? track.countThrough(seq) : track.countThrough(seq - 1) - 1))];
        const seqs = beside.flatMap((each) => each?.seq ?? []);
        return isOn ? Math.min(...seqs, this.lastSeq) : Math.max(0, ...seqs);
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
        let last = entry ? { seq: entry.event.seq, time: Date.parse(entry.event.timestamp) } : null;
        for (const track of this.#tracks) {
            const item = track.at(track.countThrough(seq) - 1);
            if (item && item.seq > (last?.seq ?? 0)) last = item;
        }
        return last?.time ?? null;
    }
}

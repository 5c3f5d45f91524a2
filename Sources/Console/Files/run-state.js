// What an execution, or a graph that runs within one of its nodes, looks like after some of its events: a pure function of
// them. The live view, a late joiner, a reload and the scrubber all show the state that `reduce` makes, so they cannot differ.
//
// States are immutable and share what did not change. The nodes stand in blocks, so that an event copies one block and
// the list of blocks, not all nodes of a large graph; and whoever draws compares blocks by identity.

import { interrupted, nodeCompleted, nodeOutput, nodeStarted, pendingNode } from "./node-state.js";

/** @typedef {import("./events.js").ExecutionEvent} ExecutionEvent */
/** @typedef {import("./node-state.js").NodeState} NodeState */
/** @typedef {import("./node-state.js").NodeStatus} NodeStatus */
/** @typedef {"idle" | "queued" | "running" | "held" | "success" | "error" | "cancelled" | "failed"} RunStatus */

/**
 * @typedef {object} RunState
 * @property {RunStatus} status
 * @property {number} seq The last event that is in it.
 * @property {number} attempt How often the execution was started or resumed.
 * @property {number | null} startedAt Milliseconds since 1970.
 * @property {number | null} endedAt
 * @property {number | null} durationMs As the server measured it, once the execution has ended.
 * @property {string | null} error The critical fault that ended it.
 * @property {number | null} endSeq The seq of the terminal event.
 * @property {number | null} startSeq The seq of the latest `start`.
 * @property {Readonly<Record<NodeStatus, number>>} counts
 * @property {ReadonlyMap<string, number>} places Node id → its place; shared by all states of an execution.
 * @property {readonly (readonly NodeState[])[]} blocks
 */

export const BLOCK_SIZE = 64;

/**
 * The state before the first event.
 * @param {readonly string[]} nodeIds In the order of the document.
 * @param {RunStatus} [status]
 * @returns {RunState}
 */
export function emptyRun(nodeIds, status = "idle") {
    /** @type {NodeState[][]} */
    const blocks = [];
    for (let start = 0; start < nodeIds.length; start += BLOCK_SIZE) {
        blocks.push(new Array(Math.min(BLOCK_SIZE, nodeIds.length - start)).fill(pendingNode));
    }
    return {
        status, seq: 0, attempt: 0, startedAt: null, endedAt: null, durationMs: null, error: null, endSeq: null, startSeq: null,
        counts: { pending: nodeIds.length, running: 0, waiting: 0, retrying: 0, success: 0, error: 0, skipped: 0, cancelled: 0, cached: 0 },
        places: new Map(nodeIds.map((id, place) => [id, place])), blocks,
    };
}

/**
 * @param {RunState} state
 * @param {string} id
 * @returns {NodeState | undefined}
 */
export function nodeState(state, id) {
    const place = state.places.get(id);
    return place === undefined ? undefined : state.blocks[Math.floor(place / BLOCK_SIZE)][place % BLOCK_SIZE];
}

/** @param {RunState} state */
export function isFinished(state) {
    return state.endSeq !== null;
}

/**
 * How many nodes have ended, in whatever way.
 * @param {RunState} state
 */
export function finishedCount(state) {
    const { success, error, skipped, cancelled, cached } = state.counts;
    return success + error + skipped + cancelled + cached;
}

/**
 * The state after one more event of the graph that it is of: events of graphs within its nodes have no place here.
 * @param {RunState} state
 * @param {ExecutionEvent} event
 * @returns {RunState}
 */
export function reduce(state, event) {
    // A graph within a node has no `start`: it begins with what its first node does.
    const next = { ...state, seq: event.seq, startedAt: state.startedAt ?? Date.parse(event.timestamp) };
    switch (event.type) {
        case "start":
            return started(next, event);
        case "node_start":
            return withNode(begun(next), event.node_id, (node) => nodeStarted(node, event));
        case "node_output":
            return withNode(next, event.node_id, (node) => nodeOutput(node, event));
        case "node_complete":
            return withNode(next, event.node_id, (node) => nodeCompleted(node, event));
        case "scope_end":
            return ended({ ...next, status: scopeStatus(event.status), durationMs: event.duration_ms, error: event.error ?? null }, event);
        case "complete":
            return ended({ ...next, status: event.status, durationMs: event.duration_ms }, event);
        case "error":
            return ended({ ...next, status: "failed", error: event.error }, event);
        default:
            // An event type of a later server: it has a seq, and changes nothing that is shown here.
            return next;
    }
}

/**
 * A graph within a node begins with its first node; one of an item that failed runs again when the node around it does.
 * @param {RunState} state
 * @returns {RunState}
 */
function begun(state) {
    return state.status === "running" ? state : { ...state, status: "running", endSeq: null, endedAt: null, durationMs: null, error: null };
}

/** @param {import("./events.js").NodeEnd} end @returns {RunStatus} */
function scopeStatus(end) {
    return end === "error" || end === "cancelled" ? end : "success";
}

/**
 * @param {RunState} state
 * @param {import("./events.js").StartEvent} event
 * @returns {RunState}
 */
function started(state, event) {
    const next = { ...state, status: /** @type {RunStatus} */ ("running"), attempt: event.attempt, startSeq: event.seq };
    return event.attempt > 1 ? interruptedOpenNodes(next) : next;
}

/**
 * A second `start` means that the daemon was restarted, and that what ran then was interrupted.
 * @param {RunState} state
 * @returns {RunState}
 */
function interruptedOpenNodes(state) {
    let next = state;
    for (const [id] of state.places) {
        if (nodeState(state, id)?.status === "running") next = withNode(next, id, interrupted);
    }
    return next;
}

/** @param {RunState} state @param {ExecutionEvent} event @returns {RunState} */
function ended(state, event) {
    return { ...state, endSeq: event.seq, endedAt: Date.parse(event.timestamp) };
}

/**
 * The state with one node changed. An event of a node that the graph does not have changes nothing.
 * @param {RunState} state
 * @param {string} id
 * @param {(node: NodeState) => NodeState} change
 * @returns {RunState}
 */
function withNode(state, id, change) {
    const place = state.places.get(id);
    if (place === undefined) return state;
    const blockIndex = Math.floor(place / BLOCK_SIZE);
    const block = state.blocks[blockIndex].slice();
    const old = block[place % BLOCK_SIZE];
    const node = change(old);
    if (node === old) return state;
    block[place % BLOCK_SIZE] = node;
    const blocks = state.blocks.slice();
    blocks[blockIndex] = block;
    if (old.status === node.status) return { ...state, blocks };
    const counts = { ...state.counts, [old.status]: state.counts[old.status] - 1 };
    counts[node.status] += 1;
    return { ...state, blocks, counts };
}

/**
 * The state with so many items of a node begun, ended in success, and taken over.
 * @param {RunState} state
 * @param {string} id
 * @param {{ opened: number, success: number, cached: number, total: number | null }} counts
 * @returns {RunState}
 */
export function withItems(state, id, counts) {
    return withNode(state, id, (node) => {
        const { items } = node;
        const isOther = items?.success !== counts.success || items.opened !== counts.opened || items.cached !== counts.cached;
        return items && isOther ? { ...node, items: { ...items, ...counts } } : node;
    });
}

// What an execution looks like after some of its events: a pure function of them. The live view, a late joiner, a reload
// and the scrubber all show the state that `reduce` makes, so they cannot differ.
//
// States are immutable and share what did not change. The nodes stand in blocks, so that an event copies one block and
// the list of blocks, not all nodes of a large graph; and whoever draws compares blocks by identity.

/** @typedef {import("./events.js").ExecutionEvent} ExecutionEvent */
/** @typedef {import("./events.js").GapEvent} GapEvent */
/** @typedef {import("./events.js").NodeCompleteEvent} NodeCompleteEvent */
/** @typedef {import("./events.js").NodeStartEvent} NodeStartEvent */
/** @typedef {import("./events.js").NodeEnd} NodeEnd */
/** @typedef {"pending" | "running" | "retrying" | NodeEnd} NodeStatus */
/** @typedef {"idle" | "queued" | "running" | "held" | "success" | "error" | "cancelled" | "failed"} RunStatus */

/**
 * @typedef {object} Attempt
 * @property {number} number
 * @property {number | null} startSeq The seq of its `node_start`; null for a node that never started.
 * @property {number | null} endSeq The seq of its `node_complete`; null while it runs, and for one that was interrupted.
 * @property {NodeEnd | "running" | "interrupted"} status
 * @property {number | null} durationMs
 * @property {number | null} queueMs
 */

/**
 * @typedef {object} NodeState
 * @property {NodeStatus} status
 * @property {number | null} startedAt Milliseconds since 1970, of the latest attempt.
 * @property {number | null} durationMs Of the latest attempt, once it has ended.
 * @property {string | null} error
 * @property {readonly Attempt[]} attempts
 * @property {number} outputCount
 * @property {readonly string[]} taken The targets of the outgoing edges that were taken.
 * @property {boolean} waits Its attempts only wait: a restart of the daemon does not interrupt them.
 */

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

/** @type {NodeState} */
const pendingNode = Object.freeze({
    status: "pending", startedAt: null, durationMs: null, error: null,
    attempts: Object.freeze([]), outputCount: 0, taken: Object.freeze([]), waits: false,
});

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
        counts: { pending: nodeIds.length, running: 0, retrying: 0, success: 0, error: 0, skipped: 0, cancelled: 0, cached: 0 },
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
 * The state after one more event.
 * @param {RunState} state
 * @param {ExecutionEvent} event
 * @returns {RunState}
 */
export function reduce(state, event) {
    const next = { ...state, seq: event.seq };
    switch (event.type) {
        case "start":
            return started(next, event);
        case "node_start":
            return isInner(event) ? next : withNode(next, event.node_id, (node) => nodeStarted(node, event));
        case "node_output":
            return withNode(next, outerNode(event), (node) => ({ ...node, outputCount: node.outputCount + 1 }));
        case "node_complete":
            return isInner(event) ? next : withNode(next, event.node_id, (node) => nodeCompleted(node, event));
        case "complete":
            return ended({ ...next, status: event.status, durationMs: event.duration_ms }, event);
        case "error":
            return ended({ ...next, status: "failed", error: event.error }, event);
        default:
            // An event type of a later server: it has a seq, and changes nothing that is shown here.
            return next;
    }
}

/** @param {{ path?: (string | number)[] }} event Of a node inside a map, repeat or graph node. */
export function isInner(event) {
    return event.path !== undefined && event.path.length > 0;
}

/**
 * The node of the graph that an event belongs to: for one of an inner node, the outermost node around it.
 * @param {{ node_id: string, path?: (string | number)[] }} event
 */
export function outerNode(event) {
    return isInner(event) && event.path ? String(event.path[0]) : event.node_id;
}

/**
 * @param {RunState} state
 * @param {import("./events.js").StartEvent} event
 * @returns {RunState}
 */
function started(state, event) {
    const startedAt = state.startedAt ?? Date.parse(event.timestamp);
    const next = { ...state, status: /** @type {RunStatus} */ ("running"), attempt: event.attempt, startedAt, startSeq: event.seq };
    return event.attempt > 1 ? interruptedOpenNodes(next) : next;
}

/**
 * A second `start` means that the daemon was restarted, and that what ran then was interrupted, but for what only waits.
 * @param {RunState} state
 * @returns {RunState}
 */
function interruptedOpenNodes(state) {
    let next = state;
    for (const [id] of state.places) {
        const node = nodeState(state, id);
        if (node?.status === "running" && !node.waits) next = withNode(next, id, interrupted);
    }
    return next;
}

/** @param {NodeState} node @returns {NodeState} */
function interrupted(node) {
    const attempts = node.attempts.map((attempt) =>
        attempt.status === "running" ? { ...attempt, status: /** @type {const} */ ("interrupted") } : attempt);
    return { ...node, status: "pending", startedAt: null, attempts };
}

/** @param {NodeState} node @param {NodeStartEvent} event @returns {NodeState} */
function nodeStarted(node, event) {
    /** @type {Attempt} */
    const attempt = {
        number: event.attempt, startSeq: event.seq, endSeq: null, status: "running", durationMs: null, queueMs: null,
    };
    return {
        ...node, status: "running", startedAt: Date.parse(event.timestamp), durationMs: null, error: null,
        attempts: [...node.attempts, attempt], waits: event.node_kind === "delay",
    };
}

/** @param {NodeState} node @param {NodeCompleteEvent} event @returns {NodeState} */
function nodeCompleted(node, event) {
    const open = node.attempts.findIndex((attempt) => attempt.status === "running");
    const before = open < 0 ? node.attempts : node.attempts.filter((_, index) => index !== open);
    /** @type {Attempt} */
    const attempt = {
        number: event.attempt, startSeq: open < 0 ? null : node.attempts[open].startSeq, endSeq: event.seq,
        status: event.status, durationMs: event.duration_ms, queueMs: event.queue_ms,
    };
    return {
        ...node, status: event.will_retry ? "retrying" : event.status, durationMs: event.duration_ms,
        error: event.error ?? null, attempts: [...before, attempt], taken: event.taken ?? [],
    };
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
    block[place % BLOCK_SIZE] = node;
    const blocks = state.blocks.slice();
    blocks[blockIndex] = block;
    if (old.status === node.status) return { ...state, blocks };
    const counts = { ...state.counts, [old.status]: state.counts[old.status] - 1 };
    counts[node.status] += 1;
    return { ...state, blocks, counts };
}

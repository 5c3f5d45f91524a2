// What is known of one node after some of its events: a pure function of them.

import { isQuestion } from "./approvals.js";

/** @typedef {import("./events.js").NodeCompleteEvent} NodeCompleteEvent */
/** @typedef {import("./events.js").NodeOutputEvent} NodeOutputEvent */
/** @typedef {import("./events.js").NodeStartEvent} NodeStartEvent */
/** @typedef {import("./events.js").NodeEnd} NodeEnd */
/** @typedef {"pending" | "running" | "waiting" | "retrying" | NodeEnd} NodeStatus `waiting`: for people. */

/**
 * @typedef {object} Attempt
 * @property {number} number
 * @property {number | null} startSeq The seq of its `node_start`; null for a node that never started.
 * @property {number | null} endSeq The seq of its `node_complete`; null while it runs, and for one that was interrupted.
 * @property {NodeEnd | "running" | "interrupted"} status
 * @property {number | null} durationMs
 * @property {number | null} queueMs
 * @property {number | null} waitMs How long it waited for people.
 * @property {import("./drawn-events.js").DrawnTask} [task] Of a node of a drawing: which of its runs this is.
 */

/**
 * What has become of a node's items or iterations. `cached` were taken over from another execution, and never began in this
 * one; `earlier` failed or were cancelled in attempts before the latest; `total` is null where nobody knows how many there will be.
 * @typedef {{ readonly total: number | null, readonly opened: number, readonly success: number, readonly cached: number, readonly error: number, readonly cancelled: number, readonly earlier: number }} ItemCounts
 */

/**
 * @typedef {object} NodeState
 * @property {NodeStatus} status
 * @property {number | null} startedAt Milliseconds since 1970: of the latest attempt, or since when it waits.
 * @property {number | null} durationMs Of the latest attempt, once it has ended.
 * @property {string | null} error
 * @property {readonly Attempt[]} attempts
 * @property {number} outputCount Items not among them.
 * @property {readonly string[]} taken The targets of the outgoing edges that were taken.
 * @property {readonly string[]} from Of a node of a drawing: the nodes whose ends led to it.
 * @property {string | null} kind Once it has started.
 * @property {ItemCounts | null} items Of a node that runs a graph for each item or iteration.
 * @property {number | null} question The seq of the event that asks what the node waits for.
 */

/** The kinds whose graph runs once for each item or iteration. */
const repeating = new Set(["map", "repeat"]);
/** The kinds that a restart of the daemon does not interrupt: they only wait. */
const parking = new Set(["delay", "approval"]);
/** The kinds that ask people. */
const asking = new Set(["approval", "langgraph"]);

const ITEM_CHANNEL = "item";
const SCOPE_CHANNEL = "scope";

/** @type {NodeState} */
export const pendingNode = Object.freeze({
    status: "pending", startedAt: null, durationMs: null, error: null,
    attempts: Object.freeze([]), outputCount: 0, taken: Object.freeze([]), from: Object.freeze([]), kind: null, items: null, question: null,
});

/** @type {ItemCounts} */
const noItems = Object.freeze({ total: null, opened: 0, success: 0, cached: 0, error: 0, cancelled: 0, earlier: 0 });

/** @param {NodeState} node */
export function isOpen({ status }) {
    return status === "running" || status === "waiting";
}

/** @param {ItemCounts} items */
export function endedCount({ success, cached, error, cancelled }) {
    return success + cached + error + cancelled;
}

/** @param {ItemCounts} items */
export function runningCount({ opened, success, error, cancelled, earlier }) {
    return opened - success - error - cancelled - earlier;
}

/** @param {NodeState} node @param {NodeStartEvent} event @returns {NodeState} */
export function nodeStarted(node, event) {
    const task = event.drawn;
    /** @type {Attempt} */
    const attempt = {
        ...(task && { task }), number: event.attempt, startSeq: event.seq, endSeq: null, status: "running", durationMs: null, queueMs: null, waitMs: null,
    };
    // A further attempt takes over the items that succeeded; the others run again.
    const items = repeating.has(event.node_kind) ? againItems(node.items ?? noItems) : null;
    return {
        ...node, status: "running", startedAt: Date.parse(event.timestamp), durationMs: null, error: null,
        attempts: [...(task ? node.attempts.filter((each) => !isSameRun(each, task)) : node.attempts), attempt],
        from: task ? [...new Set([...node.from, ...task.from])] : node.from, kind: event.node_kind, items, question: null,
    };
}

/**
 * Whether that is a run which has begun and not ended: one that waited for an answer begins anew.
 * @param {Attempt} attempt
 * @param {import("./drawn-events.js").DrawnTask} task
 */
function isSameRun({ status, task }, { key }) {
    return status === "running" && task?.key === key;
}

/** @param {ItemCounts} items @returns {ItemCounts} */
function againItems({ total, opened, success, cached, error, cancelled, earlier }) {
    return { ...noItems, total, opened, success, cached, earlier: earlier + error + cancelled };
}

/** @param {NodeState} node @param {NodeOutputEvent} event @returns {NodeState} */
export function nodeOutput(node, event) {
    const { items } = node, item = items && endedItem(event);
    // Those that began, and that ended in success, may be a million: the timeline counts them (`withItems`).
    if (items && (item?.end === "error" || item?.end === "cancelled")) return { ...node, items: { ...items, [item.end]: items[item.end] + 1 } };
    if (items && (item || openedScope(event))) return node;
    const next = { ...node, outputCount: node.outputCount + 1 };
    if (!isQuestion(event) || !asking.has(node.kind ?? "") || !isOpen(node)) return next;
    return { ...next, status: "waiting", startedAt: Date.parse(event.timestamp), question: event.seq };
}

/**
 * The item or iteration whose end an output tells of, and which of the counts it belongs to.
 * @param {NodeOutputEvent} event
 * @returns {(import("./events.js").ItemEnd & { end: "success" | "cached" | "error" | "cancelled" }) | null}
 */
export function endedItem({ channel, data }) {
    if (channel !== ITEM_CHANNEL || typeof data !== "object" || data === null) return null;
    const item = /** @type {import("./events.js").ItemEnd} */ (data), { status } = item;
    if (!Number.isInteger(item.index) || typeof status !== "string") return null;
    return { ...item, end: status === "error" || status === "cancelled" || status === "cached" ? status : "success" };
}

/**
 * The graph whose beginning within its node an output tells of.
 * @param {NodeOutputEvent} event
 * @returns {import("./events.js").ScopeOpening | null}
 */
export function openedScope(event) {
    const told = toldOfScope(event);
    return told?.status === "running" ? told : null;
}

/**
 * The graph that a node runs once, whose end an output tells of.
 * @param {NodeOutputEvent} event
 * @returns {import("./events.js").ScopeEnd | null}
 */
export function endedScope(event) {
    const told = toldOfScope(event);
    return told && told.status !== "running" ? told : null;
}

/** @param {NodeOutputEvent} event @returns {any} */
function toldOfScope({ channel, data }) {
    return channel === SCOPE_CHANNEL && typeof data === "object" && data !== null && "status" in data ? data : null;
}

/** @param {NodeState} node @param {NodeCompleteEvent} event @returns {NodeState} */
export function nodeCompleted(node, event) {
    const task = event.drawn;
    const open = node.attempts.findIndex((attempt) => (task ? isSameRun(attempt, task) : attempt.status === "running"));
    const before = open < 0 ? node.attempts : node.attempts.filter((_, index) => index !== open);
    // Several tasks of one drawn node may run at once: it runs as long as one of them does.
    const isOpenStill = task !== undefined && before.some(({ status }) => status === "running");
    /** @type {Attempt} */
    const attempt = {
        ...(task && { task }), number: event.attempt, startSeq: open < 0 ? null : node.attempts[open].startSeq, endSeq: event.seq,
        status: event.status, durationMs: event.duration_ms, queueMs: event.queue_ms, waitMs: event.wait_ms ?? null,
    };
    return {
        ...node, status: event.will_retry ? "retrying" : isOpenStill ? "running" : event.status, durationMs: event.duration_ms,
        from: task ? [...new Set([...node.from, ...task.from])] : node.from,
        error: event.error ?? null, attempts: [...before, attempt], taken: event.taken ?? [], question: null,
    };
}

/**
 * After a restart of the daemon what ran is to run again, but for what only waits.
 * @param {NodeState} node
 * @returns {NodeState}
 */
export function interrupted(node) {
    if (node.status !== "running" || parking.has(node.kind ?? "")) return node;
    const attempts = node.attempts.map((attempt) =>
        attempt.status === "running" ? { ...attempt, status: /** @type {const} */ ("interrupted") } : attempt);
    return { ...node, status: "pending", startedAt: null, attempts };
}

// Where the time of a graph within a node went, by its events. What must be known of all executions, such as what others
// usually take, is not in it.

import { nodeState } from "./run-state.js";

/** @typedef {import("./events.js").GraphNode} GraphNode */
/** @typedef {import("./node-state.js").Attempt} Attempt */
/** @typedef {import("./profile-model.js").ExecutionProfile} ExecutionProfile */
/** @typedef {import("./profile-model.js").NodeProfile} NodeProfile */
/** @typedef {import("./profile-model.js").Segment} Segment */
/** @typedef {import("./timeline.js").Timeline} Timeline */

/**
 * @param {Timeline} timeline
 * @param {readonly GraphNode[]} nodes
 * @param {number} now Milliseconds since 1970 by the server's clock.
 * @returns {ExecutionProfile}
 */
export function innerProfile(timeline, nodes, now) {
    const { latest } = timeline, begin = latest.startedAt ?? now, end = latest.endedAt ?? now;
    return {
        execution_id: "", graph_id: "", graph_revision: 0, status: latest.status, is_final: latest.endSeq !== null,
        wall_ms: latest.durationMs ?? Math.max(end - begin, 0), nodes: nodes.map((node) => profileOf(timeline, node, begin, end)),
        critical_path: [], bottleneck: null,
    };
}

/**
 * @param {Timeline} timeline
 * @param {GraphNode} node
 * @param {number} begin
 * @param {number} end
 * @returns {NodeProfile}
 */
function profileOf(timeline, { id, name, kind }, begin, end) {
    const state = nodeState(timeline.latest, id), attempts = state?.attempts ?? [];
    /** @type {Segment[]} */
    const segments = [];
    for (const attempt of attempts) {
        const before = segments.at(-1), started = timeOf(timeline, attempt.startSeq);
        if (started === null) continue;
        const queued = started - begin - (attempt.queueMs ?? 0), waited = before ? queued - before.start_ms - before.duration_ms : 0;
        if (before && waited > 0) segments.push({ kind: "retry_wait", attempt: attempt.number, start_ms: before.start_ms + before.duration_ms, duration_ms: waited });
        if ((attempt.queueMs ?? 0) > 0) segments.push({ kind: "queue", attempt: attempt.number, start_ms: queued, duration_ms: attempt.queueMs ?? 0 });
        const broken = attempt.status === "interrupted" ? timeline.seams.find((seq) => seq > (attempt.startSeq ?? 0)) : undefined;
        segments.push(...runOf(attempt, started - begin, (timeOf(timeline, broken ?? null) ?? end) - begin));
    }
    const total = (/** @type {Segment["kind"]} */ wanted) => segments.reduce((sum, { kind, duration_ms }) => sum + (kind === wanted ? duration_ms : 0), 0);
    return {
        node_id: id, node_name: name ?? id, node_kind: kind, status: state?.status ?? "pending", attempts: attempts.length, ready_at_ms: segments[0]?.start_ms ?? null,
        queue_ms: total("queue"), run_ms: total("run"), wait_ms: total("wait"), retry_wait_ms: total("retry_wait"), slack_ms: null, on_critical_path: false, segments,
    };
}

/**
 * What an attempt did from its start on.
 * @param {Attempt} attempt
 * @param {number} start
 * @param {number} end When an attempt that has no end was broken off, or now.
 * @returns {Segment[]}
 */
function runOf({ number, status, durationMs, waitMs }, start, end) {
    const ran = durationMs ?? Math.max(end - start, 0);
    /** @type {Segment[]} */
    const segments = [{ kind: status === "interrupted" ? "interrupted" : "run", attempt: number, start_ms: start, duration_ms: ran }];
    if (waitMs !== null) segments.push({ kind: "wait", attempt: number, start_ms: start + ran, duration_ms: waitMs });
    return segments;
}

/** @param {Timeline} timeline @param {number | null} seq */
function timeOf(timeline, seq) {
    const entry = timeline.entry(seq);
    return entry ? Date.parse(entry.event.timestamp) : null;
}

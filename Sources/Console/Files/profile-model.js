// Where the time of an execution went: what the server's profile says, in words and in places on a time axis.

import { duration } from "./format.js";

/** @typedef {"queue" | "run" | "wait" | "retry_wait" | "interrupted"} SegmentKind */
/** @typedef {{ kind: SegmentKind, attempt: number, start_ms: number, duration_ms: number }} Segment */

/**
 * @typedef {object} NodeProfile
 * @property {string} node_id
 * @property {string} node_name
 * @property {string} node_kind
 * @property {string} status
 * @property {number} attempts
 * @property {number | null} ready_at_ms
 * @property {number} queue_ms
 * @property {number} run_ms
 * @property {number} retry_wait_ms
 * @property {number} [wait_ms] For answers of people.
 * @property {number | null} slack_ms
 * @property {boolean} on_critical_path
 * @property {Segment[]} segments
 */

/**
 * @typedef {object} ExecutionProfile
 * @property {string} execution_id
 * @property {string} graph_id
 * @property {number} graph_revision
 * @property {string} status
 * @property {number} wall_ms
 * @property {boolean} is_final
 * @property {NodeProfile[]} nodes
 * @property {{ node_id: string | null, kind: SegmentKind | "engine", start_ms: number, duration_ms: number }[]} critical_path
 * @property {{ node_id: string, run_ms: number, share: number, reason: string } | null} bottleneck
 */

/**
 * @typedef {object} NodeHistory
 * @property {string} node_id
 * @property {string} node_name
 * @property {string} node_kind
 * @property {number} runs
 * @property {number} errors
 * @property {number | null} run_p50_ms
 * @property {number | null} run_p95_ms
 * @property {number | null} queue_p50_ms
 * @property {number | null} queue_p95_ms
 * @property {number | null} earlier_run_p50_ms
 * @property {number | null} recent_run_p50_ms
 * @property {number | null} change
 */

/**
 * @typedef {object} GraphProfile
 * @property {string} graph_id
 * @property {number} executions
 * @property {NodeHistory[]} nodes
 * @property {{ node_id: string, earlier_run_p50_ms: number, recent_run_p50_ms: number, factor: number }[]} slower
 */

/** A node this much slower or faster than usual is worth a word; smaller differences are chance. */
const NOTABLE_FACTOR = 1.25;
const NOTABLE_MS = 5;

/**
 * The nodes that took part, in the order in which they became ready.
 * @param {ExecutionProfile} profile
 */
export function byStart(profile) {
    const begin = (/** @type {NodeProfile} */ node) => node.segments[0]?.start_ms ?? Infinity;
    return profile.nodes.filter((node) => node.segments.length > 0).sort((a, b) => begin(a) - begin(b));
}

/**
 * Round steps for a time axis.
 * @param {number} wallMs
 * @param {number} countMax
 * @returns {number[]} From 0 on.
 */
export function ticks(wallMs, countMax) {
    if (!(wallMs > 0)) return [0];
    const rough = wallMs / countMax, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? 10 * power;
    return Array.from({ length: Math.floor(wallMs / step + 1e-9) + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/**
 * How hot each node is: its share of the longest run, 0…1.
 * @param {ExecutionProfile} profile
 * @returns {Map<string, number>}
 */
export function heat(profile) {
    const highest = Math.max(...profile.nodes.map((node) => node.run_ms), 0);
    return new Map(profile.nodes.map((node) => [node.node_id, highest > 0 ? node.run_ms / highest : 0]));
}

/**
 * What held the execution up, in a sentence.
 * @param {ExecutionProfile} profile
 */
export function bottleneckWords(profile) {
    const { bottleneck } = profile;
    if (!bottleneck) return profile.is_final ? "No node held this run up." : "The run is still going on.";
    const name = profile.nodes.find((node) => node.node_id === bottleneck.node_id)?.node_name ?? bottleneck.node_id;
    return `Bottleneck: ${name}, ${Math.round(bottleneck.share * 100)} % of ${duration(profile.wall_ms)}; ${bottleneck.reason}.`;
}

/**
 * How a node did against its earlier runs.
 * @param {NodeProfile} node
 * @param {NodeHistory | undefined} history
 * @returns {{ words: string, trend: "slower" | "faster" | "usual" | "unknown" }}
 */
export function comparison(node, history) {
    const usual = history?.run_p50_ms;
    if (usual === undefined || usual === null || node.run_ms === 0) return { words: "", trend: "unknown" };
    const difference = node.run_ms - usual;
    if (Math.abs(difference) < NOTABLE_MS) return { words: "as usual", trend: "usual" };
    if (node.run_ms >= usual * NOTABLE_FACTOR) return { words: `${duration(difference)} slower`, trend: "slower" };
    if (node.run_ms * NOTABLE_FACTOR <= usual) return { words: `${duration(-difference)} faster`, trend: "faster" };
    return { words: "as usual", trend: "usual" };
}

/** @param {SegmentKind | "engine"} kind */
export function segmentWord(kind) {
    return { queue: "waits for a place", run: "runs", wait: "waits for an answer", retry_wait: "waits to be retried", interrupted: "interrupted", engine: "engine" }[kind];
}

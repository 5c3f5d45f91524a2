// Which of the server's figures the operation page plots, and how they are made from two readings of its metrics.

import { quantileOf, rate, total } from "./metrics-text.js";

/** @typedef {ReadonlyMap<string, import("./metrics-text.js").Sample[]>} Metrics */
/** @typedef {{ metrics: Metrics, seconds: number }} Reading `seconds` by any steady clock. */
/** @typedef {(now: Reading, before: Reading | null) => number | undefined} Measure */
/** @typedef {{ name: string, help: string, unit: "" | "/s" | "ms" | "bytes" | "bytes/s" | "%", measure: Measure }} Figure */
/** @typedef {{ title: string, figures: Figure[] }} FigureGroup */

/** @param {string} name @returns {Measure} */
const gauge = (name) => ({ metrics }) => total(metrics, name);

/** @param {string} name @returns {Measure} */
const perSecond = (name) => (now, before) =>
    before ? rate(total(before.metrics, name), total(now.metrics, name), now.seconds - before.seconds) : undefined;

/** @param {string} name Of a histogram in seconds. @param {number} quantile @returns {Measure} */
const quantileMs = (name, quantile) => ({ metrics }, before) => {
    const value = quantileOf(before?.metrics.get(`${name}_bucket`), metrics.get(`${name}_bucket`), quantile);
    return value === undefined ? undefined : value * 1000;
};

/**
 * How much a sum grew for each time its counter did, in milliseconds.
 * @param {string} sum
 * @param {string} counter
 * @returns {Measure}
 */
const meanMs = (sum, counter) => (now, before) => {
    if (!before) return undefined;
    const [spent, times] = [sum, counter].map((name) => (total(now.metrics, name) ?? NaN) - (total(before.metrics, name) ?? NaN));
    return times > 0 ? (spent / times) * 1000 : Number.isFinite(times) ? 0 : undefined;
};

/** @type {FigureGroup[]} */
export const figureGroups = [
    {
        title: "Executions",
        figures: [
            { name: "Running", help: "Executions that have begun and not ended", unit: "", measure: gauge("millrace_executions_running") },
            { name: "Queue", help: "Executions that wait for a place", unit: "", measure: gauge("millrace_executions_queued") },
            { name: "Started", help: "Executions started each second", unit: "/s", measure: perSecond("millrace_executions_started_total") },
        ],
    },
    {
        title: "Streams and connections",
        figures: [
            { name: "Streams", help: "Event streams that are open", unit: "", measure: gauge("millrace_streams_open") },
            { name: "Dashboards", help: "Streams of whole dashboards, such as this browser's", unit: "", measure: gauge("millrace_dashboards_open") },
            { name: "Furthest behind", help: "Events that the slowest reader of a stream has still to take", unit: "", measure: gauge("millrace_stream_lag_events_max") },
            { name: "Connections", help: "Connections that are open", unit: "", measure: gauge("millrace_connections_open") },
            { name: "Requests", help: "Requests each second", unit: "/s", measure: perSecond("millrace_http_requests_total") },
            { name: "Sent", help: "Bytes sent to clients each second", unit: "bytes/s", measure: perSecond("millrace_sent_bytes_total") },
        ],
    },
    {
        title: "Worker pool",
        figures: [
            { name: "Busy threads", help: "Threads of the pool that run something", unit: "", measure: gauge("millrace_workers_busy") },
            { name: "Waiting jobs", help: "Jobs that wait for a thread", unit: "", measure: gauge("millrace_worker_jobs_queued") },
            { name: "Waiting calls", help: "Python nodes that wait for a worker process", unit: "", measure: gauge("millrace_worker_calls_waiting") },
            { name: "Worker processes", help: "Processes that run Python nodes", unit: "", measure: gauge("millrace_worker_processes") },
        ],
    },
    {
        title: "Event loop",
        figures: [
            { name: "Turns", help: "Turns of the event loop each second", unit: "/s", measure: perSecond("millrace_reactor_turns_total") },
            { name: "Turn, median", help: "Half of the turns take no longer", unit: "ms", measure: quantileMs("millrace_reactor_turn_seconds", 0.5) },
            { name: "Turn, 99 %", help: "One turn in a hundred takes longer", unit: "ms", measure: quantileMs("millrace_reactor_turn_seconds", 0.99) },
        ],
    },
    {
        title: "Store",
        figures: [
            { name: "Commits", help: "Transactions each second", unit: "/s", measure: perSecond("millrace_store_commits_total") },
            { name: "Events", help: "Events stored each second", unit: "/s", measure: perSecond("millrace_store_events_total") },
            { name: "Commit time", help: "A transaction takes so long on average", unit: "ms", measure: meanMs("millrace_store_commit_seconds_sum", "millrace_store_commit_seconds_count") },
            { name: "Size", help: "Bytes of the history's file", unit: "bytes", measure: gauge("millrace_store_bytes") },
        ],
    },
];

/**
 * A value with its unit, short.
 * @param {number} value
 * @param {Figure["unit"]} unit
 */
export function valueText(value, unit) {
    switch (unit) {
        case "ms":
            return value < 10 ? `${Number(value.toPrecision(2))} ms` : `${Math.round(value)} ms`;
        case "%":
            return `${Math.round(value)} %`;
        case "bytes":
        case "bytes/s": {
            const power = value < 1 ? 0 : Math.min(4, Math.floor(Math.log2(value) / 10));
            return `${compact(value / 1024 ** power)} ${["B", "KiB", "MiB", "GiB", "TiB"][power]}${unit === "bytes/s" ? "/s" : ""}`;
        }
        default:
            return `${compact(value)}${unit === "/s" ? " /s" : ""}`;
    }
}

/** @param {number} value */
function compact(value) {
    if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
    if (value >= 1e4) return `${Number((value / 1e3).toPrecision(3))} k`;
    return String(value >= 100 || Number.isInteger(value) ? Math.round(value) : Number(value.toPrecision(2)));
}

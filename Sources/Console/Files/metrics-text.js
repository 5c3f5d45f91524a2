// The Prometheus text format, as far as the console reads it: names, labels, numbers.

/** @typedef {{ labels: Record<string, string>, value: number }} Sample */

const LINE = /^([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

/**
 * @param {string} text
 * @returns {Map<string, Sample[]>} Name → its samples.
 */
export function parseMetrics(text) {
    /** @type {Map<string, Sample[]>} */
    const metrics = new Map();
    for (const line of text.split("\n")) {
        if (line.startsWith("#")) continue;
        const match = LINE.exec(line);
        if (!match) continue;
        const [, name, labelText, number] = match;
        const value = number === "+Inf" ? Infinity : number === "-Inf" ? -Infinity : Number(number);
        if (Number.isNaN(value)) continue;
        /** @type {Record<string, string>} */
        const labels = {};
        for (const [, key, text] of (labelText ?? "").matchAll(LABEL)) {
            labels[key] = text.replace(/\\(["\\n])/g, (_, character) => (character === "n" ? "\n" : character));
        }
        const samples = metrics.get(name);
        if (samples) samples.push({ labels, value });
        else metrics.set(name, [{ labels, value }]);
    }
    return metrics;
}

/**
 * The sum of a metric's samples; undefined if there is none.
 * @param {ReadonlyMap<string, Sample[]>} metrics
 * @param {string} name
 */
export function total(metrics, name) {
    return metrics.get(name)?.reduce((sum, { value }) => sum + value, 0);
}

/**
 * How much a counter grew per second; undefined while that is not known. One that has shrunk began anew.
 * @param {number | undefined} before
 * @param {number | undefined} now
 * @param {number} seconds
 */
export function rate(before, now, seconds) {
    if (before === undefined || now === undefined || seconds <= 0) return undefined;
    return (now >= before ? now - before : now) / seconds;
}

/**
 * A quantile of what a histogram counted between two readings, by linear interpolation within its bucket.
 * @param {Sample[] | undefined} before Buckets with the label `le`.
 * @param {Sample[] | undefined} now
 * @param {number} quantile 0…1.
 * @returns {number | undefined}
 */
export function quantileOf(before, now, quantile) {
    if (!now) return undefined;
    const sums = new Map();
    for (const { labels, value } of now) sums.set(limit(labels), (sums.get(limit(labels)) ?? 0) + value);
    for (const { labels, value } of before ?? []) sums.set(limit(labels), (sums.get(limit(labels)) ?? 0) - value);
    const buckets = [...sums].sort(([a], [b]) => a - b);
    const count = buckets.at(-1)?.[1] ?? 0;
    if (!(count > 0)) return undefined;
    const rank = quantile * count;
    let low = 0, below = 0;
    for (const [high, sum] of buckets) {
        if (sum >= rank) return high === Infinity ? low : low + (high - low) * ((rank - below) / Math.max(sum - below, 1));
        [low, below] = [high, sum];
    }
    return low;
}

/** @param {Record<string, string>} labels */
function limit({ le }) {
    return le === "+Inf" ? Infinity : Number(le);
}

// Numbers and times for people.

/**
 * A duration in at most three digits and a unit: `0.4 ms`, `12 ms`, `1.85 s`, `3 min 12 s`, `2 h 5 min`.
 * @param {number} milliseconds
 */
export function duration(milliseconds) {
    const value = Math.max(0, milliseconds);
    if (value < 10) return `${Number(value.toFixed(1))} ms`;
    if (value < 999.5) return `${Math.round(value)} ms`;
    if (value < 9_995) return `${(value / 1000).toFixed(2)} s`;
    if (value < 59_950) return `${(value / 1000).toFixed(1)} s`;
    const seconds = Math.round(value / 1000);
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
    const minutes = Math.round(seconds / 60);
    return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * A running clock that keeps its width: `0.0 s`, `12.3 s`, `3:05`, `1:02:05`.
 * @param {number} milliseconds
 */
export function clock(milliseconds) {
    const value = Math.max(0, milliseconds);
    if (value < 59_950) return `${(value / 1000).toFixed(1)} s`;
    const seconds = Math.floor(value / 1000);
    const twoDigits = (/** @type {number} */ number) => String(number).padStart(2, "0");
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
    if (hours > 0) return `${hours}:${twoDigits(minutes)}:${twoDigits(seconds % 60)}`;
    return `${minutes}:${twoDigits(seconds % 60)}`;
}

/**
 * A time since the start of an execution: `+0.012`, `+75.300`, in seconds.
 * @param {number} milliseconds
 */
export function offset(milliseconds) {
    return `+${(Math.max(0, milliseconds) / 1000).toFixed(3)}`;
}

/**
 * How long ago that was: `just now`, `3 min ago`, `2 h ago`, then the date.
 * @param {string} timestamp RFC 3339.
 * @param {number} now Milliseconds since 1970.
 */
export function ago(timestamp, now) {
    const seconds = (now - Date.parse(timestamp)) / 1000;
    if (seconds < 10) return "just now";
    if (seconds < 60) return `${Math.floor(seconds)} s ago`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
    if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
    return moment(timestamp);
}

/**
 * A point in time in the reader's own zone and language.
 * @param {string} timestamp RFC 3339.
 */
export function moment(timestamp) {
    return new Date(timestamp).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/**
 * `1 node`, `3 nodes`.
 * @param {number} number
 * @param {string} noun
 */
export function count(number, noun) {
    return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

// How statuses are called and drawn. Never by colour alone: each has a word and an icon.

import { element, icon } from "./dom.js";

/** @typedef {import("./dom.js").IconName} IconName */
/** @typedef {import("./node-state.js").NodeStatus} NodeStatus */
/** @typedef {import("./run-state.js").RunStatus} RunStatus */

/** @type {Record<NodeStatus | RunStatus, { word: string, icon: IconName }>} */
const looks = {
    idle: { word: "Not running", icon: "pending" },
    queued: { word: "Queued", icon: "pending" },
    pending: { word: "Pending", icon: "pending" },
    running: { word: "Running", icon: "running" },
    waiting: { word: "Waiting for an answer", icon: "waiting" },
    held: { word: "Held", icon: "pending" },
    retrying: { word: "Retrying", icon: "retrying" },
    success: { word: "Success", icon: "success" },
    error: { word: "Error", icon: "error" },
    failed: { word: "Failed", icon: "error" },
    skipped: { word: "Skipped", icon: "skipped" },
    cancelled: { word: "Cancelled", icon: "cancelled" },
    cached: { word: "Cached", icon: "cached" },
};

const unknown = { word: "Unknown", icon: /** @type {IconName} */ ("pending") };

/** @param {string} status */
export function statusWord(status) {
    return (looks[/** @type {NodeStatus} */ (status)] ?? unknown).word;
}

/** @param {string} status @returns {IconName} */
export function statusIcon(status) {
    return (looks[/** @type {NodeStatus} */ (status)] ?? unknown).icon;
}

/** @param {string} status */
export function statusBadge(status) {
    return element("span", { class: "badge", "data-status": status }, icon(statusIcon(status)), statusWord(status));
}

// The items of a map, or the iterations of a repeat, as the server lists them.

import { pathText } from "./scope-path.js";

/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */
/** @typedef {import("./scope-path.js").ScopePath} ScopePath */

/**
 * @typedef {object} NodeItem
 * @property {number} index
 * @property {import("./events.js").NodeEnd | "running"} status
 * @property {number | null} [duration_ms]
 * @property {string} [error]
 */

/** Which items are wanted. */
export const itemFilters = [
    { value: "", text: "All" }, { value: "error", text: "Failed" }, { value: "running", text: "Running" },
    { value: "success", text: "Succeeded" }, { value: "cached", text: "Taken over" }, { value: "cancelled", text: "Cancelled" },
];

const PAGE_SIZE = 50;

/**
 * @param {GraphAPI} api
 * @param {{ executionId: string, nodeId: string, path: ScopePath }} of
 * @param {{ status?: string, cursor?: string }} wanted
 * @returns {Promise<import("./events.js").Page<NodeItem>>} In the order of their indices.
 */
export async function listItems(api, { executionId, nodeId, path }, { status, cursor }) {
    const query = new URLSearchParams({ limit: `${PAGE_SIZE}`, ...(status && { status }), ...(cursor && { cursor }) });
    const where = path.length > 0 ? `&path=${pathText(path)}` : "";
    return (await api.send(`api/executions/${encodeURIComponent(executionId)}/nodes/${encodeURIComponent(nodeId)}/items?${query}${where}`)).json();
}

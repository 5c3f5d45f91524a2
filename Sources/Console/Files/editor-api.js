// The calls that only the editor makes.

import { memberText } from "./json-text.js";
import { parseTree } from "./json-tree.js";

/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */
/** @typedef {import("./json-tree.js").JSONTree} JSONTree */
/** @typedef {import("./schema.js").NodeKind} NodeKind */

/** @typedef {{ revision: number, created_at: string, deleted: boolean, file: string | null }} Revision */

/**
 * @typedef {object} Check
 * @property {boolean} valid
 * @property {{ pointer: string, message: string }[]} errors
 * @property {string | null} yaml The document as YAML, if that was asked for and the text could be parsed.
 * @property {JSONTree | null} document The same as JSON.
 */

export class EditorAPI {
    #api;
    /** @type {Promise<NodeKind[]> | null} */
    #kinds = null;

    /** @param {GraphAPI} api */
    constructor(api) {
        this.#api = api;
    }

    /** @returns {Promise<NodeKind[]>} */
    kinds() {
        this.#kinds ??= this.#api.send("api/node-kinds").then((response) => response.json());
        this.#kinds.catch(() => (this.#kinds = null));
        return this.#kinds;
    }

    /** @returns {Promise<{ start_graph: string | null, version: string }>} */
    async settings() {
        return (await this.#api.send("console/settings.json")).json();
    }

    /**
     * @param {string} text
     * @param {"json" | "yaml"} format Of the text.
     * @param {"json" | "yaml" | null} wanted What it is to be converted to.
     * @param {AbortSignal} [signal]
     * @returns {Promise<Check>}
     */
    async check(text, format, wanted, signal) {
        const response = await this.#api.send(`api/graphs/validate${wanted ? `?document=${wanted}` : ""}`, {
            method: "POST", headers: { "Content-Type": `application/${format}` }, body: text, signal,
        });
        const reply = await response.text();
        const { valid, errors, document } = JSON.parse(reply);
        // A parsed document has lost how its numbers were written; its text has not.
        const source = wanted === "json" ? memberText(reply, "document") : undefined;
        return { valid, errors, yaml: wanted === "yaml" ? document ?? null : null, document: source === undefined ? null : parseTree(source) };
    }

    /**
     * @param {string} id
     * @param {string} text
     * @param {number | null} revision The one that it replaces; null: there is none.
     * @returns {Promise<{ revision: number }>}
     */
    async save(id, text, revision) {
        /** @type {Record<string, string>} */
        const condition = revision === null ? { "If-None-Match": "*" } : { "If-Match": `"${revision}"` };
        const response = await this.#api.send(`api/graphs/${encodeURIComponent(id)}`, {
            method: "PUT", headers: { "Content-Type": "application/json", ...condition }, body: text,
        });
        return { revision: (await response.json()).revision };
    }

    /** @param {string} id @param {number} revision */
    async delete(id, revision) {
        await this.#api.send(`api/graphs/${encodeURIComponent(id)}`, { method: "DELETE", headers: { "If-Match": `"${revision}"` } });
    }

    /** @param {string} id @returns {Promise<Revision[]>} Newest first. */
    async revisions(id) {
        /** @type {{ items: Revision[] }} */
        const { items } = await (await this.#api.send(`api/graphs/${encodeURIComponent(id)}/revisions`)).json();
        return items.sort((a, b) => b.revision - a.revision);
    }

    /** @param {string} id @param {number} [revision] */
    graph(id, revision) {
        return this.#api.graph(id, revision);
    }

    /** @param {string} skeleton */
    layout(skeleton) {
        return this.#api.layout(skeleton);
    }

    /**
     * Starts an execution of the saved graph.
     * @param {string} id
     * @returns {Promise<string>} Its id.
     */
    async start(id) {
        const response = await this.#api.send(`api/graphs/${encodeURIComponent(id)}/execute`, {
            method: "POST", headers: { "Content-Type": "application/json", Prefer: "respond-async" }, body: "{}",
        });
        return (await response.json()).execution_id;
    }
}

// <execution-list>: executions, newest first, page by page; of one graph or of all.

import { element } from "./dom.js";
import { FrameBatch } from "./frame-batch.js";
import { ago, count, duration, moment } from "./format.js";
import { Problem } from "./problem.js";
import { statusBadge } from "./status.js";

/** @typedef {import("./events.js").ExecutionSummary} ExecutionSummary */
/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */

/** How often unfinished executions are looked at again while the list is seen. */
const REFRESH_MS = 3_000;
const statuses = ["queued", "running", "success", "error", "cancelled", "failed"];

export class ExecutionList extends HTMLElement {
    /** @type {GraphAPI | null} */
    #api = null;
    /** @type {string | undefined} */
    #graphId;
    /** @type {ExecutionSummary[]} */
    #items = [];
    /** @type {string | null} */
    #cursor = null;
    #generation = 0;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    #timer;
    #draw = new FrameBatch(() => this.#render());
    /** @type {string | null} The execution that is open in the workspace. */
    current = null;
    #status = element("select", { "aria-label": "Status", onchange: () => this.refresh() },
        element("option", { value: "" }, "All statuses"),
        ...statuses.map((status) => element("option", { value: status }, status[0].toUpperCase() + status.slice(1))));
    #rows = element("tbody");
    #table = element("table", { class: "runs" });
    #note = element("p", { class: "empty", role: "status" });
    #more = element("button", { type: "button", class: "button", hidden: true, onclick: () => this.#loadMore() }, "Show older runs");

    connectedCallback() {
        this.#timer = setInterval(() => this.#refreshUnfinished(), REFRESH_MS);
        if (this.firstChild) return;
        const tools = element("div", { class: "log-tools" }, this.#status,
            element("button", { type: "button", class: "button", onclick: () => this.refresh() }, "Refresh"));
        this.append(tools, element("div", { class: "runs-body" }, this.#table, this.#note, this.#more));
    }

    disconnectedCallback() {
        clearInterval(this.#timer);
    }

    /**
     * @param {GraphAPI} api
     * @param {string} [graphId] Without it, executions of all graphs.
     */
    open(api, graphId) {
        this.#api = api;
        this.#graphId = graphId;
        this.#items = [];
        this.#note.textContent = "Loading…";
        const names = graphId === undefined ? ["Status", "Graph", "Started", "Duration", "Failed nodes"] : ["Status", "Started", "Duration", "Failed nodes"];
        const head = element("thead", {}, element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name))));
        this.#table.replaceChildren(element("caption", { class: "unseen" }, "Runs"), head, this.#rows);
        this.refresh();
    }

    #filter() {
        return { graphId: this.#graphId, status: this.#status.value || undefined };
    }

    /** Reads the first page again. */
    async refresh() {
        const api = this.#api;
        if (!api) return;
        const generation = (this.#generation += 1);
        try {
            const page = await api.listExecutions(this.#filter());
            if (generation !== this.#generation) return;
            this.#items = page.items;
            this.#cursor = page.next_cursor;
            this.#note.textContent = page.items.length > 0 ? "" : this.#emptyWords();
        } catch (error) {
            this.#note.textContent = Problem.from(error).message;
        }
        this.#draw.request();
    }

    #emptyWords() {
        if (this.#status.value) return "There is no run with this status.";
        return this.#graphId === undefined ? "Nothing has run yet. Open a graph and run it." : "This graph has not run yet.";
    }

    async #loadMore() {
        const api = this.#api;
        if (!api || !this.#cursor) return;
        const generation = this.#generation;
        try {
            const page = await api.listExecutions({ ...this.#filter(), cursor: this.#cursor });
            if (generation !== this.#generation) return;
            this.#items.push(...page.items);
            this.#cursor = page.next_cursor;
        } catch (error) {
            this.#note.textContent = Problem.from(error).message;
        }
        this.#draw.request();
    }

    /** Only the first page moves: whoever pages back reads old runs. */
    #refreshUnfinished() {
        const isSeen = this.isConnected && !document.hidden && this.offsetParent !== null;
        const isMoving = this.#items.some((item) => item.status === "running" || item.status === "queued");
        if (isSeen && isMoving && this.#items.length <= 50) this.refresh();
    }

    #render() {
        const focused = this.#rows.contains(document.activeElement) ? document.activeElement?.getAttribute("href") : null;
        const now = Date.now();
        this.#rows.replaceChildren(...this.#items.map((item) => this.#row(item, now)));
        this.#table.hidden = this.#items.length === 0;
        this.#note.hidden = this.#note.textContent === "";
        this.#more.hidden = this.#cursor === null;
        const again = [...this.#rows.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused);
        again?.focus({ preventScroll: true });
    }

    /**
     * @param {ExecutionSummary} item
     * @param {number} now
     */
    #row(item, now) {
        const when = item.started_at ?? item.created_at;
        const link = element("a", { href: `#/executions/${item.execution_id}`, title: moment(when) }, ago(when, now));
        const failed = item.error ?? (item.failed_nodes.length > 3 ? count(item.failed_nodes.length, "node") : item.failed_nodes.join(", "));
        const cells = [
            element("td", {}, statusBadge(item.status)),
            this.#graphId === undefined ? element("td", {}, item.graph_id) : null,
            element("td", {}, link),
            element("td", { class: "number" }, item.duration_ms === null ? "" : duration(item.duration_ms)),
            element("td", { class: "failed" }, failed),
        ];
        return element("tr", { "aria-current": item.execution_id === this.current ? "true" : null }, ...cells);
    }
}

customElements.define("execution-list", ExecutionList);

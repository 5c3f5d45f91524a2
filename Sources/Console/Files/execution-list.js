// <execution-list>: executions, newest first, page by page; of one graph or of all. It moves as things happen.

import { confirmed } from "./confirm-dialog.js";
import { button, element } from "./dom.js";
import { FrameBatch } from "./frame-batch.js";
import { ago, clock, count, duration, moment } from "./format.js";
import { Problem } from "./problem.js";
import { RunFilter } from "./run-filter.js";
import { statusBadge } from "./status.js";

/** @typedef {import("./events.js").ExecutionSummary} ExecutionSummary */
/** @typedef {import("./event-hub.js").ListMessage} ListMessage */
/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */

const TICK_MS = 1_000;
/** How often the list is read again where no stream tells what happens. */
const POLL_TICKS = 3;

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
    #isLoading = false;
    /** Something has happened since the list was read. */
    #isStale = false;
    #isLive = false;
    #ticks = 0;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    #timer;
    #stopWatching = () => {};
    #draw = new FrameBatch(() => this.#render());
    /** @type {string | null} The execution that is open in the workspace. */
    current = null;
    #filter = new RunFilter();
    #live = element("span", { class: "list-live" });
    #rows = element("tbody");
    #table = element("table", { class: "runs" });
    #note = element("p", { class: "empty", role: "status" });
    #more = element("button", { type: "button", class: "button", hidden: true, onclick: () => this.#loadMore() }, "Show older runs");

    connectedCallback() {
        this.#timer = setInterval(() => this.#tick(), TICK_MS);
        this.#watch();
        if (this.firstChild) return;
        const refresh = element("button", { type: "button", class: "button", onclick: () => this.refresh() }, "Refresh");
        this.#filter.onChange = () => this.refresh();
        this.append(
            element("div", { class: "log-tools" }, this.#filter, refresh, this.#live),
            element("div", { class: "runs-body", tabindex: -1 }, this.#table, this.#note, this.#more));
    }

    disconnectedCallback() {
        clearInterval(this.#timer);
        this.#stopWatching();
        this.#stopWatching = () => {};
    }

    /**
     * @param {GraphAPI} api
     * @param {string} [graphId] Without it, executions of all graphs.
     */
    open(api, graphId) {
        this.#api = api;
        this.#graphId = graphId;
        this.#items = [];
        this.#cursor = null;
        this.#note.textContent = "Loading…";
        this.#filter.open(graphId);
        const names = ["Status", ...(graphId === undefined ? ["Graph"] : []), "Started", "Duration", "Failed nodes"];
        const head = element("thead", {}, element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name)),
            element("th", { scope: "col" }, element("span", { class: "unseen" }, "Actions"))));
        this.#table.replaceChildren(element("caption", { class: "unseen" }, "Runs"), head, this.#rows);
        if (graphId === undefined) api.listGraphs().then((graphs) => this.#filter.offerGraphs(graphs.map(({ id }) => id)), () => {});
        this.#watch();
        this.refresh();
    }

    #watch() {
        const live = this.#api?.live;
        if (!live || !this.isConnected) return;
        this.#stopWatching();
        this.#stopWatching = live.watchList({
            onMessages: (messages) => this.#take(messages),
            onLive: (isLive) => {
                this.#isLive = isLive;
                this.#live.textContent = isLive ? "Live" : "";
            },
        });
    }

    /**
     * What is known at once is shown at once; the rest is read again soon.
     * @param {ListMessage[]} messages
     */
    #take(messages) {
        for (const message of messages) {
            if (message.type !== "snapshot" && this.#graphId !== undefined && message.graph_id !== this.#graphId) continue;
            this.#isStale = true;
            if (message.type === "snapshot") continue;
            const item = this.#items.find(({ execution_id }) => execution_id === message.execution_id);
            if (item && item.ended_at === null) item.status = message.status;
        }
        if (!this.#isStale) return;
        if (this.#isSeen && !this.#isLoading && this.#ticks > 0) this.refresh();
        else this.#draw.request();
    }

    get #isSeen() {
        return this.isConnected && !document.hidden && this.offsetParent !== null;
    }

    #tick() {
        this.#ticks += 1;
        if (!this.#isSeen) return;
        const isMoving = this.#items.some(isUnfinished);
        const isDue = this.#isStale || (!this.#isLive && this.#ticks % POLL_TICKS === 0);
        if (isDue && !this.#isLoading) this.refresh();
        else if (isMoving) this.#draw.request();
    }

    /** Reads the first page again; what was paged to before stays below it. */
    async refresh() {
        const api = this.#api;
        if (!api) return;
        const generation = (this.#generation += 1);
        const key = JSON.stringify(this.#filter.filter.status ?? "") + this.#filter.filter.graphId;
        this.#isStale = false;
        this.#isLoading = true;
        // At most one reading a second, however much happens.
        this.#ticks = 0;
        try {
            const page = await api.listExecutions(this.#filter.filter);
            if (generation !== this.#generation) return;
            const last = page.items.at(-1)?.execution_id ?? "";
            const older = this.#shownKey === key && page.next_cursor !== null ? this.#items.filter(({ execution_id }) => execution_id < last) : [];
            this.#items = [...page.items, ...older];
            if (older.length === 0) this.#cursor = page.next_cursor;
            this.#shownKey = key;
            this.#note.textContent = this.#items.length > 0 ? "" : this.#emptyWords();
        } catch (error) {
            if (generation === this.#generation) this.#note.textContent = Problem.from(error).message;
        }
        this.#isLoading = false;
        this.#draw.request();
    }

    #shownKey = "";

    #emptyWords() {
        if (this.#filter.isActive) return "No run fits the filter.";
        return this.#graphId === undefined ? "Nothing has run yet. Open a graph and run it." : "This graph has not run yet.";
    }

    /** @returns {Promise<void>} */
    async #loadMore() {
        const api = this.#api, cursor = this.#cursor, key = this.#shownKey;
        if (!api || !cursor) return;
        try {
            const page = await api.listExecutions({ ...this.#filter.filter, cursor });
            if (key !== this.#shownKey) return;
            // The list was read again meanwhile, and ends elsewhere: what comes next is asked for from there.
            if (cursor !== this.#cursor) return this.#loadMore();
            this.#items.push(...page.items);
            this.#cursor = page.next_cursor;
        } catch (error) {
            this.#note.textContent = Problem.from(error).message;
        }
        this.#draw.request();
    }

    #render() {
        const active = this.#rows.contains(document.activeElement) ? document.activeElement : null;
        const focused = active?.getAttribute("data-focus");
        const now = Date.now() - (this.#api?.clockSkewMs ?? 0);
        this.#rows.replaceChildren(...this.#items.map((item) => this.#row(item, now)));
        this.#table.hidden = this.#items.length === 0;
        this.#note.hidden = this.#note.textContent === "";
        this.#more.hidden = this.#cursor === null;
        if (!focused) return;
        const again = [...this.#rows.querySelectorAll("[data-focus]")].find((each) => each.getAttribute("data-focus") === focused)
            ?? this.#rows.querySelector("a") ?? this.querySelector(".runs-body");
        if (again instanceof HTMLElement) again.focus({ preventScroll: true });
    }

    /**
     * @param {ExecutionSummary} item
     * @param {number} now
     */
    #row(item, now) {
        const id = item.execution_id, when = item.started_at ?? item.created_at;
        const link = element("a", { href: `#/executions/${id}`, title: moment(when), "data-focus": `open ${id}` }, ago(when, now));
        const failed = item.error ?? (item.failed_nodes.length > 3 ? count(item.failed_nodes.length, "node") : item.failed_nodes.join(", "));
        const place = item.status === "queued" && item.queue_position ? element("span", { class: "queue-place" }, ` ${placeWords(item.queue_position)}`) : null;
        const again = item.rerun_of ? element("span", { class: "queue-place", title: `Takes over results of ${item.rerun_of}` }, " rerun") : null;
        const waits = item.waiting_for?.approvals.length ? element("span", { class: "queue-place" }, " waits for an answer") : null;
        const cells = [
            element("td", {}, statusBadge(item.status), place, waits, again),
            this.#graphId === undefined ? element("td", {}, element("a", { href: `#/graphs/${item.graph_id}`, "data-focus": `graph ${id}` }, item.graph_id)) : null,
            element("td", {}, link),
            element("td", { class: "number" }, tookWords(item, now)),
            element("td", { class: "failed" }, failed),
            element("td", { class: "row-actions" }, this.#resumption(item, when), this.#action(item, when)),
        ];
        return element("tr", { "aria-current": id === this.current ? "true" : null, "data-id": id }, ...cells);
    }

    /** @param {ExecutionSummary} item @param {string} when */
    #action(item, when) {
        const what = `the run of ${item.graph_id}, ${moment(when)}`;
        const made = isUnfinished(item)
            ? button({ icon: "stop", label: `Stop ${what}`, class: "button quiet", onclick: () => this.#cancel(item) })
            : button({ icon: "close", label: `Delete ${what}`, class: "button quiet", onclick: () => this.#delete(item, what) });
        made.setAttribute("data-focus", `act ${item.execution_id}`);
        return made;
    }

    /** @param {ExecutionSummary} item @param {string} when */
    #resumption(item, when) {
        if (item.status !== "held") return null;
        const label = `Resume the run of ${item.graph_id}, ${moment(when)}`;
        const onclick = () => this.#attempt(() => this.#api?.resumeExecution(item.execution_id));
        return element("button", { type: "button", class: "button quiet", title: label, "aria-label": label, "data-focus": `resume ${item.execution_id}`, onclick }, "Resume");
    }

    /** @param {ExecutionSummary} item */
    async #cancel(item) {
        await this.#attempt(() => this.#api?.cancelExecution(item.execution_id));
    }

    /** @param {ExecutionSummary} item @param {string} what */
    async #delete(item, what) {
        const question = { title: "Delete this run?", text: `All that is kept of ${what}, will be gone: its events, states and logs.`, action: "Delete" };
        if (!(await confirmed(question))) return;
        await this.#attempt(() => this.#api?.deleteExecution(item.execution_id));
        this.#items = this.#items.filter(({ execution_id }) => execution_id !== item.execution_id);
        if (item.execution_id === this.current) location.hash = `#/graphs/${item.graph_id}`;
    }

    /** @param {() => Promise<void> | undefined} work */
    async #attempt(work) {
        let note = "";
        try {
            await work();
        } catch (error) {
            const problem = Problem.from(error);
            if (!["execution_finished", "execution_not_held", "unknown_execution"].includes(problem.code)) note = problem.message;
        }
        await this.refresh();
        if (note) this.#note.textContent = note;
        this.#draw.request();
    }
}

/** @param {ExecutionSummary} item */
function isUnfinished({ status }) {
    return status === "queued" || status === "running" || status === "held";
}

/** @param {number} place */
function placeWords(place) {
    return place === 1 ? "next to start" : `${place - 1} before it`;
}

/**
 * @param {ExecutionSummary} item
 * @param {number} now
 */
function tookWords(item, now) {
    if (item.duration_ms !== null && !isUnfinished(item)) return duration(item.duration_ms);
    return item.status === "running" && item.started_at ? clock(now - Date.parse(item.started_at)) : "";
}

customElements.define("execution-list", ExecutionList);

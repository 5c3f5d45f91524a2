// <scope-panel>: what a node runs within itself: how far its items or iterations are, which of them failed, and the way in.

import { button, element, setAttribute, setText } from "./dom.js";
import { duration } from "./format.js";
import { indexWord, innerOf } from "./inner-graph.js";
import { itemFilters, listItems } from "./node-items.js";
import { endedCount, runningCount } from "./node-state.js";
import { Problem } from "./problem.js";
import { isFinished, nodeState } from "./run-state.js";
import { ROOT, isSamePath, scopeAddress } from "./scope-path.js";
import { statusBadge } from "./status.js";

/** @typedef {import("./graph-view.js").GraphView} GraphView */
/** @typedef {import("./node-items.js").NodeItem} NodeItem */
/** @typedef {import("./node-state.js").ItemCounts} ItemCounts */

/** How often the list is read again while items end. */
const REFRESH_MS = 1_500;

export class ScopePanel extends HTMLElement {
    /** @type {GraphView | null} */
    #view = null;
    #id = "";
    /** Read of the server: so many items had begun and ended then. */
    #readFor = "";
    #readAt = -Infinity;
    #isReading = false;
    /** @type {string | null} */
    #cursor = null;
    #generation = 0;
    #about = element("p", { class: "scope-about" });
    #counts = element("p", { class: "scope-counts" });
    #bar = element("div", { class: "item-bar", role: "img" }, ...["success", "cached", "error", "cancelled", "running"].map((status) => element("span", { "data-status": status })));
    #filter = element("select", { "aria-label": "Which items", onchange: () => this.#read() },
        ...itemFilters.map(({ value, text }) => element("option", { value }, text)));
    #rerun = button({ icon: "retrying", text: "Rerun the failed ones", onclick: () => this.#askForRerun() });
    #rows = element("ul", { class: "items" });
    #note = element("p", { class: "empty", role: "status" });
    #more = element("button", { type: "button", class: "button small", hidden: true, onclick: () => this.#readMore() }, "Show more");
    #items = element("div", { class: "scope-items" }, this.#counts, this.#bar, element("div", { class: "scope-tools" }, this.#filter, this.#rerun), this.#rows, this.#note, this.#more);

    connectedCallback() {
        if (this.firstChild) return;
        this.append(this.#about, this.#items);
    }

    /**
     * @param {GraphView} view
     * @param {string} id
     */
    open(view, id) {
        const inner = innerOf(view.nodes.get(id));
        this.hidden = inner === null;
        this.#view = view;
        this.#id = id;
        this.#readFor = "";
        this.#generation += 1;
        this.#rows.replaceChildren();
        this.#cursor = null;
        this.#filter.value = "";
        if (inner) this.update();
    }

    /** Shows what the view shows of the node. */
    update() {
        const view = this.#view, node = view?.nodes.get(this.#id), state = view && nodeState(view.state, this.#id);
        if (!view || this.hidden || !state) return;
        const word = indexWord(node?.kind), counts = state.items;
        this.#about.replaceChildren(...this.#way(view, word));
        this.#items.hidden = word === null || counts === null;
        if (word === null || counts === null) return;
        this.#showCounts(counts, word);
        const isEnded = view.timeline !== null && isFinished(view.timeline.latest);
        // Results of nodes within others are taken over with those, not by themselves.
        this.#rerun.hidden = !isEnded || counts.error === 0 || node?.kind !== "map" || !isSamePath(view.path, ROOT);
        const latest = view.timeline && nodeState(view.timeline.latest, this.#id)?.items;
        const wanted = latest ? `${latest.opened} ${endedCount(latest)}` : "";
        if (wanted !== this.#readFor && performance.now() - this.#readAt >= REFRESH_MS && !this.#isReading && this.offsetParent !== null) this.#read(wanted);
    }

    /** @param {GraphView} view @param {string | null} word @returns {Node[]} */
    #way(view, word) {
        const inner = innerOf(view.nodes.get(this.#id));
        const named = inner?.kind === "named" ? inner : null, opening = view.timeline?.opening(this.#id, null);
        const revision = opening?.revision ?? named?.revision ?? null;
        const about = named ? [element("span", {}, "Runs the graph ", element("a", { href: `#/graphs/${encodeURIComponent(named.id)}` }, named.id), revision === null ? "" : `, revision ${revision}`)] : [];
        if (word !== null && view.executionId !== null) return about;
        return [...about, element("a", { class: "button", href: scopeAddress(view, [...view.path, this.#id]) }, "Open the graph")];
    }

    /** @param {ItemCounts} counts @param {string} word */
    #showCounts(counts, word) {
        const running = runningCount(counts), { success, cached, error, cancelled } = counts, total = counts.total ?? endedCount(counts) + running;
        /** @type {[number, string][]} */
        const parts = [[success, "done"], [cached, "taken over"], [error, "failed"], [cancelled, "cancelled"], [running, "running"]];
        const of = counts.total === null ? "" : ` of ${counts.total.toLocaleString()}`;
        const text = `${word[0].toUpperCase()}${word.slice(1)}s: ${endedCount(counts).toLocaleString()}${of} ended: ${parts.filter(([number]) => number > 0).map(([number, what]) => `${number.toLocaleString()} ${what}`).join(", ") || "none yet"}`;
        setText(this.#counts, text);
        setAttribute(this.#bar, "aria-label", text);
        const shares = { success, cached, error, cancelled, running };
        for (const part of this.#bar.children) {
            const share = shares[/** @type {keyof typeof shares} */ (part.getAttribute("data-status"))];
            /** @type {HTMLElement} */ (part).style.flexGrow = String(share / Math.max(total, 1));
            /** @type {HTMLElement} */ (part).hidden = share === 0;
        }
    }

    /** @param {string} [wanted] */
    async #read(wanted) {
        const generation = (this.#generation += 1);
        this.#isReading = true;
        this.#readAt = performance.now();
        await this.#page(generation, undefined, (items) => this.#rows.replaceChildren(...items));
        this.#isReading = false;
        if (wanted !== undefined && generation === this.#generation) this.#readFor = wanted;
    }

    async #readMore() {
        if (this.#cursor !== null) await this.#page(this.#generation, this.#cursor, (items) => this.#rows.append(...items));
    }

    /**
     * @param {number} generation
     * @param {string | undefined} cursor
     * @param {(rows: HTMLElement[]) => void} show
     */
    async #page(generation, cursor, show) {
        const view = this.#view;
        if (!view?.executionId) return;
        let note = "";
        try {
            const of = { executionId: view.executionId, nodeId: this.#id, path: view.path };
            const page = await listItems(view.api, of, { status: this.#filter.value, cursor });
            if (generation !== this.#generation) return;
            this.#cursor = page.next_cursor;
            show(page.items.map((item) => this.#row(view, item)));
            if (page.items.length === 0 && this.#rows.childElementCount === 0) note = this.#filter.value === "" ? "None has begun." : "None.";
        } catch (error) {
            if (generation === this.#generation) note = Problem.from(error).message;
        }
        this.#more.hidden = this.#cursor === null;
        setText(this.#note, note);
        this.#note.hidden = note === "";
    }

    /** @param {GraphView} view @param {NodeItem} item */
    #row(view, { index, status, duration_ms: took, error }) {
        return element("li", {}, element("a", { href: scopeAddress(view, [...view.path, this.#id, index]) },
            element("span", { class: "item-index" }, String(index)), statusBadge(status),
            element("span", { class: "item-time" }, typeof took === "number" ? duration(took) : ""),
            error ? element("span", { class: "item-error" }, error) : null));
    }

    #askForRerun() {
        this.dispatchEvent(new CustomEvent("rerun-failed", { bubbles: true, detail: this.#id }));
    }
}

customElements.define("scope-panel", ScopePanel);

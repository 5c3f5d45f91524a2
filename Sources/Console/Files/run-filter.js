// <run-filter>: which executions a list shows: of which graph, with which status, from when.

import { element } from "./dom.js";

/** @typedef {{ graphId?: string, status?: string, since?: string, until?: string }} Filter */

const statuses = ["queued", "running", "held", "success", "error", "cancelled", "failed"];
const HOUR_MS = 3_600_000;
/** @type {[value: string, words: string][]} */
const spans = [["", "Any time"], [`${HOUR_MS}`, "Last hour"], [`${24 * HOUR_MS}`, "Last 24 hours"], [`${7 * 24 * HOUR_MS}`, "Last 7 days"], ["between", "Between…"]];

export class RunFilter extends HTMLElement {
    /** @type {string | undefined} The only graph there is. */
    #graphId;
    #graph = element("input", {
        type: "search", placeholder: "All graphs", "aria-label": "Graph", list: "run-filter-graphs", autocomplete: "off", onchange: () => this.#changed(),
        oninput: (event) => {
            // Picking from the list or clearing the field need no Enter.
            if (!(event instanceof InputEvent) || event.inputType === "insertReplacementText" || this.#graph.value === "") this.#changed();
        },
    });
    #graphs = element("datalist", { id: "run-filter-graphs" });
    #status = element("select", { "aria-label": "Status", onchange: () => this.#changed() },
        element("option", { value: "" }, "All statuses"),
        ...statuses.map((status) => element("option", { value: status }, status[0].toUpperCase() + status.slice(1))));
    #span = element("select", { "aria-label": "Time", onchange: () => this.#chooseSpan() },
        ...spans.map(([value, words]) => element("option", { value }, words)));
    #since = element("input", { type: "datetime-local", "aria-label": "From", onchange: () => this.#changed() });
    #until = element("input", { type: "datetime-local", "aria-label": "To", onchange: () => this.#changed() });
    #between = element("span", { class: "between", hidden: true }, this.#since, " to ", this.#until);

    onChange = () => {};

    connectedCallback() {
        if (this.firstChild) return;
        this.append(this.#status, this.#span, this.#between);
        if (this.#graphId === undefined) this.prepend(this.#graph, this.#graphs);
    }

    /** @param {string | undefined} graphId Without it, a graph can be chosen. */
    open(graphId) {
        this.#graphId = graphId;
        if (graphId !== undefined) this.#graph.remove();
    }

    /** @param {readonly string[]} ids */
    offerGraphs(ids) {
        this.#graphs.replaceChildren(...ids.map((value) => element("option", { value })));
    }

    /** @returns {Filter} */
    get filter() {
        const span = this.#span.value, isBetween = span === "between";
        const time = (/** @type {HTMLInputElement} */ input) => (input.value ? new Date(input.value).toISOString() : undefined);
        return {
            graphId: this.#graphId ?? (this.#graph.value.trim() || undefined), status: this.#status.value || undefined,
            since: isBetween ? time(this.#since) : span ? new Date(Date.now() - Number(span)).toISOString() : undefined,
            until: isBetween ? time(this.#until) : undefined,
        };
    }

    /** Whether anything is left out. */
    get isActive() {
        return Boolean(this.#status.value || this.#span.value || (this.#graphId === undefined && this.#graph.value.trim()));
    }

    #chooseSpan() {
        this.#between.hidden = this.#span.value !== "between";
        this.#changed();
    }

    #changed() {
        this.onChange();
    }
}

customElements.define("run-filter", RunFilter);

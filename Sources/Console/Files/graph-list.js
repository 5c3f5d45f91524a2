// <graph-list>: all graphs, with a search.

import { button, element, icon, setAttribute } from "./dom.js";
import { count } from "./format.js";

/** @typedef {import("./events.js").GraphSummary} GraphSummary */

/** A list of more would only be scrolled; the search finds the rest. */
const SHOWN_MAX = 200;

export class GraphList extends HTMLElement {
    /** @type {GraphSummary[]} */
    #graphs = [];
    /** @type {string | null} */
    #current = null;
    #search = element("input", {
        type: "search", placeholder: "Search graphs", "aria-label": "Search graphs", oninput: () => this.#render(),
        onkeydown: (event) => this.#key(event),
    });
    #list = element("ul", { class: "graphs" });
    #note = element("p", { class: "empty", role: "status" }, "Loading…");

    onImport = () => {};

    connectedCallback() {
        if (this.firstChild) return;
        this.append(
            element("div", { class: "graph-tools" },
                element("a", { href: "#/new", class: "button" }, icon("plus"), element("span", {}, "New graph")),
                button({ icon: "import", label: "Import a graph from a file", class: "button quiet", onclick: () => this.onImport() })),
            this.#search, this.#list, this.#note);
    }

    /** @param {GraphSummary[]} graphs */
    show(graphs) {
        this.#graphs = graphs;
        this.#render();
    }

    /** @param {string | null} id The graph that is open. */
    mark(id) {
        this.#current = id;
        for (const link of this.#list.querySelectorAll("a")) {
            if (link.getAttribute("href") === address(id ?? "")) setAttribute(link, "aria-current", "page");
            else link.removeAttribute("aria-current");
        }
    }

    #render() {
        const words = this.#search.value.toLowerCase().split(/\s+/);
        const found = this.#graphs.filter((graph) => {
            const text = `${graph.id} ${graph.name} ${graph.description}`.toLowerCase();
            return words.every((word) => text.includes(word));
        });
        this.#list.replaceChildren(...found.slice(0, SHOWN_MAX).map((graph) => this.#item(graph)));
        this.#note.textContent = this.#words(found.length);
        this.#note.hidden = this.#note.textContent === "";
        this.mark(this.#current);
    }

    /** @param {number} foundCount */
    #words(foundCount) {
        if (this.#graphs.length === 0) return "There is no graph yet. Draw the first one.";
        if (foundCount === 0) return "No graph matches.";
        return foundCount > SHOWN_MAX ? `${foundCount - SHOWN_MAX} more; search to find them.` : "";
    }

    /** @param {GraphSummary} graph */
    #item(graph) {
        return element("li", {}, element("a", { href: address(graph.id), title: graph.description || null },
            element("span", { class: "graph-name" }, graph.name),
            element("span", { class: "graph-facts" }, `${graph.id} · ${count(graph.node_count, "node")}`)));
    }

    /** @param {KeyboardEvent} event */
    #key(event) {
        const first = this.#list.querySelector("a");
        if (event.key === "ArrowDown") first?.focus();
        if (event.key === "Enter") first?.click();
    }
}

/** @param {string} id */
function address(id) {
    return `#/graphs/${encodeURIComponent(id)}`;
}

customElements.define("graph-list", GraphList);

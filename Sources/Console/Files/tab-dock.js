// <tab-dock>: panels behind tabs, by the pattern of the ARIA practices: arrows go from tab to tab.

import { element } from "./dom.js";

export class TabDock extends HTMLElement {
    /** @type {{ tab: HTMLButtonElement, panel: HTMLElement }[]} */
    #pages = [];

    /** @param {[title: string, content: HTMLElement][]} pages */
    show(pages) {
        this.#pages = pages.map(([title, content], index) => {
            const id = `dock-${title.toLowerCase()}`;
            const tab = element("button", {
                type: "button", role: "tab", id: `${id}-tab`, "aria-controls": id, onclick: () => this.#open(index),
            }, title);
            return { tab, panel: element("div", { class: "dock-panel", role: "tabpanel", id, "aria-labelledby": tab.id }, content) };
        });
        const tabs = element("div", { class: "tabs", role: "tablist", "aria-label": "Run", onkeydown: (event) => this.#key(event) },
            ...this.#pages.map((page) => page.tab));
        this.replaceChildren(tabs, ...this.#pages.map((page) => page.panel));
        this.#open(0);
    }

    /** @param {number} chosen */
    #open(chosen) {
        this.#pages.forEach(({ tab, panel }, index) => {
            tab.setAttribute("aria-selected", String(index === chosen));
            tab.tabIndex = index === chosen ? 0 : -1;
            panel.hidden = index !== chosen;
        });
    }

    /** @param {KeyboardEvent} event */
    #key(event) {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const current = this.#pages.findIndex((page) => page.tab === event.target);
        const next = (current + step + this.#pages.length) % this.#pages.length;
        this.#open(next);
        this.#pages[next].tab.focus();
    }
}

customElements.define("tab-dock", TabDock);

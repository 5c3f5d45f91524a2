// <editor-panel>: the tabs beside the editor's canvas; on narrow screens a sheet that comes up from below.

import { button, element, setText } from "./dom.js";

/** @typedef {{ name: string, title: string, content: HTMLElement }} PanelPage */

export class EditorPanel extends HTMLElement {
    /** @type {(PanelPage & { tab: HTMLButtonElement, page: HTMLElement })[]} */
    #pages;
    #tabs = element("div", { class: "tabs", role: "tablist", "aria-label": "Beside the graph", onkeydown: (event) => this.#key(event) });
    #close = button({ icon: "close", label: "Close the panel", class: "button quiet panel-close", onclick: () => this.onClose() });
    chosen = "";
    onClose = () => {};
    /** @type {(name: string) => void} */
    onChoose = () => {};

    /** @param {PanelPage[]} pages */
    constructor(pages) {
        super();
        this.#pages = pages.map((page) => {
            const id = `panel-${page.name}`;
            const tab = element("button", { type: "button", role: "tab", id: `${id}-tab`, "aria-controls": id, onclick: () => this.choose(page.name) }, page.title);
            return { ...page, tab, page: element("div", { class: `panel-page panel-${page.name}`, role: "tabpanel", id, "aria-labelledby": tab.id }, page.content) };
        });
    }

    connectedCallback() {
        if (this.firstChild) return;
        this.#tabs.append(...this.#pages.map(({ tab }) => tab));
        this.append(element("div", { class: "panel-head" }, this.#tabs, this.#close), ...this.#pages.map(({ page }) => page));
        this.choose(this.#pages[0].name);
    }

    /** @param {string} name */
    choose(name) {
        if (name === this.chosen) return;
        this.chosen = name;
        for (const { name: each, tab, page } of this.#pages) {
            tab.setAttribute("aria-selected", String(each === name));
            tab.tabIndex = each === name ? 0 : -1;
            page.hidden = each !== name;
        }
        this.onChoose(name);
    }

    /** @param {string} name @param {string} title @param {boolean} [isAlert] */
    retitle(name, title, isAlert = false) {
        const tab = this.#pages.find((page) => page.name === name)?.tab;
        if (!tab) return;
        setText(tab, title);
        tab.classList.toggle("alert", isAlert);
    }

    /** @param {KeyboardEvent} event */
    #key(event) {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const place = this.#pages.findIndex(({ name }) => name === this.chosen);
        const next = this.#pages[(place + step + this.#pages.length) % this.#pages.length];
        this.choose(next.name);
        next.tab.focus();
    }
}

customElements.define("editor-panel", EditorPanel);

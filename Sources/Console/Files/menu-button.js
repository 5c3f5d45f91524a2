// <menu-button>: a button that opens a menu, by the pattern of the ARIA practices.

import { element, icon } from "./dom.js";
import { freshID } from "./form-fields.js";

/** @typedef {{ text: string, onclick: () => void, isDangerous?: boolean, isDisabled?: () => boolean } | null} MenuItem Null is a line between. */

export class MenuButton extends HTMLElement {
    #items;
    #menu;
    #button;

    /**
     * @param {import("./dom.js").IconName} sign
     * @param {string} label
     * @param {MenuItem[]} items
     */
    constructor(sign, label, items) {
        super();
        this.#items = items;
        this.#menu = element("div", { role: "menu", class: "menu", id: freshID(), "aria-label": label, hidden: true });
        this.#button = element("button", {
            type: "button", class: "button quiet", "aria-haspopup": "menu", "aria-expanded": "false", "aria-controls": this.#menu.id, "aria-label": label, title: label,
            onclick: () => this.#toggle(this.#menu.hidden === true),
            onkeydown: (event) => {
                if (event.key !== "ArrowDown") return;
                event.preventDefault();
                this.#toggle(true);
            },
        }, icon(sign));
    }

    connectedCallback() {
        if (this.firstChild) return;
        this.append(this.#button, this.#menu);
        this.#menu.addEventListener("keydown", (event) => this.#key(event));
        this.addEventListener("focusout", (event) => {
            if (!(event.relatedTarget instanceof Node) || !this.contains(event.relatedTarget)) this.#toggle(false);
        });
    }

    /** @param {boolean} isOpen */
    #toggle(isOpen) {
        this.#menu.hidden = !isOpen;
        this.#button.setAttribute("aria-expanded", String(isOpen));
        if (!isOpen) return;
        this.#menu.replaceChildren(...this.#items.map((item) => {
            if (item === null) return element("hr");
            return element("button", {
                type: "button", role: "menuitem", tabindex: -1, class: item.isDangerous ? "dangerous" : null, disabled: item.isDisabled?.() ?? false,
                onclick: () => {
                    this.#toggle(false);
                    this.#button.focus();
                    item.onclick();
                },
            }, item.text);
        }));
        this.#entries()[0]?.focus();
    }

    #entries() {
        return [...this.#menu.querySelectorAll("button")].filter((entry) => !entry.disabled);
    }

    /** @param {KeyboardEvent} event */
    #key(event) {
        const entries = this.#entries(), place = entries.findIndex((entry) => entry === document.activeElement);
        const next = { ArrowDown: place + 1, ArrowUp: place - 1 + entries.length, Home: 0, End: entries.length - 1 }[event.key];
        if (next !== undefined) entries[next % entries.length]?.focus();
        else if (event.key === "Escape") {
            this.#toggle(false);
            this.#button.focus();
        } else return;
        event.preventDefault();
        event.stopPropagation();
    }
}

customElements.define("menu-button", MenuButton);

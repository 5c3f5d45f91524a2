// <kind-palette>: the kinds of nodes, to choose one that is added.

import { element, setText } from "./dom.js";
import { kindTile } from "./kind-icons.js";

/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./schema.js").NodeKind} NodeKind */

const WIDTH = 320;
const HEIGHT_MAX = 400;

export class KindPalette extends HTMLElement {
    /** @type {readonly NodeKind[]} */
    #kinds = [];
    /** @type {(kind: NodeKind) => void} */
    #choose = () => {};
    #search = element("input", {
        type: "search", placeholder: "Search kinds", "aria-label": "Search kinds of nodes", oninput: () => this.#render(), onkeydown: (event) => this.#searchKey(event),
    });
    #note = element("p", { class: "help" });
    #list = element("ul", { class: "kinds", onkeydown: (event) => this.#listKey(event) });

    connectedCallback() {
        if (this.firstChild) return;
        this.setAttribute("role", "dialog");
        this.setAttribute("aria-label", "Add a node");
        this.append(this.#search, this.#note, this.#list);
        this.addEventListener("keydown", (event) => {
            if (event.key !== "Escape") return;
            event.stopPropagation();
            this.close();
        });
        this.addEventListener("focusout", (event) => {
            if (event.relatedTarget instanceof Node && !this.contains(event.relatedTarget)) this.hidden = true;
        });
    }

    /** @type {() => void} */
    onClose = () => {};

    close() {
        if (this.hidden) return;
        this.hidden = true;
        this.onClose();
    }

    /**
     * @param {readonly NodeKind[]} kinds
     * @param {string} note
     * @param {Point | null} at A point of the parent, to stand beside; null for its own place.
     * @param {(kind: NodeKind) => void} choose
     */
    open(kinds, note, at, choose) {
        this.#kinds = kinds;
        this.#choose = choose;
        this.#search.value = "";
        setText(this.#note, note);
        this.#render();
        this.hidden = false;
        const place = this.parentElement;
        const left = at && place ? Math.max(8, Math.min(at.x, place.clientWidth - WIDTH - 8)) : null;
        const top = at && place ? Math.max(8, Math.min(at.y, place.clientHeight - HEIGHT_MAX - 8)) : null;
        this.style.left = left === null ? "" : `${left}px`;
        this.style.top = top === null ? "" : `${top}px`;
        this.#search.focus();
    }

    #render() {
        const words = this.#search.value.toLowerCase().split(/\s+/);
        const found = this.#kinds.filter(({ name, title, description }) => {
            const text = `${name} ${title} ${description}`.toLowerCase();
            return words.every((word) => text.includes(word));
        });
        this.#list.replaceChildren(...found.map((kind) => element("li", {}, kindCard(kind, () => this.#take(kind)))));
        if (found.length === 0) this.#list.replaceChildren(element("li", { class: "empty" }, "No kind matches."));
    }

    /** @param {NodeKind} kind */
    #take(kind) {
        this.hidden = true;
        this.#choose(kind);
    }

    /** @param {KeyboardEvent} event */
    #searchKey(event) {
        const first = this.#list.querySelector("button");
        if (event.key === "ArrowDown") first?.focus();
        else if (event.key === "Enter") first?.click();
        else return;
        event.preventDefault();
    }

    /** @param {KeyboardEvent} event */
    #listKey(event) {
        const cards = [...this.#list.querySelectorAll("button")];
        const place = cards.findIndex((card) => card === document.activeElement);
        if (event.key === "ArrowDown") cards[Math.min(place + 1, cards.length - 1)]?.focus();
        else if (event.key === "ArrowUp") (cards[place - 1] ?? this.#search).focus();
        else return;
        event.preventDefault();
    }
}

/** @param {NodeKind} kind @param {() => void} onclick */
export function kindCard(kind, onclick) {
    return element("button", { type: "button", class: "kind-card", onclick }, kindTile(kind.name),
        element("span", {}, element("span", { class: "kind-title" }, kind.title), element("span", { class: "kind-about" }, firstSentence(kind.description))));
}

/** @param {string} text */
function firstSentence(text) {
    return /^.*?[.:;](?=\s|$)/.exec(text)?.[0].replace(/[:;]$/, ".") ?? text;
}

customElements.define("kind-palette", KindPalette);

// <code-field>: a text area with its text coloured behind it. Line breaks keep the indentation of the line.

import { element } from "./dom.js";
import { FrameBatch } from "./frame-batch.js";
import { tokens } from "./highlight.js";

/** @typedef {import("./highlight.js").Language} Language */

const ROWS_MIN = 3;
const ROWS_MAX = 28;

export class CodeField extends HTMLElement {
    /** @type {Language} */
    #language;
    #fills;
    #back = element("pre", { class: "code-back", "aria-hidden": "true" });
    #frame = new FrameBatch(() => this.#colour());
    text;
    onEdit = () => {};

    /**
     * @param {{ language: Language, label?: string, id?: string, describedBy?: string, fills?: boolean }} options
     *   One that fills takes the height of its place; others grow with their text.
     */
    constructor({ language, label, id, describedBy, fills = false }) {
        super();
        this.#language = language;
        this.#fills = fills;
        this.text = element("textarea", {
            id, class: "code-text", spellcheck: "false", autocomplete: "off", autocapitalize: "off", wrap: "off", rows: ROWS_MIN,
            "aria-label": label, "aria-describedby": describedBy,
            oninput: () => {
                this.#changed();
                this.onEdit();
            },
            onkeydown: (event) => this.#key(event),
            onscroll: () => this.#scroll(),
        });
    }

    connectedCallback() {
        if (this.firstChild) return;
        this.classList.toggle("fills", this.#fills);
        this.append(this.#back, this.text);
        this.#changed();
    }

    get value() {
        return this.text.value;
    }

    set value(value) {
        if (this.text.value === value) return;
        this.text.value = value;
        this.#changed();
    }

    #changed() {
        if (!this.#fills) {
            const lines = this.text.value.split("\n").length;
            this.text.rows = Math.min(ROWS_MAX, Math.max(ROWS_MIN, lines));
        }
        this.#frame.request();
    }

    #colour() {
        // The last line needs something on it, or it is not scrolled to.
        this.#back.replaceChildren(...tokens(this.text.value, this.#language).map(({ kind, text }) =>
            (kind === "plain" ? text : element("span", { class: `code-${kind}` }, text))), "\n ");
        // Asking where the text is scrolled to costs a layout of the page; one that nobody is in has not moved.
        if (document.activeElement === this.text) this.#scroll();
    }

    #scroll() {
        this.#back.scrollTop = this.text.scrollTop;
        this.#back.scrollLeft = this.text.scrollLeft;
    }

    /** @param {KeyboardEvent} event */
    #key(event) {
        if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
        const before = this.text.value.slice(0, this.text.selectionStart);
        const indent = /[^\n]*$/.exec(before)?.[0].match(/^[ \t]*/)?.[0] ?? "";
        const deeper = /(?:\bthen|\bdo|\belse|\brepeat|\bfunction\b[^\n]*\)|:|\{|\[)\s*$/.test(before) ? (this.#language === "python" ? "    " : "  ") : "";
        if (indent + deeper === "") return;
        event.preventDefault();
        // The old command, because it is the one way that the browser's own undo knows of.
        document.execCommand("insertText", false, `\n${indent}${deeper}`);
    }
}

customElements.define("code-field", CodeField);

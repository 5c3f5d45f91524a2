// <state-editor>: a state as a form, where a shape is known, or as JSON. Both edit the same text.

import { element, setAttribute, setText } from "./dom.js";
import { indented, objectFault } from "./json-text.js";
import { stateFields, withField } from "./state-fields.js";

/** @typedef {import("./state-fields.js").StateField} StateField */

/** A text that is longer than this, or has lines, gets room for them. */
const SHORT_TEXT_MAX = 60;

export class StateEditor extends HTMLElement {
    #shape = "{}";
    /** @type {Map<string, string>} Key → what is wrong with its field. */
    #faults = new Map();
    #fault;
    #text;
    #form = element("div", { class: "state-form" });
    #asForm = element("button", { type: "button", "aria-pressed": "true", onclick: () => this.#show(true) }, "Form");
    #asText = element("button", { type: "button", "aria-pressed": "false", onclick: () => this.#show(false) }, "JSON");
    #views = element("div", { class: "segments", role: "group", "aria-label": "Show as" }, this.#asForm, this.#asText);

    /** Called after each change. */
    onChange = () => {};

    /**
     * @param {string} id Of the field with the JSON.
     * @param {string} label
     */
    constructor(id, label) {
        super();
        this.#fault = element("p", { class: "field-fault", id: `${id}-fault`, role: "alert" });
        this.#text = element("textarea", {
            id, spellcheck: "false", autocomplete: "off", rows: 8, "aria-label": `${label}, a JSON object`, "aria-describedby": `${id}-fault`,
            oninput: () => this.#typed(),
        });
        this.#form.setAttribute("role", "group");
        this.#form.setAttribute("aria-label", label);
    }

    connectedCallback() {
        if (this.firstChild) return;
        this.append(this.#views, this.#form, this.#text, this.#fault);
    }

    /**
     * Shows a state; its keys and their kinds are the fields of the form.
     * @param {string} state A JSON object.
     */
    open(state) {
        this.#shape = state;
        this.#text.value = indented(state);
        this.#faults.clear();
        this.#show(true);
        this.#check();
    }

    /** The state as it was written. */
    get value() {
        return this.#text.value;
    }

    /** What keeps the state from being used; null if nothing does. */
    get fault() {
        return this.#faults.values().next().value ?? objectFault(this.#text.value);
    }

    focusFirst() {
        const field = this.#form.hidden ? this.#text : this.#form.querySelector("input, textarea");
        if (field instanceof HTMLElement) field.focus();
    }

    /** @param {boolean} asForm */
    #show(asForm) {
        const fields = asForm ? stateFields(this.#shape, this.#text.value) : null;
        const canBeForm = stateFields(this.#shape, "{}") !== null;
        this.#views.hidden = !canBeForm;
        this.#form.hidden = fields === null;
        this.#text.hidden = fields !== null;
        setAttribute(this.#asForm, "aria-pressed", String(fields !== null));
        setAttribute(this.#asText, "aria-pressed", String(fields === null));
        this.#faults.clear();
        this.#form.replaceChildren(...(fields ?? []).map((field) => this.#field(field)));
        this.#check();
    }

    /** @param {StateField} field @returns {HTMLElement} */
    #field(field) {
        const { key, kind, value } = field;
        if (kind === "switch") {
            const flip = (/** @type {Event} */ event) =>
                this.#set({ ...field, value: String(/** @type {HTMLInputElement} */ (event.target).checked) });
            return element("label", { class: "state-switch" }, element("input", { type: "checkbox", checked: value === "true", onchange: flip }), key);
        }
        const isLong = kind === "json" || value.length > SHORT_TEXT_MAX || value.includes("\n");
        const change = (/** @type {Event} */ event) =>
            this.#set({ ...field, value: /** @type {HTMLInputElement} */ (event.target).value });
        const text = kind === "json" ? indented(value) : value;
        const rows = Math.min(8, Math.max(2, text.split("\n").length));
        const input = isLong
            ? element("textarea", { rows, spellcheck: String(kind === "text"), class: kind === "json" ? "code" : null, oninput: change })
            : element("input", { type: "text", inputmode: kind === "number" ? "decimal" : null, autocomplete: "off", oninput: change });
        input.value = text;
        return element("label", { class: "field" }, key, input);
    }

    /** @param {StateField} field */
    #set(field) {
        const set = withField(this.#text.value, field);
        if ("fault" in set) {
            this.#faults.set(field.key, set.fault);
        } else {
            this.#faults.delete(field.key);
            this.#text.value = indented(set.state);
        }
        this.#check();
    }

    #typed() {
        this.#faults.clear();
        this.#check();
    }

    #check() {
        const { fault } = this;
        setText(this.#fault, fault ?? "");
        setAttribute(this.#text, "aria-invalid", String(fault !== null));
        this.onChange();
    }
}

customElements.define("state-editor", StateEditor);

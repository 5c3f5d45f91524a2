// <state-editor>: a state as a form, where a shape or a schema is known, or as JSON. Both edit the same text.

import { element, setAttribute, setText } from "./dom.js";
import { formSchema } from "./form-data.js";
import { FieldIndex } from "./form-fields.js";
import { indented, objectFault } from "./json-text.js";
import { at, parseTree, replaced, textOf } from "./json-tree.js";
import { objectFields } from "./schema-form.js";
import { hasFields, missingFields, withDefaults } from "./state-schema.js";
import { stateFields, withField } from "./state-fields.js";

/** @typedef {import("./json-tree.js").JSONTree} JSONTree */
/** @typedef {import("./schema.js").Schema} Schema */
/** @typedef {import("./state-fields.js").StateField} StateField */

/** A text that is longer than this, or has lines, gets room for them. */
const SHORT_TEXT_MAX = 60;

export class StateEditor extends HTMLElement {
    #shape = "{}";
    /** @type {Schema | null} Of what the form shows, where one is known. */
    #schema = null;
    #index = new FieldIndex();
    /** @type {Map<string, JSONTree>} */
    #stash = new Map();
    /** @type {Map<string, string>} Key → what is wrong with its field. */
    #faults = new Map();
    #fault;
    #text;
    #form = element("div", { class: "state-form", oninput: () => this.#check() });
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
     * Shows a state; its keys and their kinds are the fields of the form, or those of a schema.
     * @param {string} state A JSON object.
     * @param {Schema | boolean | null} [schema] What it is to fit.
     */
    open(state, schema = null) {
        const form = formSchema(schema);
        this.#schema = form && hasFields(form) ? form : null;
        this.#stash.clear();
        this.#shape = state;
        this.#text.value = indented(this.#schema ? withDefaults(state, this.#schema) : state);
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
        const own = this.#form.hidden ? null : this.#form.querySelector(".field-fault[data-own=true]");
        return own?.textContent || (this.#faults.values().next().value ?? objectFault(this.#text.value));
    }

    /** The keys that the schema wants and the state has not. */
    get missing() {
        return this.#schema ? missingFields(this.#text.value, this.#schema) : [];
    }

    /**
     * Shows what the server has found wrong, each fault at its field.
     * @param {readonly import("./fault-places.js").PlacedFault[]} faults Their places in the state.
     * @returns {import("./fault-places.js").PlacedFault[]} Those that no field shows.
     */
    showFaults(faults) {
        if (this.#form.hidden || !this.#schema) return [...faults];
        const homeless = this.#index.show(faults), first = faults.find((fault) => !homeless.includes(fault));
        if (first) this.#index.focus(first.field);
        return homeless;
    }

    focusFirst() {
        const field = this.#form.hidden ? this.#text : this.#form.querySelector("input, textarea, select");
        if (field instanceof HTMLElement) field.focus();
    }

    /** @param {boolean} asForm */
    #show(asForm) {
        const fields = asForm ? this.#fields() : null;
        const canBeForm = this.#schema !== null || stateFields(this.#shape, "{}") !== null;
        this.#views.hidden = !canBeForm;
        this.#form.hidden = fields === null;
        this.#text.hidden = fields !== null;
        setAttribute(this.#asForm, "aria-pressed", String(fields !== null));
        setAttribute(this.#asText, "aria-pressed", String(fields === null));
        this.#faults.clear();
        this.#form.replaceChildren(...(fields ?? []));
        this.#check();
    }

    /** @returns {HTMLElement[] | null} Null where the text cannot be shown as a form. */
    #fields() {
        if (!this.#schema) return stateFields(this.#shape, this.#text.value)?.map((field) => this.#field(field)) ?? null;
        if (objectFault(this.#text.value) !== null) return null;
        this.#index.clear();
        return objectFields(this.#store(), this.#schema, []);
    }

    /** @returns {import("./schema-form.js").FormStore} */
    #store() {
        return {
            kind: "state", index: this.#index, stash: this.#stash,
            read: (path) => at(parseTree(this.#text.value), path),
            write: (path, tree) => {
                this.#text.value = indented(textOf(replaced(parseTree(this.#text.value), path, tree) ?? parseTree("{}")));
                this.#check();
            },
            rebuild: (path) => {
                this.#show(true);
                if (path) this.#index.focus(path.map(String));
            },
        };
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

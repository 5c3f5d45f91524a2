// The parts of forms: a label, a control, a word of help, and what is wrong.

import { button, element, setAttribute, setText } from "./dom.js";

/** @typedef {import("./fault-places.js").PlacedFault} PlacedFault */
/** @typedef {import("./json-tree.js").JSONPath} JSONPath */

let made = 0;

/** An id that the page does not have yet. */
export function freshID() {
    made += 1;
    return `field-${made}`;
}

/** Knows each field by its path, to tell it its faults and to bring the keyboard there. */
export class FieldIndex {
    /** @type {Map<string, { path: string[], control: HTMLElement, slot: HTMLElement }>} */
    #fields = new Map();

    clear() {
        this.#fields.clear();
    }

    /** @param {JSONPath} path @param {HTMLElement} control @param {HTMLElement} slot */
    add(path, control, slot) {
        const steps = path.map(String);
        this.#fields.set(steps.join("/"), { path: steps, control, slot });
    }

    /**
     * Shows each fault at the innermost field that holds it.
     * @param {readonly PlacedFault[]} faults
     * @returns {PlacedFault[]} Those that no field holds.
     */
    show(faults) {
        /** @type {Map<string, string[]>} */
        const messages = new Map();
        const homeless = faults.filter((fault) => {
            for (let depth = fault.field.length; depth > 0; depth -= 1) {
                const key = fault.field.slice(0, depth).join("/");
                if (!this.#fields.has(key)) continue;
                const rest = fault.field.slice(depth).join(".");
                messages.set(key, [...(messages.get(key) ?? []), rest === "" ? fault.message : `${rest}: ${fault.message}`]);
                return false;
            }
            return true;
        });
        for (const [key, { control, slot }] of this.#fields) {
            if (slot.dataset.own === "true") continue;
            const text = (messages.get(key) ?? []).join("\n");
            setText(slot, text);
            setAttribute(control, "aria-invalid", String(text !== ""));
        }
        return homeless;
    }

    /**
     * @param {readonly string[]} path
     * @returns {boolean} Whether there is such a field.
     */
    focus(path) {
        for (let depth = path.length; depth > 0; depth -= 1) {
            const field = this.#fields.get(path.slice(0, depth).join("/"));
            if (!field) continue;
            const target = field.control.matches("input, select, textarea, button") ? field.control : field.control.querySelector("input, select, textarea, button");
            if (target instanceof HTMLElement) target.focus();
            field.control.scrollIntoView({ block: "nearest" });
            return true;
        }
        return false;
    }
}

/**
 * A labelled field.
 * @param {object} options
 * @param {FieldIndex} options.index
 * @param {JSONPath} options.path
 * @param {string} options.label
 * @param {string} [options.help]
 * @param {boolean} [options.isRequired]
 * @param {(id: string, describedBy: string) => HTMLElement} options.control
 */
export function field({ index, path, label, help, isRequired, control }) {
    const id = freshID(), helpID = `${id}-help`, slotID = `${id}-fault`;
    const slot = element("p", { id: slotID, class: "field-fault" });
    const made = control(id, `${slotID} ${helpID}`);
    index.add(path, made, slot);
    return element("div", { class: "form-field" },
        element("label", { for: id, class: "field-label" }, label, isRequired ? element("span", { class: "needed", title: "Required" }, " *") : null),
        made, slot, help ? helpText(helpID, help) : null);
}

/** Longer helps show their beginning until they are asked for more. */
const HELP_CHARACTERS_MAX = 110;

/** @param {string} id @param {string} help */
function helpText(id, help) {
    if (help.length <= HELP_CHARACTERS_MAX) return element("p", { id, class: "help" }, ...withCode(help));
    const cut = cutOf(help);
    return element("details", { id, class: "help" },
        element("summary", {}, ...withCode(help.slice(0, cut)), " …"), element("p", {}, ...withCode(help.slice(cut + 1))));
}

/**
 * Where the beginning of a help ends: behind a word, and not within `code`.
 * @param {string} help
 */
function cutOf(help) {
    const sentence = help.slice(0, HELP_CHARACTERS_MAX).search(/[.;:] (?!.*[.;:] )/);
    const cut = sentence > 30 ? sentence + 1 : help.lastIndexOf(" ", HELP_CHARACTERS_MAX);
    const isInCode = help.slice(0, cut).split("`").length % 2 === 0;
    return isInCode ? help.lastIndexOf(" ", help.lastIndexOf("`", cut)) : cut;
}

/**
 * Text with `code` in it.
 * @param {string} text
 */
export function withCode(text) {
    return text.split(/(`[^`]+`)/).map((part) => (part.length > 2 && part.startsWith("`") ? element("code", {}, part.slice(1, -1)) : part));
}

/**
 * Says what is wrong with what was typed and could not be taken; an empty text takes it back.
 * @param {HTMLElement} control
 * @param {string} text
 */
export function ownFault(control, text) {
    const slot = control.closest(".form-field, .row-field")?.querySelector(".field-fault");
    if (!(slot instanceof HTMLElement)) return;
    slot.dataset.own = String(text !== "");
    setText(slot, text);
    setAttribute(control, "aria-invalid", String(text !== ""));
}

/**
 * A one-line input. `take` says what is wrong with a text, or nothing.
 * @param {object} options
 * @param {string} [options.id]
 * @param {string} [options.describedBy]
 * @param {string} [options.label]
 * @param {string} options.value
 * @param {string} [options.placeholder]
 * @param {boolean} [options.isNumber]
 * @param {boolean} [options.isCode]
 * @param {boolean} [options.isLate] Taken when the field is left, not at each key.
 * @param {(text: string) => string | undefined} options.take
 */
export function textInput({ id, describedBy, label, value, placeholder, isNumber, isCode, isLate, take }) {
    /** @type {HTMLInputElement} */
    const input = element("input", {
        type: "text", id, "aria-describedby": describedBy, "aria-label": label, placeholder, autocomplete: "off", spellcheck: isNumber || isCode ? "false" : null,
        inputmode: isNumber ? "decimal" : null, class: isCode ? "code-input" : isNumber ? "number-input" : null,
        oninput: isLate ? null : taken, onchange: isLate ? taken : null,
        onkeydown: (event) => {
            if (event.key === "Enter" && isLate) taken();
        },
    });
    function taken() {
        ownFault(input, take(input.value) ?? "");
    }
    input.value = value;
    return input;
}

/**
 * A text of several lines that grows with what is in it.
 * @param {{ id?: string, describedBy?: string, label?: string, value: string, placeholder?: string, take: (text: string) => void }} options
 */
export function textArea({ id, describedBy, label, value, placeholder, take }) {
    const fit = () => (area.rows = Math.min(14, Math.max(2, area.value.split("\n").length + Math.floor(area.value.length / 60))));
    const area = element("textarea", {
        id, "aria-describedby": describedBy, "aria-label": label, placeholder, rows: 2, oninput: () => {
            fit();
            take(area.value);
        },
    });
    area.value = value;
    fit();
    return area;
}

/**
 * @param {{ id?: string, describedBy?: string, label?: string, value: string, options: { value: string, text: string }[], take: (value: string) => void }} options
 */
export function choice({ id, describedBy, label, value, options, take }) {
    /** @type {HTMLSelectElement} */
    const select = element("select", { id, "aria-describedby": describedBy, "aria-label": label, onchange: () => take(select.value) },
        ...options.map((option) => element("option", { value: option.value, selected: option.value === value }, option.text)));
    return select;
}

/** @param {string} label @param {() => void} onclick */
export function removeButton(label, onclick) {
    return button({ icon: "close", label, class: "button quiet", onclick });
}

/** @param {string} text @param {() => void} onclick */
export function addButton(text, onclick) {
    return button({ icon: "plus", text, class: "button small", onclick });
}

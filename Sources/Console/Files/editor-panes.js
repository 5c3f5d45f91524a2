// What stands behind the tabs beside the editor's canvas, but for the forms: problems, YAML, revisions.

import { CodeField } from "./code-field.js";
import { button, element, setAttribute, setText } from "./dom.js";
import { placeWords } from "./fault-places.js";
import { choice } from "./form-fields.js";
import { count, moment } from "./format.js";
import { summary } from "./graph-diff.js";

/** @typedef {import("./editor-api.js").Revision} Revision */
/** @typedef {import("./editor-session.js").EditorSession} EditorSession */
/** @typedef {import("./fault-places.js").PlacedFault} PlacedFault */
/** @typedef {import("./graph-diff.js").ItemChange} ItemChange */

export class FaultList extends HTMLElement {
    /** @type {(fault: PlacedFault) => void} */
    onOpen = () => {};
    /** @type {readonly PlacedFault[] | null} */
    #shown = null;
    #note = element("p", { class: "empty" });
    #list = element("ul", { class: "faults" });

    connectedCallback() {
        if (!this.firstChild) this.append(this.#note, this.#list);
    }

    /** @param {EditorSession} session */
    show({ faults, validity }) {
        const words = { checking: "Checking…", valid: "No problems: the graph can run.", unknown: "The server does not answer, so nothing is checked.", faulty: "" };
        setText(this.#note, faults.length > 0 && validity !== "valid" ? `${count(faults.length, "problem")}. Choose one to go there.` : words[validity]);
        if (faults === this.#shown) return;
        this.#shown = faults;
        this.#list.replaceChildren(...faults.map((fault) => element("li", {},
            element("button", { type: "button", class: "fault-card", onclick: () => this.onOpen(fault) },
                element("span", { class: "fault-place" }, placeWords(fault)), element("span", { class: "fault-text" }, fault.message)))));
    }
}

export class YAMLPane extends HTMLElement {
    /** @type {(text: string) => void} */
    onType = () => {};
    #text = new CodeField({ language: "yaml", label: "The graph as YAML", id: "yaml-text", describedBy: "yaml-fault", fills: true });
    #fault = element("p", { class: "field-fault", id: "yaml-fault", role: "status" });

    connectedCallback() {
        if (this.firstChild) return;
        this.#text.onEdit = () => this.onType(this.#text.value);
        const copy = button({ icon: "copy", text: "Copy", class: "button small", onclick: () => navigator.clipboard?.writeText(this.#text.value) });
        this.append(element("div", { class: "pane-tools" }, element("p", { class: "help" }, "The same graph as text. Edit either side."), copy), this.#text, this.#fault);
    }

    /** @param {EditorSession} session */
    show({ yaml, yamlFault }) {
        if (yaml !== null) this.#text.value = yaml;
        setText(this.#fault, yamlFault ?? "");
        setAttribute(this.#text.text, "aria-invalid", String(yamlFault !== null));
    }

    focusText() {
        this.#text.text.focus();
    }
}

export class RevisionPane extends HTMLElement {
    /** @type {(from: number, to: number | null) => void} */
    onCompare = () => {};
    /** @type {(revision: number) => void} */
    onRestore = () => {};
    onEnd = () => {};
    #list = element("ul", { class: "revisions" });
    #note = element("p", { class: "empty" });
    #difference = element("section", { class: "difference", "aria-label": "Difference", hidden: true });
    /** @type {Revision[]} */
    #revisions = [];
    /** @type {number | null} */
    #chosen = null;

    connectedCallback() {
        if (!this.firstChild) this.append(this.#note, this.#difference, this.#list);
    }

    /** @param {Revision[]} revisions @param {number | null} current */
    show(revisions, current) {
        this.#revisions = revisions;
        setText(this.#note, revisions.length === 0 ? "There is none yet: saving makes the first." : "Choose one to see what has changed since.");
        this.#list.replaceChildren(...revisions.map((revision) => this.#item(revision, current)));
        this.#mark();
    }

    /** @param {Revision} revision @param {number | null} current */
    #item({ revision, created_at, deleted, file }, current) {
        const about = [moment(created_at), file && `from ${file}`, deleted && "deleted", revision === current && "current"].filter(Boolean).join(" · ");
        return element("li", {}, element("button", {
            type: "button", class: "revision", "data-revision": revision, "aria-pressed": "false", disabled: deleted,
            onclick: () => (this.#chosen === revision ? this.onEnd() : this.onCompare(revision, null)),
        }, element("span", { class: "revision-name" }, `Revision ${revision}`), element("span", { class: "help" }, about)));
    }

    #mark() {
        for (const item of this.#list.querySelectorAll("button")) setAttribute(item, "aria-pressed", String(item.dataset.revision === String(this.#chosen)));
    }

    /**
     * @param {{ from: number, to: number | null, changes: readonly ItemChange[] } | null} comparison
     */
    showDifference(comparison) {
        this.#chosen = comparison?.from ?? null;
        this.#mark();
        this.#difference.hidden = comparison === null;
        if (!comparison) return this.#difference.replaceChildren();
        const { from, to, changes } = comparison;
        const others = [{ value: "", text: "what is here now" }, ...this.#revisions.filter(({ revision, deleted }) => revision !== from && !deleted)
            .map(({ revision }) => ({ value: String(revision), text: `revision ${revision}` }))];
        this.#difference.replaceChildren(
            element("div", { class: "compared" }, element("span", {}, `Revision ${from} → `), choice({
                label: "Compared with", value: to === null ? "" : String(to), options: others,
                take: (value) => this.onCompare(from, value === "" ? null : Number(value)) })),
            element("p", { class: "summary", role: "status" }, summary(changes)),
            element("ul", { class: "changes" }, ...changes.map((item) => element("li", { "data-change": item.change },
                element("strong", {}, `${{ node: "Node", edge: "Edge", graph: "Setting" }[item.of]} ${item.id}`), ` ${item.change}`,
                element("ul", {}, ...item.fields.map((field) => element("li", {}, field.path === "" ? null : element("code", {}, field.path),
                    field.before === null ? null : element("del", {}, shortened(field.before)), field.after === null ? null : element("ins", {}, shortened(field.after)))))))),
            element("div", { class: "dialog-answers" },
                element("button", { type: "button", class: "button", onclick: () => this.onEnd() }, "Close"),
                element("button", { type: "button", class: "button primary", onclick: () => this.onRestore(from) }, `Restore revision ${from}`)));
    }
}

const SHOWN_CHARACTERS_MAX = 400;

/** @param {string} text */
function shortened(text) {
    const shown = text.startsWith('"') ? JSON.parse(text) : text;
    return shown.length > SHOWN_CHARACTERS_MAX ? `${shown.slice(0, SHOWN_CHARACTERS_MAX)}…` : shown;
}

customElements.define("fault-list", FaultList);
customElements.define("yaml-pane", YAMLPane);
customElements.define("revision-pane", RevisionPane);

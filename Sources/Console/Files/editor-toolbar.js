// <editor-toolbar>: what can be done to the whole graph, and how it stands.

import { button, element, setAttribute, setText } from "./dom.js";
import { count } from "./format.js";
import { MenuButton } from "./menu-button.js";
import { modeSwitch } from "./mode-switch.js";

/** @typedef {import("./editor-session.js").EditorSession} EditorSession */

/**
 * @typedef {object} ToolbarActions
 * @property {() => void} undo
 * @property {() => void} redo
 * @property {() => void} arrange
 * @property {() => void} save
 * @property {() => void} run
 * @property {() => void} problems
 * @property {() => void} panel
 * @property {() => void} duplicate
 * @property {() => void} importFile
 * @property {(format: "yaml" | "json" | "svg") => void} export
 * @property {() => void} shortcuts
 * @property {() => void} remove
 */

export class EditorToolbar extends HTMLElement {
    #actions;
    /** @type {EditorSession | null} */
    #session = null;
    #title = element("h2", { tabindex: -1 });
    #state = element("p", { class: "save-state", role: "status" });
    #modes = element("div");
    #undo;
    #redo;
    #save;
    #run;
    #validity;

    /** @param {ToolbarActions} actions */
    constructor(actions) {
        super();
        this.#actions = actions;
        this.#undo = button({ icon: "undo", label: "Undo", class: "button quiet", onclick: actions.undo });
        this.#redo = button({ icon: "redo", label: "Redo", class: "button quiet", onclick: actions.redo });
        this.#save = button({ icon: "save", text: "Save", label: "Save", class: "button plain", onclick: actions.save });
        this.#run = button({ icon: "play", text: "Run", class: "button primary", onclick: actions.run });
        this.#validity = element("button", { type: "button", class: "validity", onclick: actions.problems });
    }

    connectedCallback() {
        if (this.firstChild) return;
        const actions = this.#actions;
        const more = new MenuButton("more", "More", [
            { text: "Duplicate this graph", onclick: actions.duplicate },
            { text: "Import a file…", onclick: actions.importFile },
            null,
            { text: "Export as YAML", onclick: () => actions.export("yaml") },
            { text: "Export as JSON", onclick: () => actions.export("json") },
            { text: "Export as SVG", onclick: () => actions.export("svg") },
            null,
            { text: "Keyboard shortcuts", onclick: actions.shortcuts },
            null,
            { text: "Delete this graph…", onclick: actions.remove, isDangerous: true, isDisabled: () => this.#session?.isNew ?? true },
        ]);
        this.append(
            element("div", { class: "editor-title" }, this.#title, this.#state), this.#modes,
            element("div", { class: "editor-tools", role: "toolbar", "aria-label": "Graph" },
                this.#undo, this.#redo,
                button({ icon: "arrange", label: "Arrange the graph", class: "button quiet", onclick: actions.arrange }),
                this.#validity, this.#save, this.#run, more,
                button({ icon: "panel", label: "Show or hide the panel", class: "button quiet", onclick: actions.panel })));
    }

    /** @param {EditorSession} session */
    show(session) {
        if (session !== this.#session) this.#modes.replaceChildren(modeSwitch("edit", session.isNew ? null : session.id));
        this.#session = session;
        setText(this.#title, session.name || "Untitled");
        setText(this.#state, stateWords(session));
        this.#state.classList.toggle("dirty", session.isDirty);
        this.#undo.disabled = !session.history.canUndo;
        this.#redo.disabled = !session.history.canRedo;
        describe(this.#undo, session.history.canUndo ? `Undo: ${session.history.undoLabel}` : "Undo");
        describe(this.#redo, session.history.canRedo ? `Redo: ${session.history.redoLabel}` : "Redo");
        this.#save.disabled = session.isSaving || !session.isDirty || session.nodes.length === 0;
        this.#run.disabled = session.isSaving || session.nodes.length === 0;
        const isEmpty = session.nodes.length === 0 && session.faults.length === 0;
        setAttribute(this.#validity, "data-validity", isEmpty ? "unknown" : session.validity);
        const number = session.faults.length;
        if (isEmpty) setText(this.#validity, "Empty");
        else setText(this.#validity, session.validity === "faulty" ? (session.yamlFault !== null ? "Not readable" : count(number, "problem"))
            : { checking: "Checking…", valid: "Valid", unknown: "Not checked" }[session.validity]);
    }

    /**
     * The graph has got an address.
     * @param {EditorSession} session
     */
    showModes(session) {
        this.#modes.replaceChildren(modeSwitch("edit", session.id));
    }
}

/** @param {EditorSession} session */
function stateWords(session) {
    if (session.isSaving) return "Saving…";
    if (session.isNew) return "Not saved yet";
    return session.isDirty ? `Unsaved changes · revision ${session.revision}` : `Saved · revision ${session.revision}`;
}

/** @param {Element} target @param {string} text */
function describe(target, text) {
    setAttribute(target, "aria-label", text);
    setAttribute(target, "title", text);
}

customElements.define("editor-toolbar", EditorToolbar);

// <graph-form>: what a graph has besides its nodes and edges.

import { element } from "./dom.js";
import { FieldIndex, choice, field, removeButton, textArea, textInput } from "./form-fields.js";
import { GRAPH_ID, withField } from "./graph-draft.js";
import { at, treeOf, valueOf } from "./json-tree.js";
import { jsonField, member } from "./schema-form.js";
import { entries } from "./schema-rows.js";

/** @typedef {import("./editor-session.js").EditorSession} EditorSession */
/** @typedef {import("./json-tree.js").JSONPath} JSONPath */
/** @typedef {import("./json-tree.js").JSONTree} JSONTree */

/** @type {import("./schema.js").Schema} */
const limits = {
    type: "object", title: "Limits", properties: {
        max_parallel_nodes: { type: "integer", title: "Nodes at once", default: 16 },
        tokens: { type: "integer", title: "Tokens of models, in all" },
        timeout_ms: { type: "integer", title: "Timeout of a run (ms)", default: 600000 },
    },
};
const reducers = [
    { value: "replace", text: "replace: the later one stands" },
    { value: "append", text: "append to an array" },
    { value: "merge", text: "merge objects" },
    { value: "sum", text: "sum" },
    { value: "min", text: "smallest" },
    { value: "max", text: "largest" },
];
/** What a form shows; all else in a document is told as a problem. */
const OWN = ["id", "name", "description", "initial_state", "reducers", "limits", "on_restart"];

export class GraphForm extends HTMLElement {
    /** @type {EditorSession | null} */
    #session = null;
    #index = new FieldIndex();
    /** @type {Map<string, JSONTree>} */
    #stash = new Map();
    /** @type {(JSONTree | undefined)[]} */
    #shown = [];
    #isRaw = false;
    #faults = element("ul", { class: "form-faults" });

    /** @param {EditorSession} session */
    open(session) {
        if (session !== this.#session) this.#shown = [];
        this.#session = session;
        this.update();
    }

    #trees() {
        return OWN.map((key) => at(this.#session?.document, [key]));
    }

    update() {
        const session = this.#session;
        if (!session) return;
        const trees = this.#trees();
        if (this.#shown.length === 0 || trees.some((tree, index) => tree !== this.#shown[index])) {
            this.#shown = trees;
            this.#build(session);
        }
        const homeless = this.#index.show(session.faults.filter((fault) => fault.of === "graph"));
        this.#faults.replaceChildren(...homeless.map(({ pointer, message }) => element("li", {}, pointer ? `${pointer}: ${message}` : message)));
    }

    /** @param {readonly string[]} path */
    focusField(path) {
        return this.#index.focus(path);
    }

    /** @param {JSONPath} path @param {JSONTree | undefined} tree */
    #write(path, tree) {
        const session = this.#session;
        if (!session) return;
        let document = withField(session.document, path, tree);
        const rest = at(document, path.slice(0, 1));
        if (tree === undefined && path.length > 1 && rest?.kind === "object" && rest.members.length === 0) {
            document = withField(document, path.slice(0, 1), undefined);
        }
        this.#shown = OWN.map((key) => at(document, [key]));
        session.change(document, "Edit the settings", `graph ${path.slice(0, 2).join("/")}`);
    }

    /** @param {EditorSession} session */
    #build(session) {
        this.#index.clear();
        const document = valueOf(session.document);
        /** @type {import("./schema-form.js").FormStore} */
        const store = {
            kind: "", index: this.#index, stash: this.#stash,
            read: (path) => at(session.document, path), write: (path, tree) => this.#write(path, tree),
            rebuild: (path) => {
                this.#build(session);
                this.update();
                if (path) this.#index.focus(path.map(String));
            },
        };
        const text = (/** @type {unknown} */ value) => (typeof value === "string" ? value : "");
        this.replaceChildren(
            element("header", { class: "form-head" }, element("div", {}, element("h3", { tabindex: -1 }, "Graph settings"),
                element("p", { class: "help" }, "Choose a node on the canvas to edit it."))),
            this.#faults,
            element("section", { class: "form-section" },
                field({ index: this.#index, path: ["name"], label: "Name", control: (id, describedBy) => textInput({
                    id, describedBy, value: text(document.name), placeholder: session.id, take: (value) => void this.#write(["name"], value === "" ? undefined : treeOf(value)) }) }),
                field({ index: this.#index, path: ["id"], label: "Id", isRequired: true,
                    help: session.isNew ? "Small letters, digits, dots and dashes. It stays once the graph is saved." : "It stays; Duplicate makes a graph with another one.",
                    control: (id, describedBy) => this.#idInput(session, id, describedBy) }),
                field({ index: this.#index, path: ["description"], label: "Description", control: (id, describedBy) => textArea({
                    id, describedBy, value: text(document.description), take: (value) => this.#write(["description"], value === "" ? undefined : treeOf(value)) }) })),
            element("section", { class: "form-section" },
                element("div", { class: "section-head" }, element("h4", {}, "Initial state"),
                    element("button", { type: "button", class: "link", onclick: () => {
                        this.#isRaw = !this.#isRaw;
                        store.rebuild(["initial_state"]);
                    } }, this.#isRaw ? "Show the form" : "Edit as JSON")),
                element("p", { class: "help" }, "What every run begins with; a run may change it."),
                this.#isRaw
                    ? field({ index: this.#index, path: ["initial_state"], label: "Initial state (JSON)", control: (id, describedBy) => jsonField(store, ["initial_state"], { id, describedBy }) })
                    : entries(store, {}, ["initial_state"], new Set())),
            element("section", { class: "form-section" }, element("h4", {}, "Reducers"),
                element("p", { class: "help" }, "How the updates of one key by several nodes combine. Without one, the later node's stands."),
                this.#reducers(store)),
            element("section", { class: "form-section" },
                member(store, "limits", limits, ["limits"], false),
                field({ index: this.#index, path: ["on_restart"], label: "After a crash of the daemon", control: (id, describedBy) => choice({
                    id, describedBy, value: document.on_restart === "fail" ? "fail" : "",
                    options: [{ value: "", text: "Take the run up again" }, { value: "fail", text: "End the run as failed" }],
                    take: (value) => this.#write(["on_restart"], value === "" ? undefined : treeOf(value)) }) })));
    }

    /** @param {EditorSession} session @param {string} id @param {string} describedBy */
    #idInput(session, id, describedBy) {
        const input = textInput({
            id, describedBy, value: session.id, isCode: true, take: (value) => {
                this.#write(["id"], treeOf(value));
                return GRAPH_ID.test(value) ? undefined : "1 to 64 small letters, digits, dots, _ and -; the first a letter or digit.";
            },
        });
        input.readOnly = !session.isNew;
        return input;
    }

    /** @param {import("./schema-form.js").FormStore} store */
    #reducers(store) {
        const tree = store.read(["reducers"]), state = store.read(["initial_state"]);
        const members = tree?.kind === "object" ? tree.members : [];
        const rows = members.map(({ key, value }) => {
            const row = element("div", { class: "row" }, element("code", { class: "key-input" }, key),
                choice({ label: `Reducer of ${key}`, value: String(valueOf(value)), options: reducers, take: (name) => this.#write(["reducers", key], treeOf(name)) }),
                removeButton(`Remove the reducer of ${key}`, () => {
                    this.#write(["reducers", key], undefined);
                    store.rebuild();
                }));
            const slot = element("p", { class: "field-fault" });
            this.#index.add(["reducers", key], row, slot);
            return element("div", { class: "row-field" }, row, slot);
        });
        const known = (state?.kind === "object" ? state.members : []).map(({ key }) => key).filter((key) => !members.some((member) => member.key === key));
        const list = "reducer-keys";
        const name = textInput({ label: "Key of a new reducer", value: "", placeholder: "Key", isCode: true, take: () => undefined });
        name.setAttribute("list", list);
        const add = () => {
            const key = name.value.trim();
            if (key === "" || members.some((member) => member.key === key)) return name.focus();
            this.#write(["reducers", key], treeOf("append"));
            store.rebuild(["reducers", key]);
        };
        return element("div", { class: "rows" }, ...rows, element("div", { class: "row" }, name,
            element("datalist", { id: list }, ...known.map((key) => element("option", { value: key }))),
            element("button", { type: "button", class: "button small", onclick: add }, "Add a reducer")));
    }
}

customElements.define("graph-form", GraphForm);

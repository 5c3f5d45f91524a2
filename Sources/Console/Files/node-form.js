// <node-form>: everything about one node: its kind's config, its fields, its edges.

import { conditionText } from "./condition.js";
import { button, element } from "./dom.js";
import { FieldIndex, choice, field, removeButton, textInput, withCode } from "./form-fields.js";
import { NODE_ID, cycleBy, nodeTree, withCondition, withEdge, withNodeField, withNodeRenamed, withoutEdge } from "./graph-draft.js";
import { at, treeOf } from "./json-tree.js";
import { kindTile } from "./kind-icons.js";
import { member, jsonField, objectFields } from "./schema-form.js";

/** @typedef {import("./editor-session.js").EditorSession} EditorSession */
/** @typedef {import("./json-tree.js").JSONPath} JSONPath */
/** @typedef {import("./json-tree.js").JSONTree} JSONTree */
/** @typedef {import("./schema.js").Schema} Schema */

/** @type {Schema} */
const timeout = { type: "integer", title: "Timeout (ms)", description: "Of one attempt. Empty: only the graph's.", minimum: 1 };
/** @type {Schema} */
const silence = { type: "integer", title: "Longest silence (ms)", description: "Of python and process nodes: an attempt that puts out nothing for so long ends. Empty: it may be silent.", minimum: 1 };
/** @type {Schema} */
const retry = {
    type: "object", title: "Retry", properties: {
        max_attempts: { type: "integer", title: "Attempts", description: "The first one included.", default: 1 },
        delay_ms: { type: "integer", title: "Delay (ms)", description: "Before the second attempt.", default: 200 },
        backoff: { type: "number", title: "Backoff", description: "Each further delay is this times the one before.", default: 2 },
    },
};
const onError = [
    { value: "", text: "Continue: the nodes after it still run" },
    { value: "skip", text: "Skip the nodes after it" },
    { value: "stop", text: "Stop the whole run" },
];

export class NodeForm extends HTMLElement {
    /** @type {EditorSession | null} */
    #session = null;
    #id = "";
    /** @type {JSONTree | undefined} The node as the form shows it. */
    #shown;
    /** @type {readonly unknown[]} */
    #shownEdges = [];
    #index = new FieldIndex();
    /** @type {Map<string, JSONTree>} */
    #stash = new Map();
    #isRaw = false;
    #faults = element("ul", { class: "form-faults" });
    #edges = element("div", { class: "edge-lists" });

    /** @type {(from: string, to: string) => void} */
    onOpenEdge = () => {};
    /** @type {(id: string) => void} */
    onOpenNode = () => {};
    /** @type {(document: JSONTree, ids: string[], label: string) => void} */
    onStructure = () => {};

    /** @param {EditorSession} session @param {string} id */
    open(session, id) {
        if (session !== this.#session || id !== this.#id) {
            this.#stash.clear();
            this.#isRaw = false;
            this.#shown = undefined;
        }
        [this.#session, this.#id] = [session, id];
        this.update();
    }

    update() {
        const session = this.#session;
        if (!session) return;
        const tree = nodeTree(session.document, this.#id);
        if (tree !== this.#shown) {
            this.#shown = tree;
            this.#build(session);
        }
        const edges = session.edges.filter((edge) => edge.from === this.#id || edge.to === this.#id);
        if (edges.length !== this.#shownEdges.length || edges.some((edge, index) => edge !== this.#shownEdges[index])) this.#buildEdges(session, edges);
        const homeless = this.#index.show(session.faults.filter((fault) => fault.id === this.#id));
        this.#faults.replaceChildren(...homeless.map(({ field, message }) =>
            element("li", {}, field.length > 0 ? `${field.join(".")}: ${message}` : message)));
    }

    /** @param {readonly string[]} path */
    focusField(path) {
        return this.#index.focus(path);
    }

    /** @returns {import("./schema-form.js").FormStore} */
    #store() {
        const session = /** @type {EditorSession} */ (this.#session);
        return {
            kind: String(session.node(this.#id)?.kind), index: this.#index, stash: this.#stash,
            read: (path) => at(nodeTree(session.document, this.#id), path),
            write: (path, tree) => this.#write(path, tree),
            rebuild: (path) => {
                this.#build(session);
                this.update();
                if (path) this.#index.focus(path.map(String));
            },
        };
    }

    /** @param {JSONPath} path @param {JSONTree | undefined} tree */
    #write(path, tree) {
        const session = this.#session;
        if (!session) return;
        const document = withNodeField(session.document, this.#id, path, tree);
        // The form shows this already, so the update that follows need not build it anew, and the keyboard stays where it is.
        this.#shown = nodeTree(document, this.#id);
        session.change(document, `Edit ${this.#id}`, `${this.#id} ${path.slice(0, 3).join("/")}`);
    }

    /** @param {EditorSession} session */
    #build(session) {
        const node = session.node(this.#id);
        this.#index.clear();
        if (!node) return this.replaceChildren();
        const kind = session.kindsByName.get(node.kind), store = this.#store();
        const config = kind && !this.#isRaw ? objectFields(store, kind.config_schema, ["config"]) : [this.#raw(store)];
        this.replaceChildren(
            element("header", { class: "form-head" }, kindTile(String(node.kind)),
                element("div", {}, element("h3", { tabindex: -1 }, String(node.name ?? node.id)),
                    element("p", { class: "help" }, `${kind?.title ?? `Unknown kind ${node.kind}`} node`))),
            this.#faults,
            element("section", { class: "form-section" },
                field({ index: this.#index, path: ["name"], label: "Name", control: (id, describedBy) => textInput({
                    id, describedBy, value: String(node.name ?? ""), placeholder: node.id, take: (text) => {
                        this.#write(["name"], text === "" ? undefined : treeOf(text));
                        const heading = this.querySelector("h3");
                        if (heading) heading.textContent = text || node.id;
                        return undefined;
                    } }) }),
                field({ index: this.#index, path: ["id"], label: "Id", isRequired: true, help: "How edges and conditions call it.",
                    control: (id, describedBy) => this.#idInput(session, id, describedBy) })),
            element("section", { class: "form-section" },
                element("div", { class: "section-head" }, element("h4", {}, "What it does"),
                    kind ? element("button", { type: "button", class: "link", onclick: () => this.#toggleRaw() }, this.#isRaw ? "Show the form" : "Edit as JSON") : null),
                kind ? element("p", { class: "help" }, ...withCode(kind.description)) : null,
                ...config),
            element("section", { class: "form-section" }, element("h4", {}, "Connections"), this.#edges),
            this.#policies(session, store, node));
        this.#shownEdges = [];
        this.#edges.replaceChildren();
        this.#buildEdges(session, session.edges.filter((edge) => edge.from === this.#id || edge.to === this.#id));
    }

    /** @param {import("./schema-form.js").FormStore} store */
    #raw(store) {
        return field({ index: this.#index, path: ["config"], label: "Config (JSON)", control: (id, describedBy) =>
            jsonField(store, ["config"], { id, describedBy }) });
    }

    #toggleRaw() {
        this.#isRaw = !this.#isRaw;
        const session = this.#session;
        if (session) this.#build(session);
        this.update();
        this.#index.focus(["config"]);
    }

    /** @param {EditorSession} session @param {string} id @param {string} describedBy */
    #idInput(session, id, describedBy) {
        return textInput({
            id, describedBy, value: this.#id, isCode: true, isLate: true, take: (text) => {
                if (text === this.#id) return undefined;
                if (!NODE_ID.test(text)) return "1 to 64 letters, digits, _ and -; the first a letter or _.";
                if (session.node(text)) return `There is a node ${text} already.`;
                this.onStructure(withNodeRenamed(session.document, this.#id, text), [text], `Rename ${this.#id}`);
                return undefined;
            },
        });
    }

    /**
     * @param {EditorSession} session
     * @param {import("./schema-form.js").FormStore} store
     * @param {any} node
     */
    #policies(session, store, node) {
        const isUsed = ["timeout_ms", "idle_timeout_ms", "retry", "on_error", "idempotent"].some((key) => node[key] !== undefined);
        return element("details", { class: "form-section", open: isUsed || session.faults.some((fault) => fault.id === this.#id && fault.field[0] !== "config") },
            element("summary", {}, element("h4", {}, "When it fails")),
            field({ index: this.#index, path: ["on_error"], label: "If it ends in error", control: (id, describedBy) => choice({
                id, describedBy, value: node.on_error === "continue" ? "" : String(node.on_error ?? ""), options: onError,
                take: (value) => this.#write(["on_error"], value === "" ? undefined : treeOf(value)) }) }),
            member(store, "timeout_ms", timeout, ["timeout_ms"], false),
            member(store, "idle_timeout_ms", silence, ["idle_timeout_ms"], false),
            member(store, "retry", retry, ["retry"], false),
            field({ index: this.#index, path: ["idempotent"], label: "After a crash of the daemon", control: (id, describedBy) => choice({
                id, describedBy, value: node.idempotent === false ? "false" : "",
                options: [{ value: "", text: "Run it again" }, { value: "false", text: "Do not run it again (not idempotent)" }],
                take: (value) => this.#write(["idempotent"], value === "" ? undefined : treeOf(false)) }) }));
    }

    /** @param {EditorSession} session @param {readonly import("./events.js").GraphEdge[]} edges */
    #buildEdges(session, edges) {
        this.#shownEdges = edges;
        const list = (/** @type {"from" | "to"} */ end) => edges.filter((edge) => edge[end === "from" ? "to" : "from"] === this.#id).map((edge) =>
            element("li", { class: "edge-row" },
                element("button", { type: "button", class: "link", onclick: () => this.onOpenNode(edge[end]) }, String(session.node(edge[end])?.name ?? edge[end])),
                conditionText(edge.when) ? element("code", { class: "edge-when" }, conditionText(edge.when)) : null,
                button({ icon: "edit", label: `Condition of the edge ${edge.from} → ${edge.to}`, class: "button quiet", onclick: () => this.onOpenEdge(edge.from, edge.to) }),
                removeButton(`Remove the edge ${edge.from} → ${edge.to}`, () =>
                    session.change(withoutEdge(session.document, edge.from, edge.to), "Disconnect"))));
        const incoming = list("from"), outgoing = list("to");
        const targets = session.nodes.filter(({ id }) => id !== this.#id && !edges.some((edge) => edge.to === id) && !cycleBy(session.document, this.#id, id));
        this.#edges.replaceChildren(
            element("h5", {}, "After"), incoming.length > 0 ? element("ul", {}, ...incoming) : element("p", { class: "help" }, "Nothing: it starts at once."),
            element("h5", {}, "Before"), outgoing.length > 0 ? element("ul", {}, ...outgoing) : element("p", { class: "help" }, "Nothing yet."),
            targets.length === 0 ? "" : choice({
                label: "Connect to", value: "", options: [{ value: "", text: "Connect to…" }, ...targets.slice(0, 200).map(({ id, name }) => ({ value: id, text: String(name ?? id) }))],
                take: (to) => {
                    if (to !== "") session.change(withEdge(session.document, this.#id, to), "Connect");
                },
            }));
    }
}

export class EdgeForm extends HTMLElement {
    #index = new FieldIndex();
    #shown = "";
    /** @type {(id: string) => void} */
    onOpenNode = () => {};

    /** @param {EditorSession} session @param {import("./editor-session.js").Ends} edge */
    open(session, edge) {
        const when = session.edges.find(({ from, to }) => from === edge.from && to === edge.to)?.when ?? "";
        const key = `${edge.from} ${edge.to} ${conditionText(when)}`;
        if (key !== this.#shown) {
            this.#shown = key;
            this.#build(session, edge, when);
        }
        const faults = session.faults.filter((fault) => fault.edge?.from === edge.from && fault.edge.to === edge.to);
        const homeless = this.#index.show(faults);
        this.querySelector(".form-faults")?.replaceChildren(...homeless.map(({ message }) => element("li", {}, message)));
    }

    focusField() {
        return this.#index.focus(["when"]);
    }

    /** @param {EditorSession} session @param {import("./editor-session.js").Ends} edge @param {unknown} when */
    #build(session, { from, to }, when) {
        this.#index.clear();
        const link = (/** @type {string} */ id) =>
            element("button", { type: "button", class: "link", onclick: () => this.onOpenNode(id) }, String(session.node(id)?.name ?? id));
        this.replaceChildren(
            element("header", { class: "form-head" }, element("div", {}, element("h3", { tabindex: -1 }, "Edge"),
                element("p", {}, link(from), " → ", link(to)))),
            element("ul", { class: "form-faults" }),
            element("section", { class: "form-section" },
                typeof when !== "string" ? element("p", { class: "help" }, "Its condition is ",
                    element("code", {}, conditionText(when)), ". It can be changed in the YAML.") : field({
                    index: this.#index, path: ["when"], label: "Condition",
                    help: "A Lua expression over `state` and `nodes`, such as `state.score > 0.8 and not state.done`; `~=` is unequal. Missing values and null are false, 0 and \"\" are true. Empty: the edge is always taken.",
                    control: (id, describedBy) => textInput({
                        id, describedBy, value: when, isCode: true, placeholder: "state.score > 0.8", take: (text) => {
                            this.#shown = `${from} ${to} ${text}`;
                            session.change(withCondition(session.document, from, to, text), "Edit a condition", `when ${from} ${to}`);
                            return undefined;
                        },
                    }),
                }),
                button({ icon: "close", text: "Delete the edge", onclick: () => session.change(withoutEdge(session.document, from, to), "Disconnect") })));
    }
}

customElements.define("node-form", NodeForm);
customElements.define("edge-form", EdgeForm);

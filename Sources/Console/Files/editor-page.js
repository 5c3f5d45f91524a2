// The editor and the graphs that are open in it. A graph with unsaved changes stays open, wherever people go meanwhile.

import { emptyDocument } from "./editor-actions.js";
import { EditorAPI } from "./editor-api.js";
import { EditorSession } from "./editor-session.js";
import { freeGraphID, withField } from "./graph-draft.js";
import { GraphEditor } from "./graph-editor.js";
import { ask } from "./dialogs.js";
import { parseTree, treeOf, at, valueOf } from "./json-tree.js";

/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */
/** @typedef {import("./events.js").GraphSummary} GraphSummary */
/** @typedef {import("./json-tree.js").JSONTree} JSONTree */

/** The address of a graph that has none yet. */
export const NEW_ADDRESS = "#/new";

/** @param {string} id */
export function editAddress(id) {
    return `#/graphs/${encodeURIComponent(id)}/edit`;
}

export class EditorPage {
    #api;
    /** @type {Map<string, EditorSession>} By address. */
    #drafts = new Map();
    editor;
    /**
     * Reads the list of graphs again.
     * @type {() => Promise<GraphSummary[]>}
     */
    loadGraphs = async () => [];

    /** @param {GraphAPI} api @param {HTMLElement} statusLine */
    constructor(api, statusLine) {
        this.#api = new EditorAPI(api);
        this.editor = new GraphEditor(this.#api, (text) => (statusLine.textContent = text));
        this.editor.saving.onSaved = (session) => this.#saved(session);
        this.editor.saving.onStarted = (id) => (location.hash = `#/executions/${id}`);
        this.editor.saving.onDeleted = (id) => this.#deleted(id);
        this.editor.onDuplicate = (session) => session && this.#openCopy(session.document, session.name);
        this.editor.saving.onImport = (document) => this.#imported(document);
        addEventListener("beforeunload", (event) => {
            if ([...this.#drafts.values()].some((session) => session.isDirty && session.nodes.length > 0)) event.preventDefault();
        });
    }

    /** @returns {Promise<string | null>} The graph that is to be opened first, if one is configured. */
    async startGraph() {
        return (await this.#api.settings()).start_graph;
    }

    /**
     * The session of a graph: the one that has unsaved changes, else a new one.
     * @param {string} id
     */
    async load(id) {
        const address = editAddress(id), known = this.#drafts.get(address);
        if (known?.isDirty) return known;
        const [{ text, revision }, kinds] = await Promise.all([this.#api.graph(id), this.#api.kinds()]);
        return this.#keep(address, new EditorSession(this.#api, { document: parseTree(text), revision, kinds }));
    }

    /** The session of a graph that is not saved yet. */
    async loadNew() {
        const known = this.#drafts.get(NEW_ADDRESS);
        if (known) return known;
        const [graphs, kinds] = await Promise.all([this.loadGraphs(), this.#api.kinds()]);
        const id = freeGraphID("my-graph", new Set(graphs.map((graph) => graph.id)));
        return this.#keep(NEW_ADDRESS, new EditorSession(this.#api, { document: emptyDocument(id, "My graph"), revision: null, kinds }));
    }

    /** @param {string} address @param {EditorSession} session */
    #keep(address, session) {
        this.#drafts.get(address)?.close();
        this.#drafts.set(address, session);
        return session;
    }

    /** @param {EditorSession} session */
    #saved(session) {
        this.loadGraphs().catch(() => {});
        if (this.#drafts.get(NEW_ADDRESS) !== session) return;
        this.#drafts.delete(NEW_ADDRESS);
        this.#drafts.set(editAddress(session.id), session);
        // The graph has an address now; it is the same page, so nothing is loaded again.
        history.replaceState(null, "", editAddress(session.id));
    }

    /** @param {string} id */
    #deleted(id) {
        this.#drafts.get(editAddress(id))?.close();
        this.#drafts.delete(editAddress(id));
        this.loadGraphs().catch(() => {});
        location.hash = "#/";
    }

    /** @param {JSONTree} document @param {string} name */
    async #openCopy(document, name) {
        const [graphs, kinds] = await Promise.all([this.loadGraphs(), this.#api.kinds()]);
        const id = freeGraphID(String(valueOf(at(document, ["id"])) ?? "my-graph"), new Set(graphs.map((graph) => graph.id)));
        const copy = withField(withField(document, ["id"], treeOf(id)), ["name"], treeOf(`${name} (copy)`));
        await this.#openNew(copy, kinds);
    }

    /** @param {JSONTree} document @param {import("./schema.js").NodeKind[]} kinds */
    async #openNew(document, kinds) {
        const before = this.#drafts.get(NEW_ADDRESS);
        if (before && before.nodes.length > 0 && !(await this.#mayReplace(before.name))) return;
        const session = this.#keep(NEW_ADDRESS, new EditorSession(this.#api, { document, revision: null, kinds }));
        if (location.hash === NEW_ADDRESS) this.editor.open(session);
        else location.hash = NEW_ADDRESS;
    }

    /** @param {string} name */
    async #mayReplace(name) {
        return await ask({ title: "There is another new graph", body: [`“${name}” is not saved yet. It would be lost.`], answers: [
            { text: "Discard it", value: "discard", class: "button danger" }, { text: "Keep it", value: "keep", class: "button primary" }] }) === "discard";
    }

    /** @param {JSONTree} document */
    async #imported(document) {
        const [graphs, kinds] = await Promise.all([this.loadGraphs(), this.#api.kinds()]);
        const id = String(valueOf(at(document, ["id"])) ?? ""), there = graphs.find((graph) => graph.id === id);
        if (!there) return this.#openNew(document, kinds);
        const answer = await ask({ title: `There is a graph ${id} already`, body: ["The file can become a change of it, which you still have to save, or a graph of its own."], answers: [
            { text: "Cancel", value: "" }, { text: "Import as a copy", value: "copy" }, { text: `Change ${id}`, value: "change", class: "button primary" }] });
        if (answer === "copy") await this.#openCopy(document, there.name);
        if (answer !== "change") return;
        const session = await this.load(id);
        session.change(document, "Import");
        if (location.hash === editAddress(id)) this.editor.open(session);
        else location.hash = editAddress(id);
    }

    /** Lets people choose a file and opens it. */
    importFile() {
        return this.editor.saving.importFile();
    }
}

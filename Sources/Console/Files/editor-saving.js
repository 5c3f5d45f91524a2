// Saving a graph, running it, deleting it, and files; and the questions that come up.

import { resolveConflict } from "./conflict-dialog.js";
import { ask } from "./dialogs.js";
import { chooseFile, exportGraph, readGraph } from "./editor-files.js";
import { parseTree } from "./json-tree.js";
import { Problem } from "./problem.js";
import { graphAddress } from "./scope-path.js";

/** @typedef {import("./editor-api.js").EditorAPI} EditorAPI */
/** @typedef {import("./editor-session.js").EditorSession} EditorSession */
/** @typedef {import("./graph-editor.js").GraphEditor} GraphEditor */
/** @typedef {import("./json-tree.js").JSONTree} JSONTree */

export class EditorSaving {
    #editor;
    #api;
    /** @type {(session: EditorSession) => void} */
    onSaved = () => {};
    /** @type {(document: JSONTree) => void} */
    onImport = () => {};
    /** @type {(executionId: string) => void} */
    onStarted = () => {};
    /** @type {(id: string) => void} */
    onDeleted = () => {};

    /** @param {GraphEditor} editor @param {EditorAPI} api */
    constructor(editor, api) {
        this.#editor = editor;
        this.#api = api;
    }

    /** @returns {Promise<boolean>} Whether the graph is saved now. */
    async save() {
        const session = this.#editor.session;
        if (!session || session.isSaving) return false;
        if (session.yamlFault !== null) {
            this.#editor.openPanel("yaml");
            return false;
        }
        if (!session.isDirty) return true;
        const wasNew = session.isNew;
        const result = await session.save();
        if (result === "conflict") return this.#settle(session, wasNew);
        if (result === "refused") this.#editor.openPanel("problems");
        if (result !== "saved") return false;
        this.onSaved(session);
        this.#editor.showSaved();
        return true;
    }

    /** @param {EditorSession} session @param {boolean} wasNew @returns {Promise<boolean>} */
    async #settle(session, wasNew) {
        try {
            if (wasNew) {
                this.#editor.fail(new Problem({ title: "The id is taken", detail: `There is a graph ${session.id} already. Give this one another id in its settings.` }));
                this.#editor.askForID();
                return false;
            }
            const { text, revision } = await this.#api.graph(session.id);
            const theirs = parseTree(text);
            const resolved = await resolveConflict({ base: session.base, mine: session.document, theirs, revision: revision ?? 0 });
            if (!resolved) return false;
            session.rebase(theirs, revision);
            session.change(resolved.document, resolved.label);
            if (resolved.label === "Take their revision") {
                session.history.markSaved();
                session.onChange();
                return true;
            }
            return await this.save();
        } catch (error) {
            const problem = Problem.from(error);
            if (problem.status !== 404) this.#editor.fail(problem);
            else if (await ask({ title: "The graph was deleted", body: ["Somebody deleted it while you were editing. Saving makes it anew."], answers: [
                { text: "Cancel", value: "" }, { text: "Save it again", value: "save", class: "button primary" }] }) === "save") {
                session.rebase(null, null);
                return this.save();
            }
            return false;
        }
    }

    async run() {
        const session = this.#editor.session;
        if (!session || session.nodes.length === 0 || !(await this.save())) return;
        try {
            this.onStarted(await this.#api.start(session.id));
        } catch (error) {
            // What it needs to begin with is filled in where runs are started.
            const lacksInput = Problem.from(error).errors.some(({ pointer }) => pointer.startsWith("/initial_state"));
            if (lacksInput) location.hash = graphAddress(session.id);
            else this.#editor.fail(error);
        }
    }

    /** @param {"yaml" | "json" | "svg"} format */
    export(format) {
        if (this.#editor.session) exportGraph(this.#api, this.#editor.session, format).catch((error) => this.#editor.fail(error));
    }

    /** @param {File} [dropped] */
    async importFile(dropped) {
        const file = dropped ?? (await chooseFile());
        if (!file) return;
        try {
            this.onImport(await readGraph(this.#api, file));
        } catch (error) {
            this.#editor.fail(error);
        }
    }

    async remove() {
        const session = this.#editor.session;
        if (!session || session.revision === null) return;
        const answer = await ask({
            title: `Delete ${session.name}?`, body: ["Its revisions and runs stay in the history, but nobody can run it any more. There is no undo."],
            answers: [{ text: "Delete", value: "delete", class: "button danger" }, { text: "Keep it", value: "keep", class: "button primary" }],
        });
        if (answer !== "delete") return;
        try {
            await this.#api.delete(session.id, session.revision);
            this.onDeleted(session.id);
        } catch (error) {
            this.#editor.fail(error);
        }
    }
}

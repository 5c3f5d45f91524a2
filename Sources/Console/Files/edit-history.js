// The documents that an editor went through: undo, redo, and whether anything is unsaved.

/** @typedef {import("./json-tree.js").JSONTree} JSONTree */
/** @typedef {{ document: JSONTree, label: string }} Step */

const STEPS_MAX = 500;

export class EditHistory {
    /** @type {Step[]} */
    #past = [];
    /** @type {Step[]} */
    #future = [];
    /** @type {string | null} */
    #group = null;

    /** @param {JSONTree} document */
    constructor(document) {
        this.document = document;
        /**
         * The document that the server has; null if it has none.
         * @type {JSONTree | null}
         */
        this.saved = document;
    }

    get isDirty() {
        return this.document !== this.saved;
    }

    get canUndo() {
        return this.#past.length > 0;
    }

    get canRedo() {
        return this.#future.length > 0;
    }

    /** What undo would take back. */
    get undoLabel() {
        return this.#past[this.#past.length - 1]?.label ?? "";
    }

    get redoLabel() {
        return this.#future[this.#future.length - 1]?.label ?? "";
    }

    /**
     * @param {JSONTree} document
     * @param {string} label What was done, for people.
     * @param {string | null} [group] Changes of one group in a row are undone together, as the letters of a word are.
     * @returns {boolean} Whether anything changed.
     */
    change(document, label, group = null) {
        if (document === this.document) return false;
        if (group === null || group !== this.#group) {
            this.#past.push({ document: this.document, label });
            if (this.#past.length > STEPS_MAX) this.#past.shift();
        }
        this.#group = group;
        this.#future = [];
        this.document = document;
        return true;
    }

    /** The next change begins a step of its own. */
    endGroup() {
        this.#group = null;
    }

    undo() {
        return this.#move(this.#past, this.#future);
    }

    redo() {
        return this.#move(this.#future, this.#past);
    }

    /** @param {Step[]} from @param {Step[]} to */
    #move(from, to) {
        const step = from.pop();
        if (!step) return false;
        to.push({ document: this.document, label: step.label });
        this.document = step.document;
        this.#group = null;
        return true;
    }

    markSaved(document = this.document) {
        this.saved = document;
    }
}

// Keys and clipboard of the whole editor, wherever the keyboard is but in a text that has keys of its own.

import { showShortcuts } from "./dialogs.js";
import { copied, deleteSelected } from "./editor-actions.js";

/** @typedef {import("./graph-editor.js").GraphEditor} GraphEditor */

export class EditorKeys {
    #editor;
    #ends = new AbortController();

    /** @param {GraphEditor} editor */
    constructor(editor) {
        this.#editor = editor;
    }

    listen() {
        this.#ends.abort();
        this.#ends = new AbortController();
        const { signal } = this.#ends;
        document.addEventListener("keydown", (event) => {
            if (!event.defaultPrevented && !document.querySelector("dialog[open]") && this.#act(event)) event.preventDefault();
        }, { signal });
        document.addEventListener("copy", (event) => this.#copy(event, false), { signal });
        document.addEventListener("cut", (event) => this.#copy(event, true), { signal });
        document.addEventListener("paste", (event) => this.#paste(event), { signal });
    }

    ignore() {
        this.#ends.abort();
    }

    /** @param {KeyboardEvent} event @returns {boolean} Whether the key meant something. */
    #act(event) {
        const editor = this.#editor, session = editor.session;
        if (!session || event.altKey) return false;
        const key = event.key.toLowerCase();
        if (event.ctrlKey || event.metaKey) {
            if (key === "s") return done(editor.saving.save());
            if (key === "enter") return done(editor.saving.run());
            if (isTextual(event.target)) return false;
            if (key === "z") return done(event.shiftKey ? session.redo() : session.undo());
            if (key === "y") return done(session.redo());
            if (key === "d") return done(editor.duplicateSelected());
            if (key === "a") return done(session.select(session.nodes.map((node) => node.id)));
            return false;
        }
        if (isTextual(event.target)) return false;
        switch (key) {
            case "?": return done(showShortcuts());
            case "a": return done(editor.openPalette());
            case "l": return done(editor.arrange());
            case "0": return done(editor.canvas.fit());
            case "delete":
            case "backspace":
                deleteSelected(session);
                return true;
            case "escape": return done(session.select([]));
            default: return false;
        }
    }

    /** @param {ClipboardEvent} event @param {boolean} isCut */
    #copy(event, isCut) {
        const session = this.#editor.session;
        // Marked text is what people mean to copy.
        if (!session || isTextual(event.target) || document.querySelector("dialog[open]") || String(getSelection()) !== "") return;
        const text = copied(session);
        if (text === null) return;
        event.clipboardData?.setData("text/plain", text);
        event.preventDefault();
        if (isCut) deleteSelected(session);
    }

    /** @param {ClipboardEvent} event */
    #paste(event) {
        if (isTextual(event.target) || document.querySelector("dialog[open]")) return;
        if (this.#editor.pasteText(event.clipboardData?.getData("text/plain") ?? "")) event.preventDefault();
    }
}

/** @param {unknown} _ */
function done(_) {
    return true;
}

/** @param {EventTarget | null} target */
function isTextual(target) {
    return target instanceof Element && target.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
}

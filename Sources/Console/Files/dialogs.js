// Questions to people, in a dialog that keeps the keyboard and closes on Escape.

import { element } from "./dom.js";
import { freshID } from "./form-fields.js";

/** @typedef {{ text: string, value: string, class?: string }} Answer */

/**
 * Asks, and returns the value of the answer; null if the dialog was closed.
 * @param {{ title: string, body: (Node | string)[], answers: Answer[], class?: string }} question The last answer is the proposed one.
 * @returns {Promise<string | null>}
 */
export function ask({ title, body, answers, class: look }) {
    return new Promise((resolve) => {
        const heading = element("h2", { id: freshID() }, title);
        const before = document.activeElement;
        const buttons = answers.map(({ text, value, class: name }) =>
            element("button", { type: "button", class: name ?? "button", onclick: () => dialog.close(value) }, text));
        /** @type {HTMLDialogElement} */
        const dialog = element("dialog", { class: look ?? null, "aria-labelledby": heading.id, onclose: () => {
            dialog.remove();
            if (before instanceof HTMLElement || before instanceof SVGElement) before.focus();
            resolve(dialog.returnValue === "" ? null : dialog.returnValue);
        } }, heading, element("div", { class: "dialog-body" }, ...body), element("div", { class: "dialog-answers" }, ...buttons));
        document.body.append(dialog);
        dialog.showModal();
        (dialog.querySelector("input, textarea") instanceof HTMLElement ? /** @type {HTMLElement} */ (dialog.querySelector("input, textarea")) : buttons[buttons.length - 1])?.focus();
    });
}

/** @type {[keys: string, meaning: string][]} */
const shortcuts = [
    ["A", "Add a node"],
    ["C, arrows, Enter", "Connect the node to another"],
    ["Arrow keys", "Go from node to node"],
    ["Ctrl + arrows", "Move the selected nodes (with Shift: further)"],
    ["Shift + arrows", "Move the view"],
    ["Enter", "Edit the node"],
    ["Shift + click, Shift + drag", "Select several nodes"],
    ["Ctrl + A", "Select all nodes"],
    ["Delete", "Delete what is selected"],
    ["Ctrl + C, Ctrl + X, Ctrl + V", "Copy, cut, paste (also into another graph)"],
    ["Ctrl + D", "Duplicate the selected nodes"],
    ["Ctrl + Z, Ctrl + Shift + Z", "Undo, redo"],
    ["Ctrl + S", "Save"],
    ["Ctrl + Enter", "Save and run"],
    ["L", "Arrange the graph"],
    ["+, −, 0", "Zoom in, zoom out, show all"],
    ["Escape", "Cancel, select nothing"],
    ["?", "This list"],
];

export function showShortcuts() {
    return ask({
        title: "Keyboard shortcuts", class: "wide",
        body: [element("dl", { class: "shortcuts" }, ...shortcuts.flatMap(([keys, meaning]) => [
            element("dt", {}, ...keys.split(/(, | \+ )/).map((part) => (/^(, | \+ )$/.test(part) ? part : element("kbd", {}, part)))),
            element("dd", {}, meaning),
        ]))],
        answers: [{ text: "Close", value: "close", class: "button primary" }],
    });
}

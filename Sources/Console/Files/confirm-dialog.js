// Asking before what cannot be undone.

import { element } from "./dom.js";

/**
 * @param {{ title: string, text: string, action: string }} question `action` is what the button that goes on says.
 * @returns {Promise<boolean>} Whether to go on.
 */
export function confirmed({ title, text, action }) {
    return new Promise((resolve) => {
        const cancel = element("button", { class: "button", value: "no" }, "Cancel");
        const heading = element("h2", { id: "confirm-title" }, title);
        const dialog = element("dialog", { class: "dialog", role: "alertdialog", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
            element("form", { method: "dialog" }, heading, element("p", { id: "confirm-text" }, text),
                element("div", { class: "dialog-buttons" }, cancel, element("button", { class: "button primary stop", value: "yes" }, action))));
        dialog.addEventListener("close", () => {
            dialog.remove();
            resolve(dialog.returnValue === "yes");
        });
        document.body.append(dialog);
        dialog.showModal();
        cancel.focus();
    });
}

// Two ways to look at a graph: editing it, running it.

import { element } from "./dom.js";

/**
 * @param {"edit" | "run"} current
 * @param {string | null} id Of the graph; null as long as it has no address.
 */
export function modeSwitch(current, id) {
    const address = id === null ? null : `#/graphs/${encodeURIComponent(id)}`;
    const link = (/** @type {string} */ mode, /** @type {string} */ text, /** @type {string} */ rest) =>
        element("a", { href: address === null ? null : address + rest, "aria-current": mode === current ? "page" : null, "aria-disabled": address === null ? "true" : null }, text);
    return element("nav", { class: "mode-switch", "aria-label": "Mode" }, link("edit", "Edit", "/edit"), link("run", "Run", ""));
}

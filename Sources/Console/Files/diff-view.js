// What a node changed in the state, side by side.

import { element } from "./dom.js";
import { count } from "./format.js";
import { indented } from "./json-text.js";
import { stateDiff } from "./state-diff.js";

/** More of a value is in the states below. */
const CHARACTERS_MAX = 4_000;

/**
 * @param {string} before A JSON value.
 * @param {string} after
 */
export function diffView(before, after) {
    const { differences, isCut } = stateDiff(before, after);
    if (differences.length === 0) return element("p", { class: "empty" }, "Nothing: the state went through as it was.");
    const rows = differences.map(({ place, before, after }) =>
        element("tr", {}, element("th", { scope: "row" }, place), side(before, "gone", "−"), side(after, "new", "+")));
    const names = ["Where", "Before", "After"].map((name) => element("th", { scope: "col" }, name));
    const table = element("table", { class: "diff" }, element("caption", { class: "unseen" }, "Changes of the state"),
        element("thead", {}, element("tr", {}, ...names)), element("tbody", {}, ...rows));
    const note = isCut ? element("p", { class: "empty" }, `The first ${count(differences.length, "change")}; there are more.`) : null;
    return element("div", { class: "diff-body", tabindex: 0, role: "region", "aria-label": "Changes" }, table, note);
}

/**
 * @param {string | null} text
 * @param {"gone" | "new"} kind
 * @param {string} sign So that it is told not only by colour.
 */
function side(text, kind, sign) {
    if (text === null) return element("td", { class: "absent" }, "not there");
    const whole = indented(text);
    const shown = whole.length > CHARACTERS_MAX ? `${whole.slice(0, CHARACTERS_MAX)}…` : whole;
    return element("td", { class: kind }, element("span", { class: "sign", "aria-hidden": "true" }, sign), element("pre", {}, shown));
}

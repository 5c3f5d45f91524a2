// A JSON value for reading: indented, as it was written, cut where it is too long for a page.

import { element } from "./dom.js";
import { indented } from "./json-text.js";

const CHARACTERS_MAX = 100_000;

/**
 * @param {string | undefined} text Valid JSON.
 * @param {string} label What it is, for those who do not see the heading.
 */
export function jsonView(text, label) {
    if (text === undefined) return element("p", { class: "empty" }, "None.");
    const isLong = text.length > CHARACTERS_MAX;
    const shown = isLong ? text.slice(0, CHARACTERS_MAX) : indented(text);
    const view = element("pre", { class: "json", tabindex: 0, role: "region", "aria-label": label }, shown);
    if (!isLong) return view;
    const size = `${Math.round(text.length / 1024)} KiB`;
    return element("div", {}, view, element("p", { class: "empty" }, `The first 100,000 characters of ${size}; copy it to see all.`));
}

/**
 * A heading with a button that copies the text below it.
 * @param {string} title
 * @param {string | undefined} text
 */
export function headingWithCopy(title, text) {
    const heading = element("h4", {}, title);
    if (text === undefined || !navigator.clipboard) return heading;
    const copy = element("button", { type: "button", class: "link", "aria-label": `Copy ${title}` }, "Copy");
    copy.addEventListener("click", async () => {
        await navigator.clipboard.writeText(indented(text));
        copy.textContent = "Copied";
        setTimeout(() => (copy.textContent = "Copy"), 1_500);
    });
    return element("div", { class: "heading-row" }, heading, copy);
}

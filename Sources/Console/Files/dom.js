// Making elements. Text goes in as text nodes only, so nothing that a graph or a node says becomes markup.

/** @typedef {Node | string | null | undefined | false} Child */
/** @typedef {{ [name: string]: string | number | boolean | null | undefined | ((event: any) => void) }} Attributes */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with attributes and children. A function under `onclick` and the like becomes a listener, `true` an attribute
 * without value; `false`, null and undefined leave the attribute out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    decorate(made, attributes, children);
    return made;
}

/**
 * The same for SVG.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function drawn(tag, attributes = {}, ...children) {
    const made = document.createElementNS(SVG, tag);
    decorate(made, attributes, children);
    return /** @type {SVGElementTagNameMap[Tag]} */ (made);
}

/**
 * @param {Element} target
 * @param {Attributes} attributes
 * @param {Child[]} children
 */
function decorate(target, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
        if (typeof value === "function") target.addEventListener(name.slice(2), value);
        else if (value === true) target.setAttribute(name, "");
        else if (value !== false && value !== null && value !== undefined) target.setAttribute(name, String(value));
    }
    for (const child of children) {
        if (child) target.append(child);
    }
}

/**
 * Sets an attribute only if that changes something: each write costs the browser a style pass.
 * @param {Element} target
 * @param {string} name
 * @param {string} value
 */
export function setAttribute(target, name, value) {
    if (target.getAttribute(name) !== value) target.setAttribute(name, value);
}

/**
 * @param {Element} target
 * @param {string} text
 */
export function setText(target, text) {
    if (target.textContent !== text) target.textContent = text;
}

/** Outlines on a field of 16 by 16. */
const icons = {
    play: "M4.5 2.8v10.4L13 8z",
    pause: "M4 3h3v10H4zM9 3h3v10H9z",
    stop: "M3.5 3.5h9v9h-9z",
    back: "M11 3.2v9.6L5 8zM3 3h1.6v10H3z",
    forward: "M5 3.2v9.6L11 8zM11.4 3H13v10h-1.6z",
    plus: "M7.2 3h1.6v4.2H13v1.6H8.8V13H7.2V8.8H3V7.2h4.2z",
    minus: "M3 7.2h10v1.6H3z",
    enter: "M2 2h12v12H2zm1.5 1.5v9h9v-9zM7 5l3 3-3 3-1-1 2-2-2-2z",
    fit: "M2 2h4.5v1.6h-2.9v2.9H2zM9.5 2H14v4.5h-1.6v-2.9h-2.9zM2 9.5h1.6v2.9h2.9V14H2zM12.4 9.5H14V14H9.5v-1.6h2.9z",
    import: "M7.3 2h1.4v6l2-2 1 1L8 10.7 4.3 7l1-1 2 2zM2.5 9.5h1.4v3h8.2v-3h1.4v4.4h-11z",
    copy: "M5 2h8v9h-2v3H3V5h2zm1.4 1.4V5H11v4.6h.6V3.4zM4.4 6.4v6.2h5.2V6.4z",
    edit: "M11.3 2 14 4.7l-7.6 7.6L3 13l.7-3.4zM3 14.2h10v1H3z",
    undo: "M6.5 3 2.5 6.5 6.5 10V7.4H10a2.6 2.6 0 0 1 0 5.2H6V14h4a4 4 0 0 0 0-8H6.5z",
    redo: "M9.5 3 13.5 6.5 9.5 10V7.4H6a2.6 2.6 0 0 0 0 5.2h4V14H6a4 4 0 0 1 0-8h3.5z",
    save: "M3 2h8l3 3v9H2V2zm1.5 1.5V6h5V3.5zM4.5 8.5v4h7v-4z",
    more: "M3 6.7a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.6zM8 6.7a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.6zM13 6.7a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.6z",
    arrange: "M2 2h4v3H2zM2 11h4v3H2zM10 6.5h4v3h-4zM6 3h2.7v10H6v-1h1.7V4H6zM8.7 7.5H10v1H8.7z",
    help: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zm0 1.4a5.1 5.1 0 1 1 0 10.2A5.1 5.1 0 0 1 8 2.9zM7.3 10.3h1.5v1.5H7.3zM8 4.3c1.5 0 2.5.9 2.5 2.2 0 1-.6 1.5-1.2 1.9-.4.3-.5.4-.5.9H7.3c0-1.2.5-1.6 1.1-2 .4-.3.6-.5.6-.9 0-.5-.4-.8-1-.8s-1 .4-1 1H5.5c0-1.4 1-2.3 2.5-2.3z",
    panel: "M2 2.5h12v11H2zM3.4 3.9v8.2h5.2V3.9zM10 3.9v8.2h2.6V3.9z",
    menu: "M2 3.7h12v1.6H2zM2 7.2h12v1.6H2zM2 10.7h12v1.6H2z",
    close: "M4.1 3 8 6.9 11.9 3 13 4.1 9.1 8l3.9 3.9-1.1 1.1L8 9.1 4.1 13 3 11.9 6.9 8 3 4.1z",
    pending: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM8 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8z",
    running: "M8 2a6 6 0 0 1 6 6h-1.7A4.3 4.3 0 0 0 8 3.7z M8 14a6 6 0 0 1-6-6h1.7A4.3 4.3 0 0 0 8 12.3z",
    waiting: "M2 2.5h12v8.5H7.5L4.5 13.5V11H2zM7.2 4.3v3.4h1.6V4.3zM7.2 8.4V10h1.6V8.4z",
    success: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM7.1 11.2 4.2 8.3l1.2-1.2 1.7 1.7 3.5-3.5 1.2 1.2z",
    error: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM5.8 4.7 8 6.9l2.2-2.2 1.1 1.1L9.1 8l2.2 2.2-1.1 1.1L8 9.1l-2.2 2.2-1.1-1.1L6.9 8 4.7 5.8z",
    skipped: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM4.7 7.2h6.6v1.6H4.7z",
    cancelled: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM5.5 5.5h5v5h-5z",
    cached: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM8.8 4v3.7l2.6 1.5-.8 1.3-3.4-2V4z",
    retrying: "M8 2.5A5.5 5.5 0 0 1 12 4.2V2.5h1.5v4.3H9.2V5.3h1.7A4 4 0 1 0 12 8h1.5A5.5 5.5 0 1 1 8 2.5z",
};

/** @typedef {keyof typeof icons} IconName */

/** @param {IconName} name */
export function iconPath(name) {
    return icons[name];
}

/**
 * An icon beside text; it says nothing of its own.
 * @param {IconName} name
 */
export function icon(name) {
    const path = drawn("path", { d: icons[name], "fill-rule": "evenodd" });
    return drawn("svg", { class: `icon icon-${name}`, viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, path);
}

/**
 * A button with an icon, and a text or only a name for those who do not see the icon.
 * @param {{ icon: IconName, text?: string, label?: string, class?: string, onclick: (event: MouseEvent) => void }} options
 */
export function button(options) {
    const attributes = {
        type: "button", class: options.class ?? "button", "aria-label": options.label, title: options.label, onclick: options.onclick,
    };
    return element("button", attributes, icon(options.icon), options.text ? element("span", {}, options.text) : null);
}

// The initial state as fields of a form, where the document's own initial state gives it a shape.

import { at, parseTree, replaced, textOf } from "./json-tree.js";

/** @typedef {import("./json-tree.js").JSONTree} JSONTree */

/**
 * @typedef {object} StateField
 * @property {string} key
 * @property {"text" | "number" | "switch" | "json"} kind
 * @property {string} value As the field shows it: a string without its quotes, anything else as JSON.
 */

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * The fields of a state: a key of the document is a field of the kind that its value has there.
 * @param {string} shape The document's initial state, a JSON object.
 * @param {string} state What the fields show.
 * @returns {StateField[] | null} null if there is no shape, or the state is no JSON object.
 */
export function stateFields(shape, state) {
    const [kinds, values] = [objectOf(shape), objectOf(state)];
    if (!kinds || !values || kinds.members.length === 0) return null;
    return kinds.members.map(({ key, value: example }) => {
        const value = at(values, [key]) ?? example;
        const kind = kindOf(example);
        // A value of another kind than the document's is shown as what it is.
        return kindOf(value) === kind ? { key, kind, value: shown(value, kind) } : { key, kind: "json", value: textOf(value) };
    });
}

/**
 * The state with one field set.
 * @param {string} state A JSON object.
 * @param {StateField} field With the new value.
 * @returns {{ state: string } | { fault: string }}
 */
export function withField(state, { key, kind, value }) {
    const tree = objectOf(state);
    if (!tree) return { fault: "The state must be a JSON object." };
    if (kind === "number" && !NUMBER.test(value.trim())) return { fault: `${key} must be a number, such as 12 or 0.5.` };
    try {
        const set = kind === "text" ? parseTree(JSON.stringify(value)) : parseTree(value.trim());
        return { state: textOf(replaced(tree, [key], set) ?? tree) };
    } catch (error) {
        return { fault: `${key} is no JSON: ${error instanceof Error ? error.message : error}.` };
    }
}

/**
 * The keys of a state that were edited, with their new values: the rest is as the nodes before made it.
 * @param {string} before A JSON object.
 * @param {string} after
 * @returns {string | undefined} A JSON object, if anything was.
 */
export function editedKeys(before, after) {
    const [old, now] = [parseTree(before), parseTree(after)];
    if (now.kind !== "object") return undefined;
    const members = now.members.filter(({ key, value }) => {
        const known = at(old, [key]);
        return known === undefined || textOf(known) !== textOf(value);
    });
    return members.length > 0 ? textOf({ kind: "object", members }) : undefined;
}

/** @param {string} text */
function objectOf(text) {
    try {
        const tree = parseTree(text);
        return tree.kind === "object" ? tree : null;
    } catch {
        return null;
    }
}

/** @param {JSONTree} tree @returns {StateField["kind"]} */
function kindOf(tree) {
    if (tree.kind !== "text") return "json";
    if (tree.text.startsWith('"')) return "text";
    if (tree.text === "true" || tree.text === "false") return "switch";
    return tree.text === "null" ? "json" : "number";
}

/** @param {JSONTree} tree @param {StateField["kind"]} kind */
function shown(tree, kind) {
    return kind === "text" ? JSON.parse(textOf(tree)) : textOf(tree);
}

// A state that is to fit a graph's `input_schema`: what its form begins with, and what is missing in it.

import { initialData } from "./form-data.js";
import { at, parseTree, textOf, treeOf } from "./json-tree.js";
import { typesOf } from "./schema.js";

/** @typedef {import("./schema.js").Schema} Schema */

/**
 * Whether a form can be made of a schema: it says which keys there are.
 * @param {Schema} schema
 */
export function hasFields(schema) {
    return typesOf(schema)[0] === "object" && Object.keys(schema.properties ?? {}).length > 0;
}

/**
 * A state with what the schema has as defaults of the keys that it lacks.
 * @param {string} state A JSON object.
 * @param {Schema} schema
 * @returns {string}
 */
export function withDefaults(state, schema) {
    const tree = parseTree(state), begun = treeOf(initialData(schema) ?? {});
    if (tree.kind !== "object" || begun.kind !== "object") return state;
    const more = begun.members.filter(({ key }) => at(tree, [key]) === undefined);
    return textOf({ kind: "object", members: [...tree.members, ...more] });
}

/**
 * The keys that a state must have, and has not.
 * @param {string} state
 * @param {Schema} schema
 */
export function missingFields(state, schema) {
    try {
        const tree = parseTree(state);
        return (schema.required ?? []).filter((name) => at(tree, [name]) === undefined);
    } catch {
        return [];
    }
}

// JSON Schemas whose references stand resolved, as forms need them: `{"$ref": "#/$defs/colour"}` becomes what it names.

import { stepsOf } from "./json-tree.js";

/** @typedef {import("./schema.js").Schema} Schema */

/** A schema that refers to itself is shown so deep; below, any value is taken. */
const DEPTH_MAX = 6;

/**
 * @param {Schema} schema With references within itself only.
 * @returns {Schema}
 */
export function withoutReferences(schema) {
    return /** @type {Schema} */ (resolved(schema, schema, 0));
}

/**
 * @param {unknown} value
 * @param {unknown} root
 * @param {number} depth How many references were followed to come here.
 * @returns {unknown}
 */
function resolved(value, root, depth) {
    if (Array.isArray(value)) return value.map((each) => resolved(each, root, depth));
    if (typeof value !== "object" || value === null) return value;
    const { $ref: reference, $defs: _definitions, ...rest } = /** @type {{ [name: string]: unknown }} */ (value);
    if (typeof reference !== "string") {
        return Object.fromEntries(Object.entries(rest).map(([name, each]) => [name, resolved(each, root, depth)]));
    }
    const target = depth < DEPTH_MAX ? named(root, reference) : {};
    // What stands beside a reference, such as a title, says more of this place than what it names.
    return { ...Object(resolved(target, root, depth + 1)), ...Object(resolved(rest, root, depth)) };
}

/**
 * @param {unknown} root
 * @param {string} reference `#` and a JSON Pointer.
 * @returns {unknown}
 */
function named(root, reference) {
    if (!reference.startsWith("#")) return {};
    let found = /** @type {any} */ (root);
    for (const step of stepsOf(decodeURIComponent(reference.slice(1)))) found = typeof found === "object" ? found?.[step] : undefined;
    return found ?? {};
}

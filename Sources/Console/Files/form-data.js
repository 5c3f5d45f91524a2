// Values that people fill into forms made of a JSON Schema: what a form begins with, and what a server says of the fields.

import { stepsOf } from "./json-tree.js";
import { typesOf } from "./schema.js";
import { withoutReferences } from "./schema-references.js";

/** @typedef {import("./problem.js").Problem} Problem */
/** @typedef {import("./schema.js").Schema} Schema */

/**
 * The schema that a form is made of; null where no data is wanted.
 * @param {Schema | boolean | null} schema
 * @returns {Schema | null}
 */
export function formSchema(schema) {
    if (typeof schema === "boolean") return schema ? {} : null;
    return schema && withoutReferences(schema);
}

/**
 * What a form begins with: the schema's defaults, and what must be there and has only one beginning.
 * @param {Schema | null} schema
 * @returns {unknown} undefined where there is nothing to begin with.
 */
export function initialData(schema) {
    if (schema === null) return undefined;
    if (schema.default !== undefined) return schema.default;
    if (schema.const !== undefined) return schema.const;
    const [type, ...others] = typesOf(schema);
    if (others.length > 0) return undefined;
    if (type === "boolean") return false;
    if (type !== "object") return undefined;
    const required = new Set(schema.required ?? []);
    const members = Object.entries(schema.properties ?? {}).map(([name, property]) =>
        [name, required.has(name) || property.default !== undefined ? initialData(property) : undefined]);
    return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

/**
 * What a refusal says of the fields of a form.
 * @param {Problem} problem
 * @returns {import("./fault-places.js").PlacedFault[]} `field` is the path in what was sent.
 */
export function fieldFaults({ errors }) {
    return errors.map(({ pointer, message }) => {
        // What is missing is told of the object that lacks it; its place is its own field.
        const missing = /^`(.+)` (is missing.*)$/.exec(message);
        const field = [...stepsOf(pointer), ...(missing ? [missing[1]] : [])];
        return { message: missing?.[2] ?? message, pointer, of: /** @type {const} */ ("node"), id: null, edge: null, field };
    });
}

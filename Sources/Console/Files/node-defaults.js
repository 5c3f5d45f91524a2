// A fresh node of a kind: valid at once, and an example of what the kind does.

import { treeOf } from "./json-tree.js";

/** @typedef {import("./schema.js").NodeKind} NodeKind */
/** @typedef {import("./schema.js").Schema} Schema */

/**
 * What shows a newcomer most. A kind that is not here gets what its schema says.
 * @type {Record<string, unknown>}
 */
const examples = {
    set: { values: { greeting: "Hello!" } },
    delay: { duration_ms: 1000 },
    lua: { code: "-- Returns what this node adds to the state.\nreturn { result = 1 + 1 }\n" },
    python: { code: "def execute(state):\n    return {\"result\": 1 + 1}\n" },
    process: { command: ["echo", "Hello!"], input: "none", output: "text", key: "said" },
    map: { items: [1, 2, 3], nodes: [{ id: "square", kind: "lua", config: { code: "return { square = state.item * state.item }" } }] },
    http: { url: "https://example.org/" },
    llm: { provider: "openai", model: "gpt-4.1-mini", prompt: "" },
    repeat: { until: "state.count >= 3", nodes: [{ id: "step", kind: "lua", config: { code: "return { count = (state.count or 0) + 1 }" } }] },
    graph: { graph: "another-graph" },
    approval: { prompt: "Shall it go on?" },
};

/** @param {NodeKind} kind */
export function defaultConfig(kind) {
    return treeOf(kind.default_config ?? kind.example_config ?? examples[kind.name] ?? sample(kind.config_schema) ?? {});
}

/**
 * The smallest value that a schema is likely to take.
 * @param {Schema | boolean | undefined} schema
 * @returns {unknown}
 */
export function sample(schema) {
    if (typeof schema !== "object") return null;
    if (schema.default !== undefined) return schema.default;
    if (schema.const !== undefined) return schema.const;
    if (schema.enum) return schema.enum[0];
    if (schema.examples && schema.examples.length > 0) return schema.examples[0];
    const branch = (schema.oneOf ?? schema.anyOf)?.[0];
    const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
    switch (type ?? (schema.properties ? "object" : branch?.type)) {
        case "object": {
            const required = new Set([...(schema.required ?? []), ...(branch?.required ?? [])]);
            return Object.fromEntries(Object.entries(schema.properties ?? {})
                .filter(([name]) => required.has(name)).map(([name, property]) => [name, sample(property)]));
        }
        case "array": return Array.from({ length: schema.minItems ?? 0 }, () => sample(schema.items));
        case "string": return "x".repeat(schema.minLength ?? 0);
        case "integer":
        case "number": return Math.max(schema.minimum ?? 0, schema.exclusiveMinimum !== undefined ? schema.exclusiveMinimum + 1 : 0);
        case "boolean": return false;
        default: return branch ? sample(branch) : null;
    }
}

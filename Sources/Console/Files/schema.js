// JSON Schemas of node kinds, as far as forms need to understand them.

/**
 * @typedef {object} Schema
 * @property {string | string[]} [type]
 * @property {string} [title]
 * @property {string} [description]
 * @property {string} [format]
 * @property {unknown} [default]
 * @property {unknown} [const]
 * @property {unknown[]} [enum]
 * @property {unknown[]} [examples]
 * @property {boolean} [deprecated]
 * @property {number} [minimum]
 * @property {number} [maximum]
 * @property {number} [exclusiveMinimum]
 * @property {number} [exclusiveMaximum]
 * @property {number} [minLength]
 * @property {number} [maxLength]
 * @property {number} [minItems]
 * @property {number} [maxItems]
 * @property {{ [name: string]: Schema }} [properties]
 * @property {boolean | Schema} [additionalProperties]
 * @property {string[]} [required]
 * @property {{ [name: string]: string[] }} [dependentRequired]
 * @property {Schema} [items]
 * @property {Schema[]} [oneOf]
 * @property {Schema[]} [anyOf]
 */

/**
 * @typedef {object} NodeKind
 * @property {string} name
 * @property {string} title
 * @property {string} description
 * @property {boolean} runs_code
 * @property {Schema} config_schema
 * @property {unknown} [default_config]
 * @property {unknown} [example_config]
 */

/** @typedef {"string" | "number" | "integer" | "boolean" | "object" | "array" | "null"} ValueType */

/** @param {unknown} value @returns {ValueType} */
export function typeOf(value) {
    if (value === null) return "null";
    if (Array.isArray(value)) return "array";
    const type = typeof value;
    return type === "boolean" || type === "string" || type === "object" ? type : "number";
}

/**
 * The types that a schema allows; empty for any.
 * @param {Schema} schema
 * @returns {ValueType[]}
 */
export function typesOf(schema) {
    if (schema.type !== undefined) return /** @type {ValueType[]} */ ([schema.type].flat());
    if (schema.properties) return ["object"];
    if (schema.items) return ["array"];
    return [];
}

/**
 * The ways in which the members of an object may be chosen, if the schema offers several by which members are required:
 * `oneOf: [{required: ["code"]}, {required: ["expression", "key"]}]`.
 * @param {Schema} schema
 * @returns {{ title: string, members: string[] }[] | null}
 */
export function variantsOf(schema) {
    const branches = schema.oneOf ?? schema.anyOf;
    const properties = schema.properties;
    if (!branches || !properties || branches.length < 2) return null;
    const isPlain = branches.every((branch) => branch.required && branch.required.length > 0 && !branch.properties && !branch.type);
    if (!isPlain) return null;
    return branches.map((branch) => {
        const members = branch.required ?? [];
        return { title: branch.title ?? members.map((name) => properties[name]?.title ?? name).join(" and "), members };
    });
}

/**
 * Which of the variants an object follows: the first whose members are all there, else the one with the most.
 * @param {{ members: string[] }[]} variants
 * @param {{ [name: string]: unknown }} value
 */
export function variantIndex(variants, value) {
    const share = variants.map(({ members }) => members.filter((name) => value[name] !== undefined).length / members.length);
    return Math.max(0, share.indexOf(Math.max(...share)));
}

/**
 * Whether a value has the look of a branch: its type, its required members, its constants.
 * @param {Schema} schema
 * @param {any} value
 * @returns {boolean}
 */
export function fits(schema, value) {
    if (schema.const !== undefined) return JSON.stringify(schema.const) === JSON.stringify(value);
    if (schema.enum) return schema.enum.some((each) => JSON.stringify(each) === JSON.stringify(value));
    const type = typeOf(value), types = typesOf(schema);
    if (types.length > 0 && !types.includes(type) && !(type === "number" && types.includes("integer"))) return false;
    if (type !== "object") return true;
    if ((schema.required ?? []).some((name) => value[name] === undefined)) return false;
    return Object.entries(schema.properties ?? {}).every(([name, property]) => value[name] === undefined
        || (property.const === undefined && !property.enum) || fits(property, value[name]));
}

/**
 * A branch in words.
 * @param {Schema} schema
 * @param {number} index
 */
export function branchTitle(schema, index) {
    if (schema.title) return schema.title;
    if (schema.const !== undefined) return String(schema.const);
    const constant = Object.values(schema.properties ?? {}).find((property) => property.const !== undefined);
    if (constant) return String(constant.const);
    const types = typesOf(schema);
    return types.length > 0 ? types.join(" or ") : `Form ${index + 1}`;
}

/** @type {Record<string, import("./highlight.js").Language>} */
const languageOfKind = { lua: "lua", python: "python" };

/**
 * In which language a string member is code; null if it is none.
 * @param {string} kind
 * @param {string} name
 * @param {Schema} schema
 * @returns {import("./highlight.js").Language | null}
 */
export function codeLanguage(kind, name, schema) {
    if (schema.format === "lua" || schema.format === "python") return schema.format;
    if (name === "code") return languageOfKind[kind] ?? "text";
    if (["expression", "while", "until", "when", "condition"].includes(name)) return "lua";
    return null;
}

/**
 * Member names as people read them: `duration_ms` → `Duration (ms)`.
 * @param {string} name
 * @param {Schema} [schema]
 */
export function label(name, schema) {
    if (schema?.title) return schema.title;
    const words = name.replace(/_ms$/, " (ms)").replace(/_/g, " ");
    return words.charAt(0).toUpperCase() + words.slice(1);
}

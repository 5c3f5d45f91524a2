// A form made from a JSON Schema. Values are read from and written to a tree, at paths; what a form cannot show, it shows as
// JSON.

import { CodeField } from "./code-field.js";
import { element } from "./dom.js";
import { choice, field, ownFault, textArea, textInput } from "./form-fields.js";
import { indented } from "./json-text.js";
import { at, parseTree, replaced, textOf, treeOf, valueOf } from "./json-tree.js";
import { sample } from "./node-defaults.js";
import { branchTitle, codeLanguage, fits, label, typeOf, typesOf, variantIndex, variantsOf } from "./schema.js";
import { entries, items } from "./schema-rows.js";

/** @typedef {import("./form-fields.js").FieldIndex} FieldIndex */
/** @typedef {import("./json-tree.js").JSONPath} JSONPath */
/** @typedef {import("./json-tree.js").JSONTree} JSONTree */
/** @typedef {import("./schema.js").Schema} Schema */

/**
 * Where a form reads and writes.
 * @typedef {object} FormStore
 * @property {string} kind
 * @property {(path: JSONPath) => JSONTree | undefined} read
 * @property {(path: JSONPath, tree: JSONTree | undefined) => void} write
 * @property {(path?: JSONPath) => void} rebuild After the form has to look different; the path is brought the keyboard.
 * @property {FieldIndex} index
 * @property {Map<string, JSONTree>} stash What was put aside, by path, so that changing one's mind costs nothing.
 */

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const LONG_TEXT = 56;

/**
 * The fields of an object with known members.
 * @param {FormStore} store
 * @param {Schema} schema
 * @param {JSONPath} path
 * @returns {HTMLElement[]}
 */
export function objectFields(store, schema, path) {
    const properties = schema.properties ?? {};
    const value = valueOf(store.read(path)) ?? {};
    const variants = variantsOf(schema);
    const required = new Set(schema.required ?? []);
    let names = Object.keys(properties);
    /** @type {HTMLElement[]} */
    const fields = [];
    if (variants) {
        const chosen = variantIndex(variants, value), members = variants[chosen].members;
        const others = new Set(variants.flatMap((variant) => variant.members).filter((name) => !members.includes(name)));
        names = [...members.filter((name) => properties[name]), ...names.filter((name) => !members.includes(name) && (!others.has(name) || value[name] !== undefined))];
        for (const name of members) required.add(name);
        fields.push(variantChoice(store, schema, path, variants, chosen));
    }
    for (const name of names) fields.push(member(store, name, properties[name], [...path, name], required.has(name)));
    const unknown = Object.keys(value).filter((name) => !properties[name]);
    if (schema.additionalProperties !== false && (names.length === 0 || unknown.length > 0 || typeof schema.additionalProperties === "object")) {
        fields.push(entries(store, schema, path, new Set(names)));
    } else {
        for (const name of unknown) fields.push(member(store, name, {}, [...path, name], false));
    }
    return fields;
}

/**
 * @param {FormStore} store
 * @param {Schema} schema
 * @param {JSONPath} path
 * @param {{ title: string, members: string[] }[]} variants
 * @param {number} chosen
 */
function variantChoice(store, schema, path, variants, chosen) {
    const select = (/** @type {number} */ index) => {
        let tree = store.read(path);
        for (const name of variants[chosen].members) {
            const before = at(tree, [name]);
            if (variants[index].members.includes(name) || before === undefined) continue;
            store.stash.set([...path, name].join("/"), before);
            tree = replaced(tree, [name], undefined);
        }
        for (const name of variants[index].members) {
            if (at(tree, [name]) !== undefined) continue;
            tree = replaced(tree, [name], store.stash.get([...path, name].join("/")) ?? treeOf(sample(schema.properties?.[name])));
        }
        store.write(path, tree);
        store.rebuild([...path, "variant"]);
    };
    return field({
        index: store.index, path: [...path, "variant"], label: "Use", control: (id, describedBy) => choice({
            id, describedBy, value: String(chosen), options: variants.map(({ title }, index) => ({ value: String(index), text: title.charAt(0).toUpperCase() + title.slice(1) })),
            take: (value) => select(Number(value)),
        }),
    });
}

/**
 * A member with its label.
 * @param {FormStore} store
 * @param {string} name
 * @param {Schema} schema
 * @param {JSONPath} path
 * @param {boolean} isRequired
 * @returns {HTMLElement}
 */
export function member(store, name, schema, path, isRequired) {
    const types = typesOf(schema), tree = store.read(path);
    const isGroup = (types.length === 1 && types[0] === "object" && (schema.properties || tree === undefined || tree.kind === "object"))
        || (types.length === 1 && types[0] === "array" && schema.items !== undefined && (tree === undefined || tree.kind === "array"));
    if (isGroup && !(schema.oneOf && !schema.properties)) return group(store, name, schema, path, isRequired);
    return field({
        index: store.index, path, label: label(name, schema), help: schema.description, isRequired,
        control: (id, describedBy) => control(store, name, schema, path, { id, describedBy, isRequired }),
    });
}

/**
 * An object or an array: a frame with a caption.
 * @param {FormStore} store
 * @param {string} name
 * @param {Schema} schema
 * @param {JSONPath} path
 * @param {boolean} isRequired
 */
function group(store, name, schema, path, isRequired) {
    const made = field({
        index: store.index, path, label: label(name, schema), help: schema.description, isRequired,
        control: (id) => {
            const isArray = typesOf(schema)[0] === "array";
            return element("div", { class: "group", role: "group", id, "aria-label": label(name, schema) },
                ...(isArray ? [items(store, schema, path)] : schema.properties ? objectFields(store, schema, path) : [entries(store, schema, path, new Set())]));
        },
    });
    // A label names one control only; of a group it is a caption.
    made.querySelector("label")?.replaceWith(element("span", { class: "field-label" }, ...(made.querySelector("label")?.childNodes ?? [])));
    return made;
}

/**
 * The control of one value.
 * @param {FormStore} store
 * @param {string} name
 * @param {Schema} schema
 * @param {JSONPath} path
 * @param {{ id?: string, describedBy?: string, label?: string, isRequired?: boolean }} options
 * @returns {HTMLElement}
 */
export function control(store, name, schema, path, options) {
    const tree = store.read(path), value = valueOf(tree), types = typesOf(schema);
    if (schema.enum) return enumChoice(store, schema, path, value, options);
    const branches = schema.oneOf ?? schema.anyOf;
    if (branches && !schema.properties) return branchChoice(store, name, branches, path, options);
    const type = types.length === 1 ? types[0] : undefined;
    const isKnown = tree !== undefined || type !== undefined;
    if (type === "boolean" && (tree === undefined || typeof value === "boolean")) return checkbox(store, schema, path, value, options);
    if ((type === "integer" || type === "number") && (tree === undefined || typeof value === "number")) {
        return textInput({
            ...options, value: tree ? textOf(tree) : "", isNumber: true, placeholder: placeholder(schema),
            take: (text) => {
                const trimmed = text.trim();
                if (trimmed !== "" && !NUMBER.test(trimmed)) return "Write a number, such as 250.";
                store.write(path, trimmed === "" ? undefined : { kind: "text", text: trimmed });
                return undefined;
            },
        });
    }
    if (type === "string" && isKnown && (tree === undefined || typeof value === "string")) return stringControl(store, name, schema, path, value ?? "", options);
    if (types.length === 0 || types.length > 1) return anyValue(store, schema, path, options);
    return jsonField(store, path, options);
}

/** @param {Schema} schema */
function placeholder(schema) {
    const shown = schema.default ?? schema.examples?.[0];
    if (shown === undefined) return undefined;
    return typeof shown === "string" ? shown.split("\n")[0] : JSON.stringify(shown);
}

/**
 * @param {FormStore} store
 * @param {string} name
 * @param {Schema} schema
 * @param {JSONPath} path
 * @param {string} value
 * @param {{ id?: string, describedBy?: string, label?: string, isRequired?: boolean }} options
 */
function stringControl(store, name, schema, path, value, options) {
    const take = (/** @type {string} */ text) => {
        store.write(path, text === "" && !options.isRequired ? undefined : treeOf(text));
        return undefined;
    };
    const language = codeLanguage(store.kind, name, schema);
    if (language && (name === "code" || value.includes("\n"))) return codeField(language, value, options, take);
    if (value.includes("\n") || value.length > LONG_TEXT) return textArea({ ...options, value, placeholder: placeholder(schema), take });
    return textInput({ ...options, value, placeholder: placeholder(schema), isCode: language !== null, take });
}

/**
 * @param {import("./highlight.js").Language} language
 * @param {string} value
 * @param {{ id?: string, describedBy?: string, label?: string }} options
 * @param {(text: string) => void} take
 */
export function codeField(language, value, options, take) {
    const made = new CodeField({ language, ...options });
    made.value = value;
    made.onEdit = () => take(made.value);
    return made;
}

/**
 * @param {FormStore} store
 * @param {Schema} schema
 * @param {JSONPath} path
 * @param {unknown} value
 * @param {{ id?: string, describedBy?: string, label?: string, isRequired?: boolean }} options
 */
function enumChoice(store, schema, path, value, options) {
    const values = (schema.enum ?? []).map((each) => ({ value: JSON.stringify(each), text: typeof each === "string" ? each : JSON.stringify(each) }));
    const now = value === undefined ? "" : JSON.stringify(value);
    if (value !== undefined && !values.some((each) => each.value === now)) values.unshift({ value: now, text: `${now} (unknown)` });
    if (!options.isRequired || value === undefined) {
        values.unshift({ value: "", text: schema.default === undefined ? "Not set" : `Default (${schema.default})` });
    }
    return choice({ ...options, value: now, options: values, take: (text) => store.write(path, text === "" ? undefined : parseTree(text)) });
}

/**
 * @param {FormStore} store
 * @param {Schema} schema
 * @param {JSONPath} path
 * @param {unknown} value
 * @param {{ id?: string, describedBy?: string, label?: string, isRequired?: boolean }} options
 */
function checkbox(store, schema, path, value, options) {
    /** @type {HTMLInputElement} */
    const box = element("input", {
        type: "checkbox", id: options.id, "aria-describedby": options.describedBy, "aria-label": options.label,
        onchange: () => store.write(path, !options.isRequired && box.checked === (schema.default ?? false) ? undefined : treeOf(box.checked)),
    });
    box.checked = value === undefined ? schema.default === true : value === true;
    return box;
}

/**
 * A value of which the schema offers several forms.
 * @param {FormStore} store
 * @param {string} name
 * @param {Schema[]} branches
 * @param {JSONPath} path
 * @param {{ id?: string, describedBy?: string, label?: string, isRequired?: boolean }} options
 */
function branchChoice(store, name, branches, path, options) {
    const tree = store.read(path), value = valueOf(tree);
    const chosen = tree === undefined ? -1 : branches.findIndex((branch) => fits(branch, value));
    const titles = branches.map((branch, index) => ({ value: String(index), text: branchTitle(branch, index) }));
    if (chosen < 0 || !options.isRequired) titles.unshift({ value: "-1", text: tree === undefined ? "Not set" : "Other (JSON)" });
    const select = choice({
        ...options, label: `${label(name)}: form`, value: String(chosen), options: titles, take: (text) => {
            const index = Number(text), now = store.read(path);
            if (now !== undefined) store.stash.set(`${path.join("/")}#${chosen}`, now);
            store.write(path, index < 0 ? undefined : store.stash.get(`${path.join("/")}#${index}`) ?? treeOf(sample(branches[index])));
            store.rebuild(path);
        },
    });
    const branch = branches[chosen];
    const body = tree === undefined ? [] : branch === undefined ? [jsonField(store, path, { label: label(name) })]
        : branch.properties ? objectFields(store, branch, path)
        : typesOf(branch)[0] === "array" ? [items(store, branch, path)]
        : branch.const !== undefined ? [] : [control(store, name, branch, path, { label: label(name), isRequired: true })];
    return element("div", { class: "branch" }, select, ...body);
}

/** @type {{ value: string, text: string, begin: (before: string) => unknown }[]} */
const anyTypes = [
    { value: "string", text: "Text", begin: (before) => before },
    { value: "number", text: "Number", begin: (before) => (NUMBER.test(before) ? Number(before) : 0) },
    { value: "boolean", text: "Yes / no", begin: (before) => before === "true" },
    { value: "json", text: "JSON", begin: (before) => (before === "" ? {} : before) },
];

/**
 * A value of any type, text unless something else is chosen.
 * @param {FormStore} store
 * @param {Schema} schema
 * @param {JSONPath} path
 * @param {{ id?: string, describedBy?: string, label?: string, isRequired?: boolean }} options
 */
function anyValue(store, schema, path, options) {
    const tree = store.read(path), value = valueOf(tree), types = typesOf(schema);
    const type = tree === undefined ? "" : ["string", "number", "boolean"].includes(typeOf(value)) && !store.stash.has(`json ${path.join("/")}`) ? typeOf(value) : "json";
    const allowed = anyTypes.filter(({ value: each }) => types.length === 0 || each === "json" || types.includes(/** @type {any} */ (each)));
    const select = choice({
        label: `Type of ${path[path.length - 1]}`, value: type,
        options: [...(tree === undefined ? [{ value: "", text: "Not set" }] : []), ...allowed],
        take: (wanted) => {
            const now = store.read(path), read = valueOf(now);
            const before = typeof read === "string" ? read : now ? textOf(now) : "";
            store.stash.delete(`json ${path.join("/")}`);
            if (wanted === "json") store.stash.set(`json ${path.join("/")}`, treeOf(null));
            if (wanted !== "json" || now === undefined) store.write(path, treeOf(anyTypes.find((each) => each.value === wanted)?.begin(before)));
            store.rebuild(path);
        },
    });
    select.classList.add("type-choice");
    const body = type === "" ? null : type === "json" ? jsonField(store, path, options)
        : control(store, "", { type }, path, { ...options, isRequired: true });
    return element("div", { class: "any-value" }, select, body);
}

/**
 * Any value, as JSON.
 * @param {FormStore} store
 * @param {JSONPath} path
 * @param {{ id?: string, describedBy?: string, label?: string }} options
 * @returns {HTMLElement}
 */
export function jsonField(store, path, options) {
    const tree = store.read(path);
    const made = codeField("json", tree ? indented(textOf(tree)) : "", options, (text) => {
        try {
            store.write(path, text.trim() === "" ? undefined : parseTree(text));
            ownFault(made, "");
        } catch (error) {
            ownFault(made, error instanceof Error ? error.message : String(error));
        }
    });
    return made;
}

// The rows of a form: elements of arrays, and members of objects whose keys the schema does not name.

import { element } from "./dom.js";
import { addButton, removeButton, textInput } from "./form-fields.js";
import { at, renamed, treeOf } from "./json-tree.js";
import { sample } from "./node-defaults.js";
import { control } from "./schema-form.js";

/** @typedef {import("./json-tree.js").JSONPath} JSONPath */
/** @typedef {import("./json-tree.js").JSONTree} JSONTree */
/** @typedef {import("./schema.js").Schema} Schema */
/** @typedef {import("./schema-form.js").FormStore} FormStore */

/**
 * The elements of an array.
 * @param {FormStore} store
 * @param {Schema} schema
 * @param {JSONPath} path
 */
export function items(store, schema, path) {
    const tree = store.read(path), list = tree?.kind === "array" ? tree.items : [];
    const item = schema.items ?? {};
    const write = (/** @type {readonly JSONTree[]} */ changed, /** @type {number} */ focus) => {
        store.write(path, { kind: "array", items: changed });
        store.rebuild([...path, Math.max(0, Math.min(focus, changed.length - 1))]);
    };
    // The list may have changed since the form was made.
    const now = () => {
        const tree = store.read(path);
        return tree?.kind === "array" ? tree.items : [];
    };
    const rows = list.map((_, index) => row(store, [...path, index], `Element ${index + 1}`,
        control(store, "", item, [...path, index], { label: `Element ${index + 1}`, isRequired: true }),
        () => write(now().filter((_, other) => other !== index), index)));
    return element("div", { class: "rows" }, ...rows,
        addButton("Add", () => write([...now(), treeOf(item.type ? sample({ ...item, examples: undefined }) : "")], now().length)));
}

/**
 * @param {FormStore} store
 * @param {JSONPath} path
 * @param {string} name
 * @param {HTMLElement} made
 * @param {() => void} remove
 * @param {HTMLElement} [head]
 */
function row(store, path, name, made, remove, head) {
    const slot = element("p", { class: "field-fault" });
    store.index.add(path, made, slot);
    return element("div", { class: "row-field" },
        element("div", { class: "row" }, head ?? null, made, removeButton(`Remove ${name}`, remove)), slot);
}

/**
 * Members of which the schema names neither keys nor number.
 * @param {FormStore} store
 * @param {Schema} schema
 * @param {JSONPath} path
 * @param {ReadonlySet<string>} known Members that have fields of their own.
 */
export function entries(store, schema, path, known) {
    const tree = store.read(path);
    const members = tree?.kind === "object" ? tree.members.filter(({ key }) => !known.has(key)) : [];
    const each = typeof schema.additionalProperties === "object" ? schema.additionalProperties : {};
    const rows = members.map(({ key }) => {
        const name = textInput({
            label: "Key", value: key, isCode: true, isLate: true, take: (text) => {
                if (text === key) return undefined;
                const now = store.read(path);
                if (text === "") return "A key is needed.";
                if (!now || at(now, [text]) !== undefined) return `There is a key ${text} already.`;
                store.write(path, renamed(now, key, text));
                store.rebuild([...path, text]);
                return undefined;
            },
        });
        name.classList.add("key-input");
        return row(store, [...path, key], key, control(store, "", each, [...path, key], { label: `Value of ${key}`, isRequired: true }), () => {
            store.write([...path, key], undefined);
            store.rebuild(path);
        }, name);
    });
    const add = () => {
        const now = store.read(path), taken = new Set(now?.kind === "object" ? now.members.map(({ key }) => key) : []);
        let number = 1;
        while (taken.has(`key_${number}`)) number += 1;
        const key = `key_${number}`;
        store.write([...path, key], treeOf(each.type ? sample(each) : ""));
        store.rebuild([...path, key]);
    };
    return element("div", { class: "rows entries" }, ...rows, addButton("Add a value", add));
}

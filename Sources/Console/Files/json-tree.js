// JSON as a tree that keeps what was written: numbers and strings stay the text that they were, keys keep their order.
//
// Trees never change. An edit makes a new one that shares all that was not touched, so comparing two trees by identity
// tells what changed, and a history of edits costs little.

/** @typedef {{ readonly kind: "text", readonly text: string }} JSONScalar A number, string, true, false or null, as written. */
/** @typedef {{ readonly kind: "array", readonly items: readonly JSONTree[] }} JSONArray */
/** @typedef {{ readonly kind: "object", readonly members: readonly JSONMember[] }} JSONObject */
/** @typedef {{ readonly key: string, readonly value: JSONTree }} JSONMember */
/** @typedef {JSONScalar | JSONArray | JSONObject} JSONTree */
/** @typedef {readonly (string | number)[]} JSONPath */

const DEPTH_MAX = 200;

/** A text that is no JSON, and where. */
export class JSONFault extends Error {
    /** @param {string} text @param {number} offset @param {string} message */
    constructor(text, offset, message) {
        const lines = text.slice(0, offset).split("\n");
        super(`${message}, line ${lines.length}, column ${lines[lines.length - 1].length + 1}`);
        this.offset = offset;
    }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /true|false|null/y;
const SPACE = /[ \t\n\r]*/y;

/**
 * @param {string} text
 * @returns {JSONTree}
 */
export function parseTree(text) {
    let place = 0;

    /** @param {RegExp} pattern */
    function take(pattern) {
        pattern.lastIndex = place;
        const found = pattern.exec(text);
        if (found) place = pattern.lastIndex;
        return found?.[0];
    }

    /** @param {string} wanted @returns {never} */
    function fail(wanted) {
        const found = place >= text.length ? "the text ends" : `there is ${JSON.stringify(text[place])}`;
        throw new JSONFault(text, place, `Expected ${wanted}, but ${found}`);
    }

    /** @param {string} character */
    function skip(character) {
        take(SPACE);
        if (text[place] !== character) return false;
        place += 1;
        take(SPACE);
        return true;
    }

    /** @param {number} depth @returns {JSONTree} */
    function value(depth) {
        if (depth > DEPTH_MAX) throw new JSONFault(text, place, "Nested too deeply");
        if (skip("{")) return object(depth);
        if (skip("[")) return array(depth);
        const scalar = take(STRING) ?? take(NUMBER) ?? take(WORD);
        return scalar === undefined ? fail("a value") : { kind: "text", text: scalar };
    }

    /** @param {number} depth @returns {JSONTree} */
    function object(depth) {
        /** @type {JSONMember[]} */
        const members = [];
        const keys = new Set();
        while (!skip("}")) {
            if (members.length > 0 && !skip(",")) fail("a comma or }");
            const at = place, written = take(STRING);
            if (written === undefined) fail("a key in double quotes");
            const key = /** @type {string} */ (JSON.parse(written));
            if (keys.has(key)) throw new JSONFault(text, at, `The key ${written} stands there twice`);
            keys.add(key);
            if (!skip(":")) fail("a colon");
            members.push({ key, value: value(depth + 1) });
        }
        return { kind: "object", members };
    }

    /** @param {number} depth @returns {JSONTree} */
    function array(depth) {
        /** @type {JSONTree[]} */
        const items = [];
        while (!skip("]")) {
            if (items.length > 0 && !skip(",")) fail("a comma or ]");
            items.push(value(depth + 1));
        }
        return { kind: "array", items };
    }

    take(SPACE);
    const tree = value(0);
    take(SPACE);
    if (place < text.length) fail("the end");
    return tree;
}

/** @type {WeakMap<JSONTree, string>} */
const written = new WeakMap();

/**
 * The tree as compact JSON.
 * @param {JSONTree} tree
 * @returns {string}
 */
export function textOf(tree) {
    if (tree.kind === "text") return tree.text;
    const known = written.get(tree);
    if (known !== undefined) return known;
    const text = tree.kind === "array"
        ? `[${tree.items.map(textOf).join(",")}]`
        : `{${tree.members.map(({ key, value }) => `${JSON.stringify(key)}:${textOf(value)}`).join(",")}}`;
    written.set(tree, text);
    return text;
}

/** @type {WeakMap<JSONTree, unknown>} */
const values = new WeakMap();

/**
 * The tree as values of JavaScript, to be read only.
 * @param {JSONTree | undefined} tree
 * @returns {any}
 */
export function valueOf(tree) {
    if (tree === undefined) return undefined;
    if (tree.kind === "text") return JSON.parse(tree.text);
    if (!values.has(tree)) values.set(tree, JSON.parse(textOf(tree)));
    return values.get(tree);
}

/**
 * @param {unknown} value Anything that JSON.stringify takes.
 * @returns {JSONTree}
 */
export function treeOf(value) {
    return parseTree(JSON.stringify(value));
}

/** @type {JSONTree} */
export const emptyObject = { kind: "object", members: [] };

/**
 * @param {JSONTree | undefined} tree
 * @param {JSONPath} path
 * @returns {JSONTree | undefined}
 */
export function at(tree, path) {
    let found = tree;
    for (const step of path) {
        if (found?.kind === "object") found = found.members.find((member) => member.key === step)?.value;
        else if (found?.kind === "array" && typeof step === "number") found = found.items[step];
        else return undefined;
    }
    return found;
}

/**
 * The tree with another value at a path; undefined takes away what is there. Objects on the way are made where they lack.
 * @param {JSONTree | undefined} tree
 * @param {JSONPath} path
 * @param {JSONTree | undefined} value
 * @returns {JSONTree | undefined}
 */
export function replaced(tree, path, value) {
    if (path.length === 0) return value;
    const [step, ...rest] = path;
    if (tree?.kind === "array" && typeof step === "number") {
        const item = replaced(tree.items[step], rest, value);
        if (item === tree.items[step]) return tree;
        const items = item === undefined ? tree.items.filter((_, index) => index !== step) : tree.items.slice();
        if (item !== undefined) /** @type {JSONTree[]} */ (items)[step] = item;
        return { kind: "array", items };
    }
    const members = tree?.kind === "object" ? tree.members : [];
    const place = members.findIndex((member) => member.key === step);
    const before = members[place]?.value;
    const after = replaced(before, rest, value);
    if (after === before) return tree;
    if (after === undefined) return { kind: "object", members: members.filter((_, index) => index !== place) };
    const member = { key: String(step), value: after };
    return { kind: "object", members: place < 0 ? [...members, member] : members.map((old, index) => (index === place ? member : old)) };
}

/**
 * The object with a member under another key, at the same place.
 * @param {JSONTree} tree
 * @param {string} from
 * @param {string} to
 * @returns {JSONTree}
 */
export function renamed(tree, from, to) {
    if (tree.kind !== "object" || from === to || tree.members.some((member) => member.key === to)) return tree;
    return { kind: "object", members: tree.members.map((member) => (member.key === from ? { key: to, value: member.value } : member)) };
}

/**
 * The new tree, made of the old one's parts wherever they say the same.
 * @param {JSONTree | undefined} old
 * @param {JSONTree} tree
 * @returns {JSONTree}
 */
export function sharing(old, tree) {
    if (old === undefined || old === tree || old.kind !== tree.kind) return tree;
    if (textOf(old) === textOf(tree)) return old;
    if (tree.kind === "array" && old.kind === "array") {
        return { kind: "array", items: sharedItems(old.items, tree.items) };
    }
    if (tree.kind === "object" && old.kind === "object") {
        const before = new Map(old.members.map((member) => [member.key, member.value]));
        return { kind: "object", members: tree.members.map(({ key, value }) => ({ key, value: sharing(before.get(key), value) })) };
    }
    return tree;
}

/**
 * Items are matched by what they say, then by place.
 * @param {readonly JSONTree[]} old
 * @param {readonly JSONTree[]} items
 */
function sharedItems(old, items) {
    const byText = new Map(old.map((item) => [textOf(item), item]));
    return items.map((item, index) => byText.get(textOf(item)) ?? sharing(old[index], item));
}

/**
 * The path that a JSON Pointer names (RFC 6901); numbers stay strings.
 * @param {string} pointer
 */
export function stepsOf(pointer) {
    return pointer.split("/").slice(1).map((step) => step.replace(/~1/g, "/").replace(/~0/g, "~"));
}

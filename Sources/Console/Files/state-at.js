// The state of an execution after some of its events: the initial state with all updates so far laid over it, by the
// server's own rules. Of two that write one key, the node of higher rank wins, or the key's reducer combines them in the
// order of ranks; keys stand in the order of their first writers.

import { parseTree, textOf } from "./json-tree.js";

/** @typedef {import("./events.js").GraphDocument} GraphDocument */
/** @typedef {import("./json-tree.js").JSONTree} JSONTree */

const WHOLE = /^-?\d+$/;
const INT64_MAX = 2n ** 63n - 1n;

/**
 * Node id → its place in topological order: of the nodes that are ready, the one that stands first in the document is next.
 * @param {GraphDocument} document
 * @returns {Map<string, number>}
 */
export function ranks({ nodes, edges = [] }) {
    const place = new Map(nodes.map(({ id }, index) => [id, index]));
    const missing = nodes.map(() => 0);
    /** @type {number[][]} */
    const targets = nodes.map(() => []);
    for (const { from, to } of edges) {
        const [source, target] = [place.get(from), place.get(to)];
        if (source === undefined || target === undefined) continue;
        targets[source].push(target);
        missing[target] += 1;
    }
    const ready = new Heap();
    missing.forEach((count, index) => {
        if (count === 0) ready.push(index);
    });
    const order = new Map();
    for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
        order.set(nodes[next].id, order.size);
        for (const target of targets[next]) {
            missing[target] -= 1;
            if (missing[target] === 0) ready.push(target);
        }
    }
    return order;
}

/** The smallest number first. */
class Heap {
    /** @type {number[]} */
    #items = [];

    /** @param {number} item */
    push(item) {
        const items = this.#items;
        let index = items.push(item) - 1;
        for (let parent = (index - 1) >> 1; index > 0 && items[parent] > items[index]; parent = (index - 1) >> 1) {
            [items[parent], items[index]] = [items[index], items[parent]];
            index = parent;
        }
    }

    /** @returns {number | undefined} */
    pop() {
        const items = this.#items, first = items[0], last = items.pop();
        if (items.length === 0 || last === undefined) return first;
        items[0] = last;
        for (let index = 0; ;) {
            const left = 2 * index + 1, smaller = left + 1 < items.length && items[left + 1] < items[left] ? left + 1 : left;
            if (smaller >= items.length || items[smaller] >= items[index]) return first;
            [items[smaller], items[index]] = [items[index], items[smaller]];
            index = smaller;
        }
    }
}

/**
 * @param {string} initial A JSON object.
 * @param {ReadonlyMap<string, string>} updates Node id → its update, a JSON object.
 * @param {ReadonlyMap<string, number>} order Node id → its rank.
 * @param {Readonly<Record<string, string>>} reducers
 * @returns {string} A JSON object.
 */
export function stateAfter(initial, updates, order, reducers) {
    /** @type {Map<string, JSONTree[]>} */
    const values = new Map();
    const lay = (/** @type {string} */ text) => {
        const tree = parseTree(text);
        if (tree.kind !== "object") return;
        for (const { key, value } of tree.members) {
            const known = values.get(key);
            if (known) known.push(value);
            else values.set(key, [value]);
        }
    };
    lay(initial);
    const sorted = [...updates].sort(([a], [b]) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
    for (const [, update] of sorted) lay(update);
    return textOf({ kind: "object", members: [...values].map(([key, all]) => ({ key, value: folded(all, reducers[key]) })) });
}

/**
 * @param {JSONTree[]} values In the order of ranks; at least one.
 * @param {string | undefined} reducer
 * @returns {JSONTree}
 */
function folded(values, reducer) {
    const [first, ...rest] = values;
    switch (reducer) {
        case "append":
            if (rest.length === 0) return first;
            return { kind: "array", items: values.flatMap((value) => (value.kind === "array" ? value.items : [value])) };
        case "merge":
            return rest.reduce(merged, first);
        case "sum":
            return rest.reduce(added, first);
        case "min":
            return rest.reduce((best, value) => (isLess(value, best) ? value : best), first);
        case "max":
            return rest.reduce((best, value) => (isLess(best, value) ? value : best), first);
        default:
            return values[values.length - 1];
    }
}

/**
 * A JSON Merge Patch (RFC 7396).
 * @param {JSONTree} target
 * @param {JSONTree} patch
 * @returns {JSONTree}
 */
function merged(target, patch) {
    if (patch.kind !== "object") return patch;
    const members = target.kind === "object" ? target.members.slice() : [];
    for (const { key, value } of patch.members) {
        const index = members.findIndex((member) => member.key === key);
        const isGone = value.kind === "text" && value.text === "null";
        if (isGone) {
            if (index >= 0) members.splice(index, 1);
            continue;
        }
        const old = index >= 0 ? members[index].value : /** @type {JSONTree} */ ({ kind: "text", text: "null" });
        const member = { key, value: merged(old, value) };
        if (index >= 0) members[index] = member;
        else members.push(member);
    }
    return { kind: "object", members };
}

/** @param {JSONTree} left @param {JSONTree} right @returns {JSONTree} */
function added(left, right) {
    const [a, b] = [textOf(left), textOf(right)];
    if (WHOLE.test(a) && WHOLE.test(b)) {
        const sum = BigInt(a) + BigInt(b);
        if (sum <= INT64_MAX && sum >= -INT64_MAX - 1n) return { kind: "text", text: String(sum) };
    }
    return { kind: "text", text: String(Number(a) + Number(b)) };
}

/** @param {JSONTree} left @param {JSONTree} right */
function isLess(left, right) {
    const [a, b] = [textOf(left), textOf(right)];
    return WHOLE.test(a) && WHOLE.test(b) ? BigInt(a) < BigInt(b) : Number(a) < Number(b);
}

// What differs between two states, place by place, as the texts that were written.

import { parseTree, textOf } from "./json-tree.js";

/** @typedef {import("./json-tree.js").JSONTree} JSONTree */

/**
 * @typedef {object} Difference
 * @property {string} place Such as `prices[2].amount`.
 * @property {string | null} before null: it was not there.
 * @property {string | null} after null: it is gone.
 */

/** More would not be read; the states themselves are at hand. */
const DIFFERENCES_MAX = 500;

/**
 * @param {string} before A JSON value.
 * @param {string} after
 * @returns {{ differences: Difference[], isCut: boolean }}
 */
export function stateDiff(before, after) {
    /** @type {Difference[]} */
    const differences = [];
    compare(parseTree(before), parseTree(after), "", differences);
    return { differences: differences.slice(0, DIFFERENCES_MAX), isCut: differences.length > DIFFERENCES_MAX };
}

/**
 * @param {JSONTree | null} before
 * @param {JSONTree | null} after
 * @param {string} place
 * @param {Difference[]} found
 */
function compare(before, after, place, found) {
    if (found.length > DIFFERENCES_MAX) return;
    if (before?.kind === "object" && after?.kind === "object") return compareObjects(before, after, place, found);
    if (before?.kind === "array" && after?.kind === "array") return compareArrays(before.items, after.items, place, found);
    const [old, now] = [before && textOf(before), after && textOf(after)];
    if (old !== now) found.push({ place: place || "(all)", before: old, after: now });
}

/**
 * @param {import("./json-tree.js").JSONObject} before
 * @param {import("./json-tree.js").JSONObject} after
 * @param {string} place
 * @param {Difference[]} found
 */
function compareObjects(before, after, place, found) {
    const old = new Map(before.members.map(({ key, value }) => [key, value]));
    const now = new Map(after.members.map(({ key, value }) => [key, value]));
    for (const [key, value] of old) compare(value, now.get(key) ?? null, under(place, key), found);
    for (const [key, value] of now) if (!old.has(key)) compare(null, value, under(place, key), found);
}

/**
 * What is the same at both ends is passed over, so that one item more is one difference.
 * @param {readonly JSONTree[]} before
 * @param {readonly JSONTree[]} after
 * @param {string} place
 * @param {Difference[]} found
 */
function compareArrays(before, after, place, found) {
    const [old, now] = [before.map(textOf), after.map(textOf)];
    let start = 0, end = 0;
    while (start < Math.min(old.length, now.length) && old[start] === now[start]) start += 1;
    while (end < Math.min(old.length, now.length) - start && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1;
    const oldEnd = old.length - end, nowEnd = now.length - end;
    for (let index = start; index < Math.max(oldEnd, nowEnd); index += 1) {
        compare(index < oldEnd ? before[index] : null, index < nowEnd ? after[index] : null, `${place}[${index}]`, found);
    }
}

/** @param {string} place @param {string} key */
function under(place, key) {
    const name = /^[A-Za-z_][A-Za-z0-9_-]*$/.test(key) ? key : JSON.stringify(key);
    return place === "" ? name : `${place}.${name}`;
}

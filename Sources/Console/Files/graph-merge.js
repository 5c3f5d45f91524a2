// Two people changed one graph: what each did, what does not agree, and the document that has both.

import { partsOf } from "./graph-diff.js";
import { at, textOf, valueOf } from "./json-tree.js";

/** @typedef {import("./json-tree.js").JSONTree} JSONTree */
/** @typedef {"mine" | "theirs"} Side */

/**
 * A part that both changed, and differently. A tree is undefined where the part was removed.
 * @typedef {object} Disagreement
 * @property {string} name Unique in the merge.
 * @property {"node" | "edge" | "graph"} of
 * @property {string} id
 * @property {string | null} key The member of a node or an edge; null for the whole.
 * @property {JSONTree | undefined} mine
 * @property {JSONTree | undefined} theirs
 */

/**
 * @typedef {object} Merge
 * @property {Disagreement[]} disagreements
 * @property {string[]} mine Parts that only I changed.
 * @property {string[]} theirs Parts that only they changed.
 * @property {(choices: ReadonlyMap<string, Side>) => JSONTree} result Where nothing is chosen, mine counts.
 */

/** @typedef {{ of: "node" | "edge" | "graph", id: string, tree: JSONTree }} Part */

/** @param {JSONTree | undefined} a @param {JSONTree | undefined} b */
function isSame(a, b) {
    return a === b || (a !== undefined && b !== undefined && textOf(a) === textOf(b));
}

/**
 * @param {JSONTree} base What both began with.
 * @param {JSONTree} mine
 * @param {JSONTree} theirs
 * @returns {Merge}
 */
export function merge(base, mine, theirs) {
    const sides = { base: partsOf(base), mine: partsOf(mine), theirs: partsOf(theirs) };
    /** @type {Disagreement[]} */
    const disagreements = [];
    /** @type {string[]} */
    const onlyMine = [], onlyTheirs = [];
    /** @type {Map<string, (choices: ReadonlyMap<string, Side>) => JSONTree | undefined>} */
    const parts = new Map();

    for (const name of new Set([...sides.theirs.keys(), ...sides.mine.keys(), ...sides.base.keys()])) {
        const [was, my, their] = [sides.base.get(name), sides.mine.get(name), sides.theirs.get(name)];
        const { of, id } = /** @type {Part} */ (my ?? their ?? was);
        if (isSame(my?.tree, their?.tree) || isSame(was?.tree, their?.tree)) {
            if (!isSame(my?.tree, their?.tree)) onlyMine.push(`${of} ${id}`);
            parts.set(name, () => my?.tree);
        } else if (isSame(was?.tree, my?.tree)) {
            onlyTheirs.push(`${of} ${id}`);
            parts.set(name, () => their?.tree);
        } else if (of !== "graph" && my?.tree.kind === "object" && their?.tree.kind === "object") {
            parts.set(name, mergeMembers(name, of, id, was?.tree, my.tree, their.tree, disagreements));
        } else {
            disagreements.push({ name, of, id, key: null, mine: my?.tree, theirs: their?.tree });
            parts.set(name, (choices) => (choices.get(name) === "theirs" ? their?.tree : my?.tree));
        }
    }
    return {
        disagreements, mine: onlyMine, theirs: onlyTheirs,
        result: (choices) => assembled(mine, theirs, new Map([...parts].map(([name, part]) => [name, part(choices)]))),
    };
}

/**
 * @param {string} name
 * @param {"node" | "edge"} of
 * @param {string} id
 * @param {JSONTree | undefined} base
 * @param {JSONTree} mine
 * @param {JSONTree} theirs
 * @param {Disagreement[]} disagreements
 * @returns {(choices: ReadonlyMap<string, Side>) => JSONTree}
 */
function mergeMembers(name, of, id, base, mine, theirs, disagreements) {
    const keys = new Set([mine, theirs].flatMap((tree) => (tree.kind === "object" ? tree.members.map((member) => member.key) : [])));
    const chosen = [...keys].map((key) => {
        const [was, my, their] = [at(base, [key]), at(mine, [key]), at(theirs, [key])];
        if (isSame(my, their) || isSame(was, their)) return { key, value: () => my };
        if (isSame(was, my)) return { key, value: () => their };
        const place = `${name} ${key}`;
        disagreements.push({ name: place, of, id, key, mine: my, theirs: their });
        return { key, value: (/** @type {ReadonlyMap<string, Side>} */ choices) => (choices.get(place) === "theirs" ? their : my) };
    });
    return (choices) => ({
        kind: "object", members: chosen.flatMap(({ key, value }) => {
            const tree = value(choices);
            return tree === undefined ? [] : [{ key, value: tree }];
        }),
    });
}

/**
 * A document of parts, in the order in which mine has them; what only they have comes last. Edges to nodes that the merge
 * has not kept are left out.
 * @param {JSONTree} mine
 * @param {JSONTree} theirs
 * @param {Map<string, JSONTree | undefined>} parts
 * @returns {JSONTree}
 */
function assembled(mine, theirs, parts) {
    const order = new Map([...partsOf(mine), ...partsOf(theirs)]);
    /** @type {{ node: JSONTree[], edge: JSONTree[] }} */
    const lists = { node: [], edge: [] };
    const ids = new Set();
    for (const [name, { of, id }] of order) {
        const tree = parts.get(name);
        if (tree === undefined || of === "graph") continue;
        if (of === "node") ids.add(id);
        const ends = valueOf(tree);
        if (of === "node" || (ids.has(ends.from) && ids.has(ends.to))) lists[of].push(tree);
    }
    const members = [];
    const keys = new Set([mine, theirs].flatMap((tree) => (tree.kind === "object" ? tree.members.map((member) => member.key) : [])));
    for (const key of keys) {
        if (key === "nodes") members.push({ key, value: /** @type {JSONTree} */ ({ kind: "array", items: lists.node }) });
        else if (key === "edges") members.push({ key, value: /** @type {JSONTree} */ ({ kind: "array", items: lists.edge }) });
        else {
            const tree = parts.get(`graph ${key}`);
            if (tree !== undefined) members.push({ key, value: tree });
        }
    }
    return { kind: "object", members };
}

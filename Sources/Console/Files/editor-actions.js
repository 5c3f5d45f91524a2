// What people do to a graph with the toolbar, the keyboard and the canvas, in terms of a session. No page here.

import { defaultConfig } from "./node-defaults.js";
import {
    cycleBy, fragmentText, freeID, isFragment, nodeIDs, withEdge, withFragment, withNode, withPositions, withoutEdge, withoutNodes,
} from "./graph-draft.js";
import { NODE_HEIGHT, NODE_WIDTH } from "./geometry.js";
import { parseTree } from "./json-tree.js";
import { besides, freePlace } from "./positions.js";

/** @typedef {import("./editor-session.js").EditorSession} EditorSession */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./json-tree.js").JSONTree} JSONTree */
/** @typedef {import("./schema.js").NodeKind} NodeKind */

/** How far a pasted copy stands from what it was made of. */
const PASTE_STEP = 40;

/**
 * Where a new node comes from: the port that an edge was drawn from, and the point where it was let go.
 * @typedef {{ at?: Point, port?: { id: string, side: "in" | "out" }, middle: Point }} Wish
 */

/**
 * Adds a node, beside the one that it follows, and returns its id.
 * @param {EditorSession} session
 * @param {NodeKind} kind
 * @param {Wish} wish
 */
export function addNode(session, kind, { at, port, middle }) {
    const id = freeID(kind.name, nodeIDs(session.document));
    const source = port?.side === "out" ? port.id : undefined, target = port?.side === "in" ? port.id : undefined;
    const place = at ?? (source === undefined ? middle : besides(session.positions.get(source) ?? middle));
    const corner = at && port ? { x: port.side === "in" ? at.x - NODE_WIDTH : at.x, y: at.y - NODE_HEIGHT / 2 } : place;
    const position = at ? corner : freePlace(session.positions.values(), corner);
    let document = withNode(session.withAllPositions(), { id, kind: kind.name, config: defaultConfig(kind), position });
    if (source !== undefined) document = withEdge(document, source, id);
    if (target !== undefined) document = withEdge(document, id, target);
    session.change(document, `Add ${kind.title}`);
    session.select([id]);
    return id;
}

/**
 * @param {EditorSession} session
 * @param {string} from
 * @param {string} to
 * @returns {string} What came of it, for people.
 */
export function connect(session, from, to) {
    if (session.edges.some((edge) => edge.from === from && edge.to === to)) return `${from} and ${to} are connected already.`;
    const cycle = cycleBy(session.document, from, to);
    if (cycle) return `That would make a cycle: ${cycle.join(" → ")}. Graphs run forward only.`;
    session.change(withEdge(session.document, from, to), "Connect");
    return `Connected ${from} to ${to}.`;
}

/**
 * Deletes what is selected.
 * @param {EditorSession} session
 */
export function deleteSelected(session) {
    const edge = session.selectedEdge;
    if (edge) session.change(withoutEdge(session.document, edge.from, edge.to), "Disconnect");
    else if (session.selection.size > 0) session.change(withoutNodes(session.document, session.selection), "Delete");
}

/**
 * @param {EditorSession} session
 * @param {ReadonlySet<string>} ids
 * @param {Point} by
 */
export function moveNodes(session, ids, by) {
    /** @type {Map<string, Point>} */
    const moved = new Map();
    for (const id of ids) {
        const point = session.positions.get(id);
        if (point) moved.set(id, { x: point.x + by.x, y: point.y + by.y });
    }
    session.change(withPositions(session.withAllPositions(), moved), "Move", `move ${[...ids].join(" ")}`);
}

/** @param {EditorSession} session */
export function copied(session) {
    const ids = session.selection;
    return ids.size === 0 ? null : fragmentText(withPositions(session.document, session.positions), ids);
}

/**
 * Pastes what was copied here or in another graph; a whole document will do.
 * @param {EditorSession} session
 * @param {string} text
 * @param {Point} middle Where nodes without a position go.
 * @returns {string[] | null} The ids of what came in; null if the text is nothing of the kind.
 */
export function paste(session, text, middle) {
    /** @type {JSONTree} */
    let fragment;
    try {
        fragment = parseTree(text);
    } catch {
        return null;
    }
    if (!isFragment(fragment)) return null;
    const taken = new Set([...session.positions.values()].map(({ x, y }) => `${Math.round(x)} ${Math.round(y)}`));
    let shift = 0;
    /** @param {Point | undefined} position @param {number} index @returns {Point} */
    const place = (position, index) => (position && Number.isFinite(position.x) && Number.isFinite(position.y)
        ? { x: position.x + shift, y: position.y + shift } : { x: middle.x + index * PASTE_STEP, y: middle.y + index * PASTE_STEP });
    const isTaken = (/** @type {Point} */ { x, y }) => taken.has(`${Math.round(x)} ${Math.round(y)}`);
    /** @type {Point[]} */
    const own = [];
    withFragment(session.document, fragment, (index, position) => (own.push(place(position, index)), own[index]));
    while (own.some(({ x, y }) => isTaken({ x: x + shift, y: y + shift }))) shift += PASTE_STEP;
    const { document, ids } = withFragment(session.withAllPositions(), fragment, (index, position) => place(position, index));
    if (ids.length === 0) return null;
    session.change(document, "Paste");
    session.select(ids);
    return ids;
}

/** Three nodes that do something to look at, for a graph that has none. */
const EXAMPLE = `{"initial_state":{"name":"world"},"nodes":[
    {"id":"greet","name":"Greet","kind":"set","config":{"values":{"greeting":"Hello, {{ state.name }}!"}},"position":{"x":80,"y":80}},
    {"id":"wait","name":"Wait a second","kind":"delay","config":{"duration_ms":1000},"position":{"x":320,"y":80}},
    {"id":"count","name":"Count the letters","kind":"lua","config":{"code":"return { letters = #state.greeting }\\n"},"position":{"x":560,"y":80}}],
    "edges":[{"from":"greet","to":"wait"},{"from":"wait","to":"count"}]}`;

/**
 * A document to begin with.
 * @param {string} id
 * @param {string} name
 */
export function emptyDocument(id, name) {
    return parseTree(JSON.stringify({ id, name, initial_state: {}, nodes: [], edges: [] }));
}

/** @param {EditorSession} session */
export function addExample(session) {
    const example = parseTree(EXAMPLE);
    const { document } = withFragment(session.document, example, (_, position) => position ?? { x: 0, y: 0 });
    const members = document.kind === "object" ? document.members : [];
    const state = example.kind === "object" ? example.members[0].value : document;
    session.change({
        kind: "object", members: members.map((member) =>
            (member.key === "initial_state" && member.value.kind === "object" && member.value.members.length === 0 ? { key: member.key, value: state } : member)),
    }, "Add an example");
}

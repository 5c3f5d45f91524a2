// The events of what runs within the one node of a drawn graph, told as if they were of the drawing's nodes. A node of it runs
// in steps, `["graph", 3]`, as one of several tasks, `["graph", 3, "work", 0]`, and in graphs within: `["graph", 3, "sub", 1]`.

import { END, START } from "./drawn-graph.js";
import { pathOf, scopeSteps } from "./scope-path.js";

/** @typedef {import("./events.js").ExecutionEvent} ExecutionEvent */
/** @typedef {import("./scope-path.js").ScopePath} ScopePath */
/** @typedef {import("./scope-path.js").ScopeStep} ScopeStep */

/**
 * Where an event of a drawn node really happened.
 * @typedef {object} DrawnTask
 * @property {string} key The same for all events of one task.
 * @property {ScopePath} path
 * @property {string} nodeId
 * @property {string} title Which of the node's runs: `Step 3`.
 * @property {readonly string[]} from The nodes whose ends led to it, as far as steps tell.
 */

/** Channels that tell of scopes, which the drawing shows by itself. */
const SCOPE_CHANNELS = new Set(["scope", "item"]);

export class DrawnEvents {
    #host;
    /** @type {Set<string>} */
    #ids;
    /** @type {Map<string, string[]>} Node → those that edges lead to it from. */
    #sources = new Map();
    /** @type {Map<string, string[]>} Graph and step → the nodes that have ended in it. */
    #ended = new Map();
    /** @type {string[]} The nodes that ended in the last step of the graph itself. */
    #last = [];
    #lastStep = 0;

    /**
     * @param {string} host The node that runs the graph.
     * @param {import("./drawn-graph.js").Drawing} drawing
     */
    constructor(host, drawing) {
        this.#host = host;
        this.#ids = new Set(drawing.nodes.map(({ id }) => id));
        for (const { from, to } of drawing.edges) this.#sources.set(to, [...(this.#sources.get(to) ?? []), from]);
    }

    /** Another execution begins. */
    startOver() {
        this.#ended.clear();
        this.#last = [];
        this.#lastStep = 0;
    }

    /**
     * @param {ExecutionEvent} event
     * @returns {ExecutionEvent | null} The same of a node of the drawing; null for what it does not show.
     */
    take(event) {
        if (!("node_id" in event)) return event;
        if (event.type === "node_output" && SCOPE_CHANNELS.has(event.channel)) return null;
        const steps = scopeSteps(event.path ?? []);
        if (steps.length === 0) return this.#ofHost(event);
        if (steps[0].node !== this.#host) return null;
        const id = this.#drawnID(steps, event.node_id);
        // What a node runs that the drawing does not know speaks for that node.
        if (id === null) return event.type === "node_output" ? this.#spoken(event, steps) : null;
        return this.#told(event, id, steps);
    }

    /**
     * The node that runs the graph: its beginning is the drawing's, and so is its end.
     * @param {import("./events.js").NodeStartEvent | import("./events.js").NodeOutputEvent | import("./events.js").NodeCompleteEvent} event
     * @returns {ExecutionEvent}
     */
    #ofHost(event) {
        const { path: _path, ...rest } = event;
        const at = { path: [], nodeId: this.#host, title: `Attempt ${event.attempt}` };
        if (rest.type === "node_start") {
            this.startOver();
            const drawn = { ...at, key: `${START} ${event.attempt}`, from: [] };
            return /** @type {ExecutionEvent} */ ({
                ...rest, type: "node_complete", node_id: START, status: "success", duration_ms: 0, queue_ms: 0, taken: [], drawn,
            });
        }
        if (rest.type === "node_output") return { ...rest, node_id: START, drawn: { ...at, key: `${START} ${event.attempt}`, from: [] } };
        const from = (this.#sources.get(END) ?? []).filter((id) => this.#last.includes(id));
        return { ...rest, node_id: END, drawn: { ...at, key: `${END} ${event.attempt}`, from } };
    }

    /**
     * @param {import("./events.js").NodeStartEvent | import("./events.js").NodeOutputEvent | import("./events.js").NodeCompleteEvent} event
     * @param {string} id
     * @param {readonly ScopeStep[]} steps
     * @returns {ExecutionEvent}
     */
    #told(event, id, steps) {
        const { path = [], ...rest } = event, { graph, step } = placeOf(steps, event.node_id);
        const before = step === 1 ? this.#before(graph) : this.#ended.get(`${graph} ${step - 1}`) ?? [];
        const from = (this.#sources.get(id) ?? []).filter((source) => before.includes(source));
        if (event.type === "node_complete" && !event.will_retry) this.#end(id, graph, step, steps);
        const key = `${JSON.stringify(path)} ${event.node_id}`;
        return { ...rest, node_id: id, drawn: { key, path, nodeId: event.node_id, title: titleOf(steps), from } };
    }

    /**
     * What had ended before a graph began: the drawing has an edge from there to its first node.
     * @param {string} graph
     */
    #before(graph) {
        const steps = scopeSteps(JSON.parse(graph));
        // The graph itself begins at the start; one within where the step around it stands.
        for (let depth = steps.length; depth > 0; depth -= 1) {
            const { index } = steps[depth - 1];
            if (index !== null && index > 1) return this.#ended.get(`${graphAround(steps, depth)} ${index - 1}`) ?? [];
        }
        return [START];
    }

    /**
     * @param {string} id
     * @param {string} graph
     * @param {number} step
     * @param {readonly ScopeStep[]} steps
     */
    #end(id, graph, step, steps) {
        // An end within a graph is one of the graph around it as well: edges of the drawing go from there.
        const around = scopeSteps(JSON.parse(graph));
        this.#note(`${graph} ${step}`, id);
        for (let depth = around.length - 1; depth > 0; depth -= 1) {
            const { index } = around[depth - 1];
            if (index !== null) this.#note(`${graphAround(around, depth)} ${index}`, id);
        }
        const top = steps[0].index ?? 0;
        if (top > this.#lastStep) this.#last = [];
        this.#lastStep = top;
        this.#last.push(id);
    }

    /** @param {string} key @param {string} id */
    #note(key, id) {
        const known = this.#ended.get(key);
        if (known) known.push(id);
        else this.#ended.set(key, [id]);
    }

    /**
     * @param {import("./events.js").NodeOutputEvent} event
     * @param {readonly ScopeStep[]} steps
     * @returns {ExecutionEvent | null}
     */
    #spoken(event, steps) {
        for (let depth = steps.length - 1; depth > 0; depth -= 1) {
            const id = this.#drawnID(steps.slice(0, depth), steps[depth].node);
            if (id !== null) return this.#told({ ...event, node_id: steps[depth].node, path: [...pathOf(steps.slice(0, depth))] }, id, steps.slice(0, depth));
        }
        return null;
    }

    /**
     * The node of the drawing: its names from the outside in, `sub:inside`. A task names its node in its path as well.
     * @param {readonly ScopeStep[]} steps
     * @param {string} nodeId
     * @returns {string | null}
     */
    #drawnID(steps, nodeId) {
        const names = [...steps.slice(1).map(({ node }) => node), nodeId];
        const known = [names, names.filter((name, place) => name !== names[place - 1])].map((each) => each.join(":"));
        return known.find((id) => this.#ids.has(id)) ?? null;
    }
}

/**
 * The graph that a node runs in, and in which step of it.
 * @param {readonly ScopeStep[]} steps
 * @param {string} nodeId
 */
function placeOf(steps, nodeId) {
    const last = steps[steps.length - 1];
    // One of several tasks stands below its step: ["graph", 2, "work", 0] is step 2.
    const isTask = steps.length > 1 && last.node === nodeId;
    const own = isTask ? steps.slice(0, -1) : steps, { index } = own[own.length - 1];
    return { graph: graphAround(own, own.length), step: index ?? 0 };
}

/**
 * The graph of which a step is one, as text.
 * @param {readonly ScopeStep[]} steps
 * @param {number} depth
 */
function graphAround(steps, depth) {
    return JSON.stringify(pathOf([...steps.slice(0, depth - 1), { ...steps[depth - 1], index: null }]));
}

/** @param {readonly ScopeStep[]} steps */
function titleOf(steps) {
    const [{ index }, ...inner] = steps;
    return [`Step ${index ?? 0}`, ...inner.map(({ node, index: which }) => `${node} ${which ?? ""}`.trim())].join(" › ");
}

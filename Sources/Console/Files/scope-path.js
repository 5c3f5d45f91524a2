// Where a graph runs within nodes of others: the enclosing nodes from the outside in, each followed by the index of the
// item or iteration where it has such: ["each", 17], ["sub"], ["loop", 3, "each", 0]. The empty path is the execution itself.

/** @typedef {readonly (string | number)[]} ScopePath */

/**
 * One step of the way: a node, and which of its items or iterations; null for a node that runs its graph once.
 * @typedef {{ node: string, index: number | null }} ScopeStep
 */

/** @type {ScopePath} */
export const ROOT = Object.freeze([]);

/**
 * The path as addresses and queries write it: `each,17`.
 * @param {ScopePath} path
 */
export function pathText(path) {
    return path.map((part) => encodeURIComponent(part)).join(",");
}

/**
 * @param {string} text
 * @returns {ScopePath | null} null for a text that names no scope.
 */
export function parsePath(text) {
    if (text === "") return ROOT;
    /** @type {(string | number)[]} */
    const path = [];
    for (const part of text.split(",")) {
        // A number follows a node, so that a node may be called as one.
        if (/^\d{1,15}$/.test(part) && typeof path.at(-1) === "string") path.push(Number(part));
        else if (part === "") return null;
        else path.push(decoded(part));
    }
    return path;
}

/** @param {string} part */
function decoded(part) {
    try {
        return decodeURIComponent(part);
    } catch {
        return part;
    }
}

/**
 * @param {ScopePath} path
 * @returns {ScopeStep[]}
 */
export function scopeSteps(path) {
    /** @type {ScopeStep[]} */
    const steps = [];
    for (const part of path) {
        const last = steps.at(-1);
        if (typeof part === "number" && last) last.index = part;
        else steps.push({ node: String(part), index: null });
    }
    return steps;
}

/**
 * @param {readonly ScopeStep[]} steps
 * @returns {ScopePath}
 */
export function pathOf(steps) {
    return steps.flatMap(({ node, index }) => (index === null ? [node] : [node, index]));
}

/**
 * How many graphs deep that is: what a stream's `depth` counts.
 * @param {ScopePath} path
 */
export function depthOf(path) {
    return scopeSteps(path).length;
}

/**
 * The scope around it.
 * @param {ScopePath} path
 */
export function parentOf(path) {
    return pathOf(scopeSteps(path).slice(0, -1));
}

/**
 * @param {ScopePath | undefined} path
 * @param {ScopePath | undefined} other
 */
export function isSamePath(path = ROOT, other = ROOT) {
    return path.length === other.length && path.every((part, index) => part === other[index]);
}

/**
 * The address of an execution's page, or of a graph within it.
 * @param {string} executionId
 * @param {ScopePath} [path]
 */
export function runAddress(executionId, path = ROOT) {
    return `#/executions/${encodeURIComponent(executionId)}${path.length > 0 ? `/${pathText(path)}` : ""}`;
}

/**
 * The address of the page of a graph, or of one within its nodes, before it runs.
 * @param {string} graphId
 * @param {ScopePath} [path]
 */
export function graphAddress(graphId, path = ROOT) {
    return `#/graphs/${encodeURIComponent(graphId)}${path.length > 0 ? `/in/${pathText(path)}` : ""}`;
}

/**
 * The address of a graph within what is shown: of an execution, or of a graph that has not run.
 * @param {{ executionId: string | null, graph: { document: { id: string } } }} view The outermost graph.
 * @param {ScopePath} path
 */
export function scopeAddress({ executionId, graph }, path) {
    if (executionId !== null) return runAddress(executionId, path);
    return graphAddress(graph.document.id, scopeSteps(path).map(({ node }) => node));
}

/**
 * What is said of a path to people: `each › 17`.
 * @param {ScopePath} path
 */
export function pathWords(path) {
    return scopeSteps(path).map(({ node, index }) => (index === null ? node : `${node} › ${index}`)).join(" › ");
}

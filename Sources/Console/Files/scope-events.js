// The events of one graph within a node, picked out of a stream that is deep enough for them: those of its own nodes, the
// restarts of the daemon, and its end, which the node around it tells.

import { endedItem, endedScope } from "./node-state.js";
import { isSamePath, parentOf, scopeSteps } from "./scope-path.js";

/** @typedef {import("./events.js").ExecutionEvent} ExecutionEvent */
/** @typedef {import("./events.js").NodeEnd} NodeEnd */
/** @typedef {import("./scope-path.js").ScopePath} ScopePath */

export class ScopeEvents {
    #path;
    #parent;
    #step;
    #isRetried;
    #hasEnded = false;
    /** Whether nothing more can come. */
    isOver = false;

    /**
     * @param {ScopePath} path
     * @param {boolean} isRetried Whether the node around it may be tried again, and what failed in it with it.
     */
    constructor(path, isRetried) {
        this.#path = path;
        this.#parent = parentOf(path);
        this.#step = scopeSteps(path).at(-1) ?? { node: "", index: null };
        this.#isRetried = isRetried;
    }

    /**
     * @param {ExecutionEvent} event
     * @returns {ExecutionEvent | null} As the timeline of the graph takes it; null for what is none of its affairs.
     */
    take(event) {
        if (this.isOver) return null;
        if (event.type === "complete" || event.type === "error") {
            this.isOver = true;
            return this.#hasEnded ? null : this.#end(event, { status: "cancelled", duration_ms: 0 });
        }
        if (event.type === "start") return event.attempt > 1 && !this.#hasEnded ? event : null;
        if (!("node_id" in event)) return null;
        if (isSamePath(event.path, this.#path)) {
            if (event.type === "node_start") this.#hasEnded = false;
            return event;
        }
        const isAround = event.node_id === this.#step.node && isSamePath(event.path, this.#parent);
        return isAround ? this.#told(event) : null;
    }

    /** @param {import("./events.js").NodeStartEvent | import("./events.js").NodeOutputEvent | import("./events.js").NodeCompleteEvent} event Of the node around it. */
    #told(event) {
        if (event.type === "node_complete") this.isOver = !event.will_retry;
        if (event.type !== "node_output") return null;
        const { index } = this.#step, item = index === null ? endedScope(event) : endedItem(event);
        if (!item || (index !== null && /** @type {import("./events.js").ItemEnd} */ (item).index !== index)) return null;
        this.isOver = item.status === "success" || !this.#isRetried;
        return this.#end(event, item);
    }

    /**
     * @param {ExecutionEvent} event That tells of it.
     * @param {{ status: NodeEnd, duration_ms: number, error?: string }} end
     * @returns {import("./events.js").ScopeEndEvent}
     */
    #end({ execution_id, graph_id, seq, timestamp }, { status, duration_ms, error }) {
        this.#hasEnded = true;
        return { type: "scope_end", execution_id, graph_id, seq, timestamp, status, duration_ms, ...(error !== undefined && { error }) };
    }
}

// The log as rows, from events. Words that a node emits one by one grow into one row, also while others speak.
//
// Going back takes rows away again: down to the nearest mark, of which there is one every so many events.

import { answerOf, askedBy, isQuestion } from "./approvals.js";
import { count, duration } from "./format.js";
import { memberText } from "./json-text.js";
import { endedItem, endedScope, openedScope } from "./node-state.js";

/** @typedef {import("./events.js").NodeCompleteEvent} NodeCompleteEvent */
/** @typedef {import("./timeline.js").Entry} Entry */
/** @typedef {"event" | "output" | "success" | "error" | "muted" | "seam"} Level */

/**
 * @typedef {object} Row
 * @property {number} seq Of its first event.
 * @property {number} time Milliseconds since 1970.
 * @property {string | null} nodeId
 * @property {string} node Who speaks; empty for the execution itself.
 * @property {string} channel Empty for what is no output.
 * @property {Level} level
 * @property {string} text
 */

/** A row of emitted words is closed at this length. */
const ROW_CHARACTERS_MAX = 2_000;
/** What a row shows of an output; the inspector has all of it. */
const OUTPUT_CHARACTERS_MAX = 10_000;
/** Farther apart when more rows are open, so that the marks hold no more than the events do. */
const EVENTS_PER_MARK_MIN = 256;

/**
 * How the rows stood after so many events: how many there were, and the lengths of those that might still grow.
 * @typedef {{ eventCount: number, rowCount: number, open: { key: string, row: Row, length: number }[] }} Mark
 */

export class LogRows {
    /** @type {Row[]} */
    rows = [];
    /** @type {Map<string, Row>} Speaker → the row that its next word goes to. */
    #open = new Map();
    /** How many events are in the rows. */
    #eventCount = 0;
    /** @type {Mark[]} From 0 events on. */
    #marks = [];
    /** After how many events the next mark is made. */
    #nextMark = 0;
    #names;

    /** @param {ReadonlyMap<string, string>} names Node id → name. */
    constructor(names) {
        this.#names = names;
    }

    /**
     * Takes the next event.
     * @param {Entry} entry
     * @returns {Row} The row that is new or has grown.
     */
    add(entry) {
        if (this.#eventCount === this.#nextMark) {
            const open = [...this.#open].map(([key, row]) => ({ key, row, length: row.text.length }));
            this.#marks.push({ eventCount: this.#eventCount, rowCount: this.rows.length, open });
            this.#nextMark += Math.max(EVENTS_PER_MARK_MIN, open.length);
        }
        this.#eventCount += 1;
        return this.#take(entry);
    }

    /**
     * Takes the last events away again, so that at most `count` are left.
     * @param {number} count
     * @returns {{ eventCount: number, shortened: Row[] }} How many are left: fewer than `count` by less than a mark's distance;
     *     and the rows that are left with fewer words.
     */
    rewind(count) {
        if (count >= this.#eventCount) return { eventCount: this.#eventCount, shortened: [] };
        let index = this.#marks.length - 1;
        while (this.#marks[index].eventCount > count) index -= 1;
        const { eventCount, rowCount, open } = this.#marks[index];
        const shortened = open.filter(({ row, length }) => row.text.length > length).map(({ row }) => row);
        for (const { row, length } of open) row.text = row.text.slice(0, length);
        this.#open = new Map(open.map(({ key, row }) => [key, row]));
        this.#marks.length = index;
        this.rows.length = rowCount;
        this.#eventCount = this.#nextMark = eventCount;
        return { eventCount, shortened };
    }

    /** @param {Entry} entry */
    #take({ event, text }) {
        const time = Date.parse(event.timestamp);
        if (!("node_id" in event)) {
            this.#open.clear();
            return this.#append({ seq: event.seq, time, nodeId: null, node: "", channel: "", ...runWords(event) });
        }
        const nodeId = event.node_id;
        const head = { seq: event.seq, time, nodeId, channel: "", node: this.#names.get(nodeId) ?? nodeId };
        if (event.type === "node_output") return this.#output(event, text, head, `${nodeId} ${event.attempt} ${event.channel}`);
        for (const key of this.#open.keys()) if (key.startsWith(`${nodeId} `)) this.#open.delete(key);
        if (event.type === "node_complete") return this.#append({ ...head, ...completeWords(event) });
        const attempt = event.attempt > 1 ? `, attempt ${event.attempt}` : "";
        return this.#append({ ...head, level: "event", text: `started${attempt}` });
    }

    /**
     * @param {import("./events.js").NodeOutputEvent} event
     * @param {string} text
     * @param {Omit<Row, "level" | "text">} head
     * @param {string} key
     */
    #output(event, text, head, key) {
        const told = scopeWords(event) ?? questionWords(event);
        if (told) return this.#append({ ...head, ...told });
        const words = outputText(event, text).slice(0, OUTPUT_CHARACTERS_MAX);
        const open = this.#open.get(key);
        const isWord = event.channel === "chunk" && typeof event.data === "string";
        if (open && isWord && open.text.length < ROW_CHARACTERS_MAX) {
            open.text += words;
            return open;
        }
        const level = event.channel === "stderr" ? "error" : "output";
        const row = this.#append({ ...head, channel: event.channel, level, text: words });
        if (isWord) this.#open.set(key, row);
        return row;
    }

    /** @param {Row} row */
    #append(row) {
        this.rows.push(row);
        return row;
    }
}

/**
 * What a node put out: a string as it is, anything else as JSON.
 * @param {import("./events.js").NodeOutputEvent} event
 * @param {string} text Of the event.
 */
export function outputText(event, text) {
    return typeof event.data === "string" ? event.data : memberText(text, "data") ?? "";
}

/**
 * What an output tells of a graph within its node; null for any other.
 * @param {import("./events.js").NodeOutputEvent} event
 * @returns {{ level: Level, text: string } | null}
 */
function scopeWords(event) {
    const opening = openedScope(event), item = endedItem(event), end = item ?? endedScope(event);
    if (opening) return { level: "event", text: opening.graph ? `graph ${opening.graph} started, revision ${opening.revision}` : "its graph started" };
    if (!end) return null;
    const whose = item ? `item ${item.index}` : "its graph", took = duration(end.duration_ms);
    if (end.status === "error") return { level: "error", text: `${whose} failed after ${took}: ${end.error ?? "no message"}` };
    return { level: "muted", text: `${whose} ${end.status === "cancelled" ? "was cancelled" : "finished"} after ${took}` };
}

/**
 * What an output tells of a question, or of an answer; null for any other.
 * @param {import("./events.js").NodeOutputEvent} event
 * @returns {{ level: Level, text: string } | null}
 */
export function questionWords(event) {
    if (isQuestion(event)) {
        const { prompt } = askedBy(event);
        return { level: "event", text: `asks: ${typeof prompt === "string" ? prompt : JSON.stringify(prompt)}` };
    }
    const answer = answerOf(event);
    if (!answer) return null;
    const by = answer.by ? ` by ${answer.by}` : "", comment = answer.comment ? `: ${answer.comment}` : "";
    return { level: answer.approved ? "success" : "error", text: `${answer.approved ? "approved" : "refused"}${by}${comment}` };
}

/**
 * @param {NodeCompleteEvent} event
 * @returns {{ level: Level, text: string }}
 */
function completeWords(event) {
    const took = duration(event.duration_ms);
    switch (event.status) {
        case "success":
            return { level: "success", text: `finished in ${took}${waitWords(event)}` };
        case "error": {
            const retry = event.will_retry ? "; it will be retried" : "";
            const trace = event.details?.traceback;
            const lines = typeof trace === "string" ? `\n${trace.trimEnd()}` : "";
            return { level: "error", text: `failed after ${took}: ${event.error ?? "no message"}${retry}${lines}` };
        }
        case "skipped":
            return { level: "muted", text: "skipped" };
        case "cached":
            return { level: "success", text: "result taken over from an earlier run" };
        default:
            return { level: "muted", text: `${event.status} after ${took}` };
    }
}

/** @param {NodeCompleteEvent} event */
function waitWords({ wait_ms: waited }) {
    return waited === undefined ? "" : `, after it had waited ${duration(waited)} for an answer`;
}

/**
 * @param {Exclude<import("./events.js").ExecutionEvent, { node_id: string }>} event
 * @returns {{ level: Level, text: string }}
 */
function runWords(event) {
    switch (event.type) {
        case "start":
            if (event.attempt > 1) return { level: "seam", text: `The server was restarted: start ${event.attempt}. What ran then is run again.` };
            return { level: "event", text: `Run started: ${count(event.node_count, "node")}, revision ${event.graph_revision}` };
        case "complete": {
            const took = duration(event.duration_ms);
            if (event.status === "success") return { level: "success", text: `Run finished in ${took}` };
            if (event.status === "cancelled") return { level: "muted", text: `Run cancelled after ${took}` };
            const failed = event.failed_nodes.length > 0 ? `: ${event.failed_nodes.join(", ")} failed` : "";
            return { level: "error", text: `Run ended with errors after ${took}${failed}` };
        }
        case "scope_end": {
            const level = event.status === "error" ? "error" : event.status === "cancelled" ? "muted" : "success";
            const word = event.status === "error" ? "Failed" : event.status === "cancelled" ? "Cancelled" : "Finished";
            return { level, text: `${word} after ${duration(event.duration_ms)}${event.error ? `: ${event.error}` : ""}` };
        }
        case "error":
            return { level: "error", text: `Run failed: ${event.error}` };
        default:
            return { level: "muted", text: String(/** @type {{ type: string }} */ (event).type) };
    }
}

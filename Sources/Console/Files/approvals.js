// What waits for somebody's answer, and the answers: the values, and the calls that read and give them.

import { ROOT, pathText } from "./scope-path.js";
import { fits } from "./schema.js";

/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */
/** @typedef {import("./problem.js").Problem} Problem */
/** @typedef {import("./schema.js").Schema} Schema */
/** @typedef {import("./scope-path.js").ScopePath} ScopePath */

/**
 * A question of a node, as `GET /api/approvals` lists it.
 * @typedef {object} Approval
 * @property {string} execution_id
 * @property {string} graph_id
 * @property {ScopePath} path
 * @property {string} node_id
 * @property {number} question The seq of the event that asks.
 * @property {unknown} prompt
 * @property {Schema | boolean | null} schema Of the data that an approval brings; true takes any.
 * @property {number} required How many must approve.
 * @property {number} given How many have.
 * @property {string | null} deadline
 * @property {string} since
 */

/**
 * @typedef {object} Answer
 * @property {boolean} approved
 * @property {string} [data] JSON text.
 * @property {string} [comment]
 */

const QUESTION_CHANNEL = "approval";
const ANSWER_CHANNEL = "answer";
const PAGE_SIZE = 50;

/**
 * @param {GraphAPI} api
 * @param {string} [cursor]
 * @returns {Promise<import("./events.js").Page<Approval>>} Oldest execution first.
 */
export async function listApprovals(api, cursor) {
    const query = new URLSearchParams({ limit: `${PAGE_SIZE}`, ...(cursor && { cursor }) });
    return (await api.send(`api/approvals?${query}`)).json();
}

/**
 * Returns once the answer is stored.
 * @param {GraphAPI} api
 * @param {Pick<Approval, "execution_id" | "path" | "node_id" | "question">} approval
 * @param {Answer} answer
 */
export async function resolveApproval(api, approval, { approved, data, comment }) {
    const members = [`"approved":${approved}`, `"question":${approval.question}`];
    if (data !== undefined) members.push(`"data":${data}`);
    if (comment) members.push(`"comment":${JSON.stringify(comment)}`);
    const query = approval.path.length > 0 ? `?path=${pathText(approval.path)}` : "";
    const path = `api/executions/${encodeURIComponent(approval.execution_id)}/nodes/${encodeURIComponent(approval.node_id)}/resolve${query}`;
    await api.send(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: `{${members.join(",")}}` });
}

/**
 * The same for one question, whatever else is known of it.
 * @param {Pick<Approval, "execution_id" | "path" | "node_id" | "question">} approval
 */
export function approvalKey({ execution_id: id, path, node_id: node, question }) {
    return `${id} ${pathText(path)} ${node} ${question}`;
}

/**
 * Whether an event asks something.
 * @param {import("./events.js").NodeOutputEvent} event
 */
export function isQuestion({ channel, data }) {
    return channel === QUESTION_CHANNEL && typeof data === "object" && data !== null && "prompt" in data && "schema" in data;
}

/**
 * The question that a node asks, by the event that does.
 * @param {import("./events.js").NodeOutputEvent} event That asks.
 * @param {import("./events.js").GraphNode} [node]
 * @returns {Approval}
 */
export function askedBy(event, node) {
    const { prompt = null, schema = null, deadline = null } = /** @type {Partial<Approval>} */ (event.data ?? {});
    return {
        execution_id: event.execution_id, graph_id: event.graph_id, path: event.drawn?.path ?? event.path ?? ROOT, node_id: event.drawn?.nodeId ?? event.node_id, question: event.seq,
        prompt, schema, deadline, required: Number(node?.config?.required ?? 1), given: 0, since: event.timestamp,
    };
}

/**
 * The answer that an event tells of; null for any other.
 * @param {import("./events.js").ExecutionEvent} event
 * @returns {{ approved: boolean, by: string | null, comment: string | null } | null}
 */
export function answerOf(event) {
    if (event.type !== "node_output" || event.channel !== ANSWER_CHANNEL || typeof event.data !== "object" || event.data === null) return null;
    const { approved, by = null, comment = null } = /** @type {any} */ (event.data);
    return typeof approved === "boolean" ? { approved, by, comment } : null;
}

/**
 * Whether an answer needs data before it can approve.
 * @param {Schema | null} schema
 */
export function needsData(schema) {
    return schema !== null && !fits(schema, null);
}

/**
 * Whether the question is no longer open, so that nobody should look at its form any longer.
 * @param {Problem} problem
 */
export function isOver({ code, status }) {
    return status === 404 || ["not_waiting", "other_question", "already_answered"].includes(code);
}

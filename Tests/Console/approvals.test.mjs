import assert from "node:assert/strict";
import { test } from "node:test";

import { approvalKey, askedBy, isOver, listApprovals, needsData, resolveApproval } from "../../Sources/Console/Files/approvals.js";
import { fieldFaults, formSchema, initialData } from "../../Sources/Console/Files/form-data.js";
import { numbered, output, within } from "./execution.mjs";

const approval = { execution_id: "01a", path: ["each", 17], node_id: "ask me", question: 4 };

/** What is sent, for a call that needs no more than `send`. */
async function sent(call, reply = {}) {
    const requests = [];
    await call({ send: async (path, init) => requests.push([path, init?.method, init?.body]) && { json: async () => reply } });
    return requests;
}

test("an answer names its question, and its data is sent as it was written", async () => {
    assert.deepEqual(await sent((api) => resolveApproval(api, approval, { approved: true, data: '{"n":1.10}', comment: 'so "be" it' })), [[
        "api/executions/01a/nodes/ask%20me/resolve?path=each,17", "POST", '{"approved":true,"question":4,"data":{"n":1.10},"comment":"so \\"be\\" it"}',
    ]]);
    assert.deepEqual(await sent((api) => resolveApproval(api, { ...approval, path: [] }, { approved: false })), [[
        "api/executions/01a/nodes/ask%20me/resolve", "POST", '{"approved":false,"question":4}',
    ]]);
});

test("approvals are listed page by page", async () => {
    assert.deepEqual(await sent((api) => listApprovals(api)), [["api/approvals?limit=50", undefined, undefined]]);
    assert.deepEqual(await sent((api) => listApprovals(api, "01a:7")), [["api/approvals?limit=50&cursor=01a%3A7", undefined, undefined]]);
});

test("each question is another one", () => {
    const keys = [approval, { ...approval, question: 9 }, { ...approval, path: [] }, { ...approval, node_id: "b" }, { ...approval, execution_id: "01b" }].map(approvalKey);
    assert.equal(new Set(keys).size, 5);
});

test("the event that asks tells the question", () => {
    const [, event] = numbered([{}, within(["sub"], output("ask", { prompt: "Ship?", schema: { type: "string" }, deadline: null }, "approval"))]);
    const { question, prompt, schema, path, since } = askedBy(event);
    assert.deepEqual([question, prompt, schema, path, since], [2, "Ship?", { type: "string" }, ["sub"], event.timestamp]);
    assert.equal(askedBy({ ...event, data: null }).prompt, null);
});

test("a form begins with the defaults, and with no for what must be yes or no", () => {
    const schema = {
        type: "object", required: ["sure", "reason", "more"], properties: {
            sure: { type: "boolean" }, also: { type: "boolean" }, reason: { type: "string" }, size: { type: "integer", default: 3 },
            more: { type: "object", required: ["deep"], properties: { deep: { type: "boolean", default: true } } },
        },
    };
    assert.deepEqual(initialData(schema), { sure: false, size: 3, more: { deep: true } });
    assert.equal(initialData({ type: "string" }), undefined);
    assert.equal(initialData(null), undefined);
    assert.deepEqual([formSchema(true), formSchema(false), formSchema(null)], [{}, null, null]);
    assert.deepEqual(formSchema({ $defs: { yes: { type: "boolean" } }, $ref: "#/$defs/yes" }), { type: "boolean" });
    assert.deepEqual([needsData(null), needsData({}), needsData({ type: "object" }), needsData({ type: ["null", "string"] })], [false, false, true, false]);
});

test("faults have their place in the form", () => {
    const problem = { errors: [
        { pointer: "/data/rows/0/na~1me", message: "must be a string" }, { pointer: "/comment", message: "too long" }, { pointer: "/data/rows/1", message: "`size` is missing" },
    ] };
    assert.deepEqual(fieldFaults(problem).map(({ field, message }) => [field, message]), [
        [["data", "rows", "0", "na/me"], "must be a string"], [["comment"], "too long"], [["data", "rows", "1", "size"], "is missing"],
    ]);
});

test("some refusals mean that the question is over, others that one may try again", () => {
    const over = (status, code) => isOver({ status, code });
    assert.deepEqual([over(409, "not_waiting"), over(409, "other_question"), over(409, "already_answered"), over(404, "unknown_execution")], [true, true, true, true]);
    assert.deepEqual([over(422, "invalid_answer"), over(403, "starter_excluded"), over(409, "execution_held"), over(503, "draining")], [false, false, false, false]);
});

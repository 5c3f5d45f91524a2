// Running an execution again: from one node on, with another state, on another revision.

import { element } from "./dom.js";
import { moment } from "./format.js";
import { Problem } from "./problem.js";
import { StateEditor } from "./state-editor.js";
import { editedKeys } from "./state-fields.js";

/** @typedef {import("./events.js").ExecutionSummary} ExecutionSummary */
/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */

/**
 * @typedef {object} RerunQuestion
 * @property {string} executionId
 * @property {string} graphId
 * @property {number} revision That the execution ran.
 * @property {string} nodeId
 * @property {string} nodeName
 * @property {string} state What the node started with, a JSON object.
 */

/**
 * @param {GraphAPI} api
 * @param {RerunQuestion} question
 * @returns {Promise<ExecutionSummary | null>} The new execution; null if there is none.
 */
export function askForRerun(api, question) {
    return new Promise((resolve) => {
        const editor = new StateEditor("rerun-state", "State that the node starts with");
        const revision = element("select", {}, element("option", { value: question.revision }, `${question.revision}, as this run`));
        const fault = element("p", { class: "field-fault", role: "alert" });
        const submit = element("button", { class: "button primary" }, "Run from here");
        const cancel = element("button", { type: "button", class: "button" }, "Cancel");
        const form = element("form", { method: "dialog" },
            element("h2", { id: "rerun-title" }, `Rerun from ${question.nodeName}`),
            element("p", { id: "rerun-help" }, "A new run: this node and all that follow it run again. The results of the others are taken over."),
            editor, element("label", { class: "field" }, "Revision of the graph", revision), fault,
            element("div", { class: "dialog-buttons" }, cancel, submit));
        const dialog = element("dialog", { class: "dialog wide", "aria-labelledby": "rerun-title", "aria-describedby": "rerun-help" }, form);
        /** @type {ExecutionSummary | null} */
        let started = null;
        cancel.addEventListener("click", () => dialog.close());
        dialog.addEventListener("close", () => {
            dialog.remove();
            resolve(started);
        });
        editor.onChange = () => (submit.disabled = editor.fault !== null);
        form.addEventListener("submit", async (event) => {
            event.preventDefault();
            submit.disabled = true;
            fault.textContent = "";
            try {
                started = await api.rerun(question.executionId, {
                    fromNode: question.nodeId, state: editedKeys(question.state, editor.value),
                    revision: Number(revision.value) === question.revision ? undefined : Number(revision.value),
                });
                dialog.close();
            } catch (error) {
                fault.textContent = problemWords(Problem.from(error));
                submit.disabled = false;
            }
        });
        editor.open(question.state);
        document.body.append(dialog);
        dialog.showModal();
        offerRevisions(api, question, revision);
    });
}

/**
 * @param {GraphAPI} api
 * @param {RerunQuestion} question
 * @param {HTMLSelectElement} select
 */
async function offerRevisions(api, { graphId, revision }, select) {
    try {
        const others = (await api.revisions(graphId)).filter((each) => !each.deleted && each.revision !== revision);
        others.sort((a, b) => b.revision - a.revision);
        select.append(...others.map((each) => element("option", { value: each.revision }, `${each.revision}, of ${moment(each.created_at)}`)));
    } catch {
        // The revision of the run itself is always there.
    }
}

/** @param {Problem} problem */
function problemWords(problem) {
    const faults = problem.errors.map(({ pointer, message }) => `${pointer || "/"} ${message}`).join("; ");
    return faults ? `${problem.detail} ${faults}` : problem.message;
}

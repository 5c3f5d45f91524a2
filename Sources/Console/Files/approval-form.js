// <approval-form>: what a node asks, and the answer: a form made of the question's schema, yes or no, and a word.

import { isOver, needsData, resolveApproval } from "./approvals.js";
import { element, setText } from "./dom.js";
import { fieldFaults, formSchema, initialData } from "./form-data.js";
import { FieldIndex, field, textArea } from "./form-fields.js";
import { ago, moment } from "./format.js";
import { at, replaced, textOf, treeOf } from "./json-tree.js";
import { jsonView } from "./json-view.js";
import { Problem } from "./problem.js";
import { advice } from "./problem-advice.js";
import { member, objectFields } from "./schema-form.js";
import { typesOf } from "./schema.js";

/** @typedef {import("./approvals.js").Approval} Approval */
/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */
/** @typedef {import("./json-tree.js").JSONTree} JSONTree */
/** @typedef {import("./schema.js").Schema} Schema */

export class ApprovalForm extends HTMLElement {
    #api;
    #approval;
    /** @type {Schema | null} */
    #schema;
    /** @type {JSONTree | undefined} `{data, comment}` as far as they are filled in. */
    #tree;
    isAnswered = false;
    #index = new FieldIndex();
    /** @type {Map<string, JSONTree>} */
    #stash = new Map();
    #fields = element("div", { class: "approval-fields" });
    #faults = element("ul", { class: "form-faults" });
    #outcome = element("p", { class: "approval-outcome", role: "status", tabindex: -1 });
    #given = element("span");
    #approve = element("button", { type: "submit", class: "button primary" }, "Approve");
    #refuse = element("button", { type: "button", class: "button danger", onclick: () => this.#send(false) }, "Refuse");

    /**
     * @param {GraphAPI} api
     * @param {Approval} approval
     */
    constructor(api, approval) {
        super();
        this.#api = api;
        this.#approval = approval;
        this.#schema = formSchema(approval.schema);
        const begun = initialData(this.#schema);
        this.#tree = begun === undefined ? undefined : treeOf({ data: begun });
    }

    connectedCallback() {
        if (this.firstChild) return;
        const { prompt, deadline, since } = this.#approval;
        const now = Date.now() - this.#api.clockSkewMs;
        const form = element("form", { novalidate: true }, this.#fields, this.#faults,
            element("div", { class: "approval-answers" }, this.#refuse, this.#approve));
        form.addEventListener("submit", (event) => {
            event.preventDefault();
            this.#send(true);
        });
        this.append(
            typeof prompt === "string" ? element("p", { class: "approval-prompt" }, prompt) : prompt === null ? "" : jsonView(JSON.stringify(prompt), "Question"),
            element("p", { class: "approval-facts" }, element("span", { title: moment(since) }, `Asked ${ago(since, now)}`), this.#given,
                deadline === null ? null : element("span", { class: "approval-deadline" }, `Until ${moment(deadline)}`)),
            form, this.#outcome);
        this.update(this.#approval);
        this.#build();
    }

    /** @param {Approval} approval The same question, as it stands now. */
    update(approval) {
        this.#approval = approval;
        const { required, given } = approval;
        setText(this.#given, required > 1 ? `${given} of ${required} have approved` : "");
    }

    #build() {
        const schema = this.#schema, store = this.#store();
        this.#index.clear();
        const isObject = schema !== null && typesOf(schema)[0] === "object" && schema.properties !== undefined;
        const data = schema === null ? [] : isObject ? objectFields(store, schema, ["data"]) : [member(store, "answer", schema, ["data"], needsData(schema))];
        const comment = field({
            index: this.#index, path: ["comment"], label: "Comment", control: (id, describedBy) => textArea({
                id, describedBy, value: String(JSON.parse(textOf(at(this.#tree, ["comment"]) ?? treeOf("")))), take: (text) => store.write(["comment"], text === "" ? undefined : treeOf(text)),
            }),
        });
        this.#fields.replaceChildren(...data, comment);
    }

    /** @returns {import("./schema-form.js").FormStore} */
    #store() {
        return {
            kind: "approval", index: this.#index, stash: this.#stash,
            read: (path) => at(this.#tree, path),
            write: (path, tree) => {
                this.#tree = replaced(this.#tree, path, tree);
            },
            rebuild: (path) => {
                this.#build();
                if (path) this.#index.focus(path.map(String));
            },
        };
    }

    /** @param {boolean} approved */
    async #send(approved) {
        const unread = approved && this.querySelector(".field-fault[data-own=true]")?.parentElement?.querySelector("input, textarea");
        if (unread instanceof HTMLElement) return unread.focus();
        const data = at(this.#tree, ["data"]), comment = at(this.#tree, ["comment"]);
        this.#setBusy(true);
        this.#show([], "");
        try {
            await resolveApproval(this.#api, this.#approval, {
                approved, data: approved && data && this.#schema ? textOf(data) : undefined, comment: comment ? JSON.parse(textOf(comment)) : undefined,
            });
            this.#end(approved ? "Your approval is stored." : "Your refusal is stored.");
        } catch (error) {
            this.#refused(Problem.from(error));
        }
    }

    /** @param {Problem} problem */
    #refused(problem) {
        const words = advice(problem);
        if (isOver(problem)) return this.#end(`${words.title}. ${words.advice}`);
        this.#setBusy(false);
        const faults = fieldFaults(problem);
        this.#show(faults, faults.length > 0 ? "The answer does not fit yet." : `${words.title}. ${words.advice || problem.detail}`);
        if (faults.length > 0) this.#index.focus(faults[0].field);
    }

    /** @param {readonly import("./fault-places.js").PlacedFault[]} faults @param {string} outcome */
    #show(faults, outcome) {
        const homeless = this.#index.show(faults);
        this.#faults.replaceChildren(...homeless.map(({ field, message }) => element("li", {}, `${field.join(".")} ${message}`)));
        this.#outcome.classList.toggle("faulty", outcome !== "");
        setText(this.#outcome, outcome);
    }

    /** @param {boolean} isBusy */
    #setBusy(isBusy) {
        this.#approve.disabled = this.#refuse.disabled = isBusy;
    }

    /** @param {string} outcome */
    #end(outcome) {
        this.isAnswered = true;
        const hadFocus = this.contains(document.activeElement);
        this.querySelector("form")?.remove();
        this.#outcome.classList.remove("faulty");
        setText(this.#outcome, outcome);
        if (hadFocus) this.#outcome.focus();
        this.dispatchEvent(new CustomEvent("approval-answered", { bubbles: true }));
    }
}

customElements.define("approval-form", ApprovalForm);

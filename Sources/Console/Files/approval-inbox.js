// <approval-inbox>: what waits for an answer, oldest first, each with its form; and <approval-badge>: how many do, in the head.

import { ApprovalForm } from "./approval-form.js";
import { approvalKey } from "./approvals.js";
import { element, icon, setAttribute, setText } from "./dom.js";
import { pathWords, runAddress } from "./scope-path.js";

/** @typedef {import("./approvals.js").Approval} Approval */
/** @typedef {import("./approval-watch.js").ApprovalWatch} ApprovalWatch */
/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */

/** Beginnings of questions that stand in the list. */
const PROMPT_CHARACTERS_MAX = 160;

export class ApprovalInbox extends HTMLElement {
    #api;
    #watch;
    #stop = () => {};
    /** @type {Map<string, { card: HTMLElement, form: ApprovalForm }>} */
    #cards = new Map();
    #list = element("ul", { class: "approvals", tabindex: -1 });
    #note = element("p", { class: "empty", role: "status" }, "Loading…");
    #more = element("button", { type: "button", class: "button", hidden: true, onclick: () => this.#watch.readMore() }, "Show more");

    /**
     * @param {GraphAPI} api
     * @param {ApprovalWatch} watch
     */
    constructor(api, watch) {
        super();
        this.#api = api;
        this.#watch = watch;
    }

    connectedCallback() {
        this.#stop = this.#watch.listen(() => this.#show());
        this.#watch.stir();
        if (!this.firstChild) this.append(element("h2", {}, "Approvals"), this.#note, this.#list, this.#more);
        this.#show();
    }

    disconnectedCallback() {
        this.#stop();
    }

    #show() {
        const { approvals, hasMore, isKnown, problem } = this.#watch;
        const open = new Map(approvals.map((approval) => [approvalKey(approval), approval]));
        for (const [key, { card, form }] of this.#cards) {
            // One that was answered here stays to say so, until the page is left.
            if (open.has(key) || form.isAnswered) continue;
            if (card.contains(document.activeElement)) this.#list.focus();
            card.remove();
            this.#cards.delete(key);
        }
        for (const [key, approval] of open) {
            const known = this.#cards.get(key);
            if (known) known.form.update(approval);
            else this.#add(key, approval);
        }
        this.#more.hidden = !hasMore;
        setText(this.#note, problem ? problem.message : !isKnown ? "Loading…" : this.#cards.size === 0 ? "Nothing waits for an answer." : "");
        this.#note.hidden = this.#note.textContent === "";
    }

    /** @param {string} key @param {Approval} approval */
    #add(key, approval) {
        const { execution_id: id, graph_id: graph, node_id: node, path, prompt } = approval;
        const form = new ApprovalForm(this.#api, approval);
        const text = typeof prompt === "string" ? prompt : prompt === null ? "" : JSON.stringify(prompt);
        const brief = text.length > PROMPT_CHARACTERS_MAX ? `${text.slice(0, PROMPT_CHARACTERS_MAX)}…` : text;
        const where = path.length > 0 ? `${pathWords(path)} › ${node}` : node;
        const details = element("details", {}, element("summary", {}, icon("waiting"),
            element("span", { class: "approval-title" }, element("b", {}, where), element("span", { class: "approval-brief" }, brief))));
        // The form is made when it is looked at: there may be many.
        details.addEventListener("toggle", () => details.open && !form.isConnected && details.append(form));
        const card = element("li", { class: "approval", "data-key": key }, details,
            element("p", { class: "approval-where" }, `${graph} · `, element("a", { href: runAddress(id, path), "aria-label": `Show the run of ${where}` }, "Show the run")));
        this.#cards.set(key, { card, form });
        this.#list.append(card);
    }
}

export class ApprovalBadge extends HTMLElement {
    #count = element("span", { class: "approval-count" });
    #link = element("a", { href: "#/approvals" }, "Approvals ", this.#count);

    connectedCallback() {
        if (!this.firstChild) this.append(this.#link);
        this.#count.hidden = true;
    }

    /** @param {ApprovalWatch} watch */
    open(watch) {
        watch.listen(() => {
            const { approvals: { length }, hasMore } = watch;
            this.#count.hidden = length === 0;
            setText(this.#count, `${length}${hasMore ? "+" : ""}`);
            setAttribute(this.#link, "aria-label", length === 0 ? "Approvals" : `Approvals: ${length}${hasMore ? " or more" : ""} waiting`);
        });
    }
}

customElements.define("approval-inbox", ApprovalInbox);
customElements.define("approval-badge", ApprovalBadge);

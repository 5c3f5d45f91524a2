// <node-inspector>: all that is known of the selected node at the event that is shown.

import { ApprovalForm } from "./approval-form.js";
import { answerOf, askedBy } from "./approvals.js";
import { diffView } from "./diff-view.js";
import { button, element } from "./dom.js";
import { duration } from "./format.js";
import { memberText } from "./json-text.js";
import { headingWithCopy, jsonView } from "./json-view.js";
import { outputText, questionWords } from "./log-rows.js";
import { endedItem, endedScope, openedScope } from "./node-state.js";
import { Problem } from "./problem.js";
import { isFinished, nodeState } from "./run-state.js";
import { ROOT, isSamePath } from "./scope-path.js";
import { ScopePanel } from "./scope-panel.js";
import { statusBadge } from "./status.js";

/** @typedef {import("./graph-view.js").GraphView} GraphView */
/** @typedef {import("./node-state.js").Attempt} Attempt */
/** @typedef {import("./node-state.js").NodeState} NodeState */
/** @typedef {import("./timeline.js").Entry} Entry */

/** Outputs of an attempt that are shown: the last ones. */
const OUTPUTS_MAX = 200;

/** Attempts that are offered, or runs in a cycle: the last ones. */
const ATTEMPTS_MAX = 100;

export class NodeInspector extends HTMLElement {
    #api;
    /** @type {GraphView | null} */
    #session = null;
    /** @type {string | null} */
    #id = null;
    /** @type {NodeState | undefined} */
    #shown;
    /**
     * The attempt that was chosen by hand; null shows the latest.
     * @type {number | null}
     */
    #chosen = null;
    #title = element("h3", { tabindex: -1 });
    #facts = element("div", { class: "facts" });
    #attempts = element("div", { class: "attempts" });
    #scope = new ScopePanel();
    #question = element("section", { class: "question", hidden: true });
    /** @type {{ seq: number, approval: import("./approvals.js").Approval, form: ApprovalForm } | null} What is asked. */
    #asked = null;
    #rerun = button({ icon: "retrying", text: "Rerun from here", onclick: () => this.#askForRerun() });
    #actions = element("div", { class: "inspector-actions", hidden: true }, this.#rerun);
    #details = element("div", { class: "inspector-details" });
    #body = element("div", { class: "inspector-body" }, this.#question, this.#scope, this.#details);

    /** @param {import("./graph-api.js").GraphAPI} api */
    constructor(api) {
        super();
        this.#api = api;
    }

    connectedCallback() {
        if (this.firstChild) return;
        const close = button({ icon: "close", label: "Close the inspector", class: "button quiet", onclick: () => this.#close() });
        this.append(element("header", { class: "inspector-head" }, this.#title, close), this.#facts, this.#actions, this.#attempts, this.#body);
        this.addEventListener("keydown", (event) => {
            if (event.key === "Escape") this.#close();
        });
    }

    #close() {
        this.dispatchEvent(new CustomEvent("node-select", { bubbles: true, detail: null }));
    }

    /**
     * @param {GraphView} session
     * @param {string | null} id
     */
    open(session, id) {
        if (session === this.#session && id === this.#id) return;
        this.#session = session;
        this.#id = id;
        this.#chosen = null;
        this.#shown = undefined;
        this.#asked = null;
        this.#question.replaceChildren();
        if (id !== null) this.#scope.open(session, id);
        this.update();
    }

    focusTitle() {
        this.#title.focus({ preventScroll: true });
    }

    /** Shows what the session shows; only if it says something new of this node. */
    update() {
        const session = this.#session, node = session?.nodes.get(this.#id ?? "");
        if (!session || !node) return;
        this.#actions.hidden = !session.timeline || !isFinished(session.timeline.latest) || !isSamePath(session.path, ROOT) || session.isDrawn;
        this.#scope.update();
        const state = nodeState(session.state, node.id);
        if (!state || state === this.#shown) return;
        this.#showQuestion(state.question);
        const isOther = state.attempts.length !== this.#shown?.attempts.length || state.status !== this.#shown.status;
        this.#shown = state;
        this.#title.textContent = node.name ?? node.id;
        const attempt = this.#attempt(state);
        this.#facts.replaceChildren(...this.#factsOf(state, attempt));
        if (isOther) this.#showAttempts(state, attempt);
        const place = this.#body.scrollTop;
        if (isOther) this.#details.replaceChildren(...this.#sections(attempt));
        else this.#details.querySelector(".outputs")?.replaceWith(this.#outputs(attempt));
        this.#body.scrollTop = place;
    }

    /**
     * The form that answers what the node asks; one that was answered stays until the node has taken the answer.
     * @param {number | null} seq Of the event that asks; null where it asks nothing.
     */
    #showQuestion(seq) {
        const timeline = this.#session?.timeline, event = timeline?.entry(seq)?.event;
        this.#question.hidden = event?.type !== "node_output";
        if (event?.type !== "node_output") return;
        if (seq !== this.#asked?.seq) {
            const approval = askedBy(event, this.#session?.nodes.get(this.#id ?? "")), form = new ApprovalForm(this.#api, approval);
            this.#asked = { seq: event.seq, approval, form };
            this.#question.replaceChildren(element("h4", {}, "It asks"), form);
        }
        const given = timeline?.outputsOfNode(this.#id ?? "", event.seq, Infinity, OUTPUTS_MAX).filter((entry) => answerOf(entry.event)?.approved).length ?? 0;
        this.#asked.form.update({ ...this.#asked.approval, given });
    }

    /** @param {NodeState} state @returns {Attempt | undefined} */
    #attempt(state) {
        return (this.#chosen === null ? undefined : state.attempts[this.#chosen]) ?? state.attempts.at(-1);
    }

    /**
     * @param {NodeState} state
     * @param {Attempt | undefined} attempt
     * @returns {Node[]}
     */
    #factsOf(state, attempt) {
        const node = this.#session?.nodes.get(this.#id ?? "");
        const facts = [statusBadge(state.status), element("span", { class: "kind" }, node?.kind ?? "")];
        const add = (/** @type {string} */ name, /** @type {string} */ value) =>
            facts.push(element("span", { class: "fact" }, `${name} `, element("b", {}, value)));
        if (node && node.name && node.name !== node.id) add("id", node.id);
        if (attempt && attempt.durationMs !== null && attempt.startSeq !== null) add("ran", duration(attempt.durationMs));
        if (attempt && attempt.queueMs !== null && attempt.startSeq !== null) add("queued", duration(attempt.queueMs));
        if (attempt && attempt.waitMs !== null) add("waited for an answer", duration(attempt.waitMs));
        return facts;
    }

    /**
     * @param {NodeState} state
     * @param {Attempt | undefined} shown
     */
    #showAttempts(state, shown) {
        this.#attempts.hidden = state.attempts.length < 2;
        const first = Math.max(0, state.attempts.length - ATTEMPTS_MAX);
        const buttons = state.attempts.slice(first).map((attempt, place) => {
            const index = first + place;
            const choose = () => {
                this.#chosen = index === state.attempts.length - 1 ? null : index;
                this.#shown = undefined;
                this.update();
            };
            return element("button", {
                type: "button", class: "attempt", "data-status": attempt.status, "aria-pressed": String(attempt === shown), onclick: choose,
            }, `${attempt.task?.title ?? `Attempt ${attempt.number}`}: ${attempt.status}${attempt.durationMs === null ? "" : `, ${duration(attempt.durationMs)}`}`);
        });
        this.#attempts.replaceChildren(...buttons);
    }

    /** @param {Attempt | undefined} attempt @returns {Node[]} */
    #sections(attempt) {
        if (!attempt) return [element("p", { class: "empty" }, this.#whyNothing()), this.#configuration()];
        const end = this.#session?.timeline?.entry(attempt.endSeq);
        const start = this.#session?.timeline?.entry(attempt.startSeq);
        const update = end && memberText(end.text, "update");
        const sections = [];
        const fault = end && this.#fault(end);
        if (fault) sections.push(fault);
        sections.push(this.#outputs(attempt));
        if (end && attempt.status !== "skipped") {
            const states = () => this.#states(attempt);
            sections.push(
                loaded("Changes of the state", async () => {
                    const { input, output } = await states();
                    return [element("h4", {}, "Changes of the state"), diffView(input, output)];
                }),
                element("section", {}, headingWithCopy("Update", update), jsonView(update, "Update")),
                loaded("Output state", async () => shownState("Output state", (await states()).output)),
                loaded("Input state", async () => shownState("Input state", (await states()).input)));
        } else if (start) {
            sections.push(loaded("Input state", async () => shownState("Input state", await this.#member(start, "input_state"))));
        }
        sections.push(this.#configuration());
        return sections;
    }

    #whyNothing() {
        const status = this.#session?.timeline ? this.#session.state.status : "idle";
        if (status === "idle") return "This node has not run yet. Run the graph to see its input, update and output.";
        return status === "running" || status === "queued" ? "This node waits for its turn." : "This node never started.";
    }

    /** @param {Entry} entry @returns {HTMLElement | null} */
    #fault({ event, text }) {
        if (event.type !== "node_complete" || (event.error === undefined && event.details === undefined)) return null;
        const section = event.error === undefined
            ? element("section", {}, element("h4", {}, "Details"))
            : element("section", { class: "fault" }, element("h4", {}, "Error"), element("p", { class: "fault-message" }, event.error));
        const details = event.details ?? {};
        // What has lines of its own, such as a traceback, is read as text; the rest as JSON.
        const names = Object.keys(details).sort((a, b) => Number(b === "traceback") - Number(a === "traceback"));
        for (const name of names) {
            const value = details[name];
            const title = name[0].toUpperCase() + name.slice(1).replaceAll("_", " ");
            const view = typeof value === "string"
                ? element("pre", { class: "trace", tabindex: 0, role: "region", "aria-label": title }, value)
                : jsonView(memberText(memberText(text, "details") ?? "{}", name), title);
            section.append(element("h5", {}, title), view);
        }
        return section;
    }

    /** @param {Attempt | undefined} attempt */
    #outputs(attempt) {
        const session = this.#session;
        const first = attempt?.startSeq ?? Infinity, last = Math.min(attempt?.endSeq ?? Infinity, session?.shownSeq ?? 0);
        const outputs = (session?.timeline?.outputsOfNode(this.#id ?? "", first, last, OUTPUTS_MAX + 1) ?? []).filter(({ event }) => !isOfScope(event));
        if (outputs.length === 0) return element("section", { class: "outputs", hidden: true });
        const list = element("div", { class: "output-list", tabindex: 0, role: "region", "aria-label": "Output" }, ...paragraphs(outputs.slice(-OUTPUTS_MAX)));
        const note = outputs.length > OUTPUTS_MAX ? element("p", { class: "empty" }, `The last ${OUTPUTS_MAX}; the log has all of them.`) : null;
        return element("section", { class: "outputs" }, element("h4", {}, "Output"), note, list);
    }

    /**
     * The states around an attempt that has ended: streams carry updates only, so they are asked for.
     * @param {Attempt} attempt
     * @returns {Promise<{ input: string, output: string }>}
     */
    async #states(attempt) {
        const timeline = this.#session?.timeline, [start, end] = [timeline?.entry(attempt.startSeq), timeline?.entry(attempt.endSeq)];
        if (start && end) {
            const [input, output] = await Promise.all([this.#member(start, "input_state"), this.#member(end, "output_state")]);
            return { input, output };
        }
        // A node whose result was taken over has no start that would tell its input.
        const text = await this.#session?.nodeText(this.#id ?? "") ?? "{}";
        return { input: memberText(text, "input_state") ?? "{}", output: memberText(text, "output_state") ?? "{}" };
    }

    /** @param {Entry} entry @param {string} member */
    async #member(entry, member) {
        return memberText(await this.#session?.fullEvent(entry.event.seq) ?? "{}", member) ?? "{}";
    }

    /** Asks for a new run from this node on, beginning with the state that it last started with. */
    #askForRerun() {
        const id = this.#id ?? "", timeline = this.#session?.timeline;
        const attempts = (timeline && nodeState(timeline.latest, id)?.attempts) ?? [];
        const start = timeline?.entry(attempts.filter((attempt) => attempt.startSeq !== null).at(-1)?.startSeq ?? null);
        const state = start
            ? this.#member(start, "input_state")
            : Promise.resolve(this.#session?.nodeText(id)).then((text) => memberText(text ?? "{}", "input_state") ?? "{}");
        this.dispatchEvent(new CustomEvent("rerun-request", { bubbles: true, detail: { id, state } }));
    }

    #configuration() {
        const node = this.#session?.nodes.get(this.#id ?? "");
        if (!node) return element("section");
        const { id: _id, name: _name, kind: _kind, position: _position, ...rest } = node;
        if (this.#session?.isDrawn) return element("section");
        const section = element("section", {}, element("h4", {}, "Definition"));
        section.append(jsonView(JSON.stringify(rest), "Definition"));
        return section;
    }
}

/**
 * A section whose content is asked for when it is looked at.
 * @param {string} title
 * @param {() => Promise<HTMLElement[]>} load
 */
function loaded(title, load) {
    const section = element("section", { "aria-busy": "true" }, element("h4", {}, title), element("p", { class: "empty" }, "Loading…"));
    const attempt = async () => {
        try {
            section.replaceChildren(...await load());
        } catch (error) {
            const retry = element("button", { type: "button", class: "link", onclick: attempt }, "Try again");
            section.replaceChildren(element("h4", {}, title), element("p", { class: "empty" }, Problem.from(error).message, " ", retry));
        }
        section.setAttribute("aria-busy", "false");
    };
    attempt();
    return section;
}

/** @param {string} title @param {string} text */
function shownState(title, text) {
    return [headingWithCopy(title, text), jsonView(text, title)];
}

/**
 * Whether an event tells of a graph within its node, which has a panel of its own.
 * @param {import("./events.js").ExecutionEvent} event
 */
function isOfScope(event) {
    return event.type === "node_output" && Boolean(openedScope(event) ?? endedScope(event) ?? endedItem(event));
}

/**
 * Outputs as paragraphs: words that were emitted one by one run together.
 * @param {Entry[]} outputs
 * @returns {HTMLElement[]}
 */
function paragraphs(outputs) {
    const made = [];
    let words = null;
    for (const { event, text } of outputs) {
        if (event.type !== "node_output") continue;
        const isWord = event.channel === "chunk" && typeof event.data === "string";
        if (isWord && words) {
            words.append(outputText(event, text));
            continue;
        }
        const told = questionWords(event), channel = told || event.channel === "chunk" ? null : element("span", { class: "log-channel" }, event.channel);
        const paragraph = element("p", { "data-channel": event.channel }, channel, told?.text ?? outputText(event, text));
        made.push(paragraph);
        words = isWord ? paragraph : null;
    }
    return made;
}

customElements.define("node-inspector", NodeInspector);

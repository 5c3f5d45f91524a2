// <scope-bar>: the way from the execution to the graph that is open within it, back along it, and from one item or iteration
// to another.

import { button, element, setText } from "./dom.js";
import { indexWord } from "./inner-graph.js";
import { ROOT, parentOf, pathOf, scopeAddress, scopeSteps } from "./scope-path.js";
import { statusBadge } from "./status.js";

/** @typedef {import("./graph-view.js").GraphView} GraphView */
/** @typedef {import("./scope-session.js").ScopeSession} ScopeSession */

export class ScopeBar extends HTMLElement {
    /** @type {ScopeSession | null} */
    #scope = null;
    #crumbs = element("ol");
    #word = element("span");
    #number = element("input", { type: "number", min: 0, step: 1, onchange: () => this.#goTo("number") });
    #range = element("input", { type: "range", min: 0, step: 1, onchange: () => this.#goTo("range"), oninput: () => this.#slid() });
    #before = button({ icon: "back", label: "The one before", onclick: () => this.#go(this.#index - 1) });
    #next = button({ icon: "forward", label: "The next one", onclick: () => this.#go(this.#index + 1) });
    #last = element("span", { class: "scope-last" });
    #stepper = element("div", { class: "scope-stepper", role: "group" }, element("label", {}, this.#word, " ", this.#number), this.#last, this.#before, this.#range, this.#next);
    #status = element("span");
    #absence = element("p", { class: "scope-absence", role: "status" });
    #shownStatus = "";

    connectedCallback() {
        if (this.firstChild) return;
        this.hidden = true;
        this.append(element("nav", { "aria-label": "Graphs within graphs" }, this.#crumbs), this.#stepper, this.#status, this.#absence);
    }

    get #index() {
        return this.#scope?.step.index ?? 0;
    }

    /**
     * @param {GraphView} root The execution.
     * @param {ScopeSession | null} scope The graph that is open within it; null for none.
     */
    open(root, scope) {
        this.#scope = scope;
        this.hidden = scope === null;
        if (!scope) return;
        const steps = scopeSteps(scope.path);
        const views = outerViews(scope);
        const crumb = (/** @type {number} */ depth) => {
            const { node, index } = steps[depth - 1], name = views[depth - 1].names.get(node) ?? node;
            const word = indexWord(views[depth - 1].nodes.get(node)?.kind);
            const text = index === null ? name : `${name} · ${word ?? "step"} ${index}`;
            if (depth === steps.length) return element("li", {}, element("b", { "aria-current": "page" }, text));
            return element("li", {}, element("a", { href: scopeAddress(root, pathOf(steps.slice(0, depth))) }, text));
        };
        const name = root.graph.document.name ?? root.graph.document.id;
        this.#crumbs.replaceChildren(element("li", {}, element("a", { href: scopeAddress(root, ROOT) }, name)), ...steps.map((_, index) => crumb(index + 1)));
        const { node, index } = scope.step, word = indexWord(scope.outer.nodes.get(node)?.kind) ?? "step";
        this.#stepper.hidden = index === null;
        this.#stepper.setAttribute("aria-label", `Which ${word}`);
        setText(this.#word, word[0].toUpperCase() + word.slice(1));
        this.#range.setAttribute("aria-label", `Go to ${word}`);
        this.#number.value = String(index ?? 0);
        this.update();
    }

    /** Shows how far the one around it has got. */
    update() {
        const scope = this.#scope;
        if (!scope) return;
        const index = this.#index, last = Math.max(index, scope.outer.timeline?.lastIndex(scope.step.node) ?? 0);
        this.#before.disabled = index === 0;
        this.#next.disabled = index >= last;
        this.#range.max = String(last);
        if (document.activeElement !== this.#range) this.#range.value = String(index);
        this.#range.hidden = last === 0;
        setText(this.#last, `of 0 to ${last}`);
        setText(this.#absence, scope.absence);
        const { status } = scope.state;
        if (status === this.#shownStatus) return;
        this.#shownStatus = status;
        this.#status.replaceChildren(statusBadge(status));
    }

    #slid() {
        this.#number.value = this.#range.value;
    }

    /** @param {"number" | "range"} by */
    #goTo(by) {
        this.#go(Number((by === "number" ? this.#number : this.#range).value));
    }

    /** @param {number} index */
    #go(index) {
        const scope = this.#scope;
        if (!scope || !Number.isInteger(index) || index < 0) return;
        location.hash = scopeAddress(scope, [...parentOf(scope.path), scope.step.node, index]);
    }
}

/**
 * The graphs around one, from the outside in.
 * @param {ScopeSession} scope
 * @returns {GraphView[]}
 */
function outerViews(scope) {
    const { outer } = scope;
    return "outer" in outer ? [...outerViews(/** @type {ScopeSession} */ (outer)), outer] : [outer];
}

customElements.define("scope-bar", ScopeBar);

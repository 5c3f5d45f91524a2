// <problem-list>: what went wrong, and what to do about it, until it is dismissed.

import { button, element } from "./dom.js";
import { advice } from "./problem-advice.js";

/** @typedef {import("./problem.js").Problem} Problem */

/** Faults of a document that are listed. */
const FAULTS_MAX = 20;

export class ProblemList extends HTMLElement {
    /** @type {Problem | null} */
    #shown = null;

    connectedCallback() {
        this.setAttribute("role", "alert");
    }

    /** @param {Problem | null} problem */
    show(problem) {
        if (problem === this.#shown) return;
        this.#shown = problem;
        this.replaceChildren(...(problem ? [this.#box(problem)] : []));
    }

    /** @param {Problem} problem */
    #box(problem) {
        const faults = problem.errors.slice(0, FAULTS_MAX).map(({ pointer, message }) =>
            element("li", {}, element("code", {}, pointer || "/"), " ", message));
        const dismiss = button({ icon: "close", label: "Dismiss", class: "button quiet", onclick: () => this.show(null) });
        const words = advice(problem);
        const isSaid = words.advice === "" || problem.code === "unreachable";
        return element("div", { class: "problem" },
            element("div", {}, element("strong", {}, words.title), isSaid ? null : element("p", {}, words.advice),
                element("p", { class: isSaid ? null : "problem-detail" }, problem.detail), faults.length > 0 ? element("ul", {}, ...faults) : null),
            dismiss);
    }
}

customElements.define("problem-list", ProblemList);

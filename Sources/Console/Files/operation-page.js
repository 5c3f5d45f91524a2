// <operation-page>: how the server does, from its metrics, read every two seconds while the page is seen.

import { element, setText } from "./dom.js";
import { parseMetrics } from "./metrics-text.js";
import { figureGroups } from "./operation-figures.js";
import { Problem } from "./problem.js";
import { SmallPlot } from "./small-plot.js";

/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */
/** @typedef {import("./operation-figures.js").Reading} Reading */

const READ_MS = 2_000;
const SHOWN_MS = 5 * 60_000;
const CAPACITY = SHOWN_MS / READ_MS;

export class OperationPage extends HTMLElement {
    #api;
    /** @type {Reading | null} */
    #before = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    #timer;
    #note = element("p", { class: "empty", role: "status" }, "Reading the server's figures…");
    #groups = figureGroups.map(({ title, figures }) => {
        const plots = figures.map((figure) => ({ figure, plot: new SmallPlot(figure, CAPACITY) }));
        for (const { plot } of plots) plot.hidden = true;
        const section = element("section", { class: "plot-group", hidden: true, "aria-label": title },
            element("h3", {}, title), element("div", { class: "plots" }, ...plots.map(({ plot }) => plot)));
        return { section, plots };
    });

    /** @param {GraphAPI} api */
    constructor(api) {
        super();
        this.#api = api;
    }

    connectedCallback() {
        this.#timer = setInterval(() => this.#read(), READ_MS);
        this.#read();
        if (this.firstChild) return;
        this.append(element("h2", {}, "Operation"), this.#note, ...this.#groups.map(({ section }) => section));
    }

    disconnectedCallback() {
        clearInterval(this.#timer);
    }

    async #read() {
        if (document.hidden) return;
        let text;
        try {
            text = await this.#api.metrics();
        } catch (error) {
            const problem = Problem.from(error);
            return setText(this.#note, `${problem.title}. ${problem.detail}`);
        }
        const now = { metrics: parseMetrics(text), seconds: performance.now() / 1000 };
        for (const { section, plots } of this.#groups) {
            for (const { figure, plot } of plots) plot.push(figure.measure(now, this.#before));
            section.hidden = plots.every(({ plot }) => plot.hidden);
        }
        this.#before = now;
        setText(this.#note, "The last five minutes, read every two seconds while this page is open.");
    }
}

customElements.define("operation-page", OperationPage);

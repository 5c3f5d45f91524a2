// <small-plot>: one figure over the last minutes: a line, its latest value and its highest.

import { drawn, element, setAttribute, setText } from "./dom.js";
import { valueText } from "./operation-figures.js";

/** @typedef {import("./operation-figures.js").Figure} Figure */

const WIDTH = 240;
const HEIGHT = 56;

export class SmallPlot extends HTMLElement {
    /** @type {(number | undefined)[]} Oldest first. */
    #values = [];
    #figure;
    #capacity;
    #value = element("b", { class: "plot-value" });
    #highest = element("span", { class: "plot-highest" });
    #area = drawn("path", { class: "plot-area" });
    #line = drawn("path", { class: "plot-line" });
    #screen = drawn("svg", { class: "plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" },
        this.#area, this.#line);

    /**
     * @param {Figure} figure
     * @param {number} capacity How many values it shows.
     */
    constructor(figure, capacity) {
        super();
        this.#figure = figure;
        this.#capacity = capacity;
    }

    connectedCallback() {
        if (this.firstChild) return;
        this.setAttribute("title", this.#figure.help);
        this.append(
            element("div", { class: "plot-head" }, element("span", { class: "plot-name" }, this.#figure.name), this.#value),
            this.#screen, this.#highest);
    }

    /** @param {number | undefined} value undefined where nothing is known. */
    push(value) {
        this.#values.push(value);
        if (this.#values.length > this.#capacity) this.#values.shift();
        const known = this.#values.flatMap((each) => each ?? []);
        this.hidden = known.length === 0;
        if (known.length === 0) return;
        const { name, unit } = this.#figure;
        const latest = known[known.length - 1], highest = Math.max(...known);
        setText(this.#value, valueText(latest, unit));
        setText(this.#highest, `highest ${valueText(highest, unit)}`);
        setAttribute(this.#screen, "aria-label", `${name}: ${valueText(latest, unit)}, highest ${valueText(highest, unit)}`);
        this.#draw(highest);
    }

    /** @param {number} highest */
    #draw(highest) {
        const step = WIDTH / (this.#capacity - 1), first = this.#capacity - this.#values.length;
        let line = "", area = "", start = 0, isOpen = false;
        this.#values.forEach((value, index) => {
            const x = Math.round((first + index) * step * 10) / 10;
            if (value === undefined) {
                if (isOpen) area += `L${x - step},${HEIGHT}L${start},${HEIGHT}Z`;
                isOpen = false;
                return;
            }
            const y = Math.round((HEIGHT - 3 - (value / Math.max(highest, 1e-9)) * (HEIGHT - 8)) * 10) / 10;
            if (!isOpen) start = x;
            line += `${isOpen ? "L" : "M"}${x},${y}`;
            area += isOpen ? `L${x},${y}` : `M${x},${HEIGHT}L${x},${y}`;
            isOpen = true;
        });
        if (isOpen) area += `L${WIDTH},${HEIGHT}L${start},${HEIGHT}Z`;
        setAttribute(this.#line, "d", line);
        setAttribute(this.#area, "d", area);
    }
}

customElements.define("small-plot", SmallPlot);

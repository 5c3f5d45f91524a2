// <run-log>: the events of an execution as lines, with a filter, following the newest or not.

import { element } from "./dom.js";
import { offset } from "./format.js";
import { LogRows } from "./log-rows.js";
import { MatchingRows } from "./matching-rows.js";
import { VirtualRows } from "./virtual-rows.js";

/** @typedef {import("./log-rows.js").Row} Row */
/** @typedef {import("./graph-view.js").GraphView} GraphView */
/** @typedef {import("./timeline.js").Timeline} Timeline */

/** So near to the end counts as at the end. */
const FOLLOW_PIXELS = 24;

export class RunLog extends HTMLElement {
    #text = element("input", {
        type: "search", placeholder: "Filter", "aria-label": "Filter the log", oninput: () => this.#rebuild(),
    });
    #kind = element("select", { "aria-label": "Which lines", onchange: () => this.#rebuild() },
        element("option", { value: "all" }, "All lines"),
        element("option", { value: "output" }, "Output"),
        element("option", { value: "error" }, "Errors"));
    #follow = element("input", {
        type: "checkbox", checked: true, onchange: (event) => this.#setFollowing(/** @type {HTMLInputElement} */ (event.target).checked),
    });
    #note = element("p", { class: "log-note" });
    #list = element("div", { class: "log-lines", role: "log", "aria-live": "off", "aria-label": "Events", tabindex: 0 });
    #virtual = new VirtualRows(this.#list, (index) => this.#line(this.#matching.rows[index]));
    #empty = element("p", { class: "empty" }, "Run the graph, and each step appears here as it happens.");

    /** @type {GraphView | null} */
    #session = null;
    /** @type {Timeline | null} */
    #timeline = null;
    #rows = new LogRows(new Map());
    /** How many entries of the timeline are in the rows. */
    #entryCount = 0;
    #matching = new MatchingRows((row) => this.#matches(row));
    #shownSeq = 0;
    /** Where the list stood when it was last scrolled. */
    #place = { scrollTop: 0, scrollHeight: 0, clientHeight: 0 };

    connectedCallback() {
        if (this.firstChild) return;
        const tools = element("div", { class: "log-tools" }, this.#text, this.#kind,
            element("label", { class: "check" }, this.#follow, "Follow"));
        this.append(tools, element("div", { class: "log-body" }, this.#note, this.#list, this.#empty));
        this.#list.addEventListener("scroll", () => this.#scrolled());
        new ResizeObserver(() => this.#virtual.layout()).observe(this.#list);
        this.#list.addEventListener("click", (event) => this.#click(event));
    }

    /** @param {GraphView} session */
    open(session) {
        this.#session = session;
        this.#timeline = null;
        this.#startOver();
    }

    #startOver() {
        this.#rows = new LogRows(this.#session?.names ?? new Map());
        this.#entryCount = 0;
        this.#rebuild();
    }

    /** Shows what the session shows. */
    update() {
        const session = this.#session;
        if (!session) return;
        const timeline = session.timeline;
        const count = timeline?.countThrough(session.shownSeq) ?? 0;
        if (timeline !== this.#timeline) {
            this.#timeline = timeline;
            this.#startOver();
        }
        this.#shownSeq = session.shownSeq;
        if (!timeline || count === this.#entryCount) return this.#showNote();
        const touched = new Set(count < this.#entryCount ? this.#rewind(count) : []);
        for (; this.#entryCount < count; this.#entryCount += 1) touched.add(this.#rows.add(timeline.entries[this.#entryCount]));
        this.#write(touched);
    }

    /**
     * Takes rows away: at least those of the events after the first `count`.
     * @param {number} count
     * @returns {Row[]} Those that are left with fewer words.
     */
    #rewind(count) {
        const { eventCount, shortened } = this.#rows.rewind(count);
        this.#entryCount = eventCount;
        this.#virtual.shrink(this.#matching.rewind(this.#rows.rows.at(-1)?.seq ?? 0, shortened));
        return shortened;
    }

    /** @param {Row} row */
    #matches(row) {
        const kind = this.#kind.value;
        if (kind === "error" && row.level !== "error") return false;
        if (kind === "output" && row.channel === "") return false;
        const wanted = this.#text.value.trim().toLowerCase();
        return wanted === "" || `${row.node} ${row.nodeId ?? ""} ${row.channel} ${row.text}`.toLowerCase().includes(wanted);
    }

    #rebuild() {
        this.#matching.clear();
        this.#virtual.clear();
        this.#write(new Set(this.#rows.rows));
    }

    /**
     * Writes rows that are new or have grown.
     * @param {Set<Row>} touched
     */
    #write(touched) {
        for (const row of touched) {
            const place = this.#matching.take(row);
            if (place !== undefined) this.#virtual.change(place);
        }
        this.#showNote();
        this.#virtual.grow(this.#matching.rows.length);
    }

    /** @param {Row} row */
    #line(row) {
        const begin = this.#timeline?.latest.startedAt ?? row.time;
        const who = row.nodeId === null
            ? element("span", { class: "log-node" }, "Run")
            : element("button", { type: "button", class: "log-node", "data-id": row.nodeId }, row.node);
        const time = element("button", {
            type: "button", class: "log-time", "data-seq": row.seq, title: `Event ${row.seq}: show the run as it was then`,
        }, offset(row.time - begin));
        const channel = row.channel && row.channel !== "chunk" ? element("span", { class: "log-channel" }, row.channel) : null;
        return element("div", { class: "log-line", "data-level": row.level }, time, who,
            element("span", { class: "log-text" }, channel, element("span", {}, row.text)));
    }

    #showNote() {
        const gap = this.#timeline?.gaps.at(-1);
        const notes = [];
        if (gap) notes.push(`Events ${gap.from} to ${gap.to} are no longer kept.`);
        const text = notes.join(" ");
        if (this.#note.textContent !== text) this.#note.textContent = text;
        this.#note.hidden = text === "";
        const isEmpty = this.#matching.rows.length === 0;
        this.#empty.hidden = !isEmpty;
        this.#list.hidden = isEmpty;
        if (isEmpty) this.#empty.textContent = this.#emptyWords();
    }

    #emptyWords() {
        if (this.#rows.rows.length > 0) return "No line matches the filter.";
        if (this.#session?.isRunning) return "Waiting for the first event.";
        if (this.#timeline && this.#shownSeq === 0) return "Before the first event.";
        return "Run the graph, and each step appears here as it happens.";
    }

    /** @param {boolean} isFollowing */
    #setFollowing(isFollowing) {
        this.#follow.checked = isFollowing;
        this.#virtual.followsEnd = isFollowing;
        this.#virtual.layout();
    }

    /** Scrolling up stops following, coming back to the end starts it again. Other sizes of the list mean neither. */
    #scrolled() {
        const { scrollTop, scrollHeight, clientHeight } = this.#list;
        const isAtEnd = scrollHeight - scrollTop - clientHeight < FOLLOW_PIXELS;
        const isSameSize = clientHeight === this.#place.clientHeight && scrollHeight === this.#place.scrollHeight;
        if (isAtEnd !== this.#follow.checked && (isAtEnd || (isSameSize && scrollTop < this.#place.scrollTop))) this.#setFollowing(isAtEnd);
        this.#place = { scrollTop, scrollHeight, clientHeight };
        this.#virtual.layout();
    }

    /** @param {MouseEvent} event */
    #click(event) {
        if (!(event.target instanceof Element)) return;
        const id = event.target.closest("button.log-node")?.getAttribute("data-id");
        if (id) this.dispatchEvent(new CustomEvent("node-select", { bubbles: true, detail: id }));
        const seq = event.target.closest("button.log-time")?.getAttribute("data-seq");
        if (seq) this.dispatchEvent(new CustomEvent("seq-select", { bubbles: true, detail: Number(seq) }));
    }
}

customElements.define("run-log", RunLog);

// <profile-view>: where the time of an execution went: each node on a time axis, the critical path, the bottleneck, and how
// that compares with earlier runs.

import { drawn, element, setAttribute, setText } from "./dom.js";
import { count, duration } from "./format.js";
import { Problem } from "./problem.js";
import { innerProfile } from "./inner-profile.js";
import { bottleneckWords, byStart, comparison, heat, segmentWord, ticks } from "./profile-model.js";
import { statusBadge } from "./status.js";

/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */
/** @typedef {import("./profile-model.js").ExecutionProfile} ExecutionProfile */
/** @typedef {import("./profile-model.js").GraphProfile} GraphProfile */
/** @typedef {import("./profile-model.js").NodeProfile} NodeProfile */
/** @typedef {import("./graph-view.js").GraphView} GraphView */

/** How often the profile of a running execution is read again. */
const REFRESH_MS = 2_000;
/** Earlier runs that this one is compared with. */
const EARLIER_RUNS = 50;
const AXIS_TICKS = 6;
const BAR_WIDTH = 1000;
const BAR_HEIGHT = 18;

export class ProfileView extends HTMLElement {
    #api;
    /** @type {GraphView | null} */
    #session = null;
    /** The execution, and its last event, that the profile was read for. */
    #readFor = "";
    #readAt = -Infinity;
    #isReading = false;
    /** @type {ExecutionProfile | null} */
    #profile = null;
    /** @type {GraphProfile | null} */
    #earlier = null;
    #heat = element("input", { type: "checkbox", onchange: () => this.#showHeat() });
    #words = element("p", { class: "profile-words" });
    #table = element("table", { class: "profile" });
    #note = element("p", { class: "empty", role: "status" });
    #legend = legend();

    /** @type {(heat: Map<string, number> | null) => void} */
    onHeat = () => {};

    /** @param {GraphAPI} api */
    constructor(api) {
        super();
        this.#api = api;
    }

    connectedCallback() {
        if (this.firstChild) return;
        const tools = element("div", { class: "log-tools" }, this.#words,
            element("label", { class: "check" }, this.#heat, "Heat on the canvas"));
        this.append(tools, this.#note, element("div", { class: "profile-body", tabindex: -1 }, this.#table, this.#legend));
        this.addEventListener("click", (event) => {
            const id = event.target instanceof Element && event.target.closest("button[data-id]")?.getAttribute("data-id");
            if (id) this.dispatchEvent(new CustomEvent("node-select", { bubbles: true, detail: id }));
        });
        new IntersectionObserver(() => this.update()).observe(this);
    }

    /** @param {GraphView} session */
    open(session) {
        this.#session = session;
        this.#profile = null;
        this.#earlier = null;
        this.#readFor = "";
        this.#heat.checked = false;
        this.#render();
    }

    /** Reads the profile again where the execution has moved on; only while it is seen. */
    update() {
        const session = this.#session, timeline = session?.timeline;
        if (!session?.executionId || !timeline || timeline.lastSeq === 0) return this.#render();
        if (session.path.length > 0 || session.isDrawn) return this.#showInner(session, timeline);
        const isSeen = this.offsetParent !== null || this.#heat.checked;
        const wanted = `${session.executionId} ${timeline.lastSeq}`;
        const isDue = !session.isRunning || performance.now() - this.#readAt >= REFRESH_MS;
        if (isSeen && wanted !== this.#readFor && isDue && !this.#isReading) this.#read(session.executionId, session.graph.document.id, wanted);
    }

    /**
     * A graph within a node is measured by its own events.
     * @param {GraphView} session
     * @param {import("./timeline.js").Timeline} timeline
     */
    #showInner(session, timeline) {
        const wanted = `${session.executionId} ${timeline.lastSeq}`;
        const isSeen = this.offsetParent !== null || this.#heat.checked;
        if (!isSeen || wanted === this.#readFor || (session.isRunning && performance.now() - this.#readAt < REFRESH_MS)) return;
        this.#readFor = wanted;
        this.#readAt = performance.now();
        this.#profile = innerProfile(timeline, session.graph.document.nodes, Date.now() - this.#api.clockSkewMs);
        this.#render();
        this.#showHeat();
    }

    /** @param {string} executionId @param {string} graphId @param {string} wanted */
    async #read(executionId, graphId, wanted) {
        this.#isReading = true;
        this.#readAt = performance.now();
        let fault = "";
        try {
            const profile = await this.#api.profile(executionId);
            const earlier = this.#earlier ?? await this.#api.graphProfile(graphId, EARLIER_RUNS);
            if (executionId !== this.#session?.executionId) return;
            [this.#profile, this.#earlier] = [profile, earlier];
        } catch (error) {
            fault = Problem.from(error).message;
        } finally {
            this.#isReading = false;
            this.#readFor = wanted;
        }
        this.#render(fault);
        this.#showHeat();
        // The end may have come while this was read.
        this.update();
    }

    #showHeat() {
        this.onHeat(this.#heat.checked && this.#profile ? heat(this.#profile) : null);
    }

    /** @param {string} [fault] */
    #render(fault = "") {
        const profile = this.#profile;
        this.#table.hidden = this.#legend.hidden = this.#words.hidden = profile === null;
        this.#heat.disabled = profile === null;
        setText(this.#note, fault || (profile ? "" : this.#session?.timeline ? "Reading the profile…" : "Run the graph to see where its time goes."));
        this.#note.hidden = this.#note.textContent === "";
        if (!profile) return;
        setText(this.#words, bottleneckWords(profile));
        const focused = document.activeElement?.closest("button[data-id]")?.getAttribute("data-id");
        const rows = byStart(profile).map((node) => this.#row(node, profile));
        this.#table.replaceChildren(element("caption", { class: "unseen" }, "Profile"), this.#head(profile), element("tbody", {}, ...rows));
        const again = focused && this.#table.querySelector(`button[data-id="${CSS.escape(focused)}"]`);
        if (again instanceof HTMLElement) again.focus({ preventScroll: true });
    }

    /** @param {ExecutionProfile} profile */
    #head(profile) {
        const axis = element("div", { class: "profile-axis", "aria-hidden": "true" }, ...ticks(profile.wall_ms, AXIS_TICKS).map((time) => {
            const tick = element("span", {}, duration(time));
            const part = time / Math.max(profile.wall_ms, 1e-9);
            tick.style.left = `${part * 100}%`;
            tick.classList.toggle("at-end", part > 0.9);
            return tick;
        }));
        const earlier = this.#earlier?.executions ?? 0;
        const hasWaits = profile.nodes.some((node) => (node.wait_ms ?? 0) > 0);
        const names = ["Queue", "Run", ...(hasWaits ? ["Waited"] : []), "Retry wait", "Slack"].map((name) => element("th", { scope: "col", class: "number" }, name));
        return element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Node"),
            element("th", { scope: "col", class: "profile-bars" }, element("span", { class: "unseen" }, "When"), axis), ...names,
            element("th", { scope: "col", title: `Median of ${count(earlier, "run")}` }, "Usually")));
    }

    /** @param {NodeProfile} node @param {ExecutionProfile} profile */
    #row(node, profile) {
        const history = this.#earlier?.nodes.find(({ node_id }) => node_id === node.node_id);
        const { words, trend } = comparison(node, history);
        const isBottleneck = profile.bottleneck?.node_id === node.node_id;
        const name = element("button", { type: "button", class: "link-plain", "data-id": node.node_id }, node.node_name);
        const marks = [
            node.on_critical_path ? element("span", { class: "mark", title: "Any delay of it delays the whole run" }, "critical") : null,
            isBottleneck ? element("span", { class: "mark bottleneck" }, "bottleneck") : null,
        ];
        const usual = history?.run_p50_ms ?? null;
        const number = (/** @type {number | null} */ value) => element("td", { class: "number" }, value ? duration(value) : "");
        return element("tr", { "data-critical": node.on_critical_path, "data-id": node.node_id },
            element("th", { scope: "row" }, name, ...marks, node.status === "success" ? null : statusBadge(node.status)),
            element("td", { class: "profile-bars" }, bars(node, profile.wall_ms)),
            number(node.queue_ms), number(node.run_ms), ...(profile.nodes.some((each) => (each.wait_ms ?? 0) > 0) ? [number(node.wait_ms ?? 0)] : []), number(node.retry_wait_ms), number(node.slack_ms),
            element("td", { class: "trend", "data-trend": trend }, usual === null ? "" : duration(usual), words ? ` · ${words}` : ""));
    }
}

/** @param {NodeProfile} node @param {number} wallMs */
function bars(node, wallMs) {
    const scale = BAR_WIDTH / Math.max(wallMs, 1e-9);
    const label = node.segments.map(({ kind, start_ms, duration_ms }) =>
        `${segmentWord(kind)} ${duration(duration_ms)} from ${duration(start_ms)} on`).join(", ");
    const made = node.segments.map(({ kind, start_ms, duration_ms }) => drawn("rect", {
        class: `bar bar-${kind}`, x: start_ms * scale, width: Math.max(duration_ms * scale, 2), y: 3, height: BAR_HEIGHT - 6,
    }));
    const screen = drawn("svg", {
        class: "gantt", viewBox: `0 0 ${BAR_WIDTH} ${BAR_HEIGHT}`, preserveAspectRatio: "none", role: "img",
    }, drawn("title", {}, label), ...made);
    setAttribute(screen, "aria-label", label);
    return screen;
}

function legend() {
    const kinds = /** @type {const} */ (["queue", "run", "wait", "retry_wait", "interrupted"]);
    return element("ul", { class: "profile-legend", "aria-label": "What the bars mean" }, ...kinds.map((kind) =>
        element("li", {}, drawn("svg", { class: "gantt-key", viewBox: "0 0 20 12", width: 20, height: 12, "aria-hidden": "true" },
            drawn("rect", { class: `bar bar-${kind}`, width: 20, height: 12 })), segmentWord(kind))),
    element("li", {}, element("span", { class: "mark" }, "critical"), "\u00a0on the longest way from start to end"));
}

customElements.define("profile-view", ProfileView);

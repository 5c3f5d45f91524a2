// <time-scrubber>: the execution at any of its events, by hand or played back by its own clock.

import { button, element, icon, setText } from "./dom.js";
import { clock } from "./format.js";
import { Player } from "./player.js";

/** @typedef {import("./graph-view.js").GraphView} GraphView */

const SPEEDS = [0.25, 0.5, 1, 2, 5, 20];

export class TimeScrubber extends HTMLElement {
    /** @type {GraphView | null} */
    #session = null;
    /** @type {Player | null} */
    #player = null;
    #range = element("input", { type: "range", min: 0, step: 1, "aria-label": "Event", oninput: () => this.#scrubbed() });
    #play = button({ icon: "play", label: "Replay", onclick: () => this.#toggle() });
    #speed = element("select", { "aria-label": "Speed" },
        ...SPEEDS.map((speed) => element("option", { value: speed, selected: speed === 1 }, `${speed}×`)));
    #place = element("output", { class: "scrub-place" });
    #seams = element("div", { class: "scrub-seams" });
    #seamCount = 0;
    #live = element("button", { type: "button", class: "button live", onclick: () => this.#goLive() }, "Live");

    connectedCallback() {
        if (this.firstChild) return;
        this.append(
            button({ icon: "back", label: "One event back", onclick: () => this.#step(-1) }), this.#play,
            button({ icon: "forward", label: "One event on", onclick: () => this.#step(1) }),
            element("div", { class: "scrub-track" }, this.#range, this.#seams), this.#place, this.#speed, this.#live);
    }

    /** @param {GraphView} session */
    open(session) {
        this.#pause();
        this.#session = session;
        this.#seamCount = 0;
        this.#seams.replaceChildren();
        this.update();
    }

    /** Shows where the session stands. */
    update() {
        const session = this.#session, timeline = session?.timeline;
        this.hidden = !timeline || timeline.lastSeq === 0;
        if (!session || !timeline) return;
        this.#range.max = String(timeline.lastSeq);
        this.#range.value = String(session.shownSeq);
        const begin = timeline.latest.startedAt ?? 0;
        const elapsed = clock((timeline.timeAt(session.shownSeq) ?? begin) - begin);
        setText(this.#place, `${session.shownSeq} / ${timeline.lastSeq} · ${elapsed}`);
        this.#range.setAttribute("aria-valuetext", `Event ${session.shownSeq} of ${timeline.lastSeq}, after ${elapsed}`);
        if (timeline.seams.length > 0) this.#showSeams(timeline);
        this.#live.hidden = !session.isRunning;
        this.#live.setAttribute("aria-pressed", String(session.isFollowing));
    }

    /** @param {import("./timeline.js").Timeline} timeline */
    #showSeams({ seams, lastSeq }) {
        for (; this.#seamCount < seams.length; this.#seamCount += 1) {
            this.#seams.append(element("span", { title: "The server was restarted here" }));
        }
        seams.forEach((seq, index) => {
            const mark = this.#seams.children[index];
            if (mark instanceof HTMLElement) mark.style.left = `${(seq / lastSeq) * 100}%`;
        });
    }

    #scrubbed() {
        this.#pause();
        this.#session?.show(Number(this.#range.value));
    }

    /** @param {1 | -1} direction */
    #step(direction) {
        const session = this.#session, timeline = session?.timeline;
        if (!session || !timeline) return;
        this.#pause();
        session.show(timeline.seqBeside(session.shownSeq, direction));
    }

    #goLive() {
        this.#pause();
        this.#session?.show(null);
    }

    #toggle() {
        if (this.#player) return this.#pause();
        const session = this.#session, timeline = session?.timeline;
        if (!session || !timeline) return;
        const isAtEnd = session.shownSeq >= timeline.lastSeq;
        const player = new Player(timeline, isAtEnd ? 0 : session.shownSeq);
        this.#player = player;
        this.#showPlaying("pause", "Pause");
        session.show(player.seq);
        let before = performance.now();
        const frame = (/** @type {number} */ now) => {
            if (this.#player !== player) return;
            const seq = player.advance((now - before) * Number(this.#speed.value));
            before = now;
            if (seq !== session.shownSeq || session.isFollowing) session.show(seq);
            if (!player.isAtEnd) requestAnimationFrame(frame);
            else this.#finish(session);
        };
        requestAnimationFrame(frame);
    }

    /**
     * A replay that has caught up with a running execution follows it.
     * @param {GraphView} session
     */
    #finish(session) {
        this.#pause();
        if (session.isRunning) session.show(null);
    }

    #pause() {
        if (!this.#player) return;
        this.#player = null;
        this.#showPlaying("play", "Replay");
    }

    /** @param {import("./dom.js").IconName} name @param {string} label */
    #showPlaying(name, label) {
        this.#play.replaceChildren(icon(name));
        this.#play.setAttribute("aria-label", label);
        this.#play.setAttribute("title", label);
    }
}

customElements.define("time-scrubber", TimeScrubber);

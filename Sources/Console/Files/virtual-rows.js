// A list of any number of rows of any height, of which only those in sight are on the page.
//
// Rows stand in blocks. A block that has been on the page has the height that it had there; the others have one that is
// guessed from those. When a guess above the sight proves wrong, the scroll position moves along, so that nothing jumps.

import { element } from "./dom.js";

const ROWS_PER_BLOCK = 40;
const FIRST_ROW_HEIGHT = 22;
/** What is kept on the page beyond both ends of the sight, in pixels. */
const MARGIN = 400;

export class VirtualRows {
    #scroller;
    #render;
    #sizer = element("div", { class: "virtual-rows" });
    #count = 0;
    /** @type {(number | undefined)[]} The heights of blocks, as far as they are known. */
    #heights = [];
    /** @type {Set<number>} The blocks that guesses are made from: whole ones, for the last one still grows. */
    #learned = new Set();
    #learnedHeight = 0;
    /** @type {Map<number, HTMLElement>} The blocks that are on the page. */
    #blocks = new Map();
    #observer = new ResizeObserver((entries) => this.#resized(entries));
    /** Whether the end stays in sight. */
    followsEnd = true;

    /**
     * @param {HTMLElement} scroller
     * @param {(index: number) => HTMLElement} render
     */
    constructor(scroller, render) {
        this.#scroller = scroller;
        this.#render = render;
        scroller.append(this.#sizer);
    }

    get count() {
        return this.#count;
    }

    /** Forgets all rows. */
    clear() {
        for (const block of this.#blocks.values()) this.#drop(block);
        this.#blocks.clear();
        this.#heights = [];
        this.#learned.clear();
        this.#count = this.#learnedHeight = 0;
    }

    /** @param {number} count Rows that are left of those before. */
    shrink(count) {
        if (count >= this.#count) return;
        for (let index = Math.floor(count / ROWS_PER_BLOCK); index < this.#blockCount; index += 1) {
            this.#forget(index);
            const block = this.#blocks.get(index);
            if (block) this.#drop(block);
            this.#blocks.delete(index);
        }
        this.#count = count;
    }

    /** @param {number} index Of a block whose height is no longer known. */
    #forget(index) {
        const height = this.#heights[index];
        if (height === undefined) return;
        this.#heights[index] = undefined;
        if (this.#learned.delete(index)) this.#learnedHeight -= height;
    }

    /** @param {number} count Rows there are now; never fewer than before. */
    grow(count) {
        const old = this.#count;
        this.#count = count;
        const last = this.#blocks.get(Math.floor(old / ROWS_PER_BLOCK));
        if (last) this.#fill(last, Math.floor(old / ROWS_PER_BLOCK));
        this.layout();
    }

    /** @param {number} index Of a row that has changed. */
    change(index) {
        const block = this.#blocks.get(Math.floor(index / ROWS_PER_BLOCK));
        block?.children[index % ROWS_PER_BLOCK]?.replaceWith(this.#render(index));
    }

    get #blockCount() {
        return Math.ceil(this.#count / ROWS_PER_BLOCK);
    }

    /** @param {number} index */
    #rowsOf(index) {
        return Math.min(ROWS_PER_BLOCK, this.#count - index * ROWS_PER_BLOCK);
    }

    /** @param {number} index */
    #height(index) {
        const row = this.#learned.size > 0 ? this.#learnedHeight / (this.#learned.size * ROWS_PER_BLOCK) : FIRST_ROW_HEIGHT;
        return this.#heights[index] ?? row * this.#rowsOf(index);
    }

    /** Puts on the page what is in sight, and takes off what is not. To be called when the scroller was scrolled or resized. */
    layout() {
        const scroller = this.#scroller, view = scroller.clientHeight;
        if (view === 0) return;
        /** @type {number[]} */
        const tops = [];
        let total = 0;
        for (let index = 0; index < this.#blockCount; index += 1) {
            tops.push(total);
            total += this.#height(index);
        }
        this.#sizer.style.height = `${total}px`;
        const place = this.followsEnd ? total - view : scroller.scrollTop;
        const isNear = (/** @type {number} */ index) =>
            tops[index] < place + view + MARGIN && tops[index] + this.#height(index) > place - MARGIN;
        for (const [index, block] of this.#blocks) {
            if (index < tops.length && (isNear(index) || block.contains(document.activeElement))) continue;
            this.#drop(block);
            this.#blocks.delete(index);
        }
        for (let index = 0; index < tops.length; index += 1) {
            if (isNear(index) && !this.#blocks.has(index)) this.#add(index);
            const block = this.#blocks.get(index);
            if (block) block.style.transform = `translateY(${tops[index]}px)`;
        }
        if (this.followsEnd) scroller.scrollTop = scroller.scrollHeight;
    }

    /** @param {number} index */
    #add(index) {
        const block = element("div", { class: "virtual-block", "data-block": index });
        this.#fill(block, index);
        this.#blocks.set(index, block);
        // In reading order, for those who do not see where the blocks stand.
        const next = [...this.#blocks.keys()].filter((other) => other > index).sort((a, b) => a - b)[0];
        this.#sizer.insertBefore(block, next === undefined ? null : this.#blocks.get(next) ?? null);
        this.#observer.observe(block);
    }

    /** @param {HTMLElement} block */
    #drop(block) {
        this.#observer.unobserve(block);
        block.remove();
    }

    /** @param {HTMLElement} block @param {number} index */
    #fill(block, index) {
        const rows = [];
        for (let row = block.childElementCount; row < this.#rowsOf(index); row += 1) rows.push(this.#render(index * ROWS_PER_BLOCK + row));
        block.append(...rows);
    }

    /** @param {ResizeObserverEntry[]} entries */
    #resized(entries) {
        const scroller = this.#scroller;
        let above = 0, hasChanged = false;
        for (const { target } of entries) {
            const block = /** @type {HTMLElement} */ (target), index = Number(block.dataset.block), height = block.offsetHeight;
            if (!block.isConnected || height === 0 || this.#heights[index] === height) continue;
            const old = this.#height(index);
            this.#learn(index, height);
            hasChanged = true;
            if (block.getBoundingClientRect().bottom <= scroller.getBoundingClientRect().top + height - old) above += height - old;
        }
        if (!hasChanged) return;
        if (above !== 0 && !this.followsEnd) scroller.scrollTop += above;
        this.layout();
    }

    /** @param {number} index @param {number} height */
    #learn(index, height) {
        this.#forget(index);
        this.#heights[index] = height;
        if (this.#rowsOf(index) < ROWS_PER_BLOCK) return;
        this.#learned.add(index);
        this.#learnedHeight += height;
    }
}

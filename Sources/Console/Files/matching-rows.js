// The rows of the log that fit its filter. A row that fits only when it has grown stands behind those that fitted before it.

/** @typedef {import("./log-rows.js").Row} Row */

export class MatchingRows {
    /** @type {Row[]} */
    rows = [];
    /** @type {Map<Row, number>} */
    #places = new Map();
    #matches;

    /** @param {(row: Row) => boolean} matches */
    constructor(matches) {
        this.#matches = matches;
    }

    clear() {
        this.rows = [];
        this.#places.clear();
    }

    /**
     * Takes a row that is new or has grown.
     * @param {Row} row
     * @returns {number | undefined} Its place, if it was here already.
     */
    take(row) {
        const place = this.#places.get(row);
        if (place === undefined && this.#matches(row)) {
            this.#places.set(row, this.rows.length);
            this.rows.push(row);
        }
        return place;
    }

    /**
     * Drops the rows that a step back has taken away, wherever they stand, and those that no longer fit.
     * @param {number} lastSeq Of the last row that the log has left.
     * @param {Row[]} shortened Rows that are left with fewer words.
     * @returns {number} How many rows at the beginning stand where they stood.
     */
    rewind(lastSeq, shortened) {
        const unfit = new Set(shortened.filter((row) => !this.#matches(row)));
        const isGone = (/** @type {Row} */ row) => row.seq > lastSeq || unfit.has(row);
        const first = this.rows.findIndex(isGone);
        if (first === -1) return this.rows.length;
        const moved = this.rows.splice(first);
        for (const row of moved) {
            if (isGone(row)) this.#places.delete(row);
            else this.#places.set(row, this.rows.push(row) - 1);
        }
        return first;
    }
}

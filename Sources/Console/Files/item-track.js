// When items of a node began, or ended in success: of a million of them, only numbers are kept.

const FIRST_CAPACITY = 256;

export class ItemTrack {
    #seqs = new Float64Array(FIRST_CAPACITY);
    #times = new Float64Array(FIRST_CAPACITY);
    #indices = new Uint32Array(FIRST_CAPACITY);
    #count = 0;
    #lastIndex = -1;

    /**
     * @param {number} seq Larger than those before.
     * @param {number} time Milliseconds since 1970.
     * @param {number} index Of the item.
     */
    push(seq, time, index) {
        if (this.#count === this.#seqs.length) this.#grow();
        this.#seqs[this.#count] = seq;
        this.#times[this.#count] = time;
        this.#indices[this.#count] = index;
        this.#count += 1;
        this.#lastIndex = Math.max(this.#lastIndex, index);
    }

    #grow() {
        const capacity = this.#seqs.length * 2;
        const [seqs, times, indices] = [new Float64Array(capacity), new Float64Array(capacity), new Uint32Array(capacity)];
        seqs.set(this.#seqs);
        times.set(this.#times);
        indices.set(this.#indices);
        [this.#seqs, this.#times, this.#indices] = [seqs, times, indices];
    }

    /** The largest index so far; -1 without any. */
    get lastIndex() {
        return this.#lastIndex;
    }

    /**
     * How many have a seq of at most `seq`.
     * @param {number} seq
     */
    countThrough(seq) {
        let low = 0, high = this.#count;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (this.#seqs[middle] <= seq) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /**
     * The one at a place; undefined outside.
     * @param {number} place
     */
    at(place) {
        return place < 0 || place >= this.#count ? undefined : { seq: this.#seqs[place], time: this.#times[place] };
    }

    /**
     * The first seq of an item; undefined if it is not there.
     * @param {number} index
     */
    seqOf(index) {
        const place = this.#indices.indexOf(index);
        return place < 0 || place >= this.#count ? undefined : this.#seqs[place];
    }
}

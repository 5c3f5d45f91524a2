// Work on the page, at most once per frame, however often it is asked for.

/** While the page is hidden there are no frames; work is still done now and then, so that the title stays true. */
const HIDDEN_INTERVAL_MS = 500;

export class FrameBatch {
    #isDue = false;
    #work;

    /** @param {() => void} work */
    constructor(work) {
        this.#work = work;
    }

    request() {
        if (this.#isDue) return;
        this.#isDue = true;
        const run = () => {
            if (!this.#isDue) return;
            this.#isDue = false;
            this.#work();
        };
        if (document.hidden) setTimeout(run, HIDDEN_INTERVAL_MS);
        else requestAnimationFrame(run);
    }
}

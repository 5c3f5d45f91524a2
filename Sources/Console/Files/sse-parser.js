// Server-Sent Events, as the HTML standard parses them (9.2.6): bytes in, events out, however the bytes were split.

/**
 * @typedef {object} ServerSentEvent
 * @property {string} data The data lines, joined by line feeds.
 * @property {string} type The `event:` field, or `message`.
 * @property {string} lastEventId The last id that was seen, in this event or before it.
 */

/**
 * @typedef {object} SSEHandlers
 * @property {(event: ServerSentEvent) => void} onEvent
 * @property {(milliseconds: number) => void} [onRetry] The server says how long to wait before reconnecting.
 */

export class SSEParser {
    /** @type {SSEHandlers} */
    #handlers;
    // Drops a byte order mark at the start, and keeps a character that is split between two chunks.
    #decoder = new TextDecoder("utf-8");
    #line = "";
    #endedInCarriageReturn = false;
    /** @type {string[]} */
    #data = [];
    #type = "";
    #pendingId = "";

    /** The id of the last event that was dispatched: where a broken stream goes on. */
    lastEventId = "";

    /** @param {SSEHandlers} handlers */
    constructor(handlers) {
        this.#handlers = handlers;
    }

    /**
     * Takes the next bytes of the stream. Events go to the handlers before this returns. What is left when the stream
     * ends is no event: one that lacks its blank line is dropped, as the standard says.
     * @param {Uint8Array} bytes
     */
    push(bytes) {
        let text = this.#decoder.decode(bytes, { stream: true });
        if (text === "") return;
        if (this.#endedInCarriageReturn && text[0] === "\n") text = text.slice(1);
        this.#endedInCarriageReturn = text === "" ? false : text[text.length - 1] === "\r";
        const lines = text.split(/\r\n|\n|\r/);
        lines[0] = this.#line + lines[0];
        this.#line = lines[lines.length - 1];
        for (let index = 0; index < lines.length - 1; index += 1) this.#take(lines[index]);
    }

    /** @param {string} line */
    #take(line) {
        if (line === "") return this.#dispatch();
        const colon = line.indexOf(":");
        if (colon === 0) return;
        const field = colon < 0 ? line : line.slice(0, colon);
        const start = line[colon + 1] === " " ? colon + 2 : colon + 1;
        const value = colon < 0 ? "" : line.slice(start);
        switch (field) {
            case "data":
                this.#data.push(value);
                break;
            case "event":
                this.#type = value;
                break;
            case "id":
                if (!value.includes("\0")) this.#pendingId = value;
                break;
            case "retry":
                if (/^[0-9]+$/.test(value)) this.#handlers.onRetry?.(Number(value));
                break;
        }
    }

    #dispatch() {
        this.lastEventId = this.#pendingId;
        if (this.#data.length > 0) {
            const event = { data: this.#data.join("\n"), type: this.#type || "message", lastEventId: this.lastEventId };
            this.#data = [];
            this.#type = "";
            this.#handlers.onEvent(event);
        } else {
            this.#type = "";
        }
    }
}

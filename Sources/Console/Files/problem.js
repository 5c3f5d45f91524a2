// What went wrong with a call, in words that say what to do.

/**
 * A problem of the API (RFC 9457), or of the way to it.
 * @typedef {object} ProblemFields
 * @property {number} status 0 when there was no answer at all.
 * @property {string} code Stable, snake_case.
 * @property {string} title
 * @property {string} detail
 * @property {{ pointer: string, message: string }[]} errors Faults of a document.
 * @property {number | null} retryAfterMs
 */

export class Problem extends Error {
    /** @param {Partial<ProblemFields>} fields */
    constructor(fields) {
        super(fields.detail ?? fields.title ?? "Something went wrong.");
        this.name = "Problem";
        this.status = fields.status ?? 0;
        this.code = fields.code ?? "unknown";
        this.title = fields.title ?? "Something went wrong";
        this.detail = fields.detail ?? "";
        this.errors = fields.errors ?? [];
        this.retryAfterMs = fields.retryAfterMs ?? null;
    }

    /** Whether the same request may succeed later. */
    get isTemporary() {
        return this.status === 0 || this.status === 429 || this.status >= 500;
    }

    /** The server did not answer. */
    static unreachable() {
        return new Problem({
            code: "unreachable", title: "The server cannot be reached",
            detail: "Check that Millrace is running and that this machine is connected; the console keeps trying.",
        });
    }

    /** @param {unknown} error */
    static from(error) {
        return error instanceof Problem ? error : new Problem({ code: "console_fault", detail: String(error) });
    }
}

/**
 * The problem that an answer tells of.
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
export async function problemOf(response) {
    const seconds = Number(response.headers.get("Retry-After") ?? NaN);
    const fallback = {
        status: response.status, code: `http_${response.status}`, title: `The server answered ${response.status}`,
        detail: response.status >= 500 ? "Try again in a moment; the server's log says more." : "The request was refused.",
        retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : null,
    };
    if (!response.headers.get("Content-Type")?.startsWith("application/problem+json")) return new Problem(fallback);
    try {
        return new Problem({ ...fallback, ...(await response.json()), status: response.status });
    } catch {
        return new Problem(fallback);
    }
}

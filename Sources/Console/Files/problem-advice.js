// What the reader of a problem can do about it, by the problem's stable code; where that is unknown, by its status.

/** @typedef {import("./problem.js").Problem} Problem */
/** @typedef {{ title: string, advice: string }} Advice */

/** @type {Record<string, Advice>} */
const byCode = {
    already_answered: { title: "You have answered this already", advice: "Each person counts once; the others still have to answer." },
    cross_site_request: { title: "This page is not the server's own", advice: "Open the console at the server's own address." },
    damaged_history: { title: "The history is damaged", advice: "Other runs are not affected. Whoever runs the server finds more in its log." },
    draining: { title: "The server is stopping", advice: "Try again once it is back; the console notices by itself." },
    execution_finished: { title: "The run has ended already", advice: "There is nothing left to stop." },
    execution_held: { title: "This run is held", advice: "Resume it under Runs, then answer." },
    execution_running: { title: "The run is still going on", advice: "Wait for its end, or stop it first." },
    foreign_origin: { title: "The server does not know this page's address as its own", advice: "Whoever runs the server, or the proxy before it, must add one line; it is named below." },
    forwarded_without_tokens: { title: "The server does not trust the proxy yet", advice: "Whoever runs the server must make an access token, or allow forwarded requests in its configuration." },
    gap: { title: "These events are no longer kept", advice: "The end of the run and its final state are still there." },
    graph_not_allowed: { title: "Your token is not for this graph", advice: "Open another graph, or sign in with a token that covers this one." },
    insufficient_scope: { title: "Your token does not allow this", advice: "Sign out, and sign in with a token that has more rights." },
    not_waiting: { title: "This is decided already", advice: "Somebody else has answered, its deadline has passed, or the run has ended." },
    other_question: { title: "The node asks something else by now", advice: "Look at the new question, and answer that." },
    out_of_descriptors: { title: "The server has too many connections", advice: "Close tabs that you do not need, and try again in a moment." },
    queue_full: { title: "The queue is full", advice: "Wait until some runs have ended, or stop those that are not needed (Runs, status Queued)." },
    rate_limited: { title: "That was too fast", advice: "Wait a moment, and try again." },
    revision_not_runnable: { title: "This revision cannot run any more", advice: "Choose another revision, or repair the graph and save it." },
    starter_excluded: { title: "Whoever started the run may not answer", advice: "Somebody else has to." },
    start_unconfirmed: { title: "Nobody knows whether the run has started", advice: "Look under Runs before you start it again." },
    store_unavailable: { title: "The history cannot be read or written", advice: "Whoever runs the server should look at its disk: it may be full." },
    unknown_execution: { title: "This run is not there", advice: "It may have been deleted. Runs lists those that are." },
    unknown_graph: { title: "This graph is not there", advice: "It may have been deleted or renamed. The list on the left has those that are." },
    unreachable: { title: "The server cannot be reached", advice: "Check that Millrace is running and that this machine is connected. The console goes on by itself." },
};

/** @type {[from: number, to: number, advice: Advice][]} */
const byStatus = [
    [401, 401, { title: "Please sign in", advice: "The server asks for an access token." }],
    [403, 403, { title: "This is not allowed", advice: "Sign in with a token that allows it, or ask whoever runs the server." }],
    [404, 404, { title: "This is not there", advice: "It may have been deleted, or the server may be older than this page: load the page again." }],
    [413, 413, { title: "This is too large", advice: "Make the state or the document smaller." }],
    [421, 421, { title: "The server does not know itself by this name", advice: "Whoever runs it must add the name to http.allowed_hosts." }],
    [422, 422, { title: "This does not fit", advice: "Correct what is named here, and try again." }],
    [429, 429, { title: "That was too much at once", advice: "Wait a moment, and try again." }],
    [502, 504, { title: "The proxy cannot reach the server", advice: "Wait a moment. If it stays so, Millrace is not running behind it." }],
    [500, 599, { title: "The server could not do this", advice: "Try again in a moment. Whoever runs the server finds more in its log." }],
];

/**
 * @param {Problem} problem
 * @returns {Advice}
 */
export function advice({ code, status, title }) {
    const known = byCode[code] ?? byStatus.find(([from, to]) => status >= from && status <= to)?.[2];
    return known ?? { title, advice: "" };
}

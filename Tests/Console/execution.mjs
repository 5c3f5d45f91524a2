// Events of an execution for tests, in the shape of the API.

const head = { execution_id: "01a", graph_id: "g" };
const epoch = Date.parse("2026-01-31T09:30:00Z");

/** The events with execution, seq and timestamp filled in: one event each 100 ms. */
export function numbered(events) {
    return events.map((event, index) => ({
        ...head, seq: index + 1, timestamp: new Date(epoch + index * 100).toISOString(), ...event,
    }));
}

export const start = (attempt = 1) => ({ type: "start", graph_revision: 1, initial_state: {}, node_count: 3, attempt });
export const nodeStart = (id, attempt = 1, kind = "lua") => ({ type: "node_start", node_id: id, node_name: id, node_kind: kind, attempt });
export const output = (id, data, channel = "chunk") => ({ type: "node_output", node_id: id, attempt: 1, channel, data });
export const item = (id, index, status = "success", more = {}) => output(id, { index, status, duration_ms: 3.1, ...more }, "item");
export const opening = (id, index, more = {}) => output(id, { status: "running", ...(index !== undefined && { index }), ...more, node_count: 2 }, "scope");
export const closing = (id, status = "success", more = {}) => output(id, { status, duration_ms: 7, ...more }, "scope");
export const within = (path, event) => ({ ...event, path });
export const complete = (status = "success") => ({ type: "complete", status, final_state: {}, duration_ms: 500, failed_nodes: [] });

export const nodeComplete = (id, status = "success", more = {}) => ({
    type: "node_complete", node_id: id, node_name: id, attempt: 1, status, update: {}, duration_ms: 90, queue_ms: 1, taken: [], ...more,
});

/** A run with a success, a retried error and a skipped node. */
export const sampleRun = numbered([
    start(),
    nodeStart("a"),
    output("a", "hello "),
    nodeComplete("a", "success", { taken: ["b"] }),
    nodeStart("b"),
    nodeComplete("b", "error", { error: "no", will_retry: true }),
    nodeStart("b", 2),
    nodeComplete("b", "error", { attempt: 2, error: "no again" }),
    nodeComplete("c", "skipped", { attempt: 0, duration_ms: 0 }),
    complete("error"),
]);

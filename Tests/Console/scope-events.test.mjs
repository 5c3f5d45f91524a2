import assert from "node:assert/strict";
import { test } from "node:test";

import { ScopeEvents } from "../../Sources/Console/Files/scope-events.js";
import { closing, complete, item, nodeComplete, nodeStart, numbered, opening, start, within } from "./execution.mjs";

/** What a scope takes of a stream: type, seq and, of its end, how it ended. */
function taken(path, events, isRetried = false) {
    const scope = new ScopeEvents(path, isRetried), seen = [];
    for (const event of numbered(events)) {
        const made = scope.take(event);
        if (made) seen.push(`${made.type} ${made.seq}${made.type === "scope_end" ? ` ${made.status}` : ""}`);
        if (scope.isOver) break;
    }
    return [seen, scope.isOver];
}

const inner = (index, event) => within(["each", index], event);

test("an item has the events of its own path, up to its end", () => {
    const events = [
        start(), nodeStart("each", 1, "map"), inner(0, nodeStart("a")), inner(1, nodeStart("a")), nodeStart("a"), item("a", 1),
        inner(1, nodeComplete("a")), within(["each", 1, "sub"], nodeStart("a")), item("each", 0), item("each", 1), inner(0, nodeStart("a")),
    ];
    assert.deepEqual(taken(["each", 1], events), [["node_start 4", "node_complete 7", "scope_end 10 success"], true]);
});

test("a graph that runs once has its end told on a channel of its own", () => {
    const events = [start(), nodeStart("sub", 1, "graph"), opening("sub"), within(["sub"], nodeStart("a")), within(["sub"], closing("a")), closing("sub", "error", { error: "no" })];
    assert.deepEqual(taken(["sub"], events), [["node_start 4", "node_output 5", "scope_end 6 error"], true]);
});

test("a graph within others is told of by the node right around it", () => {
    const deep = (event) => within(["loop", 3, "each", 0], event);
    const events = [deep(nodeStart("a")), within(["loop", 2], item("each", 0)), within(["loop", 3], item("each", 0)), deep(nodeStart("b"))];
    assert.deepEqual(taken(["loop", 3, "each", 0], events), [["node_start 1", "scope_end 3 success"], true]);
});

test("restarts of the daemon are its affair while it runs", () => {
    assert.deepEqual(taken(["each", 0], [inner(0, nodeStart("a")), start(2), inner(0, nodeStart("a", 2)), item("each", 0), start(3)]), [
        ["node_start 1", "start 2", "node_start 3", "scope_end 4 success"], true,
    ]);
});

test("an item that failed comes to life again where its map is tried again", () => {
    const events = [
        inner(0, nodeStart("a")), item("each", 0, "error"), start(2), nodeComplete("each", "error", { will_retry: true }), nodeStart("each", 2, "map"),
        inner(0, nodeStart("a", 2)), item("each", 0),
    ];
    assert.deepEqual(taken(["each", 0], events, true), [["node_start 1", "scope_end 2 error", "node_start 6", "scope_end 7 success"], true]);
    assert.deepEqual(taken(["each", 0], events, false), [["node_start 1", "scope_end 2 error"], true]);
});

test("nothing more comes once the node around it or the execution has ended", () => {
    assert.deepEqual(taken(["sub"], [within(["sub"], nodeStart("a")), { type: "error", error: "out of time" }]), [["node_start 1", "scope_end 2 cancelled"], true]);
    assert.deepEqual(taken(["each", 0], [inner(0, nodeStart("a")), item("each", 0, "error"), nodeComplete("each", "error"), complete("error")], true), [
        ["node_start 1", "scope_end 2 error"], true,
    ]);
});

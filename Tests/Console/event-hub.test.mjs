// The hub against a real server on this machine, whose connections break.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";

import { EventHub } from "../../Sources/Console/Files/event-hub.js";
import { sampleRun } from "./execution.mjs";

const servers = [];
after(() => servers.forEach((server) => server.closeAllConnections() ?? server.close()));

const opening = 'retry: 1\n\ndata: {"type":"snapshot","executions":[]}\n\n';
const eventsOf = (id) => sampleRun.map((event) => ({ ...event, execution_id: id }));
const block = (event) => `data: ${JSON.stringify(event)}\n\n`;
const allSeqs = sampleRun.map(({ seq }) => seq);

/** A server that has the sample run under any id, and hands each connection to `answer`. */
async function serve(answer = (response, wanted) => response.write(wanted.map(([id, seq]) => eventsOf(id).slice(seq).map(block).join("")).join(""))) {
    const requests = [];
    const server = createServer((request, response) => {
        const text = new URL(request.url, "http://x").searchParams.get("executions");
        const wanted = text ? text.split(",").map((part) => [part.split(":")[0], Number(part.split(":")[1])]) : [];
        assert.equal(new URL(request.url, "http://x").searchParams.get("depth"), text ? "0" : null);
        requests.push(text ?? "");
        response.writeHead(200, { "Content-Type": "text/event-stream" });
        response.write(opening);
        answer(response, wanted, requests.length);
    });
    servers.push(server);
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { url: `http://127.0.0.1:${server.address().port}/api/events`, requests };
}

/** A reader that remembers what it was told, and can wait for it. */
function reader(hub) {
    const seen = { stirs: 0, texts: new Map(), list: [], refused: [], gaps: [], connections: [], waits: [] };
    const waiting = [];
    const attached = hub.attach((messages) => {
        for (const message of structuredClone(messages)) {
            if (message.kind === "events") seen.texts.set(message.key, [...(seen.texts.get(message.key) ?? []), ...message.texts]);
            if (message.kind === "list") seen.list.push(...message.messages);
            if (message.kind === "refused") seen.refused.push(message);
            if (message.kind === "stir") seen.stirs += 1;
            if (message.kind === "gap") seen.gaps.push(message.gap);
            if (message.kind === "connection") seen.connections.push(message.connection?.state);
            if (message.kind === "connection") seen.waits.push(message.connection?.milliseconds ?? 0);
        }
        for (const each of waiting.slice()) if (each.condition()) each.resolve();
    });
    const until = (condition) => new Promise((resolve) => (condition() ? resolve() : waiting.push({ condition, resolve })));
    const seqs = (key) => (seen.texts.get(key) ?? []).map((text) => JSON.parse(text).seq);
    return { ...attached, wish: (wish) => attached.wish(wish), close: () => attached.close(), seen, until, seqs };
}

test("readers that come one after another each get all events of their executions once, in order", async () => {
    const { url, requests } = await serve();
    const hub = new EventHub({ url });
    const [first, second] = [reader(hub), reader(hub)];
    first.wish({ kind: "watch", key: 1, executionId: "a", after: 0 });
    await first.until(() => first.seqs(1).length === allSeqs.length);
    second.wish({ kind: "watch", key: 7, executionId: "a", after: 4 });
    second.wish({ kind: "watch", key: 8, executionId: "b", after: 0 });
    await second.until(() => second.seqs(8).length === allSeqs.length && second.seqs(7).length === allSeqs.length - 4);
    assert.deepEqual(first.seqs(1), allSeqs);
    assert.deepEqual(second.seqs(7), allSeqs.slice(4));
    assert.deepEqual(second.seqs(8), allSeqs);
    assert.deepEqual(requests.slice(0, 2), ["a:0", "a:4,b:0"]);
    first.close();
    second.close();
});

test("no event is lost or repeated wherever the connection breaks", async () => {
    const whole = opening.length + eventsOf("a").map(block).join("").length;
    for (let bytes = opening.length; bytes < whole; bytes += 61) {
        const { url } = await serve((response, wanted, number) => {
            const [[id, seq]] = wanted.length > 0 ? wanted : [["a", allSeqs.length]];
            const text = eventsOf(id).slice(seq).map(block).join("");
            if (number > 1) response.end(text);
            else response.write(text.slice(0, bytes - opening.length), () => response.destroy());
        });
        const watcher = reader(new EventHub({ url }));
        watcher.wish({ kind: "watch", key: 1, executionId: "a", after: 0 });
        await watcher.until(() => watcher.seqs(1).at(-1) === allSeqs.at(-1));
        assert.deepEqual(watcher.seqs(1), allSeqs, `broken after ${bytes} bytes`);
        watcher.close();
    }
});

test("lists get the snapshot and what happens, but not what single nodes do", async () => {
    const { url } = await serve((response) => {
        for (const type of ["execution_queued", "node_started", "node_ended", "graph_changed", "execution_ended"]) response.write(block({ type, execution_id: "a", graph_id: "g", status: "running" }));
    });
    const list = reader(new EventHub({ url }));
    list.wish({ kind: "list", isWanted: true });
    await list.until(() => list.seen.list.length === 3);
    assert.deepEqual(list.seen.list.map(({ type }) => type), ["snapshot", "execution_queued", "execution_ended"]);
    list.close();
});

test("lists are told once in a while that nodes did something, however many did", async () => {
    const { url } = await serve((response) => {
        for (let index = 0; index < 50; index += 1) response.write(block({ type: index % 2 ? "node_ended" : "node_started", execution_id: "a", graph_id: "g", status: "running" }));
    });
    const list = reader(new EventHub({ url }));
    list.wish({ kind: "list", isWanted: true });
    await list.until(() => list.seen.stirs > 0);
    assert.equal(list.seen.stirs, 1);
    list.close();
});

test("a list that comes later breaks no connection", async () => {
    const { url, requests } = await serve();
    const hub = new EventHub({ url });
    const [first, second] = [reader(hub), reader(hub)];
    first.wish({ kind: "watch", key: 1, executionId: "a", after: 0 });
    await first.until(() => first.seqs(1).length === 1 || first.seqs(1).length === allSeqs.length);
    second.wish({ kind: "list", isWanted: true });
    first.wish({ kind: "list", isWanted: true });
    await second.until(() => second.seen.connections.includes("open"));
    assert.equal(requests[0], "a:0");
    assert.ok(requests.length <= 2, requests.join(" "));
    first.close();
    second.close();
});

test("an execution that nobody looks at any more is not asked for any more", async () => {
    const waiting = [];
    const { url, requests } = await serve((response, wanted, number) => {
        response.write(wanted.filter(([, seq]) => seq === 0).map(([id]) => block(eventsOf(id)[0])).join(""));
        for (const each of waiting) if (number >= each.number) each.resolve();
    });
    const arrived = (number) => new Promise((resolve) => (requests.length >= number ? resolve() : waiting.push({ number, resolve })));
    const hub = new EventHub({ url });
    const [stays, leaves] = [reader(hub), reader(hub)];
    stays.wish({ kind: "watch", key: 1, executionId: "a", after: 0 });
    await stays.until(() => stays.seqs(1).length === 1);
    leaves.wish({ kind: "watch", key: 1, executionId: "b", after: 0 });
    await leaves.until(() => leaves.seqs(1).length === 1);
    leaves.close();
    await arrived(3);
    assert.deepEqual(requests.at(-1), "a:1");
    stays.close();
});

test("when the server refuses, readers are told to look for themselves, and lists go on without", async () => {
    let refusals = 0;
    const server = createServer((request, response) => {
        if (request.url.includes("executions=")) {
            refusals += 1;
            response.writeHead(404, { "Content-Type": "application/problem+json" });
            return response.end(JSON.stringify({ title: "Not found", code: "unknown_execution", detail: "There is none." }));
        }
        response.writeHead(200, { "Content-Type": "text/event-stream" });
        return response.write(opening);
    });
    servers.push(server);
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const tab = reader(new EventHub({ url: `http://127.0.0.1:${server.address().port}/api/events` }));
    tab.wish({ kind: "watch", key: 3, executionId: "a", after: 0 });
    tab.wish({ kind: "list", isWanted: true });
    await tab.until(() => tab.seen.refused.length === 1 && tab.seen.list.length === 1);
    assert.deepEqual(tab.seen.refused[0], {
        kind: "refused", key: 3, problem: { status: 404, code: "unknown_execution", title: "Not found", detail: "There is none." },
    });
    assert.equal(refusals, 1);
    tab.close();
});

test("a gap moves the readers that are before it", async () => {
    const { url } = await serve((response) => {
        response.write(block({ type: "gap", execution_id: "a", from: 1, to: 8 }) + block(eventsOf("a")[8]));
    });
    const watcher = reader(new EventHub({ url }));
    watcher.wish({ kind: "watch", key: 1, executionId: "a", after: 0 });
    await watcher.until(() => watcher.seqs(1).length === 1);
    assert.deepEqual(watcher.seen.gaps.map(({ from, to }) => [from, to]), [[1, 8]]);
    assert.deepEqual(watcher.seqs(1), [9]);
    watcher.close();
});

test("a gap of one of two executions moves its readers alone, and nobody connects anew", async () => {
    const { url, requests } = await serve((response) => {
        response.write(block({ type: "gap", execution_id: "a", from: 1, to: 8 }) + block(eventsOf("a")[8]));
        response.write(eventsOf("b").map(block).join(""));
    });
    const watcher = reader(new EventHub({ url }));
    watcher.wish({ kind: "watch", key: 1, executionId: "a", after: 0 });
    watcher.wish({ kind: "watch", key: 2, executionId: "b", after: 0 });
    await watcher.until(() => watcher.seqs(1).length === 1 && watcher.seqs(2).length === allSeqs.length);
    assert.deepEqual(watcher.seen.gaps.map(({ execution_id: id, to }) => [id, to]), [["a", 8]]);
    assert.equal(requests.length, 1);
    watcher.close();
});

test("a server whose connections bring nothing is not asked without pause", async () => {
    const { url, requests } = await serve((response) => response.end());
    const watcher = reader(new EventHub({ url }));
    watcher.wish({ kind: "watch", key: 1, executionId: "a", after: 0 });
    await watcher.until(() => watcher.seen.waits.some((milliseconds) => milliseconds >= 2_000));
    assert.equal(requests.length, 10);
    watcher.close();
});

test("what is within nodes is left out with its seqs, and readers that joined at different places each miss nothing", async () => {
    const shown = eventsOf("a").filter(({ seq }) => [1, 4, 5, 9, 10].includes(seq));
    const { url, requests } = await serve((response, wanted) => {
        const [[, after]] = wanted.length > 0 ? wanted : [["a", Infinity]];
        response.write(shown.filter(({ seq }) => seq > after && (seq < 9 || after === 0)).map(block).join(""));
    });
    const hub = new EventHub({ url });
    const [first, second] = [reader(hub), reader(hub)];
    first.wish({ kind: "watch", key: 1, executionId: "a", after: 4 });
    await first.until(() => first.seqs(1).length === 1);
    second.wish({ kind: "watch", key: 1, executionId: "a", after: 0 });
    await second.until(() => second.seqs(1).length === 5 && first.seqs(1).length === 3);
    assert.deepEqual(first.seqs(1), [5, 9, 10]);
    assert.deepEqual(second.seqs(1), [1, 4, 5, 9, 10]);
    assert.deepEqual(requests.slice(0, 2), ["a:4", "a:0"]);
    first.close();
    second.close();
});

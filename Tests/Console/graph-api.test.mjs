// The API client against a real server on this machine, whose connections break.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";

import { GraphAPI } from "../../Sources/Console/Files/graph-api.js";
import { sampleRun } from "./execution.mjs";

const blocks = sampleRun.map((event) => `id: ${event.seq}\ndata: ${JSON.stringify({ ...event, node_name: "Ä" })}\n\n`);
const opening = "retry: 1\n\n: keep-alive\n\n";
const headers = { "Content-Type": "text/event-stream" };
const servers = [];

after(() => servers.forEach((server) => server.closeAllConnections() ?? server.close()));

/** A server that hands each request, with its body and its number from 1 on, to `answer`. */
async function serve(answer) {
    const requests = [];
    const server = createServer(async (request, response) => {
        let body = "";
        for await (const chunk of request) body += chunk;
        requests.push({ method: request.method, url: request.url, body, after: request.headers["last-event-id"] });
        answer(response, requests.length, request);
    });
    servers.push(server);
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { base: `http://127.0.0.1:${server.address().port}/`, requests };
}

/** Follows a stream to its end, its problem, or its stop. */
function follow(begin) {
    const seen = { seqs: [], texts: [], connections: [], gaps: [], started: null, problem: null };
    return new Promise((resolve) => {
        begin({
            onEvent: (event, text) => seen.seqs.push(event.seq) && seen.texts.push(text),
            onGap: (gap) => seen.gaps.push([gap.from, gap.to]),
            onStarted: (id) => (seen.started = id),
            onConnection: (connection) => seen.connections.push(connection.state),
            onProblem: (problem) => resolve({ ...seen, problem }),
            onEnd: () => resolve(seen),
        });
    });
}

const allSeqs = sampleRun.map((event) => event.seq);
const startHeaders = { ...headers, "Content-Location": "/api/executions/01a", Location: "/api/executions/01a/events" };

/** A server that breaks the first connection after `bytes` bytes of the body, and serves the rest on the next. */
function breakingAfter(bytes) {
    return serve((response, number, request) => {
        const from = Number(request.headers["last-event-id"] ?? 0);
        const body = Buffer.from(opening + blocks.slice(from).join(""));
        response.writeHead(200, startHeaders);
        if (number > 1) return response.end(body);
        response.write(body.subarray(0, bytes), () => response.destroy());
        if (bytes === 0) response.flushHeaders();
    });
}

test("no event is lost or repeated wherever the connection breaks", async () => {
    const length = Buffer.byteLength(opening + blocks.join(""));
    for (let bytes = 0; bytes < length; bytes += 7) {
        const { base } = await breakingAfter(bytes);
        const api = new GraphAPI({ base });
        const { seqs, problem } = await follow((handlers) => api.watchExecution("01a", 0, handlers));
        assert.equal(problem, null);
        assert.deepEqual(seqs, allSeqs, `broken after ${bytes} bytes`);
    }
});

test("a start that breaks is resumed by GET where it said, with the last id, never by a second POST", async () => {
    const cut = Buffer.byteLength(opening + blocks.slice(0, 3).join("")) + 5;
    const { base, requests } = await breakingAfter(cut);
    const api = new GraphAPI({ base, fetch: (path, init) => fetch(new URL(path, base), init) });
    const { seqs, started } = await follow((handlers) => api.streamExecuteGraph("my graph", { initialState: '{"n":1.10}' }, handlers));
    assert.equal(started, "01a");
    assert.deepEqual(seqs, allSeqs);
    assert.deepEqual(requests.map(({ method, url, body, after }) => [method, url, body, after]), [
        ["POST", "/api/graphs/my%20graph/execute/stream?state=update&depth=0", '{"initial_state":{"n":1.10}}', undefined],
        ["GET", "/api/executions/01a/events?state=update&depth=0", "", "3"],
    ]);
});

test("a start without an answer is reported and not repeated", async () => {
    const { base, requests } = await serve((response) => response.destroy());
    const api = new GraphAPI({ base });
    const { problem } = await follow((handlers) => api.streamExecuteGraph("g", {}, handlers));
    assert.equal(problem.code, "start_unconfirmed");
    assert.equal(requests.length, 1);
});

test("a refusal is reported with what the server says", async () => {
    const { base } = await serve((response) => {
        response.writeHead(404, { "Content-Type": "application/problem+json" });
        response.end(JSON.stringify({ title: "Not Found", status: 404, code: "unknown_graph", detail: "There is no graph g." }));
    });
    const api = new GraphAPI({ base });
    const { problem } = await follow((handlers) => api.streamExecuteGraph("g", {}, handlers));
    assert.equal(problem.code, "unknown_graph");
    assert.equal(problem.detail, "There is no graph g.");
    await assert.rejects(api.graph("g"), { name: "Problem", status: 404 });
});

test("a server that is busy for a while is asked again", async () => {
    const { base, requests } = await serve((response, number) => {
        if (number === 1) return response.writeHead(200, headers).end(opening);
        if (number < 4) return response.writeHead(503, { "Retry-After": "0" }).end();
        response.writeHead(200, headers).end(blocks.join(""));
    });
    const { seqs, connections } = await follow((handlers) => new GraphAPI({ base }).watchExecution("01a", 0, handlers));
    assert.deepEqual(seqs, allSeqs);
    assert.equal(requests.length, 4);
    assert.deepEqual(connections, ["open", "waiting", "waiting", "waiting", "open"]);
});

test("a connection that says nothing is given up", async () => {
    const { base, requests } = await serve((response, number) => {
        response.writeHead(200, headers).write(opening + blocks.slice(0, 2).join(""));
        if (number > 1) response.end(blocks.slice(2).join(""));
    });
    const api = new GraphAPI({ base, silenceMsMax: 60 });
    const { seqs } = await follow((handlers) => api.watchExecution("01a", 0, handlers));
    assert.deepEqual(seqs, allSeqs);
    assert.equal(requests[1].after, "2");
});

test("a gap moves the cursor, and 204 is the end", async () => {
    const { base, requests } = await serve((response, number) => {
        if (number > 1) return response.writeHead(204).end();
        response.writeHead(200, headers);
        response.end(`${opening}data: {"type":"gap","execution_id":"01a","from":1,"to":8}\n\n${blocks[8]}`);
    });
    const { seqs, gaps } = await follow((handlers) => new GraphAPI({ base }).watchExecution("01a", 0, handlers));
    assert.deepEqual(gaps, [[1, 8]]);
    assert.deepEqual(seqs, [9]);
    assert.equal(requests[1].after, "9");
});

test("where nothing is left out, an event that skips a seq is not believed", async () => {
    const { base, requests } = await serve((response, number) => {
        response.writeHead(200, headers).end(opening + blocks[number === 1 ? 5 : 4]);
    });
    assert.equal(JSON.parse(await new GraphAPI({ base }).fullEvent("01a", 5)).seq, 5);
    assert.deepEqual(requests.map(({ url, after }) => [url, after]), Array(2).fill(["/api/executions/01a/events?state=full", "4"]));
});

test("a stream that leaves out what is within nodes goes on behind the last event that came", async () => {
    const shown = [0, 3, 4, 9];
    const { base, requests } = await serve((response, number, request) => {
        const after = Number(request.headers["last-event-id"] ?? 0);
        response.writeHead(200, headers).end(opening + shown.filter((index) => index >= after).slice(0, 2).map((index) => blocks[index]).join(""));
    });
    const { seqs } = await follow((handlers) => new GraphAPI({ base }).watchExecution("01a", 0, handlers, 2));
    assert.deepEqual(seqs, [1, 4, 5, 10]);
    assert.deepEqual(requests.map(({ url, after }) => [url, after]), [
        ["/api/executions/01a/events?state=update&depth=2", undefined], ["/api/executions/01a/events?state=update&depth=2", "4"],
    ]);
});

test("after the cleanup no handler is called and the connection is closed", async () => {
    let closed;
    const isClosed = new Promise((resolve) => (closed = resolve));
    const { base } = await serve((response) => {
        response.on("close", closed);
        response.writeHead(200, headers).write(opening + blocks[0]);
    });
    const calls = [];
    await new Promise((resolve) => {
        const stop = new GraphAPI({ base }).watchExecution("01a", 0, {
            onEvent: () => {
                stop();
                resolve();
            },
            onConnection: ({ state }) => calls.push(state),
            onProblem: () => calls.push("problem"),
            onEnd: () => calls.push("end"),
        });
    });
    await isClosed;
    assert.deepEqual(calls, ["open"]);
});

test("one event with its full states is read without the rest", async () => {
    const { base, requests } = await serve((response) => response.writeHead(200, headers).write(opening + blocks[4] + blocks[5]));
    const text = await new GraphAPI({ base }).fullEvent("01a", 5);
    assert.equal(JSON.parse(text).seq, 5);
    assert.equal(requests[0].after, "4");
    assert.match(requests[0].url, /state=full/);
});

test("lists are read page by page", async () => {
    const { base, requests } = await serve((response, number) => {
        response.writeHead(200, { "Content-Type": "application/json" });
        response.end(JSON.stringify({ items: [{ id: `g${number}` }], next_cursor: number < 3 ? `g${number}` : null }));
    });
    const graphs = await new GraphAPI({ base }).listGraphs();
    assert.deepEqual(graphs.map((graph) => graph.id), ["g1", "g2", "g3"]);
    assert.match(requests[2].url, /cursor=g2/);
});

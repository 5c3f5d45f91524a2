import assert from "node:assert/strict";
import { test } from "node:test";

import { SSEParser } from "../../Sources/Console/Files/sse-parser.js";

/** What the parser makes of some chunks. */
function parse(...chunks) {
    const events = [], retries = [];
    const parser = new SSEParser({ onEvent: (event) => events.push(event), onRetry: (time) => retries.push(time) });
    for (const chunk of chunks) parser.push(chunk);
    return { events, retries, lastEventId: parser.lastEventId };
}

const bytes = (text) => new TextEncoder().encode(text);

const inputs = {
    "a stream of the daemon": 'retry: 2041\n\nid: 1\ndata: {"type":"start"}\n\n: keep-alive\n\nid: 2\ndata: {"name":"Grüße 🌊"}\n\n',
    "carriage returns": "id: 1\rdata: a\r\rid: 2\r\ndata: b\r\n\r\ndata: c\n\n",
    "a byte order mark": "\uFEFFdata: a\n\n",
    "data over several lines": "data: a\ndata:\ndata:  b\n\n",
    "fields without a colon, or unknown": "data\n\nunknown: x\nid\ndata: y\n\n",
    "an event without data": "event: ping\nid: 7\n\ndata: z\n\n",
    "a type of its own": "event: tick\ndata: 1\n\ndata: 2\n\n",
    "an id with a null character": "id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n",
    "a retry that is no number": "retry: 10s\nretry: 7\n\n",
    "an end inside an event": "data: a\n\ndata: lost\n",
};

for (const [name, text] of Object.entries(inputs)) {
    test(`${name} is parsed alike however it is split`, () => {
        const all = bytes(text), whole = parse(all);
        assert.deepEqual(parse(...[...all].map((byte) => Uint8Array.of(byte))), whole);
        for (let first = 0; first <= all.length; first += 1) {
            for (let second = first; second <= all.length; second += 1) {
                const parts = parse(all.subarray(0, first), all.subarray(first, second), all.subarray(second));
                assert.deepEqual(parts, whole, `split at ${first} and ${second}`);
            }
        }
    });
}

test("the daemon's stream gives events, the retry time and the last id", () => {
    const { events, retries, lastEventId } = parse(bytes(inputs["a stream of the daemon"]));
    assert.deepEqual(events, [
        { data: '{"type":"start"}', type: "message", lastEventId: "1" },
        { data: '{"name":"Grüße 🌊"}', type: "message", lastEventId: "2" },
    ]);
    assert.deepEqual(retries, [2041]);
    assert.equal(lastEventId, "2");
});

test("the standard's corner cases come out as it says", () => {
    const data = (name) => parse(bytes(inputs[name])).events.map((event) => event.data);
    assert.deepEqual(data("carriage returns"), ["a", "b", "c"]);
    assert.deepEqual(data("a byte order mark"), ["a"]);
    assert.deepEqual(data("data over several lines"), ["a\n\n b"]);
    assert.deepEqual(data("fields without a colon, or unknown"), ["", "y"]);
    assert.deepEqual(data("an event without data"), ["z"]);
    assert.deepEqual(data("an end inside an event"), ["a"]);
    assert.deepEqual(parse(bytes(inputs["a type of its own"])).events.map((event) => event.type), ["tick", "message"]);
    assert.equal(parse(bytes(inputs["an id with a null character"])).lastEventId, "1");
    assert.deepEqual(parse(bytes(inputs["a retry that is no number"])).retries, [7]);
    assert.equal(parse(bytes(inputs["an event without data"])).events[0].lastEventId, "7");
});

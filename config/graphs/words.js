// A worker in Node.js (millrace-worker(7)): several calls at once in one process, each of which can be cancelled.
"use strict";

const readline = require("readline");

const say = (message) => process.stdout.write(JSON.stringify(message) + "\n");

/** The calls that run, by number. */
const running = new Map();

async function count(call, signal) {
    const words = String(call.state.text ?? "").toLowerCase().match(/\p{L}+/gu) ?? [];
    const counts = new Map();
    for (const word of words) {
        counts.set(word, (counts.get(word) ?? 0) + 1);
        signal.throwIfAborted();
    }
    say({ emit: call.call, data: { distinct: counts.size } });
    const frequent = [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).slice(0, call.target?.most ?? 5);
    return { word_count: words.length, frequent: frequent.map(([word, times]) => ({ word, times })) };
}

async function answer(call) {
    const stop = new AbortController();
    running.set(call.call, stop);
    say({ began: call.call, async: true });
    try {
        say({ update: call.call, value: await count(call, stop.signal) });
    } catch (error) {
        say(stop.signal.aborted ? { cancelled: call.call } : { error: call.call, message: String(error) });
    } finally {
        running.delete(call.call);
    }
}

say({ hello: 1, name: "words.js", began: true });
readline.createInterface({ input: process.stdin }).on("line", (line) => {
    const order = JSON.parse(line);
    if (order.call) answer(order);
    if (order.cancel) running.get(order.cancel)?.abort();
}).on("close", () => process.exit(0));

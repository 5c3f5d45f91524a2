// The worker that all tabs of a browser share: it holds the one event stream for them.
//
// A tab says hello with the name of a lock that it holds. The lock becomes free when the tab is gone, however it went.

import { EventHub } from "./event-hub.js";

/** @typedef {import("./event-hub.js").Wish} Wish */

const hub = new EventHub({ url: new URL("../api/events", import.meta.url).href });

globalThis.addEventListener("connect", (event) => {
    const [port] = /** @type {MessageEvent} */ (event).ports;
    const reader = hub.attach((messages) => port.postMessage(messages));
    port.addEventListener("message", ({ data }) => {
        if (data.kind === "hello") navigator.locks?.request(data.lock, () => reader.close());
        else if (data.kind === "close") reader.close();
        else reader.wish(/** @type {Wish} */ (data));
    });
    port.start();
    // Says that the worker runs, so that a page need not guess.
    port.postMessage([]);
});

// <unloaded-files>: files of the server's graphs folder that are not in force, and why; nothing while there are none.

import { element } from "./dom.js";
import { count } from "./format.js";

/** @typedef {import("./events.js").UnloadedFile} UnloadedFile */
/** @typedef {import("./events.js").DocumentFault} DocumentFault */

/** Faults of one file that are listed. */
const FAULTS_MAX = 10;

export class UnloadedFiles extends HTMLElement {
    #list = element("ul", {});
    #summary = element("summary", {});
    #details = element("details", {}, this.#summary, this.#list);

    connectedCallback() {
        this.hidden = true;
        this.replaceChildren(this.#details);
    }

    /** @param {UnloadedFile[]} files */
    show(files) {
        this.hidden = files.length === 0;
        this.#summary.textContent = files.length === 1 ? "1 file is not in force" : `${count(files.length, "file")} are not in force`;
        this.#list.replaceChildren(...files.map((file) => element("li", {},
            element("strong", {}, file.file ?? `code of ${file.graph_id}`), ` ${words(file)}`,
            element("ul", {}, ...file.errors.slice(0, FAULTS_MAX).map((fault) => element("li", {}, sentence(fault)))))));
    }
}

/** @param {UnloadedFile} file */
function words(file) {
    return {
        refused: "was refused", waiting: "is not loaded yet", looking: "is being looked at", renamed: `is the graph ${file.graph_id}`,
    }[file.status];
}

/** @param {DocumentFault} fault */
function sentence({ pointer, message, line, column }) {
    const place = line === undefined ? "" : `line ${line}, column ${column}: `;
    return `${place}${pointer ? `${pointer}: ` : ""}${message}`;
}

customElements.define("unloaded-files", UnloadedFiles);

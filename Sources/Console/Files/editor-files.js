// Graphs as files: import and export.

import { element } from "./dom.js";
import { graphSVG } from "./graph-svg.js";
import { indented } from "./json-text.js";
import { textOf } from "./json-tree.js";
import { Problem } from "./problem.js";

/** @typedef {import("./editor-api.js").EditorAPI} EditorAPI */
/** @typedef {import("./editor-session.js").EditorSession} EditorSession */
/** @typedef {import("./json-tree.js").JSONTree} JSONTree */

/** The server takes no larger document either. */
const BYTES_MAX = 8 * 1024 * 1024;

/**
 * Lets people choose a file.
 * @returns {Promise<File | null>}
 */
export function chooseFile() {
    return new Promise((resolve) => {
        const input = element("input", { type: "file", accept: ".yaml,.yml,.json,application/json,application/yaml", hidden: true });
        input.addEventListener("change", () => {
            resolve(input.files?.[0] ?? null);
            input.remove();
        });
        input.addEventListener("cancel", () => {
            resolve(null);
            input.remove();
        });
        document.body.append(input);
        input.click();
    });
}

/**
 * The document in a file, whatever is wrong with it as a graph.
 * @param {EditorAPI} api
 * @param {File} file
 * @returns {Promise<JSONTree>}
 */
export async function readGraph(api, file) {
    if (file.size > BYTES_MAX) throw new Problem({ title: "The file is too large", detail: "A graph document has 8 MiB at most." });
    const text = await file.text();
    const check = await api.check(text, /\.json$/i.test(file.name) || /^\s*\{/.test(text) ? "json" : "yaml", "json");
    if (check.document?.kind !== "object") {
        throw new Problem({ title: `${file.name} is no graph`, detail: "It cannot be read as YAML or JSON.", errors: check.errors });
    }
    return check.document;
}

/**
 * @param {EditorAPI} api
 * @param {EditorSession} session
 * @param {"yaml" | "json" | "svg"} format
 */
export async function exportGraph(api, session, format) {
    const name = `${session.id || "graph"}.${format}`;
    if (format === "json") return download(name, "application/json", `${indented(textOf(session.document))}\n`);
    if (format === "svg") return download(name, "image/svg+xml", graphSVG(session.name, session.nodes, session.edges, session.positions));
    const { yaml } = await api.check(textOf(session.document), "json", "yaml");
    download(name, "application/yaml", yaml ?? "");
}

/** @param {string} name @param {string} type @param {string} text */
function download(name, type, text) {
    const address = URL.createObjectURL(new Blob([text], { type }));
    const link = element("a", { href: address, download: name, hidden: true });
    document.body.append(link);
    link.click();
    link.remove();
    // The browser has begun to read it by then.
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

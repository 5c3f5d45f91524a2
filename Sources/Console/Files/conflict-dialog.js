// Somebody else saved the graph meanwhile: what they did, what I did, and what becomes of both.

import { ask } from "./dialogs.js";
import { element } from "./dom.js";
import { changesBetween, summary } from "./graph-diff.js";
import { merge } from "./graph-merge.js";
import { indented } from "./json-text.js";
import { textOf } from "./json-tree.js";

/** @typedef {import("./json-tree.js").JSONTree} JSONTree */
/** @typedef {import("./graph-merge.js").Disagreement} Disagreement */
/** @typedef {import("./graph-merge.js").Side} Side */

/** What is shown of one side of a disagreement. */
const SHOWN_CHARACTERS_MAX = 2_000;

/**
 * @param {{ base: JSONTree, mine: JSONTree, theirs: JSONTree, revision: number }} sides
 * @returns {Promise<{ document: JSONTree, label: string } | null>} What the document is to be; null to leave all as it is.
 */
export async function resolveConflict({ base, mine, theirs, revision }) {
    const merged = merge(base, mine, theirs);
    /** @type {Map<string, Side>} */
    const choices = new Map();
    /** @type {HTMLElement[]} */
    const sections = [
        element("p", {}, `Somebody saved revision ${revision} while you were editing. Nothing of yours is lost.`),
        element("dl", { class: "facts-list" },
            element("dt", {}, "They"), element("dd", {}, summary(changesBetween(base, theirs))),
            element("dt", {}, "You"), element("dd", {}, summary(changesBetween(base, mine)))),
    ];
    if (merged.disagreements.length === 0) sections.push(element("p", {}, "The changes do not touch each other, so they go together."));
    else {
        sections.push(element("h3", {}, "Changed by both"), element("p", { class: "help" }, "Choose for each what a merge takes."),
            ...merged.disagreements.map((each) => disagreement(each, choices)));
    }
    const answer = await ask({
        title: "The graph has changed", class: "wide", body: sections, answers: [
            { text: "Take theirs", value: "theirs" },
            { text: "Keep mine", value: "mine" },
            { text: "Merge both", value: "merge", class: "button primary" },
        ],
    });
    if (answer === "theirs") return { document: theirs, label: "Take their revision" };
    if (answer === "mine") return { document: mine, label: "Keep mine" };
    return answer === "merge" ? { document: merged.result(choices), label: "Merge" } : null;
}

/** @param {Disagreement} each @param {Map<string, Side>} choices */
function disagreement(each, choices) {
    const what = each.of === "graph" ? `Setting ${each.id}` : `${each.of === "node" ? "Node" : "Edge"} ${each.id}${each.key ? ` · ${each.key}` : ""}`;
    const side = (/** @type {Side} */ name, /** @type {string} */ word, /** @type {JSONTree | undefined} */ tree) =>
        element("label", { class: "side" },
            element("span", {}, element("input", { type: "radio", name: each.name, value: name, checked: name === "mine", onchange: () => choices.set(each.name, name) }), ` ${word}`),
            element("pre", {}, tree === undefined ? "(removed)" : indented(textOf(tree)).slice(0, SHOWN_CHARACTERS_MAX)));
    return element("fieldset", { class: "disagreement" }, element("legend", {}, what),
        element("div", { class: "sides" }, side("mine", "Mine", each.mine), side("theirs", "Theirs", each.theirs)));
}

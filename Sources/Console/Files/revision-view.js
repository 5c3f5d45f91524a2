// Comparing revisions: what the canvas shows of a difference, and what becomes of it.

import { edgeKey } from "./editor-canvas.js";
import { changesBetween } from "./graph-diff.js";
import { edgesOf, nodesOf } from "./graph-draft.js";
import { parseTree, sharing } from "./json-tree.js";
import { filledPositions } from "./positions.js";
import { Problem } from "./problem.js";

/** @typedef {import("./editor-api.js").EditorAPI} EditorAPI */
/** @typedef {import("./editor-canvas.js").Scene} Scene */
/** @typedef {import("./editor-panes.js").RevisionPane} RevisionPane */
/** @typedef {import("./editor-session.js").EditorSession} EditorSession */
/** @typedef {import("./graph-diff.js").Change} Change */
/** @typedef {import("./json-tree.js").JSONTree} JSONTree */

export class RevisionView {
    #api;
    #pane;
    #onChange;
    #onProblem;
    /** @type {EditorSession | null} */
    #session = null;
    /** @type {{ from: number, to: number | null, before: JSONTree, after: JSONTree | null } | null} */
    #shown = null;
    /** Counts what was asked for, so that a slow answer to an earlier question is dropped. */
    #asked = 0;
    /** @type {Problem | null} */
    problem = null;

    /**
     * @param {EditorAPI} api
     * @param {RevisionPane} pane
     * @param {() => void} onChange
     * @param {(problem: Problem) => void} onProblem
     */
    constructor(api, pane, onChange, onProblem) {
        this.#api = api;
        this.#pane = pane;
        this.#onChange = onChange;
        this.#onProblem = onProblem;
        pane.onCompare = (from, to) => this.#compare(from, to);
        pane.onEnd = () => this.end();
        pane.onRestore = () => this.#restore();
    }

    get isShown() {
        return this.#shown !== null;
    }

    /** @param {EditorSession} session */
    open(session) {
        this.#session = session;
        this.end();
        this.#pane.show([], null);
    }

    /** Reads the list of revisions again. */
    async refresh() {
        const session = this.#session;
        if (!session || session.isNew) return this.#pane.show([], null);
        try {
            this.#pane.show(await this.#api.revisions(session.id), session.revision);
            this.problem = null;
        } catch (error) {
            this.#fail(error);
        }
    }

    /** @param {unknown} error */
    #fail(error) {
        this.problem = Problem.from(error);
        this.#onProblem(this.problem);
    }

    /** @param {number} from @param {number | null} to Null for the document as it is in the editor. */
    async #compare(from, to) {
        const session = this.#session, asked = (this.#asked += 1);
        if (!session) return;
        try {
            const read = async (/** @type {number} */ revision) => parseTree((await this.#api.graph(session.id, revision)).text);
            const [before, after] = await Promise.all([read(from), to === null ? null : read(to)]);
            if (asked !== this.#asked) return;
            this.#shown = { from, to, before, after };
            this.#pane.showDifference({ from, to, changes: changesBetween(before, after ?? session.document) });
            this.problem = null;
        } catch (error) {
            this.#fail(error);
        }
        this.#onChange();
    }

    end() {
        this.#asked += 1;
        if (!this.#shown) return;
        this.#shown = null;
        this.#pane.showDifference(null);
        this.#onChange();
    }

    #restore() {
        const session = this.#session, shown = this.#shown;
        if (!session || !shown) return;
        this.end();
        session.change(sharing(session.document, shown.before), `Restore revision ${shown.from}`);
    }

    /**
     * The scene with the difference in it; null if none is shown.
     * @param {Scene} scene
     * @returns {Scene | null}
     */
    scene(scene) {
        const shown = this.#shown, session = this.#session;
        if (!shown || !session) return null;
        const after = shown.after ?? session.document;
        const parts = (/** @type {JSONTree} */ tree) => {
            const nodes = nodesOf(tree).filter((node) => typeof node.id === "string"), edges = edgesOf(tree);
            return { nodes, edges, positions: filledPositions(nodes, edges, session.positions) };
        };
        const old = parts(shown.before), now = parts(after);
        /** @type {Map<string, Change>} */
        const changes = new Map();
        for (const { of, id, change } of changesBetween(shown.before, after)) {
            if (of === "node") changes.set(id, change);
            if (of === "edge") changes.set(id.replace(" → ", " "), change);
        }
        const isIn = new Set(now.nodes.map((node) => node.id));
        const hasEdge = new Set(now.edges.map(({ from, to }) => edgeKey(from, to)));
        return {
            ...scene, changes, faults: new Map(), faultyEdges: new Set(),
            label: `Difference from revision ${shown.from}. ${scene.label}`,
            nodes: [...now.nodes, ...old.nodes.filter((node) => !isIn.has(node.id))],
            edges: [...now.edges, ...old.edges.filter(({ from, to }) => !hasEdge.has(edgeKey(from, to)))],
            positions: new Map([...old.positions, ...now.positions]),
        };
    }
}

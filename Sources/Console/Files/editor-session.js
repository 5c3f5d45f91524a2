// A graph while it is edited: its document and the history of it, what is selected, what is wrong with it, what is saved.
// No DOM here; whatever happens ends in one call of `onChange`.

import { EditHistory } from "./edit-history.js";
import { placed } from "./fault-places.js";
import { widened } from "./geometry.js";
import { edgesOf, nodesOf, skeletonText, withPositions } from "./graph-draft.js";
import { at, sharing, textOf, valueOf } from "./json-tree.js";
import { filledPositions, lacksPositions } from "./positions.js";
import { Problem } from "./problem.js";

/** @typedef {import("./editor-api.js").EditorAPI} EditorAPI */
/** @typedef {import("./events.js").GraphEdge} GraphEdge */
/** @typedef {import("./events.js").GraphNode} GraphNode */
/** @typedef {import("./fault-places.js").PlacedFault} PlacedFault */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./json-tree.js").JSONTree} JSONTree */
/** @typedef {import("./schema.js").NodeKind} NodeKind */
/** @typedef {{ from: string, to: string }} Ends */
/** @typedef {"saved" | "conflict" | "refused" | "failed"} SaveResult */

/** The pause in typing after which the server is asked. */
const CHECK_MS = 250;

export class EditorSession {
    #api;
    /** @type {Map<string, Point>} Of the layout, for a document without positions. */
    #computed;
    /** @type {{ document: JSONTree | null, nodes: GraphNode[], edges: GraphEdge[], positions: Map<string, Point> }} */
    #derived = { document: null, nodes: [], edges: [], positions: new Map() };
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #timer;
    /** @type {AbortController | null} */
    #asking = null;

    /** @type {ReadonlySet<string>} */
    selection = new Set();
    /** @type {Ends | null} */
    selectedEdge = null;
    /** @type {PlacedFault[]} */
    faults = [];
    /** @type {"checking" | "valid" | "faulty" | "unknown"} */
    validity = "checking";
    /** @type {string | null} The document as YAML, or as it is being typed. */
    yaml = null;
    /** @type {string | null} Why what was typed is no YAML. */
    yamlFault = null;
    /** Whether the YAML is shown, so that it has to be kept up to date. */
    #wantsYAML = false;
    isSaving = false;
    /** @type {Problem | null} */
    problem = null;
    onChange = () => {};

    /**
     * @param {EditorAPI} api
     * @param {{ document: JSONTree, revision: number | null, kinds: NodeKind[], computed?: Map<string, Point> }} opened
     *   Without a revision, the server does not have the graph yet.
     */
    constructor(api, { document, revision, kinds, computed }) {
        this.#api = api;
        this.#computed = computed ?? new Map();
        this.kinds = kinds;
        this.kindsByName = new Map(kinds.map((kind) => [kind.name, kind]));
        this.history = new EditHistory(document);
        this.revision = revision;
        /** What the server has, or had when it was last asked. */
        this.base = document;
        if (revision === null) this.history.saved = null;
        this.#plan(0);
    }

    get document() {
        return this.history.document;
    }

    /** @returns {string} */
    get id() {
        const id = valueOf(at(this.document, ["id"]));
        return typeof id === "string" ? id : "";
    }

    /** @returns {string} */
    get name() {
        const name = valueOf(at(this.document, ["name"]));
        return typeof name === "string" && name !== "" ? name : this.id;
    }

    get isNew() {
        return this.revision === null;
    }

    get isDirty() {
        return this.history.isDirty;
    }

    get #now() {
        if (this.#derived.document !== this.document) {
            // What has no id cannot be drawn; the list of problems names it.
            const nodes = nodesOf(this.document).filter((node) => typeof node.id === "string");
            const edges = edgesOf(this.document).filter((edge) => typeof edge.from === "string" && typeof edge.to === "string");
            this.#derived = { document: this.document, nodes, edges, positions: filledPositions(nodes, edges, this.#computed) };
        }
        return this.#derived;
    }

    get nodes() {
        return this.#now.nodes;
    }

    get edges() {
        return this.#now.edges;
    }

    get positions() {
        return this.#now.positions;
    }

    /** @param {string} id */
    node(id) {
        return this.nodes.find((node) => node.id === id);
    }

    /** The one node that is selected, if it is one. */
    get selectedNode() {
        return this.selection.size === 1 ? this.node([...this.selection][0]) ?? null : null;
    }

    // Changing

    /**
     * @param {JSONTree} document
     * @param {string} label
     * @param {string | null} [group]
     */
    change(document, label, group = null) {
        if (!this.history.change(document, label, group)) return;
        this.yamlFault = null;
        this.#changed();
    }

    /** Writes down where all nodes stand, if the document does not say so yet. */
    withAllPositions() {
        return this.nodes.every((node) => node.position) ? this.document : withPositions(this.document, this.positions);
    }

    undo() {
        if (this.history.undo()) this.#changed();
    }

    redo() {
        if (this.history.redo()) this.#changed();
    }

    #changed() {
        const ids = new Set(this.nodes.map((node) => node.id));
        if ([...this.selection].some((id) => !ids.has(id))) this.selection = new Set([...this.selection].filter((id) => ids.has(id)));
        const edge = this.selectedEdge;
        if (edge && !this.edges.some(({ from, to }) => from === edge.from && to === edge.to)) this.selectedEdge = null;
        if (!this.#isTypingYAML) this.#plan(CHECK_MS);
        this.onChange();
    }

    /** @param {Iterable<string>} ids @param {Ends | null} [edge] */
    select(ids, edge = null) {
        this.selection = new Set(ids);
        this.selectedEdge = edge;
        this.history.endGroup();
        this.onChange();
    }

    // Checking

    /** @param {number} delay */
    #plan(delay) {
        clearTimeout(this.#timer);
        this.#asking?.abort();
        this.validity = "checking";
        this.#timer = setTimeout(() => this.#check(), delay);
    }

    async #check() {
        const document = this.document;
        await this.#ask(async (signal) => {
            const check = await this.#api.check(textOf(document), "json", this.#wantsYAML ? "yaml" : null, signal);
            if (check.yaml !== null) [this.yaml, this.yamlFault] = [check.yaml, null];
            this.#judge(check, document);
        });
    }

    /**
     * Asks the server, dropping the answer if something newer is asked meanwhile.
     * @param {(signal: AbortSignal) => Promise<void>} question
     */
    async #ask(question) {
        const asking = (this.#asking = new AbortController());
        try {
            await question(asking.signal);
        } catch (error) {
            if (asking.signal.aborted) return;
            this.validity = "unknown";
            if (Problem.from(error).status !== 0) this.problem = Problem.from(error);
        }
        if (!asking.signal.aborted) this.onChange();
    }

    /** @param {import("./editor-api.js").Check} check @param {JSONTree} document */
    #judge({ valid, errors }, document) {
        this.validity = valid ? "valid" : "faulty";
        const nodes = nodesOf(document);
        // That there is no node yet is seen, and no reason to complain.
        const told = errors.filter(({ pointer }) => pointer !== "/nodes" || nodes.length > 0 || at(document, ["nodes"])?.kind !== "array");
        this.faults = placed(told, nodes, edgesOf(document));
    }

    // YAML

    #isTypingYAML = false;

    /** @param {boolean} isShown */
    showYAML(isShown) {
        if (isShown === this.#wantsYAML) return;
        this.#wantsYAML = isShown;
        if (isShown) this.#plan(0);
    }

    /**
     * What was typed, to become the document once it can be read.
     * @param {string} text
     */
    typeYAML(text) {
        this.yaml = text;
        clearTimeout(this.#timer);
        this.#asking?.abort();
        this.validity = "checking";
        this.#timer = setTimeout(() => this.#ask((signal) => this.#readYAML(text, signal)), CHECK_MS);
    }

    /** @param {string} text @param {AbortSignal} signal */
    async #readYAML(text, signal) {
        const check = await this.#api.check(text, "yaml", "json", signal);
        if (check.document?.kind !== "object") {
            this.validity = "faulty";
            this.yamlFault = check.errors.map(({ pointer, message }) => (pointer ? `${pointer}: ${message}` : message)).join("\n")
                || "A graph is a mapping: id, nodes, edges.";
            return;
        }
        this.#isTypingYAML = true;
        this.yamlFault = null;
        this.change(sharing(this.document, check.document), "Edit YAML", "yaml");
        this.#isTypingYAML = false;
        this.#judge(check, this.document);
    }

    // Layout

    /**
     * Computes positions for a document that has none.
     * @returns {Promise<boolean>} Whether there are new ones.
     */
    async computePositions() {
        if (!lacksPositions(this.nodes) || this.nodes.length === 0) return false;
        this.#computed = await this.#layout();
        this.#derived.document = null;
        this.onChange();
        return true;
    }

    async layOut() {
        this.change(withPositions(this.document, await this.#layout()), "Arrange");
    }

    async #layout() {
        const computed = new Map(Object.entries(await this.#api.layout(skeletonText(this.document))));
        return widened(computed, this.edges);
    }

    // Saving

    /**
     * @returns {Promise<SaveResult>}
     */
    async save() {
        if (this.isSaving) return "failed";
        const document = this.document;
        this.isSaving = true;
        this.problem = null;
        this.onChange();
        try {
            const { revision } = await this.#api.save(this.id, textOf(document), this.revision);
            [this.revision, this.base] = [revision, document];
            this.history.markSaved(document);
            return "saved";
        } catch (error) {
            const problem = Problem.from(error);
            if (problem.status === 412) return "conflict";
            if (problem.code === "invalid_graph") {
                this.#judge({ valid: false, errors: problem.errors, yaml: null, document: null }, document);
                return "refused";
            }
            this.problem = problem;
            return "failed";
        } finally {
            this.isSaving = false;
            this.onChange();
        }
    }

    /**
     * Takes note of what the server has now, so that the next save replaces that.
     * @param {JSONTree | null} document
     * @param {number | null} revision
     */
    rebase(document, revision) {
        this.revision = revision;
        if (document) this.base = sharing(this.document, document);
        this.history.saved = document ? this.base : null;
        this.onChange();
    }

    close() {
        clearTimeout(this.#timer);
        this.#asking?.abort();
        this.onChange = () => {};
    }
}

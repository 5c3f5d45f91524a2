// <graph-editor>: the page on which a graph is drawn: toolbar, canvas, and the panel with forms, problems, YAML, revisions.

import { showShortcuts } from "./dialogs.js";
import { button, element, setText } from "./dom.js";
import * as actions from "./editor-actions.js";
import { EditorCanvas, edgeKey } from "./editor-canvas.js";
import { EditorPanel } from "./editor-panel.js";
import { FaultList, RevisionPane, YAMLPane } from "./editor-panes.js";
import { EditorKeys } from "./editor-keys.js";
import { EditorSaving } from "./editor-saving.js";
import { EditorToolbar } from "./editor-toolbar.js";
import { FrameBatch } from "./frame-batch.js";
import { GraphForm } from "./graph-form.js";
import { KindPalette, kindCard } from "./kind-palette.js";
import { EdgeForm, NodeForm } from "./node-form.js";
import { Problem } from "./problem.js";
import { ProblemList } from "./problem-list.js";
import { RevisionView } from "./revision-view.js";

/** @typedef {import("./editor-api.js").EditorAPI} EditorAPI */
/** @typedef {import("./editor-session.js").EditorSession} EditorSession */
/** @typedef {import("./fault-places.js").PlacedFault} PlacedFault */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {import("./json-tree.js").JSONTree} JSONTree */

export class GraphEditor extends HTMLElement {
    #say;
    /** @type {EditorSession | null} */
    #session = null;
    #frame = new FrameBatch(() => this.#update());
    #toolbar = new EditorToolbar({
        undo: () => this.#session?.undo(), redo: () => this.#session?.redo(), arrange: () => this.arrange(),
        save: () => this.saving.save(), run: () => this.saving.run(), problems: () => this.openPanel("problems"), panel: () => this.#togglePanel(),
        duplicate: () => this.onDuplicate(this.#session), importFile: () => this.saving.importFile(), export: (format) => this.saving.export(format),
        shortcuts: showShortcuts, remove: () => this.saving.remove(),
    });
    #problems = new ProblemList();
    #canvas = new EditorCanvas();
    #palette = new KindPalette();
    #hint = element("p", { class: "canvas-hint", role: "status", hidden: true });
    #empty = element("div", { class: "empty-graph", hidden: true });
    #nodeForm = new NodeForm();
    #edgeForm = new EdgeForm();
    #graphForm = new GraphForm();
    #many = element("div", { class: "form-many" });
    #properties = element("div", { class: "properties" });
    #faults = new FaultList();
    #yaml = new YAMLPane();
    #revisions = new RevisionPane();
    #panel = new EditorPanel([
        { name: "properties", title: "Properties", content: this.#properties }, { name: "problems", title: "Problems", content: this.#faults },
        { name: "yaml", title: "YAML", content: this.#yaml }, { name: "revisions", title: "Revisions", content: this.#revisions },
    ]);
    #keys = new EditorKeys(this);
    #comparison;
    /** A new session is fitted into view. */
    #isFitted = false;

    saving;
    /** @type {(session: EditorSession | null) => void} */
    onDuplicate = () => {};

    /** @param {EditorAPI} api @param {(text: string) => void} say To a screen reader. */
    constructor(api, say) {
        super();
        this.#say = say;
        this.saving = new EditorSaving(this, api);
        this.#comparison = new RevisionView(api, this.#revisions, () => this.#frame.request(), (problem) => this.#problems.show(problem));
    }

    connectedCallback() {
        this.#keys.listen();
        if (this.firstChild) return this.#frame.request();
        this.#palette.hidden = true;
        const add = button({ icon: "plus", text: "Add node", class: "button add-node", onclick: () => this.openPalette() });
        this.append(
            element("header", { class: "editor-head" }, this.#toolbar), this.#problems,
            element("div", { class: "editor-body" },
                element("div", { class: "editor-stage" }, this.#canvas, this.#empty, add, this.#palette, this.#hint), this.#panel));
        this.#wire();
    }

    disconnectedCallback() {
        this.#keys.ignore();
        this.#palette.hidden = true;
    }

    #wire() {
        this.#canvas.host = {
            select: (ids, edge = null) => this.#select(ids, edge),
            move: (ids, by) => this.#session && actions.moveNodes(this.#session, ids, by),
            connect: (from, to) => this.#session && this.#hintAt(actions.connect(this.#session, from, to)),
            addAt: (at, screen, port) => this.openPalette({ at, screen, port }),
            say: (text) => this.#hintAt(text),
        };
        this.#palette.onClose = () => this.#canvas.focusNode();
        this.#nodeForm.onOpenNode = this.#edgeForm.onOpenNode = (id) => this.goTo(id);
        this.#nodeForm.onOpenEdge = (from, to) => {
            this.#select([], { from, to });
            this.#edgeForm.focusField();
        };
        this.#nodeForm.onStructure = (document, ids, label) => {
            this.#session?.change(document, label);
            this.#session?.select(ids);
        };
        this.#faults.onOpen = (fault) => this.#openFault(fault);
        this.#yaml.onType = (text) => this.#session?.typeYAML(text);
        this.#panel.onClose = () => this.#togglePanel(false);
        this.#panel.onChoose = (name) => this.#chosen(name);
        this.addEventListener("dragover", (event) => {
            if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
        });
        this.addEventListener("drop", (event) => {
            const file = event.dataTransfer?.files[0];
            if (!file) return;
            event.preventDefault();
            this.saving.importFile(file);
        });
    }

    get session() {
        return this.#session;
    }

    get canvas() {
        return this.#canvas;
    }

    /** @param {EditorSession} session */
    open(session) {
        if (this.#session) this.#session.onChange = () => {};
        this.#session = session;
        session.onChange = () => this.#frame.request();
        session.showYAML(this.#panel.chosen === "yaml");
        this.#comparison.open(session);
        this.#isFitted = false;
        this.#problems.show(null);
        this.#panel.choose("properties");
        this.#update();
        session.computePositions().then((isNew) => {
            if (!isNew || session !== this.#session) return;
            this.#update();
            this.#canvas.fit();
        }).catch(() => {});
    }

    // Showing

    #update() {
        const session = this.#session;
        if (!session) return;
        this.#toolbar.show(session);
        this.#canvas.show(this.#scene(session), !this.#isFitted);
        this.#isFitted = true;
        this.#showProperties(session);
        this.#faults.show(session);
        this.#yaml.show(session);
        const number = session.faults.length;
        this.#panel.retitle("problems", number > 0 ? `Problems (${number})` : "Problems", number > 0);
        this.#problems.show(session.problem ?? this.#comparison.problem);
        this.#showEmpty(session);
        document.title = `${session.isDirty ? "• " : ""}${session.name || "Untitled"} · Edit · Millrace`;
    }

    /** @param {EditorSession} session @returns {import("./editor-canvas.js").Scene} */
    #scene(session) {
        /** @type {Map<string, number>} */
        const faults = new Map();
        const faultyEdges = new Set();
        for (const fault of session.faults) {
            if (fault.id !== null) faults.set(fault.id, (faults.get(fault.id) ?? 0) + 1);
            if (fault.edge) faultyEdges.add(edgeKey(fault.edge.from, fault.edge.to));
        }
        const scene = {
            label: `Graph ${session.name}, ${session.nodes.length} nodes. Arrow keys go from node to node, Enter edits, question mark lists all keys.`,
            nodes: session.nodes, edges: session.edges, positions: session.positions,
            kindTitle: (/** @type {string} */ kind) => session.kindsByName.get(kind)?.title ?? String(kind),
            selection: session.selection, selectedEdge: session.selectedEdge, faults, faultyEdges, changes: null,
        };
        return this.#comparison.scene(scene) ?? scene;
    }

    /** @param {EditorSession} session */
    #showProperties(session) {
        const node = session.selectedNode, edge = session.selectedEdge;
        /** @type {HTMLElement} */
        let form = this.#graphForm;
        if (node) form = this.#nodeForm;
        else if (edge) form = this.#edgeForm;
        else if (session.selection.size > 1) form = this.#many;
        if (this.#properties.firstChild !== form) this.#properties.replaceChildren(form);
        if (node) this.#nodeForm.open(session, node.id);
        else if (edge) this.#edgeForm.open(session, edge);
        else if (form === this.#many) this.#showMany(session);
        else this.#graphForm.open(session);
    }

    /** @param {EditorSession} session */
    #showMany(session) {
        this.#many.replaceChildren(
            element("header", { class: "form-head" }, element("h3", {}, `${session.selection.size} nodes`)),
            element("section", { class: "form-section" }, element("p", { class: "help" }, "Drag one of them to move all; Ctrl + C copies them."),
                element("div", { class: "dialog-answers" },
                    button({ icon: "copy", text: "Duplicate", onclick: () => this.duplicateSelected() }),
                    button({ icon: "close", text: "Delete", onclick: () => actions.deleteSelected(session) }))));
    }

    /** @param {EditorSession} session */
    #showEmpty(session) {
        const isEmpty = session.nodes.length === 0 && !this.#comparison.isShown;
        if (isEmpty && this.#empty.childElementCount === 0) {
            this.#empty.replaceChildren(element("h3", {}, "What should happen first?"),
                element("p", { class: "help" }, "Choose the first node. Then draw an edge from the dot on its right side to the next one."),
                element("div", { class: "kind-cards" }, ...session.kinds.map((kind) => kindCard(kind, () => this.#add(kind, {})))),
                element("button", { type: "button", class: "link", onclick: () => {
                    actions.addExample(session);
                    this.#frame.request();
                    this.#isFitted = false;
                } }, "Or begin with an example of three nodes"));
        } else if (!isEmpty && this.#empty.childElementCount > 0) this.#empty.replaceChildren();
        this.#empty.hidden = !isEmpty;
        if (session.nodes.length > 1 && session.edges.length === 0 && !this.#comparison.isShown) {
            this.#hintAt("Drag from the dot on the right of a node to the node that comes after it.");
        }
    }

    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #hintTimer;

    /** @param {string} text */
    #hintAt(text) {
        setText(this.#hint, text);
        this.#hint.hidden = false;
        clearTimeout(this.#hintTimer);
        this.#hintTimer = setTimeout(() => (this.#hint.hidden = true), 6_000);
    }

    // Doing

    /** @param {Iterable<string>} ids @param {import("./editor-session.js").Ends | null} edge */
    #select(ids, edge) {
        const before = this.#session?.selectedNode?.id;
        this.#session?.select(ids, edge);
        const isOne = this.#session?.selectedNode || edge;
        if (isOne && !this.#comparison.isShown && this.#panel.chosen !== "yaml") this.#panel.choose("properties");
        // What has been chosen is to be seen at once, and its form may be asked for the keyboard.
        this.#update();
        // On a narrow screen the panel hides the graph, so it comes when a node is chosen once more.
        const isNarrow = matchMedia("(max-width: 60rem)").matches;
        if (isOne && (!isNarrow || before === this.#session?.selectedNode?.id)) this.#togglePanel(true);
    }

    /** @param {string} id */
    goTo(id) {
        this.#select([id], null);
        this.#canvas.focusNode(id);
    }

    /** @param {{ at?: Point, screen?: Point, port?: { id: string, side: "in" | "out" } }} [wish] */
    openPalette(wish = {}) {
        const session = this.#session;
        if (!session) return;
        this.#comparison.end();
        const after = wish.port ? null : session.selectedNode;
        const port = wish.port ?? (after && !wish.at ? { id: after.id, side: /** @type {const} */ ("out") } : undefined);
        const note = port ? `Will be connected ${port.side === "out" ? "after" : "before"} “${session.node(port.id)?.name ?? port.id}”.` : "";
        this.#palette.open(session.kinds, note, wish.screen ?? null, (kind) => this.#add(kind, { at: wish.at, port }));
    }

    /** @param {import("./schema.js").NodeKind} kind @param {{ at?: Point, port?: { id: string, side: "in" | "out" } }} wish */
    #add(kind, wish) {
        const session = this.#session;
        if (!session) return;
        const isFirst = session.nodes.length === 0;
        const seen = this.#canvas.view.visible;
        const middle = { x: Math.round((seen.x + seen.width / 2 - 92) / 10) * 10, y: Math.round((seen.y + seen.height / 2 - 32) / 10) * 10 };
        const id = actions.addNode(session, kind, { ...wish, middle: isFirst ? { x: 80, y: 80 } : middle });
        this.#panel.choose("properties");
        this.#update();
        if (isFirst) this.#canvas.fit();
        this.#canvas.focusNode(id);
        this.#say(`Added ${kind.title}.`);
    }

    arrange() {
        const session = this.#session;
        session?.layOut().then(() => {
            this.#update();
            this.#canvas.fit();
        }).catch((error) => this.fail(error));
    }

    duplicateSelected() {
        const session = this.#session, text = session && actions.copied(session);
        if (session && text) this.pasteText(text);
    }

    /** @param {string} text @returns {boolean} Whether it was something to paste. */
    pasteText(text) {
        const session = this.#session;
        if (!session || this.#comparison.isShown) return false;
        const seen = this.#canvas.view.visible;
        const ids = actions.paste(session, text, { x: seen.x + seen.width / 3, y: seen.y + seen.height / 3 });
        if (!ids) return false;
        this.#update();
        this.#canvas.focusNode(ids[0]);
        this.#say(`Pasted ${ids.length} nodes.`);
        return true;
    }

    /**
     * Shows what went wrong.
     * @param {unknown} error
     */
    fail(error) {
        if (!this.#session) return;
        this.#session.problem = Problem.from(error);
        this.#update();
    }

    /** The graph is saved: its address and its revisions are new. */
    showSaved() {
        const session = this.#session;
        if (!session) return;
        this.#say(`Saved as revision ${session.revision}.`);
        this.#toolbar.showModes(session);
        if (this.#panel.chosen === "revisions") this.#comparison.refresh();
    }

    /** Brings the keyboard to the id of the graph. */
    askForID() {
        this.#select([], null);
        this.openPanel("properties");
        this.#graphForm.focusField(["id"]);
    }

    // The panel

    /** @param {boolean} [isOpen] */
    #togglePanel(isOpen = this.#panel.offsetParent === null) {
        this.classList.toggle("panel-closed", !isOpen);
        this.classList.toggle("panel-open", isOpen);
    }

    /** @param {string} name */
    openPanel(name) {
        this.#togglePanel(true);
        this.#panel.choose(name);
    }

    /** @param {string} name */
    #chosen(name) {
        this.#session?.showYAML(name === "yaml");
        if (name === "revisions") this.#comparison.refresh();
        else this.#comparison.end();
    }

    /** @param {PlacedFault} fault */
    #openFault(fault) {
        this.#select(fault.id === null ? [] : [fault.id], fault.edge);
        this.openPanel("properties");
        if (fault.id !== null) this.#canvas.reveal(fault.id);
        else if (fault.edge) this.#canvas.reveal(fault.edge.to);
        if (fault.id !== null) this.#nodeForm.focusField(fault.field);
        else if (fault.edge) this.#edgeForm.focusField();
        else this.#graphForm.focusField(fault.field);
    }
}

customElements.define("graph-editor", GraphEditor);

// The page: which graph or execution the address names, and what stands around it.
//
//   #/graphs/ID         a graph, ready to run
//   #/graphs/ID/in/each a graph that stands within one of its nodes
//   #/graphs/ID/edit    the same in the editor
//   #/new               a graph that is not saved yet
//   #/executions/ID     an execution, live or from the history
//   #/executions/ID/each,17   a graph that runs within one of its nodes: here of item 17 of node `each`
//   #/executions        all executions
//   #/approvals         what waits for an answer
//   #/operation         how the server does

import { AccountMenu } from "./account.js";
import { ApprovalBadge, ApprovalInbox } from "./approval-inbox.js";
import { ApprovalWatch } from "./approval-watch.js";
import "./connection-badge.js";
import { ConnectionBadge } from "./connection-badge.js";
import { element } from "./dom.js";
import { EditorPage } from "./editor-page.js";
import { ExecutionList } from "./execution-list.js";
import { GraphAPI } from "./graph-api.js";
import { GraphList } from "./graph-list.js";
import { GraphWorkspace } from "./graph-workspace.js";
import { LiveEvents } from "./live-events.js";
import { OperationPage } from "./operation-page.js";
import { Problem } from "./problem.js";
import { ProblemList } from "./problem-list.js";
import { ROOT, parsePath } from "./scope-path.js";
import { UnloadedFiles } from "./unloaded-files.js";

/**
 * @template {Element} Type
 * @param {string} selector
 * @param {{ new (): Type }} type
 * @returns {Type}
 */
function find(selector, type) {
    const found = document.querySelector(selector);
    if (!(found instanceof type)) throw new Error(`the page lacks ${selector}`);
    return found;
}

const api = new GraphAPI();
const main = find("main", HTMLElement);
const sidebar = find("#sidebar", HTMLElement);
const menu = find("#menu", HTMLButtonElement);
const graphs = find("graph-list", GraphList);
const unloaded = find("unloaded-files", UnloadedFiles);
const badge = find("connection-badge", ConnectionBadge);
const account = find("account-menu", AccountMenu);
const workspace = new GraphWorkspace(api, find("#status-line", HTMLElement));
const problems = new ProblemList();
const editing = new EditorPage(api, find("#status-line", HTMLElement));

/** Counts the addresses gone to, so that a slow answer to an earlier one is dropped. */
let visit = 0;

async function route() {
    const current = (visit += 1);
    const steps = location.hash.replace(/^#\/?/, "").split("/"), [page, id, mode] = steps.map(decodeURIComponent);
    toggleMenu(false);
    problems.show(null);
    try {
        const path = parsePath((page === "executions" ? steps[2] : mode === "in" ? steps[3] : "") ?? "") ?? ROOT;
        const isOpen = page === "executions" ? id === workspace.executionId : id === workspace.graphId && workspace.executionId === null;
        if (id && isOpen && mode !== "edit" && workspace.isConnected) return await openScope(path);
        if (page === "executions" && !id) return openAllRuns();
        if (page === "approvals") return openPage("Approvals", new ApprovalInbox(api, approvals));
        if (page === "operation") return openPage("Operation", new OperationPage(api));
        if (page === "new" || (page === "graphs" && id && mode === "edit")) return await openEditor(page === "new" ? null : id, current);
        if (page !== "executions" && !(page === "graphs" && id)) return await openFirstGraph(current);
        const opened = await (page === "executions" ? workspace.loadExecution(id) : workspace.loadGraph(id));
        if (current !== visit) return;
        if (!workspace.isConnected) main.replaceChildren(problems, workspace);
        workspace.show(opened);
        mark();
        if (path.length > 0) await openScope(path);
    } catch (error) {
        if (current === visit) showProblem(Problem.from(error));
    }
}

/** @param {import("./scope-path.js").ScopePath} path */
async function openScope(path) {
    mark();
    try {
        await workspace.openScope(path);
    } catch (error) {
        problems.show(Problem.from(error));
    }
}

/**
 * Without an address, the configured graph opens, else the first; without any graph, the editor with a new one. Unless
 * somebody has gone elsewhere meanwhile.
 * @param {number} current
 */
async function openFirstGraph(current) {
    const [loaded, start] = await Promise.all([loadGraphs(), editing.startGraph()]);
    if (current !== visit) return;
    const first = loaded.find((graph) => graph.id === start) ?? loaded[0];
    location.replace(first ? `#/graphs/${encodeURIComponent(first.id)}` : "#/new");
}

/**
 * @param {string | null} id Null for a graph that is not saved yet.
 * @param {number} current The visit.
 */
async function openEditor(id, current) {
    const session = await (id === null ? editing.loadNew() : editing.load(id));
    if (current !== visit) return;
    workspace.close();
    if (!editing.editor.isConnected) main.replaceChildren(problems, editing.editor);
    editing.editor.open(session);
    badge.follow(null);
    graphs.mark(id);
    markPage();
}

function openAllRuns() {
    const list = new ExecutionList();
    openPage("Runs", element("section", { class: "all-runs" }, element("h2", {}, "Runs"), list));
    list.open(api);
}

/** @param {string} title @param {HTMLElement} page */
function openPage(title, page) {
    workspace.close();
    main.replaceChildren(problems, page);
    document.title = `${title} · Millrace`;
    badge.follow(null);
    graphs.mark(null);
    markPage();
}

/** Marks the page in the navigation. */
function markPage() {
    for (const link of document.querySelectorAll(".page-head nav a")) {
        if (link.getAttribute("href") === location.hash) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
    }
}

/** @param {Problem} problem */
function showProblem(problem) {
    workspace.close();
    main.replaceChildren(problems);
    problems.show(problem);
    badge.follow(null);
    document.title = "Millrace";
}

/** Marks where the page is. */
function mark() {
    graphs.mark(workspace.graphId);
    markPage();
}

async function loadGraphs() {
    const loaded = await api.listGraphs();
    graphs.show(loaded);
    // The list is of use without them.
    api.unloadedFiles().then((files) => unloaded.show(files), () => {});
    return loaded;
}

/** @param {boolean} isOpen */
function toggleMenu(isOpen) {
    sidebar.classList.toggle("open", isOpen);
    menu.setAttribute("aria-expanded", String(isOpen));
}

editing.loadGraphs = loadGraphs;
graphs.onImport = () => editing.importFile();
workspace.onUpdate = (/** @type {import("./run-session.js").RunSession} */ session) => badge.follow(session.connection);
badge.open(api);
account.onSignedIn = () => {
    live.retry();
    approvals.retry();
    loadGraphs().catch(() => {});
    // What is being drawn stays; whatever else was open was refused since then.
    if (editing.editor.isConnected) return;
    workspace.close();
    route();
};
const live = new LiveEvents(api);
api.live = live;
const approvals = new ApprovalWatch(api);
find("approval-badge", ApprovalBadge).open(approvals);
live.onConnection = () => badge.followShared(live.connection);
badge.onReturn = () => {
    loadGraphs().catch(() => {});
    if (!workspace.isConnected && !editing.editor.isConnected) route();
};
menu.addEventListener("click", () => toggleMenu(menu.getAttribute("aria-expanded") !== "true"));
addEventListener("keydown", (event) => {
    if (event.key === "Escape") toggleMenu(false);
});
find("#skip", HTMLButtonElement).addEventListener("click", () => main.focus());
addEventListener("hashchange", route);
addEventListener("pagehide", () => workspace.close());
// A page that comes back from the browser's cache has lost its stream.
addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
});

await account.open(api);
approvals.retry();
loadGraphs().catch((error) => showProblem(Problem.from(error)));
route();

import Executions
import Graphs
import HTTP
import JSON

/// Running an execution again, as a new one that takes over what need not run again.
enum RerunRoutes {
    /// What the body may say.
    private struct Order: Sendable {
        var start: RerunStart?
        var startIsList = false
        var edits: JSONObject = [:]
        var itemsAreFailedOnes = false
        var path: JSONText?
        var revision: Int?
    }

    private struct Prepared: Sendable {
        let graph: GraphRevision
        let plan: RerunPlan
    }

    static func rerun(_ call: Call) throws(Problem) {
        let source = try ExecutionRoutes.id(call)
        let order = try order(call.request)
        let (store, catalog) = (call.server.store, call.server.catalog)
        call.then(
            on: call.server.lanes.computing,
            { () throws(Problem) in try prepare(source, order, store, catalog) },
            { (call, prepared) throws(Problem) in
                let origin = ExecutionOrigin(
                    rerunOf: source, rerunFrom: prepared.plan.record?.text, traceparent: call.trace?.description,
                    startedBy: call.access.starter)
                let log = try StartRoutes.start(prepared.graph, call, origin: origin, rerun: prepared.plan)
                call.server.hub.whenStored(log.change, of: log) { StartRoutes.accept(log, call) }
            })
    }

    private static func prepare(
        _ source: ExecutionID, _ order: Order, _ store: any ExecutionStore, _ catalog: GraphCatalog
    ) throws(Problem) -> Prepared {
        guard let summary = try ExecutionRoutes.read({ () throws(StoreError) in try store.execution(source) }) else {
            throw ExecutionRoutes.unknown(source)
        }
        guard summary.status.isFinished else {
            throw Problem(409, "execution_running", "Execution \(source) has not ended; cancel it or wait for its end.")
        }
        let revision = order.revision ?? summary.graphRevision
        let found = try ExecutionRoutes.read { () throws(StoreError) in
            try catalog.runnable(revision, of: summary.graphID)
        }
        guard let (graph, failure) = found else {
            throw Problem(404, "unknown_revision", "Graph \(summary.graphID) has no revision \(revision).")
        }
        if let failure { throw Problem(409, "revision_not_runnable", "\(failure).") }
        try check(order, on: graph, of: summary.graphID)
        do {
            guard let results = try ExecutionResults(of: source, for: order.start, in: store, catalog) else {
                throw ExecutionRoutes.unknown(source)
            }
            if order.start == .failed, results.failedNodes.isEmpty, results.isComplete {
                throw invalid("/from_node", "no node of the execution has failed")
            }
            if case .step(let id, let index) = order.start {
                guard results.steps?.isFound == true else {
                    throw invalid("/path", "the execution has begun no step \(index) of \(id)")
                }
                guard results.steps?.isTooLarge == false else {
                    throw invalid("/path", "the steps before it hold more than can be taken over")
                }
            }
            let plan = RerunPlan(results, on: graph.graph, from: order.start, edits: order.edits)
            let unfit = StartRoutes.unfit(plan.initialState, for: graph.graph, at: "state")
            guard unfit.isEmpty else { throw StartRoutes.invalid(unfit) }
            return Prepared(graph: graph, plan: plan)
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(503, "store_unavailable", "\(error)", headers: ["Retry-After": "5"])
        }
    }

    private static func check(_ order: Order, on graph: GraphRevision, of graphID: String) throws(Problem) {
        if case .failedItems(let id) = order.start {
            guard let rank = graph.graph.rank(ofNode: id) else {
                throw invalid(
                    "/from_node", "there is no such node in revision \(graph.identity.revision) of \(graphID)")
            }
            guard graph.graph.nodes[rank].kind == "map" else { throw invalid("/items", "\(id) is no map") }
        }
        if case .step(let id, _) = order.start {
            guard let rank = graph.graph.rank(ofNode: id) else {
                throw invalid(
                    "/from_node", "there is no such node in revision \(graph.identity.revision) of \(graphID)")
            }
            guard graph.hostRanks.contains(rank) else { throw invalid("/path", "\(id) is no langgraph node") }
        }
        guard case .nodes(let ids) = order.start else { return }
        for (index, id) in ids.enumerated() where graph.graph.rank(ofNode: id) == nil {
            throw invalid(
                order.startIsList ? "/from_node/\(index)" : "/from_node",
                "there is no such node in revision \(graph.identity.revision) of \(graphID)")
        }
    }

    /// One id, a list of ids, or the word `failed`.
    private static func start(_ value: JSONText) throws(Problem) -> RerunStart {
        if let word = value.string { return word == "failed" ? .failed : .nodes([word]) }
        guard let elements = value.array, !elements.isEmpty, elements.count <= GraphBounds.nodeCountCeiling else {
            throw invalid("/from_node", "must be a node's id, a list of ids, or \"failed\"")
        }
        var ids: [String] = []
        for (index, element) in elements.enumerated() {
            guard let id = element.string else { throw invalid("/from_node/\(index)", "must be a node's id") }
            ids.append(id)
        }
        return .nodes(ids)
    }

    private static func order(_ request: Request) throws(Problem) -> Order {
        guard !request.body.isEmpty else { return Order() }
        let members: JSONObject
        do {
            members = try JSONObject(parsing: request.body)
        } catch {
            throw Problem(400, "invalid_json", "The body is no JSON object: \(error.message).")
        }
        var order = Order()
        for (key, value) in members {
            switch key.string {
            case "from_node":
                order.start = try start(value)
                order.startIsList = value.kind == .array
            case "items":
                guard value.string == "failed" else { throw invalid("/items", "must be \"failed\"") }
                order.itemsAreFailedOnes = true
            case "path": order.path = value
            case "state":
                guard let state = value.object else { throw invalid("/state", "must be an object") }
                order.edits = state
            case "revision":
                guard let number = value.int, number > 0 else {
                    throw invalid("/revision", "must be a whole number > 0")
                }
                order.revision = number
            default:
                throw invalid(
                    JSONPointer([key.string]).description,
                    "unknown key; from_node, path, items, state and revision are known"
                )
            }
        }
        if let path = order.path {
            guard case .nodes(let ids) = order.start, ids.count == 1, !order.itemsAreFailedOnes else {
                throw invalid("/path", "needs from_node, the id of a langgraph node")
            }
            guard let parts = path.array, parts.count == 2, parts[0].string == ids[0], let index = parts[1].int,
                index >= 0
            else { throw invalid("/path", "must be a list of from_node and the number of a step") }
            order.start = .step(of: ids[0], index: index)
        }
        guard order.itemsAreFailedOnes else { return order }
        guard case .nodes(let ids) = order.start, ids.count == 1 else {
            throw invalid("/items", "needs from_node, the id of a map")
        }
        order.start = .failedItems(of: ids[0])
        return order
    }

    private static func invalid(_ pointer: String, _ message: String) -> Problem {
        StartRoutes.invalid([.init(pointer: pointer, message: message)])
    }
}

extension ExecutionResults {
    /// Reads what a stored execution has brought; nil if it is not there. Blocks.
    package init?(
        of id: ExecutionID, for start: RerunStart? = nil, in store: any ExecutionStore, _ catalog: GraphCatalog
    ) throws {
        guard let summary = try store.execution(id),
            let revision = try catalog.revision(summary.graphRevision, of: summary.graphID)
        else { return nil }
        self.init(of: revision.graph, for: start)
        try store.forEachRecord(of: id) { take($0) }
    }
}

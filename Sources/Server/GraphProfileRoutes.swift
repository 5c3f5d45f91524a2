import Executions
import HTTP
import JSON

/// How long the nodes of a graph took over its last executions.
enum GraphProfileRoutes {
    /// The default of `last`.
    private static let lastDefault = 50

    static func read(_ call: Call) throws(Problem) {
        let id = call.parameter("id")
        let last = try call.number("last", in: 1...500, default: lastDefault)
        let scan = GraphScan(graphID: id, last: last, store: call.server.store, catalog: call.server.catalog)
        call.offload(scan) { scan throws(Problem) in
            try scan.step() ? nil : .json(json(scan))
        }
    }

    private static func json(_ scan: GraphScan) -> JSONObject {
        let profile = scan.profile
        return [
            "graph_id": JSONText(scan.graphID), "executions": JSONText(profile.executions),
            "truncated": JSONText(scan.isTruncated), "nodes": JSONText(array: profile.nodes.map(json)),
            "slower": JSONText(array: profile.slower.map(slower)),
        ]
    }

    private static func json(_ node: GraphProfile.Node) -> JSONText {
        let medians = node.medians
        return [
            "node_id": JSONText(node.id), "node_name": JSONText(node.name), "node_kind": JSONText(node.kind),
            "runs": JSONText(node.runs), "errors": JSONText(node.errors),
            "run_p50_ms": JSONText(milliseconds: node.run(percentile: 50)),
            "run_p95_ms": JSONText(milliseconds: node.run(percentile: 95)),
            "queue_p50_ms": JSONText(milliseconds: node.queue(percentile: 50)),
            "queue_p95_ms": JSONText(milliseconds: node.queue(percentile: 95)),
            "earlier_run_p50_ms": medians.map { JSONText(milliseconds: $0.earlier) } ?? .null,
            "recent_run_p50_ms": medians.map { JSONText(milliseconds: $0.recent) } ?? .null,
            "change": node.factor.map { rounded($0 - 1) } ?? .null,
        ]
    }

    private static func slower(_ node: GraphProfile.Node) -> JSONText {
        let medians = node.medians ?? (0, 0)
        return [
            "node_id": JSONText(node.id), "earlier_run_p50_ms": JSONText(milliseconds: medians.earlier),
            "recent_run_p50_ms": JSONText(milliseconds: medians.recent), "factor": rounded(node.factor ?? 1),
        ]
    }

    private static func rounded(_ value: Double) -> JSONText {
        JSONText((value * 10_000).rounded() / 10_000)
    }
}

/// Reads the last finished executions of a graph, the newest first. It blocks.
private struct GraphScan: Sendable {
    /// Of all records that one answer may read: a second or two of work.
    private static let bytesMax = 64 << 20

    let graphID: String
    let last: Int
    let store: any ExecutionStore
    let catalog: GraphCatalog
    private(set) var profile = GraphProfile()
    /// Whether there was more to read than one answer may.
    private(set) var isTruncated = false
    /// Nil before the first step.
    private var pending: ArraySlice<ExecutionSummary>?
    private var current: (scan: LogScan, builder: ProfileBuilder)?
    private var bytes = 0

    init(graphID: String, last: Int, store: any ExecutionStore, catalog: GraphCatalog) {
        self.graphID = graphID
        self.last = last
        self.store = store
        self.catalog = catalog
    }

    /// - Returns: false once all was read.
    mutating func step() throws(Problem) -> Bool {
        guard pending != nil else {
            pending = try executions()[...]
            return true
        }
        if current != nil { return try readOn() }
        guard let next = pending?.popFirst() else { return false }
        guard bytes < Self.bytesMax else {
            isTruncated = true
            return false
        }
        let revision = try ExecutionRoutes.read { () throws(StoreError) in
            try catalog.revision(next.graphRevision, of: graphID)
        }
        // One of a revision that is not kept any more has nothing to be compared with.
        guard let revision else { return true }
        let log = EventLog(stored: next, graph: revision)
        current = (LogScan(log, from: store), ProfileBuilder(graph: revision.graph))
        return true
    }

    private mutating func readOn() throws(Problem) -> Bool {
        guard var (scan, builder) = current else { return true }
        current = nil
        do throws(Problem) {
            if try scan.readPiece({ builder.add($0) }) {
                current = (scan, builder)
                return true
            }
        } catch {
            // It was deleted in the meantime, or its events are no longer kept.
            guard [404, 410].contains(error.details.status) else { throw error }
            return true
        }
        bytes += scan.bytes
        let read = builder.profile(nowMicroseconds: 0)
        if read.isFinal { profile.add(read, of: scan.log.graph.graph) }
        return true
    }

    /// The last finished ones.
    private func executions() throws(Problem) -> [ExecutionSummary] {
        var found: [ExecutionSummary] = []
        for status in ExecutionStatus.allCases where status.isFinished {
            let query = ExecutionQuery(graphID: graphID, status: status, limit: last)
            found += try ExecutionRoutes.read { () throws(StoreError) in try store.executions(query) }
        }
        if found.isEmpty, catalog.current(graphID) == nil {
            let known = try ExecutionRoutes.read { () throws(StoreError) in try catalog.revisions(of: graphID) }
            if known.isEmpty { throw GraphRoutes.unknown(graphID) }
        }
        return Array(found.sorted { $0.id > $1.id }.prefix(last))
    }
}

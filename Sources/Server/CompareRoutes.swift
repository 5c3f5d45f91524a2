import Auth
import Executions
import Graphs
import HTTP
import JSON

/// Two executions of one graph, side by side.
enum CompareRoutes {
    static func compare(_ call: Call) throws(Problem) {
        let text = call.parameter("other")
        guard let other = ExecutionID(text) else {
            throw Problem(
                404, "unknown_execution", "\(text.prefix(80)) is no execution's id, which is a UUID of version 7.")
        }
        try ExecutionRoutes.withLogs([try ExecutionRoutes.id(call), other], call) { (call, logs) throws(Problem) in
            let graphs = logs.map(\.graph.identity.id)
            guard call.access.allows(graph: graphs[1]) else { throw ExecutionRoutes.unknown(other) }
            guard graphs[0] == graphs[1] else {
                throw Problem(
                    422, "other_graph",
                    "Execution \(logs[0].id) ran graph \(graphs[0]), and \(other) ran \(graphs[1]): runs of one graph are "
                        + "compared.")
            }
            call.offload(RunComparison(logs[0], logs[1], from: call.server.store)) { work throws(Problem) in
                if try work.step() { return nil }
                guard work.json.byteCount <= RunComparison.answerBytesMax else { throw RunComparison.tooLarge }
                return .json(work.json)
            }
        }
    }
}

/// Reads two executions, and finds what differs node by node.
struct RunComparison: Sendable {
    /// Updates of both that are held, and what an answer may hold.
    static let bytesMax = 64 << 20
    static let answerBytesMax = 64 << 20

    static let tooLarge = Problem(
        413, "comparison_too_large", "What the two runs have to compare passes 64 MiB; compare nodes one by one.")

    private let logs: [EventLog]
    private var scans: [LogScan]
    private var traces: [RunTrace]
    /// Nodes of the first run in topological order, then those that only the second has.
    private let nodeIDs: [String]
    private var compared: [JSONText] = []
    private var partsAt: JSONObject?
    private(set) var json = JSONObject()

    init(_ first: EventLog, _ second: EventLog, from store: any ExecutionStore) {
        logs = [first, second]
        scans = logs.map { LogScan($0, from: store) }
        traces = logs.map { RunTrace(graph: $0.graph.graph) }
        let known = first.graph.graph
        nodeIDs =
            known.nodes.map(\.id)
            + second.graph.graph.nodes.map(\.id).filter { known.rank(ofNode: $0) == nil }
    }

    /// Does some more.
    /// - Returns: whether there is more to do.
    mutating func step() throws(Problem) -> Bool {
        for side in 0...1 {
            var (scan, trace) = (scans[side], traces[side])
            let isMore = try scan.readPiece { trace.add($0) }
            (scans[side], traces[side]) = (scan, trace)
            guard traces[0].bytes + traces[1].bytes <= Self.bytesMax else { throw Self.tooLarge }
            if isMore { return true }
        }
        guard compared.count < nodeIDs.count else {
            json = whole
            return false
        }
        // A hundred nodes, or one whose update is large.
        var bytes = 0
        for id in nodeIDs[compared.count...].prefix(100) where bytes < LogScan.smallPieceBytesMax {
            bytes += compare(id)
        }
        return true
    }

    /// - Returns: how much was looked at.
    private mutating func compare(_ id: String) -> Int {
        let ranks = traces.map { $0.graph.rank(ofNode: id) }
        let nodes = zip(traces, ranks).map { trace, rank in rank.map { trace.nodes[$0] } }
        let node = zip(traces, ranks).lazy.compactMap { trace, rank in rank.map { trace.graph.nodes[$0] } }.first
        var members: JSONObject = [
            "node_id": JSONText(id), "node_name": node.map { JSONText($0.name) } ?? .null,
            "first": Self.json(nodes[0]), "second": Self.json(nodes[1]), "diff": .null,
        ]
        var what: String?
        if let first = nodes[0], let second = nodes[1] {
            let diff = JSONPatch.diff(from: JSONText(first.update), to: JSONText(second.update))
            members["diff"] = diff
            if first.progress != second.progress {
                what = "status"
            } else if first.error != second.error {
                what = "error"
            } else if diff.array?.isEmpty == false {
                what = "update"
            }
        } else {
            what = "graph"
        }
        members["differs"] = JSONText(what != nil)
        if let what, partsAt == nil { partsAt = ["node_id": JSONText(id), "what": JSONText(what)] }
        compared.append(JSONText(members))
        return nodes.reduce(0) { $0 + ($1?.update.byteCount ?? 0) }
    }

    private var whole: JSONObject {
        let initial = JSONPatch.diff(from: JSONText(traces[0].initialState), to: JSONText(traces[1].initialState))
        let begins: JSONObject? =
            initial.array?.isEmpty == false ? ["node_id": .null, "what": "initial_state"] : nil
        return [
            "graph_id": JSONText(logs[0].graph.identity.id), "first": Self.json(logs[0], traces[0]),
            "second": Self.json(logs[1], traces[1]), "parts_at": (begins ?? partsAt).map { JSONText($0) } ?? .null,
            "nodes": JSONText(array: compared), "initial_state_diff": initial,
            "final_state_diff": JSONPatch.diff(from: traces[0].final.text, to: traces[1].final.text),
        ]
    }

    private static func json(_ log: EventLog, _ trace: RunTrace) -> JSONText {
        [
            "execution_id": JSONText(log.id.description), "graph_revision": JSONText(log.graph.identity.revision),
            "status": JSONText(log.summary.status.rawValue),
            "duration_ms": trace.durationMicroseconds.map { JSONText(milliseconds: $0) } ?? .null,
        ]
    }

    private static func json(_ node: RunTrace.Node?) -> JSONText {
        guard let node else { return .null }
        var members: JSONObject = [
            "status": JSONText(node.progress.rawValue), "attempts": JSONText(node.attempts),
            "queue_ms": JSONText(milliseconds: node.queueMicroseconds),
            "duration_ms": JSONText(milliseconds: node.durationMicroseconds),
            "wait_ms": JSONText(milliseconds: node.waitMicroseconds),
        ]
        if let error = node.error { members["error"] = JSONText(error) }
        return JSONText(members)
    }
}

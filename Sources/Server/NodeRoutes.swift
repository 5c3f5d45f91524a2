import Executions
import Graphs
import HTTP
import JSON

/// What one node did in an execution.
enum NodeRoutes {
    /// What an answer may hold; two states of the largest size are more than most clients want to read at once.
    private static let answerBytesMax = 64 << 20

    static func read(_ call: Call) throws(Problem) {
        let detail = try EventRoutes.detail(call.request)
        let nodeID = call.parameter("node_id")
        let path = try path(call.request)
        guard path.isEmpty else { return try readScoped(call, nodeID, path, detail) }
        try ExecutionRoutes.withLog(call) { (call, log) throws(Problem) in
            let rank = try rank(ofNode: nodeID, in: log)
            let inspection = NodeInspection(graph: log.graph.graph, rank: rank)
            call.offload((scan: LogScan(log, from: call.server.store), inspection: inspection)) {
                work throws(Problem) in
                if try work.scan.readPiece({ work.inspection.add($0) }) { return nil }
                return try answer(work.inspection, log, log.graph, [], detail)
            }
        }
    }

    /// `?path=`; empty for the execution itself.
    static func path(_ request: Request) throws(Problem) -> [PathStep] {
        try request.queryValue("path").map { text throws(Problem) in try PathStep.steps(text) } ?? []
    }

    static func rank(ofNode id: String, in log: EventLog) throws(Problem) -> Int {
        guard let rank = log.graph.graph.rank(ofNode: id) else {
            throw Problem(
                404, "unknown_node",
                "Revision \(log.graph.identity.revision) of graph \(log.graph.identity.id) has no node "
                    + "\(id.prefix(80)).")
        }
        return rank
    }

    private static func readScoped(
        _ call: Call, _ nodeID: String, _ path: [PathStep], _ detail: StateDetail
    ) throws(Problem) {
        try ExecutionRoutes.withLog(call) { (call, log) throws(Problem) in
            let (store, graphs) = (call.server.store, call.server.service.environment.innerGraphs)
            let work: (work: ScopedInspection, revision: GraphRevision)? = nil
            call.offload(work) { work throws(Problem) in
                guard work != nil else {
                    let finder = ScopeFinder(log: log, store: store, graphs: graphs)
                    let links = try finder.links(path)
                    let revision = links[links.count - 1].revision
                    let rank = try finder.rank(of: nodeID, in: revision)
                    work = (
                        ScopedInspection(
                            LogScan(log, from: store, pieceBytes: LogScan.smallPieceBytesMax), links, rank: rank),
                        revision
                    )
                    return nil
                }
                if try work?.work.step() == true { return nil }
                guard let work else { return nil }
                return try answer(work.work.inspection, log, work.revision, path, detail)
            }
        }
    }

    private static func answer(
        _ inspection: NodeInspection, _ log: EventLog, _ revision: GraphRevision, _ path: [PathStep],
        _ detail: StateDetail
    ) throws(Problem) -> Response {
        let answer = json(inspection, log, revision, path, detail)
        guard answer.byteCount <= answerBytesMax else {
            throw Problem(
                413, "node_too_large", "The answer would pass 64 MiB; ask with ?state=update or ?state=none.")
        }
        return .json(answer)
    }

    private static func json(
        _ inspection: NodeInspection, _ log: EventLog, _ revision: GraphRevision, _ path: [PathStep],
        _ detail: StateDetail
    ) -> JSONObject {
        let graph = revision.graph
        let node = graph.nodes[inspection.rank]
        let showsUpdate = detail != .none
        let completion = inspection.completion
        let taken = graph.targets(of: completion?.taken ?? []).map { JSONText(graph.nodes[$0].id) }
        var object: JSONObject = [
            "execution_id": JSONText(log.id.description), "graph_id": JSONText(log.graph.identity.id),
            "graph_revision": JSONText(log.graph.identity.revision), "path": PathStep.json(path),
            "node_id": JSONText(node.id),
            "node_name": JSONText(node.name), "node_kind": JSONText(node.kind),
            "status": JSONText(inspection.progress.rawValue),
            "input_state": detail == .full ? inspection.input?.text ?? .null : .null,
            "output_state": detail == .full ? inspection.output?.text ?? .null : .null,
            "update": showsUpdate ? completion.map { JSONText($0.update) } ?? .null : .null,
            "diff": showsUpdate ? inspection.diff ?? .null : .null,
            "attempts": JSONText(array: inspection.attempts.map { json($0, showsUpdate: showsUpdate) }),
            "logs": JSONText(array: inspection.logs.map(json)),
            "logs_truncated": JSONText(inspection.logsTruncated),
            "started_at": inspection.startedAt.map { JSONText(timestamp: $0) } ?? .null,
            "ended_at": inspection.endedAt.map { JSONText(timestamp: $0) } ?? .null,
            "queue_ms": JSONText(milliseconds: inspection.queueTime),
            "duration_ms": JSONText(milliseconds: inspection.runTime),
            "retry_wait_ms": JSONText(milliseconds: inspection.retryWait),
            "wait_ms": JSONText(milliseconds: inspection.waitTime), "taken": JSONText(array: taken),
        ]
        // A node can end in error without an attempt: by the condition of an edge.
        if let error = completion?.error { object["error"] = JSONText(error) }
        if let completion, !completion.details.isEmpty { object["details"] = JSONText(completion.details) }
        return object
    }

    private static func json(_ attempt: NodeInspection.Attempt, showsUpdate: Bool) -> JSONText {
        let completion = attempt.completion
        var object: JSONObject = [
            "attempt": JSONText(attempt.number), "status": JSONText(attempt.progress.rawValue),
            "started_at": JSONText(timestamp: attempt.startedAt),
            "ended_at": attempt.endedAt.map { JSONText(timestamp: $0) } ?? .null,
            "queue_ms": completion.map { JSONText(milliseconds: $0.queueMicroseconds) } ?? .null,
            "duration_ms": completion.map { JSONText(milliseconds: $0.durationMicroseconds) } ?? .null,
            "update": showsUpdate ? completion.map { JSONText($0.update) } ?? .null : .null,
        ]
        if let error = completion?.error {
            object["error"] = JSONText(error)
            object["details"] = completion.map { JSONText($0.details) }
        }
        if completion?.willRetry == true { object["will_retry"] = true }
        return JSONText(object)
    }

    private static func json(_ log: NodeInspection.Log) -> JSONText {
        [
            "seq": JSONText(log.seq), "timestamp": JSONText(timestamp: log.timestamp),
            "attempt": JSONText(log.attempt), "channel": JSONText(log.channel), "data": log.data,
        ]
    }
}

import Auth
import Executions
import HTTP
import JSON

/// Executions in the words of the classic API.
enum ClassicExecutions {
    /// What a token for several graphs sees by pages: its list is put together of those of the graphs.
    private static let mergedMax = 10_000

    static func list(_ call: Call) throws(Problem) {
        let page = try call.number("page", in: 1...1_000_000_000, default: 1)
        let size = try call.number("page_size", in: 1...500, default: 20)
        var query = ExecutionQuery(graphID: call.request.option("graph_id"), limit: size)
        query.skipped = (page - 1) * size
        let (graphs, store) = (call.access.graphs, call.server.store)
        if graphs != nil, query.skipped + size > mergedMax {
            throw Problem(
                400, "invalid_parameter", "A token for some graphs sees the first \(mergedMax) executions by pages.")
        }
        call.offload { [query] () throws(Problem) in
            let (found, total) = try fetch(query, of: graphs, store)
            return .json(
                [
                    "executions": JSONText(array: found.map { JSONText(summary($0)) }), "total": JSONText(total),
                    "page": JSONText(page), "page_size": JSONText(size),
                ] as JSONObject)
        }
    }

    /// Blocks.
    private static func fetch(
        _ query: ExecutionQuery, of graphs: Set<String>?, _ store: any ExecutionStore
    ) throws(Problem) -> (found: [ExecutionSummary], total: Int) {
        try ExecutionRoutes.read { () throws(StoreError) in
            guard let graphs else {
                return (try store.executions(query), try store.executionCount(ofGraph: query.graphID))
            }
            var (found, total): ([ExecutionSummary], Int) = ([], 0)
            for graph in graphs where query.graphID == nil || query.graphID == graph {
                found += try store.executions(ExecutionQuery(graphID: graph, limit: query.skipped + query.limit))
                total += try store.executionCount(ofGraph: graph)
            }
            return (Array(found.sorted { $0.id > $1.id }.dropFirst(query.skipped).prefix(query.limit)), total)
        }
    }

    static func read(_ call: Call) throws(Problem) {
        try ExecutionRoutes.withLog(call) { (call, log) in respond(log, call) }
    }

    /// Answers with the execution as far as it has come, and what has happened so far.
    static func respond(_ log: EventLog, _ call: Call, status: Status = 200) {
        let (store, graphs) = (call.server.store, call.server.service.environment.innerGraphs)
        let (last, summary) = (max(log.visibleSeq, 0), log.summary)
        call.offload(on: call.server.lanes.computing) { () throws(Problem) in
            let history = try EventRoutes.array(of: log, .classic, through: last, from: store, graphs)
            let state = summary.status.isFinished ? try finalState(of: log, in: store) : .null
            return .json(
                self.summary(summary, final: state, history: history), status: status,
                headers: ["Content-Location": "/classic/api/executions/\(log.id)"])
        }
    }

    private static func finalState(of log: EventLog, in store: any ExecutionStore) throws(Problem) -> JSONText {
        do {
            return try ExecutionRoutes.finalState(of: log, in: store)
        } catch {
            throw Problem(503, "store_unavailable", "\(error)", headers: ["Retry-After": "5"])
        }
    }

    private static func summary(
        _ summary: ExecutionSummary, final state: JSONText? = nil, history: JSONText? = nil
    ) -> JSONObject {
        var object: JSONObject = [
            "execution_id": JSONText(summary.id.description), "graph_id": JSONText(summary.graphID),
            "status": JSONText(summary.status.rawValue),
        ]
        if let state { object["final_state"] = state }
        if let history { object["execution_history"] = history }
        object["duration_ms"] = summary.durationMicroseconds.map { JSONText(milliseconds: $0) } ?? .null
        object["started_at"] = summary.startedAtMicroseconds.map { JSONText(timestamp: $0) } ?? .null
        object["completed_at"] = summary.endedAtMicroseconds.map { JSONText(timestamp: $0) } ?? .null
        return object
    }
}

import Executions
import Graphs
import HTTP
import JSON

/// The items of a map, the iterations of a repeat, or the one scope of a graph.
enum ItemRoutes {
    private static let limitUsual = 50
    private static let limitMax = 500

    static func list(_ call: Call) throws(Problem) {
        let nodeID = call.parameter("node_id")
        let path = try NodeRoutes.path(call.request)
        var query = ScopeQuery(progress: try progress(call.request))
        query.limit = try call.number("limit", in: 1...limitMax, default: limitUsual)
        if let text = call.request.option("cursor") {
            guard let after = Int(text), after >= 0 else {
                throw Problem(400, "invalid_cursor", "cursor must be one that an answer has given.")
            }
            query.after = after
        }
        try ExecutionRoutes.withLog(call) { [query] (call, log) throws(Problem) in
            let (store, graphs) = (call.server.store, call.server.service.environment.innerGraphs)
            call.then(
                on: call.server.lanes.store,
                { () throws(Problem) in
                    let finder = ScopeFinder(log: log, store: store, graphs: graphs)
                    let links = try finder.links(path)
                    let rank = try finder.rank(of: nodeID, in: links.last?.revision ?? log.graph)
                    let node = NodeRef(scope: links.last?.scope ?? 0, rank: rank)
                    return try ExecutionRoutes.read { () throws(StoreError) in
                        try store.scopes(of: log.id, in: node, query)
                    }
                },
                { (call, page) throws(Problem) in respond(call, page) })
        }
    }

    private static func respond(_ call: Call, _ page: ScopePage) {
        var headers: HeaderFields = [:]
        if let next = page.next { headers.add("Link", call.request.nextLink(cursor: String(next))) }
        let body: JSONObject = [
            "items": JSONText(array: page.scopes.map(json)),
            "next_cursor": page.next.map { JSONText(String($0)) } ?? .null,
        ]
        call.respond(.json(body, headers: headers))
    }

    private static func progress(_ request: Request) throws(Problem) -> NodeProgress? {
        guard let text = request.queryValue("status") else { return nil }
        let known: [NodeProgress] = [.running, .success, .error, .cancelled, .cached]
        guard let progress = NodeProgress(rawValue: text), known.contains(progress) else {
            throw Problem(
                400, "invalid_parameter", "status must be running, success, error, cancelled or cached.")
        }
        return progress
    }

    private static func json(_ scope: StoredScope) -> JSONText {
        var object: JSONObject = [
            "index": scope.index.map { JSONText($0) } ?? .null, "status": JSONText(scope.progress.rawValue),
            "started_at": JSONText(timestamp: scope.openedAtMicroseconds),
            "duration_ms": scope.durationMicroseconds.map { JSONText(milliseconds: $0) } ?? .null,
            "first_seq": JSONText(scope.firstSeq), "last_seq": scope.lastSeq.map { JSONText($0) } ?? .null,
        ]
        if let error = scope.error { object["error"] = JSONText(error) }
        return JSONText(object)
    }
}

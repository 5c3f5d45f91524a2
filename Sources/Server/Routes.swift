import Auth
import Executions
import HTTP

/// The API, path by path. `openapi.json` describes the same; a test compares them.
enum Routes {
    static func router() -> Router<Endpoint> {
        var router = Router<Endpoint>()
        addGraphs(to: &router)
        router.add(.get, "/api/node-kinds", needs: .read, reach: .nothing, GraphRoutes.kinds)
        router.add(.post, "/api/layout", needs: .read, reach: .nothing, GraphRoutes.layout)
        addExecutions(to: &router)
        router.add(.get, "/api/tokens", needs: .admin, TokenRoutes.list)
        router.add(.post, "/api/tokens", needs: .admin, change: "token.create", TokenRoutes.create)
        router.add(.delete, "/api/tokens/{id}", needs: .admin, change: "token.revoke", TokenRoutes.revoke)
        router.add(.get, "/api/session", needs: nil, reach: .nothing, SessionRoutes.read)
        router.add(.post, "/api/session", needs: nil, reach: .nothing, change: "session.open", SessionRoutes.open)
        router.add(.delete, "/api/session", needs: nil, reach: .nothing, change: "session.close", SessionRoutes.close)
        ClassicRoutes.add(to: &router)
        router.add(.get, "/healthz", needs: nil, reach: .nothing, SystemRoutes.health)
        router.add(.get, "/readyz", needs: nil, reach: .nothing, SystemRoutes.readiness)
        router.add(.get, "/metrics", needs: .read, SystemRoutes.metrics)
        router.add(.get, "/openapi.json", needs: .read, reach: .nothing, SystemRoutes.openAPI)
        router.add(.get, "/docs", needs: nil, reach: .nothing, SystemRoutes.docs)
        router.add(.get, "/schemas/graph.json", needs: nil, reach: .nothing, SystemRoutes.graphSchema)
        router.add(.get, "/", needs: nil, reach: .nothing, SystemRoutes.console)
        router.add(.get, "/console/{file}", needs: nil, reach: .nothing, SystemRoutes.console)
        return router
    }

    private static func addGraphs(to router: inout Router<Endpoint>) {
        router.add(
            .get, "/api/graphs", needs: .read, reach: .route, query: ["limit", "cursor", "faults"], GraphRoutes.list)
        router.add(.post, "/api/graphs", needs: .edit, reach: .route, change: "graph.create", GraphRoutes.create)
        router.add(
            .post, "/api/graphs/validate", needs: .edit, reach: .nothing, query: ["document"], GraphRoutes.validate)
        router.add(.get, "/api/graphs/{id}", needs: .read, query: ["revision"], GraphRoutes.read)
        router.add(.put, "/api/graphs/{id}", needs: .edit, change: "graph.put", GraphRoutes.replace)
        router.add(.delete, "/api/graphs/{id}", needs: .edit, change: "graph.delete", GraphRoutes.delete)
        router.add(.get, "/api/graphs/{id}/revisions", needs: .read, GraphRoutes.revisions)
        router.add(.get, "/api/graphs/{id}/profile", needs: .read, query: ["last"], GraphProfileRoutes.read)
        router.add(.get, "/api/graphs/{id}/threads", needs: .read, query: ["limit", "cursor"], ThreadRoutes.list)
        router.add(.get, "/api/graphs/{id}/threads/{thread}", needs: .read, ThreadRoutes.read)
        router.add(
            .delete, "/api/graphs/{id}/threads/{thread}", needs: .run, change: "thread.delete", ThreadRoutes.delete)
        router.add(.post, "/api/graphs/{id}/execute", needs: .run, StartRoutes.execute)
        router.add(
            .post, "/api/graphs/{id}/execute/stream", needs: .run, query: ["state", "depth"], StartRoutes.stream)
    }

    private static func addExecutions(to router: inout Router<Endpoint>) {
        router.add(
            .get, "/api/executions", needs: .read, reach: .route,
            query: ["graph_id", "status", "q", "label.", "since", "until", "limit", "cursor"], ExecutionRoutes.list)
        router.add(.get, "/api/executions/{id}", needs: .read, ExecutionRoutes.read)
        router.add(.delete, "/api/executions/{id}", needs: .run, change: "execution.delete", ExecutionRoutes.delete)
        router.add(
            .get, "/api/executions/{id}/events", needs: .read,
            query: ["state", "depth", "after", TicketRoutes.parameter],
            EventRoutes.events)
        router.add(.post, "/api/executions/{id}/ticket", needs: .read, query: ["state", "depth"], TicketRoutes.issue)
        router.add(
            .get, "/api/executions/{id}/nodes/{node_id}", needs: .read, query: ["state", "path"], NodeRoutes.read)
        router.add(
            .get, "/api/executions/{id}/nodes/{node_id}/items", needs: .read,
            query: ["path", "status", "limit", "cursor"], ItemRoutes.list)
        router.add(
            .post, "/api/executions/{id}/nodes/{node_id}/resolve", needs: .run, change: "approval.resolve",
            query: ["path"], ApprovalRoutes.resolve)
        router.add(
            .get, "/api/approvals", needs: .read, reach: .route, query: ["limit", "cursor"], ApprovalRoutes.list)
        router.add(.get, "/api/executions/{id}/profile", needs: .read, ProfileRoutes.execution)
        router.add(.get, "/api/executions/{id}/compare/{other}", needs: .read, CompareRoutes.compare)
        router.add(
            .post, "/api/executions/{id}/cancel", needs: .run, change: "execution.cancel", ExecutionRoutes.cancel)
        router.add(.post, "/api/executions/{id}/rerun", needs: .run, change: "execution.rerun", RerunRoutes.rerun)
        router.add(
            .post, "/api/executions/{id}/resume", needs: .run, change: "execution.resume", ResumeRoutes.resume)
        router.add(
            .post, "/api/executions/resume", needs: .run, reach: .route, change: "execution.resume", query: ["status"],
            ResumeRoutes.resumeHeld)
        router.add(
            .get, "/api/events", needs: .read, reach: .route, query: ["graph_id", "executions", "state", "depth"],
            FeedRoutes.events)
    }
}

extension Request {
    /// The `Link` field that names the next page: the same query with another cursor (RFC 8288).
    func nextLink(cursor: String) -> String {
        let rest = query.filter { $0.name != "cursor" }.map {
            "\(percentEncoded($0.name))=\(percentEncoded($0.value))&"
        }
        let path = target.raw.split(separator: "?", maxSplits: 1).first.map(String.init) ?? "/"
        return "<\(path)?\(rest.joined())cursor=\(percentEncoded(cursor))>; rel=\"next\""
    }

    /// The value of a parameter of which an empty one is as if it were not there.
    func option(_ name: String) -> String? {
        guard let value = queryValue(name), !value.isEmpty else { return nil }
        return value
    }

    /// The values of a parameter that lists some between commas.
    func options(_ name: String) -> [String]? {
        queryValue(name)?.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
}

extension Call {
    /// A query parameter that is a whole number of a range.
    func number(_ name: String, in range: ClosedRange<Int>, default value: Int) throws(Problem) -> Int {
        guard let text = request.queryValue(name) else { return value }
        guard let number = Int(text), range.contains(number) else {
            throw Problem(
                400, "invalid_parameter",
                "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    /// A time of RFC 3339.
    func time(_ name: String) throws(Problem) -> Int64? {
        guard let text = request.queryValue(name) else { return nil }
        guard let time = Timestamp.microseconds(text) else {
            // What a query has as + is a space.
            let plus = text.contains(" ") ? " The + of an offset is written %2B in a query." : ""
            throw Problem(
                400, "invalid_parameter",
                "\(name) must be a time such as 2026-01-31T09:30:00Z (RFC 3339).\(plus)")
        }
        return time
    }
}

/// A query component of unreserved characters (RFC 3986, 2.3).
private func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var encoded: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
            encoded.append(byte)
        default:
            encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: encoded, as: UTF8.self)
}

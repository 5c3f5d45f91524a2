import HTTP

/// The API, path by path. `openapi.json` describes the same; a test compares them.
enum Routes {
    static func router() -> Router<Route> {
        var router = Router<Route>()
        router.add(.get, "/api/graphs", GraphRoutes.list)
        router.add(.post, "/api/graphs", GraphRoutes.create)
        router.add(.post, "/api/graphs/validate", GraphRoutes.validate)
        router.add(.get, "/api/graphs/{id}", GraphRoutes.read)
        router.add(.put, "/api/graphs/{id}", GraphRoutes.replace)
        router.add(.delete, "/api/graphs/{id}", GraphRoutes.delete)
        router.add(.get, "/api/graphs/{id}/revisions", GraphRoutes.revisions)
        router.add(.get, "/api/graphs/{id}/profile", GraphProfileRoutes.read)
        router.add(.post, "/api/graphs/{id}/execute", StartRoutes.execute)
        router.add(.post, "/api/graphs/{id}/execute/stream", StartRoutes.stream)
        router.add(.get, "/api/node-kinds", GraphRoutes.kinds)
        router.add(.post, "/api/layout", GraphRoutes.layout)
        router.add(.get, "/api/executions", ExecutionRoutes.list)
        router.add(.get, "/api/executions/{id}", ExecutionRoutes.read)
        router.add(.delete, "/api/executions/{id}", ExecutionRoutes.delete)
        router.add(.get, "/api/executions/{id}/events", EventRoutes.events)
        router.add(.get, "/api/executions/{id}/nodes/{node_id}", NodeRoutes.read)
        router.add(.get, "/api/executions/{id}/profile", ProfileRoutes.execution)
        router.add(.post, "/api/executions/{id}/cancel", ExecutionRoutes.cancel)
        router.add(.post, "/api/executions/{id}/rerun", RerunRoutes.rerun)
        router.add(.get, "/api/events", FeedRoutes.events)
        router.add(.get, "/healthz", SystemRoutes.health)
        router.add(.get, "/readyz", SystemRoutes.readiness)
        router.add(.get, "/metrics", SystemRoutes.metrics)
        router.add(.get, "/openapi.json", SystemRoutes.openAPI)
        router.add(.get, "/", SystemRoutes.console)
        router.add(.get, "/console/{file}", SystemRoutes.console)
        return router
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

    /// The `Link` field that names the next page: the same query with another cursor (RFC 8288).
    func nextLink(cursor: String) -> String {
        let rest = request.query.filter { $0.name != "cursor" }.map {
            "\(percentEncoded($0.name))=\(percentEncoded($0.value))&"
        }
        let path = request.target.raw.split(separator: "?", maxSplits: 1).first.map(String.init) ?? "/"
        return "<\(path)?\(rest.joined())cursor=\(percentEncoded(cursor))>; rel=\"next\""
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

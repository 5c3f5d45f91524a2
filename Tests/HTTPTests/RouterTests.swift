import FuzzEntries
import HTTP
import Testing

struct RouterTests {
    private let router: Router<String> = {
        var router = Router<String>()
        for (method, template) in [
            (.get, "/"), (.get, "/api/graphs"), (.post, "/api/graphs"), (.get, "/api/graphs/{id}"),
            (.put, "/api/graphs/{id}"), (.post, "/api/graphs/validate"), (.post, "/api/graphs/{id}/execute/stream"),
            (.get, "/api/executions/{id}/nodes/{node}"), (.head, "/own"), (.get, "/own"), (.options, "/own"),
        ] as [(Method, String)] {
            router.add(method, template, "\(method) \(template)")
        }
        return router
    }()

    private func match(_ method: Method, _ path: String) -> String {
        let segments = path == "/" ? [] : path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        switch router.match(method, PathSegments(segments.map(String.init))) {
        case .found(let route): return router[route]
        case .methodNotAllowed(let allow): return "405 \(allow.map(\.rawValue).joined(separator: ", "))"
        case .options(let allow): return "204 \(allow.map(\.rawValue).joined(separator: ", "))"
        case .notFound: return "404"
        }
    }

    @Test(
        arguments: [
            (.get, "/", "GET /"), (.get, "/api/graphs", "GET /api/graphs"),
            (.get, "/api/graphs/x", "GET /api/graphs/{id}"),
            (.post, "/api/graphs/x/execute/stream", "POST /api/graphs/{id}/execute/stream"),
            (.post, "/api/graphs/validate", "POST /api/graphs/validate"),
            (.get, "/api/graphs/validate", "GET /api/graphs/{id}"), (.head, "/api/graphs/x", "GET /api/graphs/{id}"),
            (.head, "/own", "HEAD /own"), (.options, "/own", "OPTIONS /own"), (.get, "/api", "404"),
            (.get, "/api/", "404"),
            (.get, "/api/graphs/", "404"), (.get, "/api/graphs/x/y", "404"), (.options, "/nowhere", "404"),
            (.delete, "/api/graphs/x", "405 GET, PUT, HEAD, OPTIONS"),
            (.delete, "/api/graphs/validate", "405 POST, GET, PUT, HEAD, OPTIONS"),
            (.get, "/api/graphs/x/execute/stream", "405 POST, OPTIONS"),
            (.head, "/api/graphs/x/execute/stream", "405 POST, OPTIONS"),
            (.options, "/api/graphs", "204 GET, POST, HEAD, OPTIONS"),
        ] as [(Method, String, String)])
    func `a request finds its route, or the methods that there are`(method: Method, path: String, expected: String) {
        #expect(match(method, path) == expected)
    }

    @Test func `parameters are the decoded segments`() {
        let path = PathSegments(["api", "executions", "a/b", "nodes", "é"])
        guard case .found(let route) = router.match(.get, path) else {
            Issue.record("not found")
            return
        }
        #expect(router.parameter("id", of: route, in: path) == "a/b")
        #expect(router.parameter("node", of: route, in: path) == "é")
    }

    @Test func `OPTIONS of the whole server lists all methods`() {
        let request = RequestOutcome.parsing(Array("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n".utf8)).requests[0]
        guard case .options(let allow) = router.match(request) else {
            Issue.record("no options")
            return
        }
        #expect(Set(allow) == [.get, .head, .post, .put, .options])
    }

    @Test func `a route added twice is a bug`() async {
        await #expect(processExitsWith: .failure) {
            var router = Router<Int>()
            router.add(.get, "/a/{x}", 1)
            router.add(.get, "/a/{y}", 2)
        }
    }
}

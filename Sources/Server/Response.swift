import Auth
import HTTP
import JSON

/// A complete answer.
package struct Response: Sendable {
    var status: Status
    var headers: HeaderFields
    var body: [UInt8]
    /// Why the request was not served, if it was not.
    private(set) var problem: Problem?

    init(_ status: Status, _ headers: HeaderFields = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    fileprivate init(_ problem: Problem, _ headers: HeaderFields) {
        self.init(problem.details.status, headers, body: problem.details.json)
        self.problem = problem
    }

    static func json(_ text: JSONText, status: Status = 200, headers: HeaderFields = [:]) -> Response {
        var headers = headers
        headers.add("Content-Type", "application/json")
        return Response(status, headers, body: text.bytes)
    }

    static func json(_ object: JSONObject, status: Status = 200, headers: HeaderFields = [:]) -> Response {
        json(object.text, status: status, headers: headers)
    }
}

extension HeaderFields {
    /// With what keeps a browser from taking an answer for a page, and a token's answers out of shared caches.
    func guarded(for access: Access) -> HeaderFields {
        var headers = self
        if !contains("content-security-policy") {
            headers.add("X-Content-Type-Options", "nosniff")
            headers.add("Cross-Origin-Resource-Policy", "same-origin")
            headers.add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        }
        if access.tokenID != nil, !contains("cache-control") { headers.add("Cache-Control", "private, no-cache") }
        return headers
    }
}

/// Why a request was not served, as problem details (RFC 9457).
struct Problem: Error, Sendable {
    let details: ProblemDetails
    var headers: HeaderFields

    init(_ details: ProblemDetails, headers: HeaderFields = [:]) {
        self.details = details
        self.headers = headers
    }

    init(_ status: Status, _ code: String, _ detail: String, headers: HeaderFields = [:]) {
        self.init(ProblemDetails(status, code: code, detail: detail), headers: headers)
    }

    var response: Response {
        var headers = headers
        headers.add("Content-Type", "application/problem+json")
        return Response(self, headers)
    }
}

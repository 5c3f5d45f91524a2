import HTTP
import JSON

/// What a daemon answered, whole.
package struct ClientResponse: Sendable {
    package let status: Status
    package let headers: HeaderFields
    package let body: [UInt8]

    /// The body, which must be JSON.
    package func json() throws(ClientError) -> JSONText {
        do {
            return try JSONText(parsing: body, limits: JSONLimits(bytesMax: APIClient.bodyBytesMax))
        } catch {
            throw .malformed("its body is no JSON: \(error.message)")
        }
    }

    /// The body, which must be a JSON object.
    package func object() throws(ClientError) -> JSONObject {
        guard let object = try json().object else { throw .malformed("its body is no JSON object") }
        return object
    }

    /// The problem that a status of 300 or more tells of; nil below that.
    var problem: ProblemDetails? {
        guard status.code >= 300 else { return nil }
        return ProblemDetails(status, body) ?? ProblemDetails(status, code: "http_\(status.code)", detail: plainDetail)
    }

    /// For what answers without problem details: a proxy, or another server altogether.
    private var plainDetail: String {
        let type = headers["content-type"].flatMap { MediaType($0) }
        let isText = type?.type == "text" && type?.subtype == "plain"
        let text = isText ? String(decoding: body.prefix(Self.plainBytesMax), as: UTF8.self) : ""
        let words = "the server answered \(status.code) \(status.reason)"
        return text.isEmpty ? words : "\(words): \(text)"
    }

    private static let plainBytesMax = 200
}

extension ProblemDetails {
    /// Violations that are shown; a daemon lists at most a hundred.
    private static let violationsMax = 100

    /// - Returns: nil unless `body` is an object with a `detail`.
    init?(_ status: Status, _ body: [UInt8]) {
        guard let object = try? JSONObject(parsing: body), let detail = object["detail"]?.string else { return nil }
        let listed = object["errors"]?.array ?? []
        let errors = listed.prefix(Self.violationsMax).map { error in
            Violation(pointer: error["pointer"]?.string ?? "", message: error["message"]?.string ?? "")
        }
        self.init(status, code: object["code"]?.string ?? "http_\(status.code)", detail: detail, errors: errors)
    }
}

/// A request method: a case-sensitive token (RFC 9110, 9.1).
package enum Method: Sendable, Hashable, CustomStringConvertible {
    case get, head, post, put, patch, delete, options, connect
    /// None of these; only `init` makes it, so that each method has one form.
    case other(String)

    /// - Parameter rawValue: a token; the parser checks those of clients.
    package init(_ rawValue: String) {
        var rawValue = rawValue
        self = rawValue.withUTF8 { Method(UnsafeRawBufferPointer($0)) }
    }

    init(_ token: UnsafeRawBufferPointer) {
        if token.equals("GET") {
            self = .get
        } else if token.equals("POST") {
            self = .post
        } else if token.equals("PUT") {
            self = .put
        } else if token.equals("DELETE") {
            self = .delete
        } else if token.equals("HEAD") {
            self = .head
        } else if token.equals("OPTIONS") {
            self = .options
        } else if token.equals("PATCH") {
            self = .patch
        } else if token.equals("CONNECT") {
            self = .connect
        } else {
            self = .other(String(decoding: token, as: UTF8.self))
        }
    }

    package var rawValue: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .connect: "CONNECT"
        case .other(let name): name
        }
    }

    package var description: String { rawValue }
}

/// The two versions that are spoken here.
package enum Version: Sendable, Equatable {
    case http10
    case http11
}

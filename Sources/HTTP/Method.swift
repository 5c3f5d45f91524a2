/// A request method: a case-sensitive token (RFC 9110, 9.1).
package struct Method: Sendable, Hashable, CustomStringConvertible {
    package let rawValue: String

    /// - Parameter rawValue: a token; the parser checks those of clients.
    package init(_ rawValue: String) {
        self.rawValue = rawValue
    }

    package static let get = Method("GET")
    package static let head = Method("HEAD")
    package static let post = Method("POST")
    package static let put = Method("PUT")
    package static let patch = Method("PATCH")
    package static let delete = Method("DELETE")
    package static let options = Method("OPTIONS")
    package static let connect = Method("CONNECT")

    package var description: String { rawValue }
}

/// The two versions that are spoken here.
package enum Version: Sendable, Equatable {
    case http10
    case http11
}

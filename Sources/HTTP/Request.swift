/// A request that has passed every check of the parser. A handle on its head, since it is handed on many times.
package struct Request: Sendable, Equatable {
    private final class Head: Sendable {
        let line: RequestLine
        let headers: HeaderFields
        let authority: Authority?
        let keepsAlive: Bool

        init(_ line: RequestLine, _ headers: HeaderFields, _ authority: Authority?, keepsAlive: Bool) {
            self.line = line
            self.headers = headers
            self.authority = authority
            self.keepsAlive = keepsAlive
        }
    }

    private let head: Head
    /// Decoded: without chunk framing.
    package internal(set) var body: [UInt8] = []

    package mutating func letBodyGo() { body = [] }

    package var method: Method { head.line.method }
    package var target: RequestTarget { _read { yield head.line.target } }
    package var version: Version { head.line.version }
    package var headers: HeaderFields { _read { yield head.headers } }
    /// Whom the request is for: from an absolute target, else from `Host`. Nil for HTTP/1.0 without either.
    package var authority: Authority? { head.authority }
    /// Whether the client wants the connection kept after the response (RFC 9112, 9.3).
    package var keepsAlive: Bool { head.keepsAlive }
    /// What `path` has, for the router.
    package var pathSegments: PathSegments { head.line.target.path }
    /// The decoded segments of the path: `/a/b%2Fc` is `["a", "b/c"]`, `/` is `[]`, `/a/` is `["a", ""]`.
    package var path: [String] { head.line.target.path.strings }
    /// The decoded query, in the order written.
    package var query: [RequestTarget.QueryItem] { head.line.target.query }

    /// The first query value of that name, or nil.
    package func queryValue(_ name: String) -> String? { head.line.target.queryValue(name) }

    init(line: RequestLine, headers: HeaderFields) throws(RequestFault) {
        let authority = try Self.authority(of: line, headers: headers)
        let closes = headers.lists("close", in: "connection")
        let keepsAlive = !closes && (line.version == .http11 || headers.lists("keep-alive", in: "connection"))
        head = Head(line, headers, authority, keepsAlive: keepsAlive)
    }

    package static func == (left: Self, right: Self) -> Bool {
        // All else follows from these.
        left.head.line == right.head.line && left.headers == right.headers && left.body == right.body
    }

    private static func authority(of line: RequestLine, headers: HeaderFields) throws(RequestFault) -> Authority? {
        let field: Range<Int>
        switch headers.occurrence(of: "host") {
        case .none:
            guard line.version == .http10 else { throw .missingHost }
            return line.target.authority
        case .once(let value): field = value
        case .repeated: throw .repeatedHost
        }
        guard let host = headers.withBytes(field, { Authority($0) }) else { throw .invalidHost }
        guard let named = line.target.authority else { return host }
        guard named.isSame(as: host, defaultPort: line.target.defaultPort) else { throw .hostMismatch }
        return named
    }
}

/// The first line of a request (RFC 9112, 3).
struct RequestLine: Sendable, Equatable {
    let method: Method
    let target: RequestTarget
    let version: Version

    init(_ line: UnsafeRawBufferPointer, queryItemsMax: Int) throws(RequestFault) {
        guard let methodEnd = line.firstIndex(ofByte: ASCII.space) else { throw .invalidRequestLine }
        let methodBytes = line.part(0..<methodEnd)
        guard methodEnd > 0, ByteSet.token.containsAll(methodBytes) else { throw .invalidMethod }
        let rest = line.part(methodEnd + 1..<line.count)
        guard let targetEnd = rest.firstIndex(ofByte: ASCII.space), targetEnd > 0 else { throw .invalidRequestLine }
        method = Method(methodBytes)
        version = try Self.version(rest.part(targetEnd + 1..<rest.count))
        guard method != .connect else { throw .connectRefused }
        target = try RequestTarget(rest.part(0..<targetEnd), method: method, queryItemsMax: queryItemsMax)
    }

    /// `HTTP-name "/" DIGIT "." DIGIT`, where only 1.0 and 1.1 are spoken.
    private static func version(_ bytes: UnsafeRawBufferPointer) throws(RequestFault) -> Version {
        guard bytes.count == 8, bytes.part(0..<5).equals("HTTP/"), bytes[6] == ASCII.dot, ASCII.isDigit(bytes[5]),
            ASCII.isDigit(bytes[7])
        else { throw .invalidVersion }
        guard bytes[5] == ASCII.zero + 1 else { throw .unsupportedVersion }
        switch bytes[7] {
        case ASCII.zero: return .http10
        case ASCII.zero + 1: return .http11
        default: throw .unsupportedVersion
        }
    }
}

/// A request that has passed every check of the parser.
package struct Request: Sendable, Equatable {
    package let method: Method
    package let target: RequestTarget
    package let version: Version
    package let headers: HeaderFields
    /// Whom the request is for: from an absolute target, else from `Host`. Nil for HTTP/1.0 without either.
    package let authority: Authority?
    /// Whether the client wants the connection kept after the response (RFC 9112, 9.3).
    package let keepsAlive: Bool
    /// Decoded: without chunk framing.
    package internal(set) var body: [UInt8] = []

    /// The decoded segments of the path; see `RequestTarget.path`.
    package var path: [String] { target.path }
    /// The decoded query, in the order written.
    package var query: [RequestTarget.QueryItem] { target.query }

    /// The first query value of that name, or nil.
    package func queryValue(_ name: String) -> String? {
        target.query.first { $0.name == name }?.value
    }

    init(line: RequestLine, headers: HeaderFields) throws(RequestFault) {
        method = line.method
        target = line.target
        version = line.version
        authority = try Self.authority(of: line, headers: headers)
        let closes = headers.lists("close", in: "connection")
        keepsAlive = !closes && (line.version == .http11 || headers.lists("keep-alive", in: "connection"))
        self.headers = headers
    }

    private static func authority(of line: RequestLine, headers: HeaderFields) throws(RequestFault) -> Authority? {
        switch headers.count(of: "host") {
        case 0:
            guard line.version == .http10 else { throw .missingHost }
            return line.target.authority
        case 1: break
        default: throw .repeatedHost
        }
        guard let host = headers.withValue(of: "host", { $0.flatMap(Authority.init) }) else { throw .invalidHost }
        guard let named = line.target.authority else { return host }
        guard named.isSame(as: host, defaultPort: line.target.defaultPort) else { throw .hostMismatch }
        return named
    }
}

/// The first line of a request (RFC 9112, 3).
struct RequestLine: Sendable {
    let method: Method
    let target: RequestTarget
    let version: Version

    init(_ line: UnsafeRawBufferPointer, queryItemsMax: Int) throws(RequestFault) {
        guard let methodEnd = line.firstIndex(ofByte: ASCII.space) else { throw .invalidRequestLine }
        let methodBytes = line.part(0..<methodEnd)
        guard methodEnd > 0, ByteSet.token.containsAll(methodBytes) else { throw .invalidMethod }
        let rest = line.part(methodEnd + 1..<line.count)
        guard let targetEnd = rest.firstIndex(ofByte: ASCII.space), targetEnd > 0 else { throw .invalidRequestLine }
        method = Method(String(decoding: methodBytes, as: UTF8.self))
        version = try Self.version(rest.part(targetEnd + 1..<rest.count))
        guard method != .connect else { throw .connectRefused }
        target = try RequestTarget(rest.part(0..<targetEnd), method: method, queryItemsMax: queryItemsMax)
    }

    /// `HTTP-name "/" DIGIT "." DIGIT`, where only 1.0 and 1.1 are spoken.
    private static func version(_ bytes: UnsafeRawBufferPointer) throws(RequestFault) -> Version {
        guard bytes.count == 8, bytes.starts(with: "HTTP/".utf8), bytes[6] == ASCII.dot, ASCII.isDigit(bytes[5]),
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

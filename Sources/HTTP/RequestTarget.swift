/// The target of a request, taken apart and decoded (RFC 9112, 3.2).
package struct RequestTarget: Sendable, Equatable {
    /// As it stood in the request line.
    package let raw: String
    package let form: Form
    /// The percent-decoded segments of the path: `/a/b%2Fc` is `["a", "b/c"]`, `/` is `[]`, `/a/` is `["a", ""]`.
    package let path: [String]
    /// In the order written.
    package let query: [QueryItem]
    /// Of an absolute target only.
    package let authority: Authority?
    /// What an authority without a port means: 443 for `https://…`, else 80.
    let defaultPort: UInt16

    package enum Form: Sendable, Equatable {
        /// `/path?query`
        case origin
        /// `http://host/path?query`, meant for proxies, but to be understood by all servers.
        case absolute
        /// `*`, with OPTIONS only.
        case asterisk
    }

    /// One `name=value` of a query, decoded as forms are: `+` is a space.
    package struct QueryItem: Sendable, Equatable {
        package let name: String
        package let value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    init(_ bytes: UnsafeRawBufferPointer, method: Method, queryItemsMax: Int) throws(RequestFault) {
        raw = String(decoding: bytes, as: UTF8.self)
        guard bytes.firstIndex(ofByte: UInt8(ascii: "#")) == nil else { throw .fragmentInTarget }
        if bytes.count == 1, bytes[0] == ASCII.asterisk {
            guard method == .options else { throw .asteriskRefused }
            (form, path, query, authority, defaultPort) = (.asterisk, [], [], nil, 80)
            return
        }
        let pathStart: Int
        if bytes.first == ASCII.slash {
            (form, authority, defaultPort, pathStart) = (.origin, nil, 80, 0)
        } else {
            let prefix = try Self.absolutePrefix(of: bytes)
            (form, authority, defaultPort, pathStart) = (.absolute, prefix.authority, prefix.defaultPort, prefix.end)
        }
        let pathEnd = bytes.firstIndex(ofByte: ASCII.questionMark) ?? bytes.count
        path = try Self.segments(of: bytes.part(pathStart..<pathEnd))
        query = try Self.items(of: bytes.part(min(pathEnd + 1, bytes.count)..<bytes.count), max: queryItemsMax)
    }

    private static func absolutePrefix(
        of bytes: UnsafeRawBufferPointer
    ) throws(RequestFault) -> (authority: Authority, defaultPort: UInt16, end: Int) {
        let start: Int
        let defaultPort: UInt16
        if UnsafeRawBufferPointer(rebasing: bytes.prefix(7)).equalsIgnoringCase("http://") {
            (start, defaultPort) = (7, 80)
        } else if UnsafeRawBufferPointer(rebasing: bytes.prefix(8)).equalsIgnoringCase("https://") {
            (start, defaultPort) = (8, 443)
        } else {
            throw .invalidTarget
        }
        let end = bytes[start...].firstIndex { $0 == ASCII.slash || $0 == ASCII.questionMark } ?? bytes.count
        guard let authority = Authority(bytes.part(start..<end)) else { throw .invalidTarget }
        return (authority, defaultPort, end)
    }

    private static func segments(of path: UnsafeRawBufferPointer) throws(RequestFault) -> [String] {
        guard ByteSet.path.containsAll(path) else { throw .invalidTarget }
        guard path.count > 1 else { return [] }
        var segments: [String] = []
        segments.reserveCapacity(6)
        var start = 1
        while start <= path.count {
            let rest = path.part(start..<path.count)
            let count = rest.firstIndex(ofByte: ASCII.slash) ?? rest.count
            let segment = try PercentDecoding.text(rest.part(0..<count), plusIsSpace: false)
            guard segment != ".", segment != ".." else { throw .dotSegment }
            segments.append(segment)
            start += count + 1
        }
        return segments
    }

    private static func items(of query: UnsafeRawBufferPointer, max: Int) throws(RequestFault) -> [QueryItem] {
        guard ByteSet.query.containsAll(query) else { throw .invalidTarget }
        var items: [QueryItem] = []
        var start = 0
        while start < query.count {
            let rest = query.part(start..<query.count)
            let count = rest.firstIndex(ofByte: UInt8(ascii: "&")) ?? rest.count
            start += count + 1
            guard count > 0 else { continue }
            guard items.count < max else { throw .tooManyQueryItems(max) }
            items.append(try item(rest.part(0..<count)))
        }
        return items
    }

    private static func item(_ bytes: UnsafeRawBufferPointer) throws(RequestFault) -> QueryItem {
        let nameEnd = bytes.firstIndex(ofByte: ASCII.equals) ?? bytes.count
        let valueStart = min(nameEnd + 1, bytes.count)
        return QueryItem(
            name: try PercentDecoding.text(bytes.part(0..<nameEnd), plusIsSpace: true),
            value: try PercentDecoding.text(bytes.part(valueStart..<bytes.count), plusIsSpace: true))
    }
}

/// Percent-decoding (RFC 3986, 2.1), refusing what could mean one thing here and another thing behind it.
enum PercentDecoding {
    /// - Throws: for a `%` without two digits, for `%00`, and for what is not UTF-8 once decoded.
    static func text(_ bytes: UnsafeRawBufferPointer, plusIsSpace: Bool) throws(RequestFault) -> String {
        let hasEscapes = bytes.firstIndex(ofByte: ASCII.percent) != nil
        guard hasEscapes || (plusIsSpace && bytes.firstIndex(ofByte: ASCII.plus) != nil) else {
            return String(decoding: bytes, as: UTF8.self)
        }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case ASCII.percent:
                guard index + 2 < bytes.count, let high = ASCII.hexValue(bytes[index + 1]),
                    let low = ASCII.hexValue(bytes[index + 2])
                else { throw .invalidPercentEncoding }
                guard high | low != 0 else { throw .nulInTarget }
                decoded.append(high << 4 | low)
                index += 3
            case ASCII.plus where plusIsSpace:
                decoded.append(ASCII.space)
                index += 1
            case let byte:
                decoded.append(byte)
                index += 1
            }
        }
        guard let text = String(validating: decoded, as: UTF8.self) else { throw .invalidTargetText }
        return text
    }
}

/// The target of a request, taken apart and decoded (RFC 9112, 3.2).
package struct RequestTarget: Sendable, Equatable {
    package let form: Form
    /// Of an absolute target only.
    package let authority: Authority?
    /// What an authority without a port means: 443 for `https://…`, else 80.
    let defaultPort: UInt16
    /// The target as it stood in the request line; then its path's decoded segments, and the names and values of its query, each
    /// ended by a NUL, which none has in it.
    private let bytes: [UInt8]
    private let rawEnd: Int
    private let pathEnd: Int

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

    /// As it stood in the request line.
    package var raw: String {
        String(decoding: bytes[..<rawEnd], as: UTF8.self)
    }

    package var path: PathSegments { PathSegments(bytes, rawEnd..<pathEnd) }

    /// In the order written.
    package var query: [QueryItem] {
        let texts = PathSegments(bytes, pathEnd..<bytes.count).strings
        return stride(from: 0, to: texts.count, by: 2).map { QueryItem(name: texts[$0], value: texts[$0 + 1]) }
    }

    /// The first query value of that name, or nil.
    package func queryValue(_ name: String) -> String? {
        bytes.withUnsafeBytes { bytes -> String? in
            var rest = bytes.part(pathEnd..<bytes.count)
            while !rest.isEmpty {
                let (known, value) = (PathSegments.popFirst(&rest), PathSegments.popFirst(&rest))
                if known.equals(text: name) { return String(decoding: value, as: UTF8.self) }
            }
            return nil
        }
    }

    init(_ raw: UnsafeRawBufferPointer, method: Method, queryItemsMax: Int) throws(RequestFault) {
        guard raw.firstIndex(ofByte: UInt8(ascii: "#")) == nil else { throw .fragmentInTarget }
        rawEnd = raw.count
        if raw.count == 1, raw[0] == ASCII.asterisk {
            guard method == .options else { throw .asteriskRefused }
            (form, authority, defaultPort) = (.asterisk, nil, 80)
            (bytes, pathEnd) = ([ASCII.asterisk], 1)
            return
        }
        let pathStart: Int
        if raw.first == ASCII.slash {
            (form, authority, defaultPort, pathStart) = (.origin, nil, 80, 0)
        } else {
            let prefix = try Self.absolutePrefix(of: raw)
            (form, authority, defaultPort, pathStart) = (.absolute, prefix.authority, prefix.defaultPort, prefix.end)
        }
        let questionMark = raw.firstIndex(ofByte: ASCII.questionMark) ?? raw.count
        let path = raw.part(pathStart..<questionMark)
        let query = raw.part(min(questionMark + 1, raw.count)..<raw.count)
        // Decoding makes nothing longer. A segment's end takes the place of the slash before it; the two ends of an item take
        // at most two places more than there are.
        let decodedBytesMax = path.count + 2 * query.count + 2
        var (bytes, pathEnd) = ([UInt8](), 0)
        try bytes.append(addingCapacity: raw.count + decodedBytesMax) { (span) throws(RequestFault) in
            try span.withUnsafeMutableBufferPointer { (buffer, initialized) throws(RequestFault) in
                var writer = RawWriter(buffer: UnsafeMutableRawBufferPointer(buffer), offset: 0)
                writer.write(raw)
                try Self.decode(path: path, to: &writer)
                pathEnd = writer.offset
                try Self.decode(query: query, max: queryItemsMax, to: &writer)
                initialized = writer.offset
            }
        }
        (self.bytes, self.pathEnd) = (bytes, pathEnd)
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

    private static func decode(path: UnsafeRawBufferPointer, to writer: inout RawWriter) throws(RequestFault) {
        guard ByteSet.path.containsAll(path) else { throw .invalidTarget }
        guard path.count > 1 else { return }
        let hasEscapes = path.firstIndex(ofByte: ASCII.percent) != nil
        var start = 1
        while start <= path.count {
            let end = path.firstIndex(ofByte: ASCII.slash, from: start) ?? path.count
            let segment = path.part(start..<end)
            let segmentStart = writer.offset
            if hasEscapes {
                try PercentDecoding.decode(segment, plusIsSpace: false, to: &writer)
            } else {
                writer.write(segment)
            }
            guard !isDots(writer.written(from: segmentStart)) else { throw .dotSegment }
            writer.write(byte: PathSegments.terminator)
            start = end + 1
        }
    }

    private static func isDots(_ segment: UnsafeRawBufferPointer) -> Bool {
        switch segment.count {
        case 1: segment[0] == ASCII.dot
        case 2: segment[0] == ASCII.dot && segment[1] == ASCII.dot
        default: false
        }
    }

    private static func decode(
        query: UnsafeRawBufferPointer, max: Int, to writer: inout RawWriter
    ) throws(RequestFault) {
        guard ByteSet.query.containsAll(query) else { throw .invalidTarget }
        var start = 0
        var count = 0
        while start < query.count {
            let end = query.firstIndex(ofByte: UInt8(ascii: "&"), from: start) ?? query.count
            let item = query.part(start..<end)
            start = end + 1
            guard !item.isEmpty else { continue }
            guard count < max else { throw .tooManyQueryItems(max) }
            count += 1
            let nameEnd = item.firstIndex(ofByte: ASCII.equals) ?? item.count
            let valueStart = min(nameEnd + 1, item.count)
            try PercentDecoding.decode(item.part(0..<nameEnd), plusIsSpace: true, to: &writer)
            writer.write(byte: PathSegments.terminator)
            try PercentDecoding.decode(item.part(valueStart..<item.count), plusIsSpace: true, to: &writer)
            writer.write(byte: PathSegments.terminator)
        }
    }
}

/// Percent-decoding (RFC 3986, 2.1), refusing what could mean one thing here and another thing behind it.
enum PercentDecoding {
    /// - Throws: for a `%` without two digits, for `%00`, and for what is not UTF-8 once decoded.
    static func decode(
        _ bytes: UnsafeRawBufferPointer, plusIsSpace: Bool, to writer: inout RawWriter
    ) throws(RequestFault) {
        let start = writer.offset
        let hasEscapes = bytes.firstIndex(ofByte: ASCII.percent) != nil
        guard hasEscapes || (plusIsSpace && bytes.firstIndex(ofByte: ASCII.plus) != nil) else {
            return writer.write(bytes)
        }
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case ASCII.percent:
                guard index + 2 < bytes.count, let high = ASCII.hexValue(bytes[index + 1]),
                    let low = ASCII.hexValue(bytes[index + 2])
                else { throw .invalidPercentEncoding }
                guard high | low != 0 else { throw .nulInTarget }
                writer.write(byte: high << 4 | low)
                index += 3
            case ASCII.plus where plusIsSpace:
                writer.write(byte: ASCII.space)
                index += 1
            case let byte:
                writer.write(byte: byte)
                index += 1
            }
        }
        guard String(validating: writer.written(from: start), as: UTF8.self) != nil else { throw .invalidTargetText }
    }
}

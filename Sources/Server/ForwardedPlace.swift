import HTTP

/// What the nearest proxy, which is trusted, says of the address that a client has called (`X-Forwarded-Host`, `-Proto`,
/// `-Prefix`). Of a list, the last element is that proxy's own word; those before it may be the client's.
final class ForwardedPlace: Sendable {
    /// The host, and perhaps the port, that the client named.
    let authority: Authority?
    /// `http` or `https`.
    let scheme: String?
    /// Below which path the client finds what is `/` here: such as `/millrace`, or empty.
    let prefix: String

    /// - Returns: nil where nothing was forwarded, or nobody is believed.
    static func of(_ request: Request, through door: Door) throws(Problem) -> ForwardedPlace? {
        let headers = request.headers
        guard door.isTrustedProxy, headers.containsName(beginningWith: "x-forwarded-") else { return nil }
        return try ForwardedPlace(headers)
    }

    private init(_ headers: HeaderFields) throws(Problem) {
        authority = try Self.elements("x-forwarded-host", headers).last.map { text throws(Problem) in
            guard let authority = Authority(text) else {
                throw Problem(400, "invalid_forwarded_host", "X-Forwarded-Host must be a host, perhaps with a port.")
            }
            return authority
        }
        scheme = Self.elements("x-forwarded-proto", headers).last.map { $0.lowercased() }.flatMap {
            $0 == "http" || $0 == "https" ? $0 : nil
        }
        let prefixes = Self.elements("x-forwarded-prefix", headers)
        guard prefixes.allSatisfy(Self.isPrefix) else {
            throw Problem(
                400, "invalid_forwarded_prefix",
                "X-Forwarded-Prefix must be a path such as /millrace: segments of letters, digits, - . _ ~, without a slash "
                    + "at the end.")
        }
        prefix = prefixes.last ?? ""
    }

    /// Those of a list that are not empty: a proxy empties what it does not set.
    private static func elements(_ name: String, _ headers: HeaderFields) -> [String] {
        headers.values(of: name).flatMap { $0.split(separator: ",") }.map(trimmed).filter { !$0.isEmpty }
    }

    private static func trimmed(_ text: Substring) -> String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let start = text.drop(while: isBlank)
        return String(start[..<(start.lastIndex { !isBlank($0) }.map { start.index(after: $0) } ?? start.startIndex)])
    }

    /// `(/[A-Za-z0-9._~-]+)*`, and no segment that a client would resolve away.
    private static func isPrefix(_ text: String) -> Bool {
        guard text.utf8.count <= 256, text.utf8.first == UInt8(ascii: "/") else { return false }
        return text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy {
            segment in
            !segment.isEmpty && segment.allSatisfy(isUnreserved) && !segment.elementsEqual(".".utf8)
                && !segment.elementsEqual("..".utf8)
        }
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

/// Where a page comes from, as browsers say it in `Origin` (RFC 6454, 7).
struct PageOrigin {
    let scheme: String
    let authority: Authority

    /// - Returns: nil for `null`, and for what is no origin of the web.
    init?(_ text: String) {
        guard text.utf8.count <= 300, let end = text.firstRange(of: "://") else { return nil }
        let scheme = text[..<end.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https", let authority = Authority(String(text[end.upperBound...])) else {
            return nil
        }
        self.scheme = scheme
        self.authority = authority
    }

    var defaultPort: UInt16 { scheme == "https" ? 443 : 80 }
}

extension Call {
    /// An address of this server as the client knows it.
    func address(_ path: String) -> String { "\(connection.place?.prefix ?? "")\(path)" }
}

extension HeaderFields {
    /// With the addresses of this server in it as a client knows them who finds it below a prefix.
    func addressed(below prefix: String) -> HeaderFields {
        var fields = HeaderFields()
        for index in 0..<count {
            let (name, value) = (name(at: index), value(at: index))
            switch name.lowercased() {
            case "location", "content-location": fields.add(name, value.hasPrefix("/") ? prefix + value : value)
            case "link": fields.add(name, value.replacing("</", with: "<\(prefix)/"))
            default: fields.add(name, value)
            }
        }
        return fields
    }
}

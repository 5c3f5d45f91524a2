import HTTP
import JSON

/// What is asked of a daemon.
package struct ClientRequest: Sendable {
    package var method: HTTP.Method
    /// The path's segments, not yet escaped: an id is one segment whatever it holds.
    package var path: [String]
    /// In order; not yet escaped.
    package var query: [(name: String, value: String)]
    /// Beyond those that every request has.
    package var headers: HeaderFields
    package var body: Body?

    package struct Body: Sendable {
        package let mediaType: MediaType
        package let bytes: [UInt8]

        package init(_ mediaType: MediaType, _ bytes: [UInt8]) {
            self.mediaType = mediaType
            self.bytes = bytes
        }

        package static func json(_ text: JSONText) -> Body { Body(.json, text.bytes) }
    }

    package init(
        _ method: HTTP.Method, _ path: [String], query: [(name: String, value: String)] = [],
        headers: HeaderFields = [:], body: Body? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// The path as it stands in the request line.
    var pathText: String { "/" + path.map(Self.escaped).joined(separator: "/") }

    /// Path and query as they stand in the request line.
    var target: String {
        if query.isEmpty { return pathText }
        return pathText + "?" + query.map { "\($0.name)=\(Self.escaped($0.value))" }.joined(separator: "&")
    }

    /// The request as it is sent (RFC 9112, 3).
    func bytes(target: String, authority: String, token: String?) -> [UInt8] {
        var fields: HeaderFields = ["Host": authority, "User-Agent": "millrace"]
        if !headers.contains("accept") { fields.add("Accept", "application/json") }
        if let token { fields.add("Authorization", "Bearer \(token)") }
        for index in 0..<headers.count { fields.add(headers.name(at: index), headers.value(at: index)) }
        if let body {
            fields.add("Content-Type", body.mediaType.description)
            fields.add("Content-Length", String(body.bytes.count))
        } else if method != .get, method != .head {
            fields.add("Content-Length", "0")
        }
        var output = Array("\(method) \(target) HTTP/1.1\r\n".utf8)
        for index in 0..<fields.count { output += "\(fields.name(at: index)): \(fields.value(at: index))\r\n".utf8 }
        output += "\r\n".utf8
        if let body { output += body.bytes }
        return output
    }

    /// Percent-encodes everything but the unreserved characters (RFC 3986, 2.3).
    private static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                let digits = Array("0123456789ABCDEF".utf8)
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

import Executions
import Graphs
import HTTPClient

/// A URL with Lua expressions in it. What an expression puts behind the host is percent-encoded, so that no value becomes more
/// than a part of a path or of a query; what stands before, such as `{{ state.base }}/users`, is taken as it is.
struct URLTemplate: Sendable {
    private let template: Template

    init(_ source: String) throws(GraphFaults) {
        do {
            template = try Template(source)
        } catch {
            throw GraphFaults(pointer: "/url", error.message)
        }
        if let fault = Self.fault(template) { throw GraphFaults(pointer: "/url", fault) }
    }

    /// What can be known to be wrong before there is a state.
    private static func fault(_ template: Template) -> String? {
        if let constant = template.constant { return URLCheck.fault(constant) }
        guard case .text(let beginning) = template.parts.first, let end = beginning.firstRange(of: "://") else {
            return nil
        }
        let scheme = beginning[..<end.lowerBound].lowercased()
        return ["http", "https"].contains(scheme) ? nil : "must begin with http:// or https://"
    }

    var items: [LuaSequence.Item] {
        template.parts.compactMap { part in
            if case .expression(let program) = part { LuaSequence.Item(program: program, form: .text) } else { nil }
        }
    }

    /// The URL, from the results of its items, which are taken away.
    func value(_ results: inout ArraySlice<[UInt8]>) throws(NodeFailure) -> String {
        var text: [UInt8] = []
        var hasDots = false
        for part in template.parts {
            switch part {
            case .text(let literal): text += literal.utf8
            case .expression:
                let value = results.removeFirst()
                guard Self.isBehindHost(text) else {
                    text += value
                    continue
                }
                hasDots = hasDots || !value.isEmpty && value.allSatisfy { $0 == UInt8(ascii: ".") }
                text += PercentEncoding.encoded(value)
            }
        }
        guard let url = String(validating: text, as: UTF8.self) else { throw NodeFailure("url: is no valid UTF-8") }
        if hasDots, Self.leavesItsPath(url) {
            throw NodeFailure("url: a value in it is `.` or `..`, which would lead out of its path")
        }
        return url
    }

    private static func isBehindHost(_ text: [UInt8]) -> Bool {
        let begin = Array("://".utf8)
        guard let scheme = text.firstRange(of: begin) else { return false }
        return text[scheme.upperBound...].contains { "/?#".utf8.contains($0) }
    }

    private static func leavesItsPath(_ url: String) -> Bool {
        url.prefix { $0 != "?" && $0 != "#" }.split(separator: "/").contains { $0 == "." || $0 == ".." }
    }
}

/// RFC 3986, 2.1.
enum PercentEncoding {
    private static let hex = Array("0123456789ABCDEF".utf8)

    /// All but the unreserved characters (2.3).
    static func encoded(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var encoded: [UInt8] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.append(byte)
            default: encoded += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
        return encoded
    }

    static func encoded(_ text: String) -> String { String(decoding: encoded(text.utf8), as: UTF8.self) }
}

import Executions
import Graphs
import HTTPClient
import JSON

/// A config of an http node, checked.
struct HTTPConfig: Sendable {
    enum Response: String, Sendable {
        case json, text, base64, none
    }

    enum Streaming: String, Sendable {
        case lines, sse, bytes
    }

    /// The keys of the state that take what has come; nil: none does.
    struct Into: Sendable {
        var body: JSONKey?
        var status: JSONKey?
        var headers: JSONKey?
    }

    let method: String
    let url: URLTemplate
    let query: [(name: String, value: TemplateValue)]
    let fields: [(name: String, value: TemplateValue)]
    let body: TemplateValue?
    let response: Response
    let streaming: Streaming?
    /// Nil: the body goes into the key that is the node's id.
    let into: Into?

    init(_ config: JSONObject) throws(GraphFaults) {
        method = config["method"]?.string ?? "GET"
        var faults: [GraphFault] = []
        url = try URLTemplate(config["url"]?.string ?? "")
        query = try Self.members(config["query"], "query")
        fields = try Self.members(config["headers"], "headers")
        body = try config["body"].map { body throws(GraphFaults) in
            try TemplateValue(body, at: JSONPointer(["body"]))
        }
        streaming = config["stream"]?.string.flatMap { Streaming(rawValue: $0) }
        let usual: Response = streaming == nil ? .json : .text
        response = config["response"]?.string.flatMap { Response(rawValue: $0) } ?? usual
        into = config["into"].map { into in
            func key(_ name: JSONKey) -> JSONKey? { into[name]?.string.map { JSONKey($0) } }
            return Into(body: key("body"), status: key("status"), headers: key("headers"))
        }
        for (name, _) in fields {
            let place = JSONPointer(["headers", name]).description
            if let fault = FieldRules.fault(inName: name) { faults.append(GraphFault(pointer: place, message: fault)) }
        }
        if body != nil, method == "HEAD" {
            faults.append(GraphFault(pointer: "/body", message: "a HEAD request has no body"))
        }
        if response == .none, into?.body != nil {
            faults.append(GraphFault(pointer: "/into/body", message: "there is no body with response \"none\""))
        }
        guard faults.isEmpty else { throw GraphFaults(faults) }
    }

    private static func members(
        _ object: JSONText?, _ name: String
    ) throws(GraphFaults) -> [(name: String, value: TemplateValue)] {
        var members: [(name: String, value: TemplateValue)] = []
        for (key, value) in object?.object ?? [:] {
            members.append((key.string, try TemplateValue(value, at: JSONPointer([name, key.string]))))
        }
        return members
    }

    /// All templates of the node.
    private var items: [LuaSequence.Item] {
        url.items + query.flatMap(\.value.items) + fields.flatMap(\.value.items) + (body?.items ?? [])
    }

    /// The request of one attempt.
    func request(_ call: NodeCall) async throws(NodeFailure) -> OutgoingRequest {
        let items = items
        var results: ArraySlice<[UInt8]> = []
        if !items.isEmpty {
            let scope = LuaScope(state: call.state, room: call.room)
            switch await LuaSequence(items, .expression, scope).finish() {
            case .finished(let all): results = all[...]
            case .failed(let failure, _): throw failure
            case .yielded, .waiting: preconditionFailure("what has finished does not yield")
            }
        }
        var url = try self.url.value(&results)
        var parts: [String] = []
        for (name, value) in query { parts += try Self.parts(name, try value.value(&results)) }
        url.append(query: parts)
        var request = OutgoingRequest(method: method, url: url)
        for (name, value) in fields {
            guard let text = try FieldRules.text(name, try value.value(&results)) else { continue }
            request.fields.append((name, text))
        }
        if let body = try body?.value(&results) { request.set(body) }
        request.markUnsafe(call.idempotencyKey)
        return request
    }

    /// `name=value`; a list gives one for each of its elements, null none.
    private static func parts(_ name: String, _ value: JSONText) throws(NodeFailure) -> [String] {
        switch value.kind {
        case .null: return []
        case .string: return ["\(PercentEncoding.encoded(name))=\(PercentEncoding.encoded(value.string ?? ""))"]
        case .number, .bool: return ["\(PercentEncoding.encoded(name))=\(PercentEncoding.encoded(value.description))"]
        case .array:
            var parts: [String] = []
            for element in value.array ?? [] {
                guard element.kind != .array else { throw NodeFailure("query: \(name) is a list of lists") }
                parts += try Self.parts(name, element)
            }
            return parts
        case .object: throw NodeFailure("query: \(name) is an object, which has no form in a query")
        }
    }
}

/// What may stand in the fields of a request.
enum FieldRules {
    /// Those that say how the request is written, which is the client's to say, and those of a connection.
    private static let reserved: Set<String> = [
        "connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]
    private static let nameBytes = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz".utf8)

    static func fault(inName name: String) -> String? {
        let lower = name.lowercased()
        if reserved.contains(lower) { return "is written by the client itself" }
        let isToken = !lower.isEmpty && lower.utf8.allSatisfy { nameBytes.contains($0) }
        return isToken ? nil : "\"\(name)\" is no name of a header field"
    }

    /// The text of a field's value; null: the field is left out.
    static func text(_ name: String, _ value: JSONText) throws(NodeFailure) -> String? {
        let text: String
        switch value.kind {
        case .null: return nil
        case .string: text = value.string ?? ""
        case .number, .bool: text = value.description
        case .array, .object: throw NodeFailure("headers: \(name) is no text")
        }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            throw NodeFailure("headers: \(name) holds a line break or another control character")
        }
        return text
    }
}

extension String {
    /// Adds parts of a query, before a fragment.
    fileprivate mutating func append(query parts: [String]) {
        guard !parts.isEmpty else { return }
        let fragment = firstIndex(of: "#") ?? endIndex
        let head = self[..<fragment]
        let joint = head.contains("?") ? (head.hasSuffix("?") || head.hasSuffix("&") ? "" : "&") : "?"
        self = head + joint + parts.joined(separator: "&") + self[fragment...]
    }
}

extension OutgoingRequest {
    private func has(_ name: String) -> Bool { fields.contains { $0.name.lowercased() == name } }

    /// A string is sent as it is, any other value as JSON.
    mutating func set(_ body: JSONText) {
        let text = body.string
        self.body = text.map { Array($0.utf8) } ?? body.bytes
        if !has("content-type") {
            fields.append(("Content-Type", text == nil ? "application/json" : "text/plain; charset=utf-8"))
        }
    }

    /// Lets a server see that a request which changes something is the one that it has had already.
    mutating func markUnsafe(_ key: String) {
        guard !["GET", "HEAD", "OPTIONS"].contains(method), !has("idempotency-key") else { return }
        fields.append(("Idempotency-Key", key))
    }

    /// Without what may be confidential, for messages.
    var place: String {
        let address = url.prefix { $0 != "?" && $0 != "#" }
        guard let scheme = address.firstRange(of: "://") else { return String(address) }
        let rest = address[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" }
        guard let at = authority.lastIndex(of: "@") else { return String(address) }
        return String(address[..<scheme.upperBound] + rest[rest.index(after: at)...])
    }
}

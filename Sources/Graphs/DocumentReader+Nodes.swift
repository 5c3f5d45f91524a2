import JSON

let nodeKeys: [JSONKey] = [
    "id", "name", "kind", "config", "timeout_ms", "idle_timeout_ms", "retry", "on_error", "idempotent", "python",
    "position",
]
let requiredNodeKeys: [JSONKey] = ["id", "kind"]
let retryKeys: [JSONKey] = ["max_attempts", "delay_ms", "backoff"]
let positionKeys: [JSONKey] = ["x", "y"]

/// Nodes: their fields, the config against its kind, and the files that the config names.
extension DocumentReader {
    /// A node's fields while they are read.
    private struct Fields {
        var id: String?
        var name: String?
        var kind: String?
        var config: JSONObject?
        var nested: NestedNodes?
        var timeout: Int?
        var idleTimeout: Int?
        var retry = RetryPolicy()
        var onError = OnError.continue
        var isIdempotent = true
        var hasFreshProcess = false
        var position: GraphPosition?
    }

    func node(_ value: JSONText, _ place: Int) -> GraphNode? {
        var fields = Fields()
        let kindName = value["kind"]?.string
        let schema = kindName.flatMap { vocabulary.schema(ofKind: $0) }
        faults.members(of: value, known: nodeKeys, required: requiredNodeKeys) { key, value in
            switch key {
            case "id": fields.id = nodeID(value, place)
            case "name": fields.name = faults.string(value)
            case "kind": fields.kind = kind(value, isKnown: schema != nil)
            case "config": fields.config = faults.object(value)
            case "timeout_ms": fields.timeout = faults.wholeNumber(value, in: GraphBounds.timeoutMilliseconds)
            case "idle_timeout_ms": fields.idleTimeout = faults.wholeNumber(value, in: GraphBounds.timeoutMilliseconds)
            case "retry": fields.retry = retry(value)
            case "on_error": fields.onError = faults.choice(value, of: OnError.self) ?? .continue
            case "idempotent": fields.isIdempotent = faults.boolean(value) ?? true
            case "python": fields.hasFreshProcess = hasFreshProcess(value, isPython: kindName == "python")
            case "position": fields.position = position(value)
            default: preconditionFailure("\(key) is no member of a node")
            }
        }
        if let schema, let kind = kindName { fields.nested = check(fields.config, in: value, against: schema, kind) }
        guard let id = fields.id, let kind = fields.kind else { return nil }
        return GraphNode(
            id: id, name: fields.name, kind: kind, config: fields.config ?? JSONObject(), nested: fields.nested,
            timeoutMilliseconds: fields.timeout, idleTimeoutMilliseconds: fields.idleTimeout, retry: fields.retry,
            onError: fields.onError, isIdempotent: fields.isIdempotent, hasFreshProcess: fields.hasFreshProcess,
            position: fields.position)
    }

    private func nodeID(_ value: JSONText, _ place: Int) -> String? {
        guard let id = faults.string(value) else { return nil }
        guard GraphNode.isID(id) else {
            faults.add(
                "must be 1 to \(GraphBounds.idLengthMax) characters of A-Z, a-z, 0-9, `_` and `-`, "
                    + "the first a letter or `_`; \(Suggestion.quoted(id)) is not")
            return nil
        }
        if let first = placeOfID[id], first != place { faults.add("`\(id)` is the id of /nodes/\(first) already") }
        return id
    }

    private func kind(_ value: JSONText, isKnown: Bool) -> String? {
        guard let kind = faults.string(value) else { return nil }
        if !isKnown {
            let hint = Suggestion.hint(for: kind, among: vocabulary.kindNames)
            faults.add("no kind of nodes is called \(Suggestion.quoted(kind))\(hint)")
        }
        return kind
    }

    private func retry(_ value: JSONText) -> RetryPolicy {
        let standard = RetryPolicy()
        var (attempts, delay, backoff) = (standard.maxAttempts, standard.delayMilliseconds, standard.backoff)
        faults.members(of: value, known: retryKeys) { key, value in
            switch key {
            case "max_attempts": attempts = faults.wholeNumber(value, in: GraphBounds.maxAttempts) ?? attempts
            case "delay_ms": delay = faults.wholeNumber(value, in: GraphBounds.retryDelayMilliseconds) ?? delay
            default: backoff = faults.number(value, in: GraphBounds.backoff) ?? backoff
            }
        }
        return RetryPolicy(maxAttempts: attempts, delayMilliseconds: delay, backoff: backoff)
    }

    private func hasFreshProcess(_ value: JSONText, isPython: Bool) -> Bool {
        if !isPython { faults.add("is for nodes of kind python") }
        var isFresh = false
        faults.members(of: value, known: ["fresh_process"]) { _, value in isFresh = faults.boolean(value) ?? false }
        return isFresh
    }

    private func position(_ value: JSONText) -> GraphPosition? {
        var position: (x: Double?, y: Double?)
        faults.members(of: value, known: positionKeys, required: positionKeys) { key, value in
            let number = faults.number(value, in: GraphBounds.coordinate)
            if key == "x" { position.x = number } else { position.y = number }
        }
        guard let x = position.x, let y = position.y else { return nil }
        return GraphPosition(x: x, y: y)
    }

    /// Checks a node's config, `{}` if it has none; one that is no object was noted before.
    /// - Returns: the nodes that stand in it.
    private func check(
        _ config: JSONObject?, in node: JSONText, against schema: ConfigSchema, _ kind: String
    ) -> NestedNodes? {
        let written = node.object?.keys ?? []
        let place = written.firstIndex(of: "config")
        guard config != nil || place == nil else { return nil }
        faults.enter("config", place ?? written.count)
        defer { faults.leave() }
        let config = config ?? JSONObject()
        let text = config.text
        let countBefore = faults.count
        schema.check(text, faults)
        guard faults.count == countBefore else { return nil }
        let nested = nested(text, ofKind: kind)
        for (pointer, name) in schema.fileNames(in: config) {
            guard let message = files.read(name) else { continue }
            faults.add(GraphFault(pointer: pointer, message: message), in: text)
        }
        guard faults.count == countBefore else { return nil }
        for fault in compile({ vocabulary.faults(inConfig: config, ofKind: kind, files: files.files) }) {
            faults.add(fault, in: text)
        }
        guard faults.count == countBefore else { return nil }
        code += vocabulary.code(inConfig: config, ofKind: kind).map { found in
            NodeCode(pointer: faults.pointer + found.pointer, source: found.source)
        }
        return nested
    }
}

extension GraphNode {
    /// `[A-Za-z_][A-Za-z0-9_-]{0,63}`
    package static func isID(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= GraphBounds.idLengthMax else { return false }
        func isWord(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
        }
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        return isWord(first) && text.utf8.allSatisfy { isWord($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }
}

extension GraphDocument {
    /// `[a-z0-9][a-z0-9._-]{0,63}`
    package static func isID(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= GraphBounds.idLengthMax else { return false }
        func isWord(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        return isWord(first) && text.utf8.allSatisfy { isWord($0) || "._-".utf8.contains($0) }
    }
}

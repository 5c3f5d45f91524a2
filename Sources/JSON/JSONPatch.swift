/// JSON Patch (RFC 6902).
package enum JSONPatch {
    /// Applies the operations of `patch` in order; all of them or, with an error that names the operation, none.
    /// The result stays within `limits`: a few `copy` operations could otherwise grow it without end.
    package static func apply(
        _ patch: JSONText, to document: JSONText, limits: JSONLimits = .default
    ) throws(JSONError) -> JSONText {
        guard let operations = patch.array else { throw JSONError(.patch, "a JSON Patch is an array of operations") }
        var patched = PatchedDocument(document, limits)
        for (index, operation) in operations.enumerated() {
            do {
                try patched.apply(PatchOperation(operation))
            } catch {
                throw JSONError(error.kind, "operation \(index) of the JSON Patch: \(error.message)")
            }
        }
        return patched.text
    }
}

/// One operation, with the members that its `op` calls for.
private enum PatchOperation {
    case add(JSONPointer, JSONText)
    case remove(JSONPointer)
    case replace(JSONPointer, JSONText)
    case move(from: JSONPointer, JSONPointer)
    case copy(from: JSONPointer, JSONPointer)
    case test(JSONPointer, JSONText)

    init(_ text: JSONText) throws(JSONError) {
        guard let members = text.object else { throw JSONError(.patch, "it is no object") }
        let path = try Self.pointer("path", in: members)
        switch members["op"]?.string {
        case "add": self = .add(path, try Self.value(in: members))
        case "remove": self = .remove(path)
        case "replace": self = .replace(path, try Self.value(in: members))
        case "move": self = .move(from: try Self.pointer("from", in: members), path)
        case "copy": self = .copy(from: try Self.pointer("from", in: members), path)
        case "test": self = .test(path, try Self.value(in: members))
        default: throw JSONError(.patch, "its op is none of add, remove, replace, move, copy and test")
        }
    }

    private static func pointer(_ name: String, in members: JSONObject) throws(JSONError) -> JSONPointer {
        guard let string = members[name]?.string else { throw JSONError(.patch, "it lacks the string \(name)") }
        return try JSONPointer(parsing: string)
    }

    private static func value(in members: JSONObject) throws(JSONError) -> JSONText {
        guard let value = members["value"] else { throw JSONError(.patch, "it lacks a value") }
        return value
    }
}

private struct PatchedDocument {
    private var root: EditableJSON
    private let limits: JSONLimits
    /// What the document and all that was added to it come to; never less than the document's length.
    private var byteCount: Int

    init(_ document: JSONText, _ limits: JSONLimits) {
        root = .text(document)
        self.limits = limits
        byteCount = document.bytes.count
    }

    var text: JSONText { root.text }

    mutating func apply(_ operation: PatchOperation) throws(JSONError) {
        switch operation {
        case .add(let path, let value):
            try add(value, at: path)
        case .remove(let path):
            guard !path.tokens.isEmpty else { throw JSONError(.patch, "the whole document cannot be removed") }
            try edit(path) { $0.remove(at: $1) }
        case .replace(let path, let value):
            try charge(value, at: path)
            if path.tokens.isEmpty {
                root = .text(value)
            } else {
                try edit(path) { $0.replace(with: .text(value), at: $1) }
            }
        case .move(let from, let path):
            try move(from, to: path)
        case .copy(let from, let path):
            try add(value(at: from), at: path)
        case .test(let path, let value):
            guard try self.value(at: path).isEquivalent(to: value) else {
                throw JSONError(.patch, "the value at \(quoted(path)) is another")
            }
        }
    }

    private mutating func move(_ from: JSONPointer, to path: JSONPointer) throws(JSONError) {
        let value = try value(at: from)
        guard from != path else { return }
        let isInside =
            path.tokens.count > from.tokens.count
            && JSONPointer(Array(path.tokens.prefix(from.tokens.count))) == from
        guard !isInside else { throw JSONError(.patch, "\(quoted(from)) cannot move into itself") }
        if !from.tokens.isEmpty { try edit(from) { $0.remove(at: $1) } }
        try add(value, at: path)
    }

    private mutating func add(_ value: JSONText, at path: JSONPointer) throws(JSONError) {
        try charge(value, at: path)
        if path.tokens.isEmpty {
            root = .text(value)
        } else {
            try edit(path) { $0.add(.text(value), at: $1) }
        }
    }

    private mutating func value(at path: JSONPointer) throws(JSONError) -> JSONText {
        guard let value = root.visit(path.tokens[...], { $0.text }) else { throw nothing(at: path) }
        return value
    }

    /// Changes the part that `path` names, which is not the root, in the object or array that holds it.
    private mutating func edit(
        _ path: JSONPointer, _ edit: (inout EditableJSON, String) -> Bool
    ) throws(JSONError) {
        let name = path.tokens[path.tokens.count - 1]
        let done = root.visit(path.tokens.dropLast()) { edit(&$0, name) } ?? false
        guard done else { throw nothing(at: path) }
    }

    /// Refuses a value that would make the document too large or too deep, before it is added.
    private mutating func charge(_ value: JSONText, at path: JSONPointer) throws(JSONError) {
        let name = path.tokens.last.map { $0.utf8.count + 4 } ?? 0
        byteCount += value.bytes.count + name
        guard byteCount <= limits.bytesMax else {
            throw JSONError(.tooLarge, "the document would grow beyond \(limits.bytesMax) bytes")
        }
        let depth = path.tokens.count + value.bytes.withUnsafeBytes(TrustedScanner.depth)
        guard depth <= limits.depthMax else {
            throw JSONError(.tooDeep, "the document would be nested deeper than \(limits.depthMax) levels")
        }
    }

    private func nothing(at path: JSONPointer) -> JSONError {
        JSONError(.patch, "there is nothing at \(quoted(path)), or no place for a value")
    }

    private func quoted(_ path: JSONPointer) -> String { JSONText(path.description).description }
}

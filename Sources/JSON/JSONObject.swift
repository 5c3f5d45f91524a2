import OrderedCollections

/// A JSON object: its members in the order they were added, each value kept as text. Setting a key that is there
/// keeps its place; setting nil removes it.
///
/// `OrderedDictionary` searches linearly, without hashing, while there are fewer than 16 members.
package struct JSONObject: Sendable, Equatable {
    fileprivate typealias Members = OrderedDictionary<JSONKey, JSONText>

    /// The members behind one reference, nil for none: objects are handed on far more often than they are changed.
    fileprivate final class Storage: Sendable {
        struct Content {
            var members: Members
            /// The object's text, where it is known.
            var text: [UInt8]?
        }

        // because a storage that is shared is never changed: `modify` copies it first
        nonisolated(unsafe) var content: Content

        var members: Members {
            _read { yield content.members }
        }

        init(_ members: Members, text: [UInt8]? = nil) { content = Content(members: members, text: text) }
    }
    /// A longer text is not kept beside its parts: it would be there twice.
    private static let knownTextBytesMax = 4096

    private var storage: Storage?

    private static let none = Members()

    package init() {}

    private var members: Members { storage?.members ?? Self.none }

    private mutating func modify<Result>(_ change: (inout Members) -> Result) -> Result {
        if !isKnownUniquelyReferenced(&storage) { storage = Storage(members) }
        guard let storage else { preconditionFailure("a storage of its own is there") }
        storage.content.text = nil
        return change(&storage.content.members)
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.storage === right.storage || left.members == right.members
    }

    /// The members of a text; nil if it is no object.
    package init?(_ text: JSONText) {
        guard text.kind == .object else { return nil }
        var keys: [JSONKey] = []
        var values: [JSONText] = []
        // Of a text with escapes in keys, the object's own text is another one.
        var isKnown = text.bytes.count <= Self.knownTextBytesMax
        text.bytes.withUnsafeBytes { bytes in
            var scanner = TrustedScanner(bytes)
            while let member = scanner.nextMember() {
                if isKnown, hasEscapes(member.key) { isKnown = false }
                keys.append(JSONKey(token: member.key))
                values.append(JSONText(copying: member.value))
            }
        }
        // Parsing has refused duplicates, so none is searched here.
        if !keys.isEmpty {
            storage = Storage(
                OrderedDictionary(uncheckedUniqueKeys: keys, values: values), text: isKnown ? text.bytes : nil)
        }
    }

    /// Parses a text that must be an object.
    package init(parsing text: [UInt8], limits: JSONLimits = .default) throws(JSONError) {
        guard let object = JSONObject(try JSONText(parsing: text, limits: limits)) else {
            throw JSONError(.wrongKind, "an object is expected")
        }
        self = object
    }

    /// Members in the order given; of a key given twice, the last value stands.
    package init(_ members: some Sequence<(JSONKey, JSONText)>) {
        var collected = Members()
        for (key, value) in members { collected[key] = value }
        if !collected.isEmpty { storage = Storage(collected) }
    }

    package var count: Int { storage?.members.count ?? 0 }
    package var isEmpty: Bool { count == 0 }
    package var keys: [JSONKey] { members.keys.elements }

    package subscript(key: JSONKey) -> JSONText? {
        get { storage?.members[key] }
        set { modify { $0[key] = newValue } }
    }

    package subscript(key: String) -> JSONText? {
        get { self[JSONKey(key)] }
        set { self[JSONKey(key)] = newValue }
    }

    /// Takes a member out and gives its value, if there is one; the others keep their order.
    @discardableResult
    package mutating func removeValue(forKey key: JSONKey) -> JSONText? {
        modify { $0.removeValue(forKey: key) }
    }

    package var text: JSONText {
        if let known = knownText { return JSONText(unchecked: known) }
        var writer = ByteWriter(capacity: byteCount)
        writer.append(object: self)
        return JSONText(unchecked: writer.bytes)
    }

    /// The bytes of `text`, where they need not be made.
    package var knownText: [UInt8]? { storage?.content.text }

    /// The length of `text` in bytes.
    package var byteCount: Int {
        if let known = knownText { return known.count }
        let separators = Swift.max(0, 2 * count - 1)
        return members.reduce(2 + separators) { $0 + $1.key.token.count + $1.value.bytes.count }
    }
}

extension JSONObject: Sequence {
    package struct Iterator: IteratorProtocol {
        fileprivate let storage: Storage?
        private var index = 0

        fileprivate init(_ storage: Storage?) {
            self.storage = storage
        }

        package mutating func next() -> (key: JSONKey, value: JSONText)? {
            guard let storage, index < storage.members.count else { return nil }
            defer { index += 1 }
            return storage.members.elements[index]
        }
    }

    package func makeIterator() -> Iterator { Iterator(storage) }
    package var underestimatedCount: Int { count }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral members: (JSONKey, JSONText)...) { self.init(members) }
}

extension JSONObject: CustomStringConvertible {
    /// The object's text.
    package var description: String { text.description }
}

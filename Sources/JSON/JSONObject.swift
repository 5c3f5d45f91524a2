import OrderedCollections

/// A JSON object: its members in the order they were added, each value kept as text. Setting a key that is there
/// keeps its place; setting nil removes it.
///
/// `OrderedDictionary` searches linearly, without hashing, while there are fewer than 16 members.
package struct JSONObject: Sendable, Equatable {
    fileprivate typealias Members = OrderedDictionary<JSONKey, JSONText>

    fileprivate struct Content: Sendable {
        var members: Members
        /// The object's text, where it is known.
        var text: [UInt8]?
    }
    /// A longer text is not kept beside its parts: it would be there twice.
    private static let knownTextBytesMax = 4096

    /// Nil for no members.
    private var content: Shared<Content>?

    private static let none = Members()

    package init() {}

    private var members: Members { content?.value.members ?? Self.none }

    private mutating func modify<Result>(_ change: (inout Members) -> Result) -> Result {
        guard content != nil else {
            var members = Self.none
            defer { content = Shared(Content(members: members)) }
            return change(&members)
        }
        content!.value.text = nil
        return change(&content!.value.members)
    }

    package static func == (left: Self, right: Self) -> Bool {
        if let ours = left.content, let theirs = right.content, ours.isIdentical(to: theirs) { return true }
        return left.members == right.members
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
            let members = OrderedDictionary(uncheckedUniqueKeys: keys, values: values)
            content = Shared(Content(members: members, text: isKnown ? text.bytes : nil))
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
        if !collected.isEmpty { content = Shared(Content(members: collected)) }
    }

    package var count: Int { content?.value.members.count ?? 0 }
    package var isEmpty: Bool { count == 0 }
    package var keys: [JSONKey] { members.keys.elements }

    package subscript(key: JSONKey) -> JSONText? {
        get { content?.value.members[key] }
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
    package var knownText: [UInt8]? { content?.value.text }

    /// The length of `text` in bytes.
    package var byteCount: Int {
        if let known = knownText { return known.count }
        let separators = Swift.max(0, 2 * count - 1)
        return members.reduce(2 + separators) { $0 + $1.key.token.count + $1.value.bytes.count }
    }
}

extension JSONObject: Sequence {
    package struct Iterator: IteratorProtocol {
        private let content: Shared<Content>?
        private var index = 0

        fileprivate init(_ content: Shared<Content>?) {
            self.content = content
        }

        package mutating func next() -> (key: JSONKey, value: JSONText)? {
            guard let content, index < content.value.members.count else { return nil }
            defer { index += 1 }
            return content.value.members.elements[index]
        }
    }

    package func makeIterator() -> Iterator { Iterator(content) }
    package var underestimatedCount: Int { count }

    /// Calls `body` with each member, in order: where it counts, without what an iterator costs.
    @inline(__always) package func forEachMember(_ body: (_ key: JSONKey, _ value: JSONText) -> Void) {
        guard let members = content?.value.members else { return }
        members.values.withUnsafeBufferPointer { values in
            for index in values.indices { body(members.keys[index], values[index]) }
        }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral members: (JSONKey, JSONText)...) { self.init(members) }
}

extension JSONObject: CustomStringConvertible {
    /// The object's text.
    package var description: String { text.description }
}

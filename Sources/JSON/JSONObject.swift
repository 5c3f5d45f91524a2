import OrderedCollections

/// A JSON object: its members in the order they were added, each value kept as text. Setting a key that is there
/// keeps its place; setting nil removes it.
///
/// `OrderedDictionary` searches linearly, without hashing, while there are fewer than 16 members.
package struct JSONObject: Sendable, Equatable {
    private var members: OrderedDictionary<JSONKey, JSONText> = [:]

    package init() {}

    /// The members of a text; nil if it is no object.
    package init?(_ text: JSONText) {
        guard text.kind == .object else { return nil }
        var keys: [JSONKey] = []
        var values: [JSONText] = []
        text.bytes.withUnsafeBytes { bytes in
            var scanner = TrustedScanner(bytes)
            while let member = scanner.nextMember() {
                keys.append(JSONKey(token: member.key))
                values.append(JSONText(copying: member.value))
            }
        }
        // Parsing has refused duplicates, so none is searched here.
        members = OrderedDictionary(uncheckedUniqueKeys: keys, values: values)
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
        for (key, value) in members { self.members[key] = value }
    }

    package var count: Int { members.count }
    package var isEmpty: Bool { members.isEmpty }
    package var keys: [JSONKey] { members.keys.elements }

    package subscript(key: JSONKey) -> JSONText? {
        get { members[key] }
        set { members[key] = newValue }
    }

    package subscript(key: String) -> JSONText? {
        get { members[JSONKey(key)] }
        set { members[JSONKey(key)] = newValue }
    }

    /// Takes a member out and gives its value, if there is one; the others keep their order.
    @discardableResult
    package mutating func removeValue(forKey key: JSONKey) -> JSONText? {
        members.removeValue(forKey: key)
    }

    package var text: JSONText {
        var writer = ByteWriter(capacity: byteCount)
        writer.append(object: self)
        return JSONText(unchecked: writer.bytes)
    }

    /// The length of `text` in bytes.
    package var byteCount: Int {
        let separators = Swift.max(0, 2 * count - 1)
        return members.reduce(2 + separators) { $0 + $1.key.token.count + $1.value.bytes.count }
    }
}

extension JSONObject: Sequence {
    package struct Iterator: IteratorProtocol {
        fileprivate var base: OrderedDictionary<JSONKey, JSONText>.Iterator

        package mutating func next() -> (key: JSONKey, value: JSONText)? { base.next() }
    }

    package func makeIterator() -> Iterator { Iterator(base: members.makeIterator()) }
    package var underestimatedCount: Int { count }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral members: (JSONKey, JSONText)...) { self.init(members) }
}

extension JSONObject: CustomStringConvertible {
    /// The object's text.
    package var description: String { text.description }
}

/// An object's key, compared by code points and never by Swift's canonical equivalence: `é` written as one code point
/// and as two are two keys.
package struct JSONKey: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The key as a JSON string with the fewest escapes, quotes included: the same for all ways to write a key.
    package let token: [UInt8]

    package init(_ string: String) {
        var writer = ByteWriter(capacity: string.utf8.count + 2)
        writer.appendJSONString(string)
        token = writer.bytes
    }

    package init(stringLiteral value: String) { self.init(value) }

    /// From a token that another key has given: the fewest escapes, quotes included.
    package init(canonical token: [UInt8]) {
        self.token = token
    }

    /// The key that a valid string token names.
    init(token: UnsafeRawBufferPointer) {
        self = hasEscapes(token) ? JSONKey(decodeStringToken(token)) : JSONKey(canonical: [UInt8](token))
    }

    package var string: String { token.withUnsafeBytes(decodeStringToken) }

    /// The key itself, without quotes.
    package var description: String { string }

    package static func == (left: JSONKey, right: JSONKey) -> Bool { areEqual(left.token, right.token) }

    package func hash(into hasher: inout Hasher) {
        token.withUnsafeBytes { hasher.combine(bytes: $0) }
    }

    /// Whether a valid string token names `key`.
    static func token(_ token: UnsafeRawBufferPointer, means key: JSONKey) -> Bool {
        if hasEscapes(token) { return JSONKey(token: token) == key }
        return key.token.withUnsafeBytes { areEqual(token, $0) }
    }
}

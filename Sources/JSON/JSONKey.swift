/// An object's key, compared by code points and never by Swift's canonical equivalence: `é` written as one code point
/// and as two are two keys.
package struct JSONKey: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The key as a JSON string with the fewest escapes, quotes included: the same for all ways to write a key.
    package let token: [UInt8]
    /// Tells most keys apart without a look at their tokens. No hash: keys come from outside, and could be made to collide.
    package let mark: UInt64

    package init(_ string: String) {
        var writer = ByteWriter(capacity: string.utf8.count + 2)
        writer.appendJSONString(string)
        self.init(canonical: writer.bytes)
    }

    package init(stringLiteral value: String) { self.init(value) }

    /// From a token that another key has given: the fewest escapes, quotes included.
    package init(canonical token: [UInt8]) {
        self.token = token
        mark = token.withUnsafeBytes(Self.mark)
    }

    /// The length, and the first and the last bytes.
    private static func mark(_ token: UnsafeRawBufferPointer) -> UInt64 {
        var (first, last): (UInt64, UInt64) = (0, 0)
        let count = min(token.count, 8)
        withUnsafeMutableBytes(of: &first) {
            $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: token.prefix(count)))
        }
        withUnsafeMutableBytes(of: &last) { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: token.suffix(count))) }
        return first ^ last.byteSwapped ^ UInt64(token.count) << 32
    }

    /// The key that a valid string token names.
    init(token: UnsafeRawBufferPointer) {
        self = hasEscapes(token) ? JSONKey(decodeStringToken(token)) : JSONKey(canonical: [UInt8](token))
    }

    package var string: String { token.withUnsafeBytes(decodeStringToken) }

    /// The key itself, without quotes.
    package var description: String { string }

    package static func == (left: JSONKey, right: JSONKey) -> Bool {
        left.mark == right.mark && areEqual(left.token, right.token)
    }

    package func hash(into hasher: inout Hasher) {
        token.withUnsafeBytes { hasher.combine(bytes: $0) }
    }

    /// Whether a valid string token names `key`.
    static func token(_ token: UnsafeRawBufferPointer, means key: JSONKey) -> Bool {
        if hasEscapes(token) { return JSONKey(token: token) == key }
        return key.token.withUnsafeBytes { areEqual(token, $0) }
    }
}

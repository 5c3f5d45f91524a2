/// A JSON value kept as it was written: valid, minified UTF-8. Number tokens keep their digits, strings their escapes,
/// objects their key order. Holds no raw CR or LF, and no duplicate keys.
///
/// Two texts are equal if their bytes are; see `isEquivalent(to:)` for equality of the values.
package struct JSONText: Sendable {
    package let bytes: [UInt8]

    /// For text that this daemon made or has checked before; checked again in debug builds only.
    package init(trusted bytes: [UInt8]) {
        assert(Self.isValidAndMinified(bytes))
        self.bytes = bytes
    }

    /// For parts of a text that is valid.
    init(copying part: UnsafeRawBufferPointer) {
        bytes = [UInt8](part)
    }

    init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }
}

/// What a JSON value is (RFC 8259, section 3).
package enum JSONKind: Sendable, Hashable {
    case object, array, string, number, bool, null
}

// MARK: - Reading

extension JSONText {
    package var kind: JSONKind {
        switch bytes[0] {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
        case UInt8(ascii: "n"): .null
        default: .number
        }
    }

    /// The members, if this is an object.
    package var object: JSONObject? { JSONObject(self) }

    /// The elements, if this is an array.
    package var array: [JSONText]? {
        guard kind == .array else { return nil }
        var elements: [JSONText] = []
        bytes.withUnsafeBytes { text in
            var scanner = TrustedScanner(text)
            while let element = scanner.nextElement() { elements.append(JSONText(copying: element)) }
        }
        return elements
    }

    /// The string with its escapes resolved, if this is a string.
    package var string: String? {
        guard kind == .string else { return nil }
        return bytes.withUnsafeBytes(decodeStringToken)
    }

    /// The integer, if this is a number that is written as one and fits: `1.0` and `1e2` are none.
    package var int: Int? {
        guard kind == .number else { return nil }
        return bytes.withUnsafeBytes(decimalInteger)
    }

    /// The nearest double, if this is a number that has one: `1e400` has none.
    package var double: Double? {
        guard kind == .number else { return nil }
        return Double(description).flatMap { $0.isFinite ? $0 : nil }
    }

    package var bool: Bool? {
        guard kind == .bool else { return nil }
        return bytes[0] == UInt8(ascii: "t")
    }

    package var isNull: Bool { kind == .null }

    /// The value of one member, if this is an object that has it; cheaper than `object` for a single look.
    package subscript(key: JSONKey) -> JSONText? {
        guard kind == .object else { return nil }
        return bytes.withUnsafeBytes { text in
            var scanner = TrustedScanner(text)
            while let member = scanner.nextMember() {
                if JSONKey.token(member.key, means: key) { return JSONText(copying: member.value) }
            }
            return nil
        }
    }
}

extension JSONText: Hashable {
    package static func == (left: JSONText, right: JSONText) -> Bool { areEqual(left.bytes, right.bytes) }

    package func hash(into hasher: inout Hasher) {
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}

extension JSONText: CustomStringConvertible {
    /// The text itself.
    package var description: String { String(decoding: bytes, as: UTF8.self) }
}

/// The integer that the whole token writes; nil if it is none or does not fit.
private func decimalInteger(_ token: UnsafeRawBufferPointer) -> Int? {
    let negative = token[0] == UInt8(ascii: "-")
    var value = 0
    for byte in token[(negative ? 1 : 0)...] {
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
        let (shifted, tooLong) = value.multipliedReportingOverflow(by: 10)
        let digit = Int(byte - UInt8(ascii: "0"))
        let (next, tooLarge) = shifted.addingReportingOverflow(negative ? -digit : digit)
        guard !tooLong, !tooLarge else { return nil }
        value = next
    }
    return value
}

extension JSONText {
    /// Whether both write the same value (RFC 6902, section 4.6): numbers by their value, strings by code points,
    /// arrays by element, objects whatever their order.
    package func isEquivalent(to other: JSONText) -> Bool {
        if self == other { return true }
        guard kind == other.kind else { return false }
        switch kind {
        case .number: return Decimal(self) == Decimal(other)
        case .string: return key == other.key
        case .array: return Self.areEquivalent(array!, other.array!)
        case .object: return Self.areEquivalent(object!, other.object!)
        case .bool, .null: return false
        }
    }

    /// The string as a key, which is the same for all ways to write it.
    private var key: JSONKey { bytes.withUnsafeBytes { JSONKey(token: $0) } }

    private static func areEquivalent(_ left: [JSONText], _ right: [JSONText]) -> Bool {
        left.elementsEqual(right) { $0.isEquivalent(to: $1) }
    }

    private static func areEquivalent(_ left: JSONObject, _ right: JSONObject) -> Bool {
        left.count == right.count
            && left.allSatisfy { key, value in right[key].map { value.isEquivalent(to: $0) } ?? false }
    }
}

/// A number's exact value: its digits without needless zeros, and the power of ten of the last of them.
private struct Decimal: Equatable {
    private var isNegative = false
    private var digits: [UInt8] = []
    private var exponent = 0
    /// An exponent that no integer holds; such numbers are the same only if they are written alike.
    private var oversized: JSONText?

    init(_ number: JSONText) {
        let token = number.bytes
        let mantissaEnd = token.firstIndex { $0 | 0x20 == UInt8(ascii: "e") } ?? token.count
        var fraction: Int?
        for byte in token[..<mantissaEnd] {
            switch byte {
            case UInt8(ascii: "-"): isNegative = true
            case UInt8(ascii: "."): fraction = 0
            default:
                digits.append(byte)
                fraction? += 1
            }
        }
        normalize(fractionCount: fraction ?? 0)
        guard !digits.isEmpty, mantissaEnd < token.count else { return }
        let written = Int(String(decoding: token[(mantissaEnd + 1)...], as: UTF8.self))
        let (sum, overflow) = exponent.addingReportingOverflow(written ?? 0)
        exponent = sum
        if written == nil || overflow { oversized = number }
    }

    private mutating func normalize(fractionCount: Int) {
        exponent = -fractionCount
        while digits.last == UInt8(ascii: "0") {
            digits.removeLast()
            exponent += 1
        }
        digits = Array(digits.drop { $0 == UInt8(ascii: "0") })
        // All zeros are one.
        if digits.isEmpty { (isNegative, exponent) = (false, 0) }
    }
}

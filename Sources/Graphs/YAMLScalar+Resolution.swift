/// What a YAML scalar means in JSON.
///
/// The core schema of YAML 1.2 (section 10.3), with one restriction: a number must be written as JSON writes it, so
/// that its digits can be kept. What another YAML reader would take for a number but JSON cannot hold as written
/// (`0x1F`, `0o17`, `017`, `+1`, `.5`, `1_000`, `.inf`) is refused rather than converted or taken for a string: either
/// guess would be silent. `yes`, `no`, `on`, `off`, dates and times are strings.
enum YAMLMeaning: Equatable {
    case null
    case bool(Bool)
    /// The token is a JSON number.
    case number([UInt8])
    case string([UInt8])
    case refused(String)
}

extension YAMLScalar {
    private static let tagPrefix = "tag:yaml.org,2002:"

    /// What the scalar means, its tag considered.
    var meaning: YAMLMeaning {
        guard let tag else { return isPlain ? Self.meaning(ofPlain: text) : .string(text) }
        guard tag.hasPrefix(Self.tagPrefix) else { return .refused("the tag \(Suggestion.quoted(tag)) is not known") }
        let name = String(tag.dropFirst(Self.tagPrefix.count))
        switch (name, Self.meaning(ofPlain: text)) {
        case ("str", _): return .string(text)
        case ("null", .null): return .null
        case ("bool", .bool(let value)): return .bool(value)
        case ("float", .number(let token)): return .number(token)
        case ("int", .number(let token)) where !token.contains(where: { ".eE".utf8.contains($0) }):
            return .number(token)
        case ("null", _), ("bool", _), ("float", _), ("int", _):
            return .refused(
                "\(Suggestion.quoted(String(decoding: text, as: UTF8.self))) is no value of the tag !!\(name)")
        default: return .refused("the tag !!\(name) is not known")
        }
    }

    /// What a plain scalar without a tag means.
    static func meaning(ofPlain text: [UInt8]) -> YAMLMeaning {
        // The words of the core schema have at most five letters; longer texts need no comparison.
        switch text.count <= 5 ? String(decoding: text, as: UTF8.self) : "-" {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        switch YAMLNumberForm(text) {
        case .json: return .number(text)
        case .other:
            let shown = Suggestion.quoted(String(decoding: text, as: UTF8.self))
            return .refused(
                "\(shown) is not a number as JSON writes them; write it in decimal, or quote it if it is text")
        case .none: return .string(text)
        }
    }
}

/// Whether a plain scalar is a number: one of JSON (RFC 8259, section 6), one of YAML 1.2 or 1.1 alone, or none.
enum YAMLNumberForm {
    case json, other, none

    init(_ text: [UInt8]) {
        var rest = text[...]
        let sign = rest.first
        if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { rest.removeFirst() }
        guard let first = rest.first, first == UInt8(ascii: ".") || Self.isDigit(first) else {
            self = .none
            return
        }
        if Self.isSpecial(rest, isSigned: rest.count < text.count) || Self.isRadix(rest) {
            self = .other
        } else {
            self = Self.decimal(rest, isPositive: sign == UInt8(ascii: "+"))
        }
    }

    /// `.inf` in three spellings, signed or not, and `.nan` in three, unsigned.
    private static func isSpecial(_ text: ArraySlice<UInt8>, isSigned: Bool) -> Bool {
        guard text.count == 4 else { return false }
        let word = String(decoding: text, as: UTF8.self)
        return [".inf", ".Inf", ".INF"].contains(word) || (!isSigned && [".nan", ".NaN", ".NAN"].contains(word))
    }

    /// `0x1F`, `0o17`, `0b1`, digits grouped by `_` or not.
    private static func isRadix(_ text: ArraySlice<UInt8>) -> Bool {
        guard text.count > 2, text.first == UInt8(ascii: "0") else { return false }
        let radix: Int
        switch text[text.startIndex + 1] {
        case UInt8(ascii: "x"): radix = 16
        case UInt8(ascii: "o"): radix = 8
        case UInt8(ascii: "b"): radix = 2
        default: return false
        }
        return text.dropFirst(2).allSatisfy {
            $0 == UInt8(ascii: "_") || Character(Unicode.Scalar($0)).hexDigitValue.map { $0 < radix } == true
        }
    }

    /// Digits, fraction, exponent; digits may be grouped by `_`, and left out on one side of the point.
    private static func decimal(_ text: ArraySlice<UInt8>, isPositive: Bool) -> Self {
        var rest = text
        var isJSON = !isPositive
        let whole = digits(&rest)
        isJSON = isJSON && isStrict(whole) && (whole.count == 1 || whole.first != UInt8(ascii: "0"))
        var digitCount = whole.count { isDigit($0) }
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            let fraction = digits(&rest)
            isJSON = isJSON && isStrict(fraction)
            digitCount += fraction.count { isDigit($0) }
        }
        guard digitCount > 0 else { return .none }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest.removeFirst()
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
            let exponent = digits(&rest)
            guard exponent.contains(where: isDigit) else { return .none }
            isJSON = isJSON && isStrict(exponent)
        }
        guard rest.isEmpty else { return .none }
        return isJSON ? .json : .other
    }

    private static func digits(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let digits = rest.prefix { isDigit($0) || $0 == UInt8(ascii: "_") }
        rest = rest.dropFirst(digits.count)
        return digits
    }

    private static func isStrict(_ digits: ArraySlice<UInt8>) -> Bool {
        !digits.isEmpty && digits.allSatisfy(isDigit)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

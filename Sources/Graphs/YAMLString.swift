import JSON

/// How strings stand in a YAML text.
enum YAMLString {
    /// Words that YAML 1.1 takes for booleans, and 1.2 for strings: quoted, so that both agree.
    private static let ambiguousWords: Set<String> = ["yes", "no", "on", "off", "true", "false", "null"]

    /// A string on one line: plain if nothing speaks against it, else in double quotes.
    static func scalar(_ string: String, isKey: Bool = false, inFlow: Bool = false) -> String {
        isPlain(string, isBlockValue: !isKey && !inFlow) ? string : quoted(string)
    }

    /// Whether a string is better written as a literal block: it has several lines, and nothing that only an escape
    /// can write.
    static func isLiteral(_ string: String) -> Bool {
        string.utf8.contains(UInt8(ascii: "\n")) && string.utf8.contains { $0 != UInt8(ascii: "\n") }
            && string.unicodeScalars.allSatisfy { isPrintable($0) || $0 == "\n" || $0 == "\t" }
    }

    /// A value in flow style, on one line.
    static func flow(_ value: JSONText) -> String {
        if let object = value.object {
            let members = object.map { key, value in
                "\(scalar(key.string, isKey: true, inFlow: true)): \(flow(value))"
            }
            return members.isEmpty ? "{}" : "{ \(members.joined(separator: ", ")) }"
        }
        if let elements = value.array { return "[\(elements.map(flow).joined(separator: ", "))]" }
        return value.string.map { scalar($0, inFlow: true) } ?? value.description
    }

    /// A letter first, then letters, digits, and what means nothing to YAML inside a word. Strings that begin with a
    /// digit or sign are quoted throughout: numbers, dates, times and versions have no common grammar among readers.
    private static func isPlain(_ string: String, isBlockValue: Bool) -> Bool {
        guard let first = string.unicodeScalars.first, isLetter(first) || first == "_" || first == "/" else {
            return false
        }
        guard string.unicodeScalars.last != " ", string.unicodeScalars.last != ":" else { return false }
        guard string.utf8.count > 5 || !ambiguousWords.contains(string.lowercased()) else { return false }
        var previous: Unicode.Scalar = " "
        return string.unicodeScalars.allSatisfy { scalar in
            defer { previous = scalar }
            if isLetter(scalar) || ("0"..."9").contains(scalar) { return previous != ":" || isBlockValue }
            if scalar == " " { return previous != ":" }
            return isBlockValue
                ? "_-./+()'=;?!@*&%<>|~^$,:[]{}".unicodeScalars.contains(scalar)
                : "_-./+()'=;!@*&%<>|~^$".unicodeScalars.contains(scalar)
        }
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || (scalar.value > 0xA0 && isPrintable(scalar))
    }

    /// What may stand in a YAML text without an escape (section 5.1), less the separators that end a line.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7E: true
        case 0x2028, 0x2029, 0xFEFF: false
        case 0xA0...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: true
        default: false
        }
    }

    /// Double quotes with escapes (section 5.7).
    private static func quoted(_ string: String) -> String {
        var result = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            case _ where isPrintable(scalar): result.unicodeScalars.append(scalar)
            default: result += escape(scalar)
            }
        }
        return result + "\""
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        let (letter, count) = scalar.value <= 0xFF ? ("x", 2) : scalar.value <= 0xFFFF ? ("u", 4) : ("U", 8)
        return "\\" + letter + String(repeating: "0", count: count - digits.count) + digits
    }
}

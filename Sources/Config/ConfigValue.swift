/// The value of a configuration key, of any type.
package enum ConfigValue: Equatable, Sendable {
    case integer(Int)
    case boolean(Bool)
    case string(String)
    case list([String])
    case providers([ProviderEntry])

    /// The value as YAML flow text, which is a valid value for the configuration file.
    package var yaml: String {
        switch self {
        case .integer(let number): String(number)
        case .boolean(let flag): String(flag)
        case .string(let text): Self.quoted(text)
        case .providers(let entries): "{" + entries.map(\.yaml).joined(separator: ", ") + "}"
        case .list(let items): "[" + items.map(Self.quoted).joined(separator: ", ") + "]"
        }
    }

    /// A word that reads as itself stays bare; anything else becomes a double-quoted YAML scalar.
    private static func quoted(_ text: String) -> String {
        let isWord = text.utf8.first.map(isLetterOrSlash) == true && text.utf8.allSatisfy(isWordByte)
        if isWord && !resolvedWords.contains(text.lowercased()) { return text }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\" + String(scalar)
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let hex = String(scalar.value, radix: 16)
                result += "\\x" + (hex.count == 1 ? "0" : "") + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// Words that YAML 1.1 reads as something else than a string.
    private static let resolvedWords: Set<String> = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"]

    private static func isLetterOrSlash(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte | 0x20) || byte == 0x2F
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        isLetterOrSlash(byte) || (0x30...0x39).contains(byte) || byte == 0x2E || byte == 0x5F || byte == 0x2D
    }
}

import JSON

/// Texts as HTML.
enum HTMLText {
    static func escaped(_ text: String) -> String {
        var output = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": output += "&amp;"
            case "<": output += "&lt;"
            case ">": output += "&gt;"
            case "\"": output += "&quot;"
            default: output.unicodeScalars.append(character)
            }
        }
        return output
    }

    /// A line in which `code` stands between backticks.
    static func inline(_ text: String) -> String {
        let parts = text.split(separator: "`", omittingEmptySubsequences: false)
        return parts.enumerated().map { index, part in
            let part = escaped(String(part))
            // The last backtick has no other one.
            if index % 2 == 0 { return part }
            return index == parts.count - 1 ? "`\(part)" : "<code>\(part)</code>"
        }.joined()
    }

    /// Paragraphs, with empty lines between them.
    static func prose(_ text: JSONText?) -> String {
        (text?.string ?? "").split(separator: "\n\n").map { "<p>\(inline(String($0)))</p>" }.joined()
    }

    /// A value over several lines, indented by two spaces; a text as it is.
    static func indented(_ value: JSONText) -> String {
        escaped(value.string ?? lines(value, indent: ""))
    }

    private static func lines(_ value: JSONText, indent: String) -> String {
        let inner = indent + "  "
        if let object = value.object, !object.isEmpty {
            let members = object.map { key, value in "\(inner)\(JSONText(key.string)): \(lines(value, indent: inner))" }
            return "{\n\(members.joined(separator: ",\n"))\n\(indent)}"
        }
        if let elements = value.array, !elements.isEmpty {
            return "[\n\(elements.map { inner + lines($0, indent: inner) }.joined(separator: ",\n"))\n\(indent)]"
        }
        return value.description
    }
}

import JSON

/// Values as people read them.
enum ReadableText {
    /// `0.42 ms`, `12.3 ms`, `1.23 s`, `2m 03s`, `1h 02m`.
    static func duration(milliseconds: Double) -> String {
        // Beyond a century something else is wrong.
        let milliseconds = min(max(0, milliseconds), 3.2e12)
        if milliseconds < 9.995 { return "\(fixed(milliseconds, digits: 2)) ms" }
        if milliseconds < 999.5 { return "\(fixed(milliseconds, digits: 1)) ms" }
        if milliseconds < 59_995 { return "\(fixed(milliseconds / 1000, digits: 2)) s" }
        let seconds = Int((milliseconds / 1000).rounded())
        if seconds < 3600 { return "\(seconds / 60)m \(twoDigits(seconds % 60))s" }
        return "\(seconds / 3600)h \(twoDigits(seconds / 60 % 60))m"
    }

    /// The number with so many digits behind its point.
    static func fixed(_ value: Double, digits: Int) -> String {
        let unit = (0..<digits).reduce(1) { unit, _ in unit * 10 }
        let scaled = Int((value.magnitude * Double(unit)).rounded())
        let fraction = String(scaled % unit)
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        return "\(sign)\(scaled / unit).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// A JSON value in short: a string without its quotes, all else as JSON; at most about so many bytes.
    static func short(_ value: JSONText, bytesMax: Int = 512) -> String {
        let text = value.bytes.count <= bytesMax * 4 ? value.string : nil
        return text ?? String(decoding: value.bytes.prefix(bytesMax), as: UTF8.self)
    }

    /// A JSON document over several lines, indented by two spaces.
    static func indented(_ value: JSONText, depth: Int = 0) -> String {
        let inner = String(repeating: "  ", count: depth + 1)
        let outer = String(repeating: "  ", count: depth)
        if let object = value.object, !object.isEmpty {
            let members = object.map { key, value in
                "\(inner)\(String(decoding: key.token, as: UTF8.self)): \(indented(value, depth: depth + 1))"
            }
            return "{\n\(members.joined(separator: ",\n"))\n\(outer)}"
        }
        if let array = value.array, !array.isEmpty {
            let elements = array.map { "\(inner)\(indented($0, depth: depth + 1))" }
            return "[\n\(elements.joined(separator: ",\n"))\n\(outer)]"
        }
        return value.description
    }

    /// JSON that is printed as it is. Control characters beyond ASCII may stand in its strings; a terminal would obey
    /// them, so there they are escaped, which changes no value.
    static func json(_ text: String, forTerminal: Bool) -> String {
        guard forTerminal, text.unicodeScalars.contains(where: { 0x7F...0x9F ~= $0.value }) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if 0x7F...0x9F ~= scalar.value {
                result.append(contentsOf: "\\u00\(String(scalar.value, radix: 16))".unicodeScalars)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }
}

extension Terminal {
    /// JSON on stdout: a line of it, or a document over several lines.
    static func print(json text: JSONText, indented isIndented: Bool = false) throws(OutputFailure) {
        let written = isIndented ? ReadableText.indented(text) : text.description
        try print(ReadableText.json(written, forTerminal: isInteractive))
    }
}

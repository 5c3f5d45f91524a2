import JSON

/// Writes JSON as YAML for people: block style, short objects and lists on one line, strings plain where every YAML
/// reader (1.1 or 1.2) takes them for strings, text of several lines as literal blocks. Reading it back by `YAMLReader`
/// gives the same JSON.
struct YAMLWriter {
    /// The longest line that a collection is put on.
    private static let flowWidthMax = 96
    /// Longer keys need the explicit form `? key`: YAML 1.2, section 7.4.2, allows implicit keys of 1,024 characters.
    private static let implicitKeyMax = 128

    private var output = ""

    static func text(of value: JSONText) -> String {
        var writer = YAMLWriter()
        if let object = value.object, !object.isEmpty {
            writer.block(object, indent: 0, isFirstLineBegun: true)
        } else if let elements = value.array, !elements.isEmpty {
            writer.block(elements, indent: 0)
        } else {
            writer.output += YAMLString.flow(value) + "\n"
        }
        return writer.output
    }

    /// Writes the members of an object, each at the beginning of a line; the first may continue the line of a dash.
    private mutating func block(_ object: JSONObject, indent: Int, isFirstLineBegun: Bool) {
        var isBegun = isFirstLineBegun
        for (key, value) in object {
            if !isBegun { pad(indent) }
            isBegun = false
            let name = YAMLString.scalar(key.string, isKey: true)
            if name.utf8.count > Self.implicitKeyMax {
                output += "? \(name)\n"
                pad(indent)
                output += ":"
            } else {
                output += "\(name):"
            }
            member(value, indent: indent, used: indent + name.utf8.count)
        }
    }

    /// Writes a value behind its key.
    private mutating func member(_ value: JSONText, indent: Int, used: Int) {
        if let flow = oneLine(value, used: used) {
            output += " \(flow)\n"
        } else if let object = value.object {
            output += "\n"
            block(object, indent: indent + 2, isFirstLineBegun: false)
        } else if let elements = value.array {
            output += "\n"
            block(elements, indent: indent + 2)
        } else if let string = value.string {
            output += " "
            literal(string, indent: indent + 2)
        }
    }

    private mutating func block(_ elements: [JSONText], indent: Int) {
        for element in elements {
            pad(indent)
            if let flow = oneLine(element, used: indent) {
                output += "- \(flow)\n"
            } else if let object = element.object {
                output += "- "
                block(object, indent: indent + 2, isFirstLineBegun: true)
            } else if let elements = element.array {
                output += "-\n"
                block(elements, indent: indent + 2)
            } else if let string = element.string {
                output += "- "
                literal(string, indent: indent + 2)
            }
        }
    }

    /// The value on the rest of a line, if it is made for that: a scalar that is no block, an empty collection, or a
    /// short collection of such.
    private func oneLine(_ value: JSONText, used: Int) -> String? {
        switch value.kind {
        case .string: return value.string.flatMap { YAMLString.isLiteral($0) ? nil : YAMLString.scalar($0) }
        case .number, .bool, .null: return value.description
        case .object:
            guard let members = value.object, members.allSatisfy({ isSimple($0.value) }) else { return nil }
        case .array:
            guard let elements = value.array, elements.allSatisfy(isSimple) else { return nil }
        }
        let flow = YAMLString.flow(value)
        return used + flow.utf8.count <= Self.flowWidthMax || flow.utf8.count == 2 ? flow : nil
    }

    private func isSimple(_ value: JSONText) -> Bool {
        switch value.kind {
        case .number, .bool, .null: true
        case .string: value.string.map { !YAMLString.isLiteral($0) } ?? false
        case .object, .array: value.bytes.count == 2
        }
    }

    /// Writes a literal block (YAML 1.2, section 8.1.2).
    private mutating func literal(_ string: String, indent: Int) {
        let lines = string.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let firstText = lines.first { !$0.isEmpty }?.first
        // A first line that begins with a space hides where the block begins, so the header says it.
        let indicator = firstText == UInt8(ascii: " ") || firstText == UInt8(ascii: "\t") ? "2" : ""
        let chomping = lines.last?.isEmpty == false ? "-" : lines.dropLast().last?.isEmpty == false ? "" : "+"
        output += "|\(indicator)\(chomping)\n"
        for line in chomping == "-" ? lines[...] : lines.dropLast() {
            if !line.isEmpty { pad(indent) }
            output += String(line) ?? ""
            output += "\n"
        }
    }

    private mutating func pad(_ indent: Int) {
        output += String(repeating: " ", count: indent)
    }
}

extension GraphDocument {
    /// The document as YAML, from its source; reading it back gives the same JSON.
    package func yaml() -> String {
        source.yaml()
    }
}

extension JSONText {
    /// This value as YAML; reading it back gives the same JSON.
    package func yaml() -> String {
        YAMLWriter.text(of: self)
    }
}

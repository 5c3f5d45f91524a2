/// How documents name something in a Python file: `run`, `graph.nodes['load']`, `steps[0].run`.
enum PythonPath {
    /// Whether the text has the form of one. Whether it leads anywhere, only Python knows.
    static func isPath(_ text: String) -> Bool {
        var rest = Substring(text)
        guard takeName(&rest) else { return false }
        while let first = rest.first {
            rest.removeFirst()
            switch first {
            case ".": guard takeName(&rest) else { return false }
            case "[": guard takeNumber(&rest) || takeString(&rest), takeEnd(&rest) else { return false }
            default: return false
            }
        }
        return true
    }

    private static func takeName(_ rest: inout Substring) -> Bool {
        let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        rest = rest[name.endIndex...]
        return name.first.map { !$0.isNumber } ?? false
    }

    private static func takeNumber(_ rest: inout Substring) -> Bool {
        var number = rest
        if number.first == "-" { number.removeFirst() }
        let digits = number.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty else { return false }
        rest = number[digits.endIndex...]
        return true
    }

    private static func takeString(_ rest: inout Substring) -> Bool {
        guard let quote = rest.first, quote == "'" || quote == "\"" else { return false }
        rest.removeFirst()
        while let character = rest.popFirst() {
            if character == quote { return true }
            if character == "\\", rest.popFirst() == nil { return false }
            if character.isNewline { return false }
        }
        return false
    }

    private static func takeEnd(_ rest: inout Substring) -> Bool {
        rest.popFirst() == "]"
    }
}

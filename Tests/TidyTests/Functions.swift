/// Where the functions of a file begin and end.
struct Function {
    let name: String
    /// Of the `func` or `init`, starting from 1.
    let line: Int
    /// From that line to the closing brace, both counted.
    let lineCount: Int
    /// Whether the body is one `switch` and nothing else.
    let isPlainSwitch: Bool

    /// The functions of a file with a body, nested ones too.
    static func all(in file: SwiftFile) -> [Function] {
        let code = file.code.bytes
        let raw = file.source.split(separator: "\n", omittingEmptySubsequences: false)
        var functions: [Function] = []
        var line = 1
        for index in code.indices {
            if code[index] == UInt8(ascii: "\n") { line += 1 }
            guard let keyword = keywords.first(where: { isWord($0, at: index, in: code) }) else { continue }
            guard let open = bodyStart(after: index + keyword.count, in: code) else { continue }
            guard let close = end(of: open, in: code) else { continue }
            let lineCount = code[index...close].count { $0 == UInt8(ascii: "\n") } + 1
            let name = raw[line - 1].drop { $0 == " " }
            functions.append(
                Function(
                    name: String(name), line: line, lineCount: lineCount,
                    isPlainSwitch: isSwitch(code[(open + 1)..<close])))
        }
        return functions
    }

    private static let keywords = ["func", "init", "deinit", "subscript"]

    /// A declaration's keyword; `.init` and `x.init` are calls.
    private static func isWord(_ word: String, at index: Int, in code: [UInt8]) -> Bool {
        let end = index + word.utf8.count
        guard end <= code.count, code[index] == word.utf8.first, code[index..<end].elementsEqual(word.utf8) else {
            return false
        }
        let before = index > 0 ? code[index - 1] : space
        let after = end < code.count ? code[end] : space
        return !isNamePart(before) && before != UInt8(ascii: ".") && !isNamePart(after)
    }

    private static func isNamePart(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || byte == UInt8(ascii: "_") || byte >= 0x80
    }

    private static let space = UInt8(ascii: " ")

    private static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == UInt8(ascii: "\n") }

    /// The brace that opens the body. Nil for a requirement of a protocol, which ends with its line.
    private static func bodyStart(after index: Int, in code: [UInt8]) -> Int? {
        var depth = 0
        var hasParameters = false
        for position in index..<code.count {
            switch Unicode.Scalar(code[position]) {
            case "(", "[":
                depth += 1
            case ")", "]":
                depth -= 1
                hasParameters = hasParameters || depth == 0
            case "{" where depth == 0: return position
            case "}" where depth == 0: return nil
            case "\n" where depth == 0 && hasParameters && !signatureGoesOn(after: position, in: code): return nil
            default: break
            }
        }
        return nil
    }

    private static func signatureGoesOn(after newline: Int, in code: [UInt8]) -> Bool {
        let next = code[newline...].drop(while: isBlank).prefix(8)
        let word = String(decoding: next, as: UTF8.self)
        return ["{", "->", "where ", "throws", "async", "rethrows", ")"].contains { word.hasPrefix($0) }
    }

    private static func end(of open: Int, in code: [UInt8]) -> Int? {
        var depth = 0
        for position in open..<code.count {
            if code[position] == UInt8(ascii: "{") { depth += 1 }
            if code[position] == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0 { return position }
        }
        return nil
    }

    private static func isSwitch(_ body: ArraySlice<UInt8>) -> Bool {
        let code = Array(body)
        guard let start = code.firstIndex(where: { !isBlank($0) }) else { return false }
        let first = isWord("return", at: start, in: code) ? start + "return ".count : start
        guard isWord("switch", at: first, in: code), let open = code.firstIndex(of: UInt8(ascii: "{")),
            let close = end(of: open, in: code)
        else { return false }
        return code[(close + 1)...].allSatisfy(isBlank)
    }
}

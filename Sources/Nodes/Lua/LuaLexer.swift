/// Runs over Lua source and tells code from strings and comments (reference manual 5.4, section 3.1), each byte once. It judges
/// nothing: what is no Lua is found by Lua's compiler.
struct LuaLexer {
    enum Token {
        /// A byte of code.
        case code(UInt8)
        case string
        /// `--` to the end of the line, which is not part of it.
        case lineComment
        case longComment
    }

    private let source: ArraySlice<UInt8>
    /// Where the next token begins.
    private(set) var index: Int

    init(_ source: ArraySlice<UInt8>) {
        self.source = source
        index = source.startIndex
    }

    /// The token that begins at `index`, which moves behind it.
    mutating func next() -> Token? {
        guard index < source.endIndex else { return nil }
        switch source[index] {
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            skipString()
            return .string
        case UInt8(ascii: "["):
            if skipLongBracket() { return .string }
        case UInt8(ascii: "-") where byte(at: index + 1) == UInt8(ascii: "-"):
            index += 2
            if byte(at: index) == UInt8(ascii: "["), skipLongBracket() { return .longComment }
            skipLine()
            return .lineComment
        default: break
        }
        index += 1
        return .code(source[index - 1])
    }

    private func byte(at index: Int) -> UInt8? { index < source.endIndex ? source[index] : nil }

    private mutating func skipLine() {
        while let byte = byte(at: index), byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") { index += 1 }
    }

    /// A string ends at its quote or, unfinished, at the end of its line.
    private mutating func skipString() {
        let quote = source[index]
        index += 1
        while let byte = byte(at: index) {
            if byte == UInt8(ascii: "\n") { return }
            index += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == quote { break }
            if byte == UInt8(ascii: "\\"), self.byte(at: index - 1) == UInt8(ascii: "z") { skipSpace() }
        }
        index = min(index, source.endIndex)
    }

    /// `\z` in a string leaves out the white space behind it.
    private mutating func skipSpace() {
        while let byte = byte(at: index), byte == UInt8(ascii: " ") || (9...13).contains(byte) { index += 1 }
    }

    /// Moves behind `[[ … ]]` or `[==[ … ]==]`, to the end if it is unfinished. Returns false where no such bracket begins.
    private mutating func skipLongBracket() -> Bool {
        var at = index + 1
        while byte(at: at) == UInt8(ascii: "=") { at += 1 }
        guard byte(at: at) == UInt8(ascii: "[") else { return false }
        let level = at - index - 1
        at += 1
        while at < source.endIndex {
            guard source[at] == UInt8(ascii: "]") else {
                at += 1
                continue
            }
            let start = at + 1
            at = start
            while byte(at: at) == UInt8(ascii: "=") { at += 1 }
            if at - start == level, byte(at: at) == UInt8(ascii: "]") {
                index = at + 1
                return true
            }
        }
        index = source.endIndex
        return true
    }
}

extension LuaLexer {
    /// Whether a line comment runs to the very end of the source.
    static func endsInComment(_ source: [UInt8]) -> Bool {
        var lexer = LuaLexer(source[...])
        var isLast = false
        while let token = lexer.next() {
            if case .lineComment = token { isLast = true } else { isLast = false }
        }
        return isLast
    }

    /// What other languages write in code, and what Lua has for it: the first that is found.
    static func hint(on source: [UInt8]) -> String? {
        var lexer = LuaLexer(source[...])
        var code: [UInt8] = []
        while let token = lexer.next() {
            if case .code(let byte) = token { code.append(byte) } else { code.append(UInt8(ascii: " ")) }
        }
        let words = code.split { !($0 | 0x20 >= UInt8(ascii: "a") && $0 | 0x20 <= UInt8(ascii: "z")) }
        let text = String(decoding: code, as: UTF8.self)
        for (foreign, own) in [
            ("!=", "~="), ("<>", "~="), ("===", "=="), ("&&", "and"), ("||", "or"), ("!", "not"), ("??", "or"),
        ] where text.contains(foreign) {
            return "Lua writes `\(own)` for `\(foreign)`"
        }
        for (left, right) in zip(words, words.dropFirst()) where left.elementsEqual("is".utf8) {
            if right.elementsEqual("None".utf8) || right.elementsEqual("null".utf8) || right.elementsEqual("nil".utf8) {
                return "Lua writes `== null`, or `not x`, for `is \(String(decoding: right, as: UTF8.self))`"
            }
            if right.elementsEqual("not".utf8) { return "Lua writes `~=` for `is not`" }
        }
        return nil
    }
}

/// The words, marks and strings of a Python source. Comments are left out, and so are line ends within brackets, as they
/// end no statement there.
struct PythonTokens {
    enum Token: Equatable {
        /// A name, keyword or number.
        case word(String)
        /// Any other character, and the end of a logical line as a newline.
        case mark(UInt8)
        /// A string's characters; `\` and what follows it as they stand.
        case string(String)
    }

    /// A longer word or string names no module: a path of the file system ends there.
    private static let textBytesMax = 4096

    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func next() -> Token? {
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "#"): skipComment()
            case UInt8(ascii: "\""), UInt8(ascii: "'"): return string()
            case UInt8(ascii: "\\"): skipLineJoin()
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                position += 1
                if depth == 0 { return .mark(UInt8(ascii: "\n")) }
            case UInt8(ascii: " "), UInt8(ascii: "\t"), 0x0C: position += 1
            case _ where Self.isWord(byte):
                let word = word()
                if isStringPrefix(word) { return string() }
                return .word(text(word))
            default:
                position += 1
                count(byte)
                return .mark(byte)
            }
        }
        return nil
    }

    private mutating func count(_ bracket: UInt8) {
        switch bracket {
        case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"): depth = max(0, depth - 1)
        default: break
        }
    }

    private mutating func skipComment() {
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n"), bytes[position] != UInt8(ascii: "\r") {
            position += 1
        }
    }

    /// A backslash before a line's end: the statement goes on.
    private mutating func skipLineJoin() {
        position += 1
        if position < bytes.count, bytes[position] == UInt8(ascii: "\r") { position += 1 }
        if position < bytes.count, bytes[position] == UInt8(ascii: "\n") { position += 1 }
    }

    private mutating func word() -> Range<Int> {
        let start = position
        while position < bytes.count, Self.isWord(bytes[position]) { position += 1 }
        return start..<position
    }

    private func isStringPrefix(_ word: Range<Int>) -> Bool {
        guard word.count <= 2, position < bytes.count,
            bytes[position] == UInt8(ascii: "\"") || bytes[position] == UInt8(ascii: "'")
        else { return false }
        return bytes[word].allSatisfy { "rbuftRBUFT".utf8.contains($0) }
    }

    /// A string from its quote on. One without three quotes ends with its line at the latest.
    private mutating func string() -> Token {
        let quote = bytes[position]
        let isLong = position + 2 < bytes.count && bytes[position + 1] == quote && bytes[position + 2] == quote
        position += isLong ? 3 : 1
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\\") {
                position = min(position + 2, bytes.count)
            } else if byte == quote, !isLong || isClosed(by: quote) {
                defer { position += isLong ? 3 : 1 }
                return .string(text(start..<position))
            } else if !isLong, byte == UInt8(ascii: "\n") {
                break
            } else {
                position += 1
            }
        }
        return .string(text(start..<position))
    }

    private func isClosed(by quote: UInt8) -> Bool {
        position + 2 < bytes.count && bytes[position + 1] == quote && bytes[position + 2] == quote
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range].prefix(Self.textBytesMax), as: UTF8.self)
    }

    /// Letters, digits, `_` and everything beyond ASCII.
    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }
}

/// A plain recursive parser of RFC 8259, to hold the real one against: it shares nothing with it.
struct ReferenceParser {
    private struct Malformed: Error {}

    private let text: [Unicode.Scalar]
    private var next = 0

    /// The minified text, or nil if it is to be refused.
    static func minified(_ bytes: [UInt8]) -> String? {
        guard let string = String(validating: bytes, as: UTF8.self) else { return nil }
        var parser = ReferenceParser(text: Array(string.unicodeScalars))
        guard let result = try? parser.value(), parser.peek == nil else { return nil }
        return result
    }

    private init(text: [Unicode.Scalar]) { self.text = text }

    private var peek: Unicode.Scalar? { next < text.count ? text[next] : nil }

    private mutating func take() throws -> Unicode.Scalar {
        guard let scalar = peek else { throw Malformed() }
        next += 1
        return scalar
    }

    private mutating func take(_ expected: Unicode.Scalar) throws {
        guard try take() == expected else { throw Malformed() }
    }

    private mutating func skipSpace() {
        while let scalar = peek, " \t\r\n".unicodeScalars.contains(scalar) { next += 1 }
    }

    private mutating func value() throws -> String {
        skipSpace()
        defer { skipSpace() }
        switch peek {
        case "[": return try list("[", "]") { try $0.value() }
        case "{":
            var keys: Set<[UInt32]> = []
            return try list("{", "}") { parser in
                parser.skipSpace()
                let (token, meaning) = try parser.string()
                guard keys.insert(meaning).inserted else { throw Malformed() }
                parser.skipSpace()
                try parser.take(":")
                return try token + ":" + parser.value()
            }
        case "\"": return try string().token
        default: return try word()
        }
    }

    private mutating func list(
        _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ item: (inout ReferenceParser) throws -> String
    ) throws -> String {
        try take(open)
        skipSpace()
        var items: [String] = []
        if peek != close {
            while true {
                items.append(try item(&self))
                skipSpace()
                if peek == close { break }
                try take(",")
            }
        }
        try take(close)
        return String(Character(open)) + items.joined(separator: ",") + String(Character(close))
    }

    private mutating func word() throws -> String {
        let start = next
        while let scalar = peek, !" \t\r\n,:[]{}".unicodeScalars.contains(scalar) { next += 1 }
        var word = ""
        word.unicodeScalars.append(contentsOf: text[start..<next])
        let number = /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/.asciiOnlyDigits()
        guard try ["true", "false", "null"].contains(word) || number.wholeMatch(in: word) != nil else {
            throw Malformed()
        }
        return word
    }

    private mutating func string() throws -> (token: String, meaning: [UInt32]) {
        let start = next
        try take("\"")
        var units: [UInt16] = []
        while peek != "\"" {
            let scalar = try take()
            guard scalar.value >= 0x20 else { throw Malformed() }
            units += scalar == "\\" ? [try escape()] : Array(String(Character(scalar)).utf16)
        }
        try take("\"")
        guard let decoded = String(validating: units, as: UTF16.self) else { throw Malformed() }
        var token = ""
        token.unicodeScalars.append(contentsOf: text[start..<next])
        return (token, decoded.unicodeScalars.map(\.value))
    }

    private mutating func escape() throws -> UInt16 {
        let names: [Unicode.Scalar: UInt16] = [
            "\"": 0x22, "\\": 0x5C, "/": 0x2F, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9,
        ]
        let name = try take()
        guard name == "u" else {
            guard let unit = names[name] else { throw Malformed() }
            return unit
        }
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = Character(try take()).hexDigitValue, text[next - 1].isASCII else { throw Malformed() }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }
}

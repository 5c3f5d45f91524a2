/// Reads the parts of structured field values: tokens, quoted strings and what stands between them (RFC 9110, 5.6).
struct FieldScanner {
    private let bytes: [UInt8]
    private var index = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    var isAtEnd: Bool { index == bytes.count }
    var next: UInt8? { isAtEnd ? nil : bytes[index] }

    /// Takes `byte` if it comes next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        index += 1
        return true
    }

    mutating func skipBlanks() {
        while let byte = next, ASCII.isBlank(byte) { index += 1 }
    }

    /// Takes what `isPart` accepts; nil if that is nothing.
    mutating func run(_ isPart: (UInt8) -> Bool) -> String? {
        let start = index
        while let byte = next, isPart(byte) { index += 1 }
        return start == index ? nil : String(decoding: bytes[start..<index], as: UTF8.self)
    }

    mutating func token() -> String? { run(ByteSet.token.contains) }

    /// A quoted string without its quotes and backslashes, or nil if there is none or it has no end.
    mutating func quotedString() -> String? {
        guard take(ASCII.quote) else { return nil }
        var text: [UInt8] = []
        while let byte = next {
            index += 1
            switch byte {
            case ASCII.quote: return String(decoding: text, as: UTF8.self)
            case ASCII.backslash:
                guard let escaped = next else { return nil }
                index += 1
                text.append(escaped)
            default: text.append(byte)
            }
        }
        return nil
    }

    mutating func tokenOrQuotedString() -> String? {
        next == ASCII.quote ? quotedString() : token()
    }

    /// Goes to the next comma that stands outside quotes, and over it: how a broken list member is left out.
    mutating func skipMember() {
        while let byte = next, byte != ASCII.comma {
            if byte == ASCII.quote, quotedString() != nil { continue }
            if byte != ASCII.quote { index += 1 } else { index = bytes.count }
        }
        _ = take(ASCII.comma)
    }

    /// Takes `name[=value]` behind a semicolon, any number of times; nil if one is broken.
    mutating func parameters() -> [(name: String, value: String?)]? {
        var parameters: [(name: String, value: String?)] = []
        while true {
            let mark = index
            skipBlanks()
            guard take(ASCII.semicolon) else {
                index = mark
                return parameters
            }
            skipBlanks()
            // An empty parameter (`;;`) is allowed by RFC 9110, 5.6.6.
            guard let name = token() else {
                if isAtEnd || next == ASCII.semicolon || next == ASCII.comma { continue }
                return nil
            }
            guard take(ASCII.equals) else {
                parameters.append((name.lowercased(), nil))
                continue
            }
            guard let value = tokenOrQuotedString() else { return nil }
            parameters.append((name.lowercased(), value))
        }
    }
}

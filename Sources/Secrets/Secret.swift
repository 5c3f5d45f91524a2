/// Something that only its owner shall know: it describes itself as `***`, so that no message, log or dump tells it.
package struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text itself, for the one place that it is meant for.
    package let revealed: String
    /// What it is known by: itself, and how it stands in JSON, in an address and in base64. The longest come first.
    private let forms: [[UInt8]]

    package init(_ text: String) {
        revealed = text
        forms = SecretForms.of(Array(text.utf8))
    }

    package static let mask = "***"

    package var description: String { Self.mask }
    package var debugDescription: String { Self.mask }
    package var customMirror: Mirror { Mirror(self, children: []) }

    package static func == (left: Secret, right: Secret) -> Bool { left.revealed == right.revealed }

    /// Of a text that comes in pieces: what may be shown of it now, and what is to be held back since the secret may begin in it.
    package func hidden(in bytes: [UInt8], isLast: Bool) -> (shown: [UInt8], held: [UInt8]) {
        guard !forms.isEmpty else { return (bytes, []) }
        var shown: [UInt8] = []
        var rest = bytes[...]
        while let place = firstPlace(in: rest) {
            shown += rest[..<place.lowerBound] + Array(Self.mask.utf8)
            rest = rest[place.upperBound...]
        }
        guard !isLast else { return (shown + rest, []) }
        let held = forms.reduce(0) { max($0, Self.overlap(of: rest, with: $1)) }
        return (shown + rest.dropLast(held), Array(rest.suffix(held)))
    }

    /// A text in which this stands nowhere any more.
    package func masked(in text: String) -> String {
        let bytes = Array(text.utf8)
        guard firstPlace(in: bytes[...]) != nil else { return text }
        return String(decoding: hidden(in: bytes, isLast: true).shown, as: UTF8.self)
    }

    /// Of several that begin at one place, the longest.
    private func firstPlace(in bytes: ArraySlice<UInt8>) -> Range<Int>? {
        var first: Range<Int>?
        for form in forms {
            guard let found = bytes.firstRange(of: form) else { continue }
            if first.map({ found.lowerBound < $0.lowerBound }) ?? true { first = found }
        }
        return first
    }

    /// How much of a text's end a form may begin with.
    private static func overlap(of bytes: ArraySlice<UInt8>, with form: [UInt8]) -> Int {
        let longest = min(form.count - 1, bytes.count)
        return stride(from: longest, to: 0, by: -1).first { bytes.suffix($0).elementsEqual(form.prefix($0)) } ?? 0
    }
}

/// The ways in which a text stands in others.
private enum SecretForms {
    /// What is shorter is not looked for: it would be found everywhere.
    private static let bytesMin = 8

    static func of(_ text: [UInt8]) -> [[UInt8]] {
        guard text.count >= bytesMin else { return [] }
        var forms: [[UInt8]] = [text]
        forms += [json(text, slash: false), json(text, slash: true)]
        forms += [percent(text, digits: "0123456789ABCDEF"), percent(text, digits: "0123456789abcdef")]
        for before in 0...2 {
            let standard = base64(text, before: before)
            forms += [
                standard,
                standard.map {
                    $0 == UInt8(ascii: "+") ? UInt8(ascii: "-") : $0 == UInt8(ascii: "/") ? UInt8(ascii: "_") : $0
                },
            ]
        }
        var known: Set<[UInt8]> = []
        return forms.filter { $0.count >= bytesMin && known.insert($0).inserted }.sorted { $0.count > $1.count }
    }

    /// RFC 8259, 7.
    private static func json(_ text: [UInt8], slash: Bool) -> [UInt8] {
        let short: [UInt8: Character] = [
            0x08: "b", 0x09: "t", 0x0A: "n", 0x0C: "f", 0x0D: "r", UInt8(ascii: "\""): "\"", UInt8(ascii: "\\"): "\\",
        ]
        return text.flatMap { byte -> [UInt8] in
            if let letter = short[byte] { return Array("\\\(letter)".utf8) }
            if slash, byte == UInt8(ascii: "/") { return Array("\\/".utf8) }
            guard byte < 0x20 else { return [byte] }
            return Array("\\u00".utf8) + hexadecimal(byte, Array("0123456789abcdef".utf8))
        }
    }

    /// RFC 3986, 2.1: all but unreserved characters.
    private static func percent(_ text: [UInt8], digits: String) -> [UInt8] {
        let digits = Array(digits.utf8)
        return text.flatMap { byte -> [UInt8] in
            let isPlain =
                UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
                || "-._~".utf8.contains(byte)
            return isPlain ? [byte] : [UInt8(ascii: "%")] + hexadecimal(byte, digits)
        }
    }

    private static func hexadecimal(_ byte: UInt8, _ digits: [UInt8]) -> [UInt8] {
        [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }

    /// RFC 4648, 4: the digits that nothing but the text decides, where so many bytes (modulo 3) stand before it.
    private static func base64(_ text: [UInt8], before: Int) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let bytes = [UInt8](repeating: 0, count: before) + text
        let first = (before * 8 + 5) / 6
        return (first..<bytes.count * 8 / 6).map { digit in
            let bit = digit * 6
            let pair = UInt16(bytes[bit / 8]) << 8 | (bit / 8 + 1 < bytes.count ? UInt16(bytes[bit / 8 + 1]) : 0)
            return alphabet[Int(pair >> UInt16(10 - bit % 8) & 63)]
        }
    }
}

/// Digits, capitals and small letters: text that no shell, URL or header has to quote.
enum Base62 {
    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    /// Unbiased digits; 43 of them hold 256 bits.
    static func random(_ count: Int, using generator: inout some RandomNumberGenerator) -> [UInt8] {
        (0..<count).map { _ in digits[Int.random(in: 0..<62, using: &generator)] }
    }

    /// A number with leading zeros; what does not fit is cut off.
    static func text(_ number: UInt32, count: Int) -> [UInt8] {
        var rest = number
        var text = [UInt8](repeating: digits[0], count: count)
        for index in stride(from: count - 1, through: 0, by: -1) {
            text[index] = digits[Int(rest % 62)]
            rest /= 62
        }
        return text
    }

    static func isDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}

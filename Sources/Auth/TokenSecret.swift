// mlr_ IIIIIIIIII _ SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS CCCCCC
//      10, the id   43, 256 random bits                         6, CRC-32 of all before it
// The prefix lets scanners of leaked secrets find it; the id says which record to compare with, so that the comparison
// itself can take the same time whatever is compared; the checksum tells a typing error from a wrong token.

import Digest

/// A token as its holder has it. Only its hash is kept.
package struct TokenSecret: Sendable {
    package static let prefix = "mlr_"
    static let idDigits = 10
    private static let secretDigits = 43
    private static let checksumDigits = 6
    private static let checkedBytes = prefix.utf8.count + idDigits + 1 + secretDigits
    /// Of the whole text.
    package static let bytes = checkedBytes + checksumDigits

    package let id: String
    private let text: [UInt8]

    /// A new one. The generator must be the system's outside of tests.
    package init(using generator: inout some RandomNumberGenerator) {
        let id = Base62.random(Self.idDigits, using: &generator)
        var text = Array(Self.prefix.utf8) + id + [UInt8(ascii: "_")]
        text += Base62.random(Self.secretDigits, using: &generator)
        text += Base62.text(CRC32.of(text[...]), count: Self.checksumDigits)
        self.id = String(decoding: id, as: UTF8.self)
        self.text = text
    }

    /// Nil for a text that cannot be a token, such as one with a typing error.
    package init?(_ text: some Collection<UInt8>) {
        let text = Array(text.prefix(Self.bytes + 1))
        guard text.count == Self.bytes, text.starts(with: Self.prefix.utf8) else { return nil }
        let idEnd = Self.prefix.utf8.count + Self.idDigits
        let id = text[Self.prefix.utf8.count..<idEnd]
        guard text[idEnd] == UInt8(ascii: "_"), id.allSatisfy(Base62.isDigit),
            text[(idEnd + 1)...].allSatisfy(Base62.isDigit)
        else { return nil }
        let checksum = Base62.text(CRC32.of(text[..<Self.checkedBytes]), count: Self.checksumDigits)
        guard text[Self.checkedBytes...].elementsEqual(checksum) else { return nil }
        self.id = String(decoding: id, as: UTF8.self)
        self.text = text
    }

    /// To be shown once.
    package var string: String { String(decoding: text, as: UTF8.self) }

    /// SHA-256 of the text. A slow hash would gain nothing: nobody can try 2²⁵⁶ secrets.
    package var hash: [UInt8] { SHA256.digest(text) }
}

/// The checksum of Ethernet and gzip (ISO 3309), bit by bit: it is for a few dozen bytes.
enum CRC32 {
    static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { checksum, byte in
            (0..<8).reduce(checksum ^ UInt32(byte)) { rest, _ in rest >> 1 ^ (rest & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
    }
}

/// Whether two digests are equal, in a time that depends on their lengths only.
package func areEqualInConstantTime(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
}

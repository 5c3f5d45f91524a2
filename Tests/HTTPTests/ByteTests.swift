import Testing

@testable import HTTP

struct ByteTests {
    private func members(of set: ByteSet) -> Set<UInt8> { Set((0...255).filter(set.contains)) }

    private let alphanumerics = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)

    @Test func `the byte sets are those of the RFCs`() {
        #expect(members(of: .token) == alphanumerics.union("!#$%&'*+-.^_`|~".utf8))
        #expect(members(of: .path) == alphanumerics.union("-._~!$&'()*+,;=:@/%".utf8))
        #expect(members(of: .query) == Set(0x21...0x7E).subtracting("\"#<>".utf8))
        #expect(members(of: .hostName) == alphanumerics.union("-._~".utf8))
    }

    @Test(
        arguments: [
            ("0", 0), ("007", 7), ("18446744073709551615", UInt64.max), ("18446744073709551616", nil), ("", nil),
            ("+1", nil), ("1 ", nil), ("99999999999999999999", nil),
        ] as [(String, UInt64?)])
    func `decimals are digits alone and fit`(text: String, value: UInt64?) {
        #expect(ASCII.decimal(text.utf8) == value)
    }
}

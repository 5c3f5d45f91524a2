/// The bytes that HTTP's grammar names.
enum ASCII {
    static var tab: UInt8 { 0x09 }
    static var lineFeed: UInt8 { 0x0A }
    static var carriageReturn: UInt8 { 0x0D }
    static var space: UInt8 { 0x20 }
    static var quote: UInt8 { 0x22 }
    static var percent: UInt8 { 0x25 }
    static var asterisk: UInt8 { 0x2A }
    static var plus: UInt8 { 0x2B }
    static var comma: UInt8 { 0x2C }
    static var dot: UInt8 { 0x2E }
    static var slash: UInt8 { 0x2F }
    static var zero: UInt8 { 0x30 }
    static var nine: UInt8 { 0x39 }
    static var colon: UInt8 { 0x3A }
    static var semicolon: UInt8 { 0x3B }
    static var equals: UInt8 { 0x3D }
    static var questionMark: UInt8 { 0x3F }
    static var backslash: UInt8 { 0x5C }

    /// `byte` with A–Z turned to a–z.
    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- 0x41 < 26 ? byte | 0x20 : byte
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte &- zero < 10 }

    static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

    /// The value of a hexadecimal digit, either case, or nil.
    static func hexValue(_ byte: UInt8) -> UInt8? {
        if isDigit(byte) { return byte - zero }
        let letter = lowercased(byte)
        return letter &- 0x61 < 6 ? letter - 0x61 + 10 : nil
    }

    /// A field value's bytes: HTAB, SP, visible ASCII and obs-text (RFC 9110, 5.5).
    static func isFieldValue(_ byte: UInt8) -> Bool {
        (byte >= space && byte != 0x7F) || byte == tab
    }

    static func isFieldValue(_ bytes: UnsafeRawBufferPointer) -> Bool {
        for index in 0..<bytes.count where !isFieldValue(bytes[index]) { return false }
        return true
    }

    /// The value of `bytes` if they are decimal digits alone, at least one, and fit.
    static func decimal(_ bytes: some Collection<UInt8>) -> UInt64? {
        guard !bytes.isEmpty else { return nil }
        var value: UInt64 = 0
        for byte in bytes {
            guard isDigit(byte) else { return nil }
            let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(UInt64(byte - zero))
            guard !overflowed, !carried else { return nil }
            value = sum
        }
        return value
    }
}

/// A set of ASCII bytes as 128 bits: one shift and one mask to test a byte. For longer texts all sets share a table.
struct ByteSet {
    let lower: UInt64
    let upper: UInt64
    /// Stands for this set in the table.
    let bit: UInt8

    /// For each byte, the bits of the sets that it is in.
    private static let table: [UInt8] = (0...UInt8.max).map { byte in
        [token, path, query, hostName].reduce(0) { $1.contains(byte) ? $0 | $1.bit : $0 }
    }

    /// `tchar` (RFC 9110, 5.6.2).
    static var token: ByteSet { ByteSet(lower: 0x03FF_6CFA_0000_0000, upper: 0x57FF_FFFF_C7FF_FFFE, bit: 1) }
    /// `pchar`, `/` and `%` (RFC 3986, 3.3).
    static var path: ByteSet { ByteSet(lower: 0x2FFF_FFF2_0000_0000, upper: 0x47FF_FFFE_87FF_FFFF, bit: 2) }
    /// Visible ASCII but `"`, `#`, `<` and `>`: what browsers leave as it is in a query (WHATWG URL, query percent-encode set).
    static var query: ByteSet { ByteSet(lower: 0xAFFF_FFF2_0000_0000, upper: 0x7FFF_FFFF_FFFF_FFFF, bit: 4) }
    /// Letters, digits and `-._~`: a registered name without escapes and sub-delims, which no DNS name needs.
    static var hostName: ByteSet { ByteSet(lower: 0x03FF_6000_0000_0000, upper: 0x47FF_FFFE_87FF_FFFE, bit: 8) }

    func contains(_ byte: UInt8) -> Bool {
        let bits = byte < 64 ? lower : byte < 128 ? upper : 0
        return bits >> UInt64(byte & 63) & 1 == 1
    }

    func containsAll(_ bytes: UnsafeRawBufferPointer) -> Bool {
        Self.table.withUnsafeBufferPointer { table in
            // All are looked at, without a branch: most texts are good.
            var sets = bit
            for index in 0..<bytes.count { sets &= table[Int(bytes[index])] }
            return sets == bit
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The same bytes in `range`, as a buffer of their own.
    func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[range])
    }

    /// Without spaces and tabs at both ends (OWS, RFC 9110, 5.6.3).
    var trimmed: UnsafeRawBufferPointer {
        var start = 0
        var end = count
        while start < end, ASCII.isBlank(self[start]) { start += 1 }
        while end > start, ASCII.isBlank(self[end - 1]) { end -= 1 }
        return part(start..<end)
    }

    /// Whether these are the bytes of `text`, regardless of ASCII case.
    func equalsIgnoringCase(_ text: String) -> Bool {
        text.withBytes(equalsIgnoringCase)
    }

    func equalsIgnoringCase(_ other: UnsafeRawBufferPointer) -> Bool {
        guard other.count == count else { return false }
        for index in 0..<count where other[index] != self[index] {
            guard ASCII.lowercased(other[index]) == ASCII.lowercased(self[index]) else { return false }
        }
        return true
    }
}

extension String {
    /// Calls `body` with the UTF-8, without a copy of a string that is native, as all are on Linux. Keep no pointer.
    @inline(__always)
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        guard let result = utf8.withContiguousStorageIfAvailable({ body(UnsafeRawBufferPointer($0)) }) else {
            preconditionFailure("a string of another system")
        }
        return result
    }
}

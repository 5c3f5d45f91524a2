import Glibc

/// The string that a valid token writes, escapes resolved.
func decodeStringToken(_ token: UnsafeRawBufferPointer) -> String {
    let inside = UnsafeRawBufferPointer(rebasing: token[1..<token.count - 1])
    guard hasEscapes(token) else { return String(decoding: inside, as: UTF8.self) }
    return String(unsafeUninitializedCapacity: inside.count) { output in
        var decoder = EscapeDecoder(input: inside, output: output)
        return decoder.run()
    }
}

func hasEscapes(_ token: UnsafeRawBufferPointer) -> Bool {
    memchr(token.baseAddress!, Int32(UInt8(ascii: "\\")), token.count) != nil
}

/// Resolves the escapes of a valid string. Its output is never longer than its input.
private struct EscapeDecoder {
    let input: UnsafeRawBufferPointer
    let output: UnsafeMutableBufferPointer<UInt8>
    var read = 0
    var written = 0

    mutating func run() -> Int {
        while read < input.count {
            if input[read] == UInt8(ascii: "\\") {
                readEscape()
            } else {
                put(input[read])
                read += 1
            }
        }
        return written
    }

    private mutating func readEscape() {
        let name = input[read + 1]
        read += 2
        switch name {
        case UInt8(ascii: "b"): put(0x08)
        case UInt8(ascii: "t"): put(0x09)
        case UInt8(ascii: "n"): put(0x0A)
        case UInt8(ascii: "f"): put(0x0C)
        case UInt8(ascii: "r"): put(0x0D)
        case UInt8(ascii: "u"): readCodePoint()
        default: put(name)
        }
    }

    private mutating func readCodePoint() {
        var point = readUnit()
        if UTF16.isLeadSurrogate(UInt16(point)) {
            read += 2
            point = 0x10000 + (point - 0xD800) << 10 + (readUnit() - 0xDC00)
        }
        // A valid token has no lone surrogate, so every point is a scalar.
        for byte in UTF8.encode(Unicode.Scalar(point)!)! { put(byte) }
    }

    private mutating func readUnit() -> UInt32 {
        var unit: UInt32 = 0
        for byte in input[read..<read + 4] { unit = unit << 4 | hexadecimalValue(byte) }
        read += 4
        return unit
    }

    private mutating func put(_ byte: UInt8) {
        output[written] = byte
        written += 1
    }
}

private func hexadecimalValue(_ digit: UInt8) -> UInt32 {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0"))
    default: UInt32((digit | 0x20) - UInt8(ascii: "a")) + 10
    }
}

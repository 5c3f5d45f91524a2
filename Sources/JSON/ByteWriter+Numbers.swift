// Numbers as text, two digits at a time.

extension ByteWriter {
    @inlinable @inline(__always) public mutating func append(decimal number: Int) {
        guard 0...9 ~= number else { return appendLong(number) }
        append(byte: UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number))
    }

    @usableFromInline mutating func appendLong(_ number: Int) {
        if number < 0 { append(byte: UInt8(ascii: "-")) }
        append(decimal: UInt64(number.magnitude))
    }

    package mutating func append(decimal number: UInt64) {
        let count = digitCount(of: number)
        reserve(count)
        (memory! + used).storeDigits(of: number, count: count)
        used += count
    }

    /// Microseconds as a decimal number of milliseconds, such as `1.25`.
    package mutating func append(milliseconds microseconds: Int64) {
        let (milliseconds, fraction) = microseconds.quotientAndRemainder(dividingBy: 1000)
        append(decimal: Int(milliseconds))
        guard fraction > 0 else { return }
        let (tenths, last) = Int(fraction).quotientAndRemainder(dividingBy: 10)
        reserve(4)
        let text = memory! + used
        text.storeBytes(of: UInt8(ascii: "."), as: UInt8.self)
        text.storeDigitPair(tenths, toByteOffset: 1)
        text.storeBytes(of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: last), toByteOffset: 3, as: UInt8.self)
        // Without zeros at the end.
        used += last > 0 ? 4 : tenths % 10 > 0 ? 3 : 2
    }
}

private func digitCount(of number: UInt64) -> Int {
    var rest = number
    var count = 1
    while rest >= 10_000 {
        rest /= 10_000
        count += 4
    }
    return count + (rest >= 10 ? 1 : 0) + (rest >= 100 ? 1 : 0) + (rest >= 1000 ? 1 : 0)
}

extension UnsafeMutableRawPointer {
    /// Writes the last `count` digits of a number.
    fileprivate func storeDigits(of number: UInt64, count: Int) {
        var rest = number
        var end = count
        while end >= 2 {
            end -= 2
            storeDigitPair(Int(rest % 100), toByteOffset: end)
            rest /= 100
        }
        if end > 0 { storeBytes(of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest), as: UInt8.self) }
    }

    /// Writes a number from 0 to 99 in two digits.
    @inlinable @inline(__always) public func storeDigitPair(_ number: Int, toByteOffset offset: Int) {
        let pairs: StaticString = """
            0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
            5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
            """
        assert((0..<100).contains(number))
        let pair = UnsafeRawPointer(pairs.utf8Start).loadUnaligned(fromByteOffset: 2 * number, as: UInt16.self)
        storeBytes(of: pair, toByteOffset: offset, as: UInt16.self)
    }
}

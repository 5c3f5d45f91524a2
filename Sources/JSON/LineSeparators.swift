// U+2028, U+2029 and U+0085 are line ends to readers that think in Unicode (Python's `splitlines`, .NET, older JavaScript):
// they would cut an event there. In JSON they stand in strings only, where an escape means the same.

/// The code points that such readers take for line ends and JSON allows as they are.
enum LineSeparator {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highBits: UInt64 = 0x8080_8080_8080_8080
    /// 0xC2 and 0xE2, with which they begin, differ in one bit.
    private static let firstByte: UInt64 = 0xC2C2_C2C2_C2C2_C2C2
    private static let differingBit: UInt64 = 0x2020_2020_2020_2020

    struct Found {
        let range: Range<Int>
        let escape: StaticString
    }

    /// The first one from `start` on; the bytes are UTF-8. Eight bytes at a time as long as none begins one.
    static func first(in bytes: UnsafeRawBufferPointer, from start: Int) -> Found? {
        guard let base = bytes.baseAddress else { return nil }
        var index = start
        while index + 32 <= bytes.count {
            let place = base + index
            let isCandidate =
                candidates(place) | candidates(place + 8) | candidates(place + 16) | candidates(place + 24)
            if isCandidate != 0, let found = first(in: bytes, index..<index + 32) { return found }
            index += 32
        }
        return first(in: bytes, index..<bytes.count)
    }

    /// Not 0 if one of eight bytes is 0xC2 or 0xE2.
    @inline(__always)
    private static func candidates(_ place: UnsafeRawPointer) -> UInt64 {
        let word = place.loadUnaligned(as: UInt64.self) & ~differingBit ^ firstByte
        return (word &- ones) & ~word & highBits
    }

    /// The first one that begins in a range; it may end behind it.
    private static func first(in bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Found? {
        for index in range where bytes[index] & 0xDF == 0xC2 {
            let left = bytes.count - index
            if bytes[index] == 0xC2 {
                if left >= 2, bytes[index + 1] == 0x85 { return Found(range: index..<index + 2, escape: #"\u0085"#) }
            } else if left >= 3, bytes[index + 1] == 0x80, bytes[index + 2] & 0xFE == 0xA8 {
                let escape: StaticString = bytes[index + 2] == 0xA8 ? #"\u2028"# : #"\u2029"#
                return Found(range: index..<index + 3, escape: escape)
            }
        }
        return nil
    }
}

extension ByteWriter {
    /// Writes as escapes what was written from `start` on of line separators. It is JSON text, or part of it.
    package mutating func escapeLineSeparators(from start: Int) {
        guard let first = withUnsafeBytes({ LineSeparator.first(in: $0, from: start) }) else { return }
        let tail = withUnsafeBytes { [UInt8](UnsafeRawBufferPointer(rebasing: $0[first.range.lowerBound...])) }
        truncate(to: first.range.lowerBound)
        tail.withUnsafeBytes { appendEscapingLineSeparators($0) }
    }

    package var hasLineSeparators: Bool {
        withUnsafeBytes { LineSeparator.first(in: $0, from: 0) != nil }
    }

    /// Appends JSON text with its line separators as escapes.
    package mutating func appendEscapingLineSeparators(_ json: UnsafeRawBufferPointer) {
        var written = 0
        while let found = LineSeparator.first(in: json, from: written) {
            append(UnsafeRawBufferPointer(rebasing: json[written..<found.range.lowerBound]))
            append(found.escape)
            written = found.range.upperBound
        }
        append(UnsafeRawBufferPointer(rebasing: json[written...]))
    }
}

extension JSONText {
    /// The text with its line separators as escapes: another way to write the same value.
    package var bytesOfOneLine: [UInt8] {
        bytes.withUnsafeBytes { text in
            guard LineSeparator.first(in: text, from: 0) != nil else { return bytes }
            var writer = ByteWriter(capacity: text.count + 16)
            writer.appendEscapingLineSeparators(text)
            return writer.bytes
        }
    }
}

import Glibc
import Synchronization

/// A UUIDv7 (RFC 9562, section 5.7) whose upper half never repeats within a state folder: 48 bits of milliseconds, then a
/// 12-bit counter in `rand_a` (method 1 of section 6.2). So `rowID` is unique, and in the order of creation.
package struct ExecutionID: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    /// The upper half alone tells the ids of a state folder apart, but others may send any.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(high ^ low)
    }

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads the canonical form, 36 characters; nil for anything else, other UUID versions included.
    package init?(_ text: String) {
        var text = text
        let parsed: (UInt64, UInt64)? = text.withUTF8 { bytes in
            guard bytes.count == 36 else { return nil }
            var halves: (UInt64, UInt64) = (0, 0)
            var digits = 0
            for (index, byte) in bytes.enumerated() {
                if [8, 13, 18, 23].contains(index) {
                    guard byte == UInt8(ascii: "-") else { return nil }
                    continue
                }
                guard let digit = hexDigit(byte) else { return nil }
                if digits < 16 { halves.0 = halves.0 << 4 | digit } else { halves.1 = halves.1 << 4 | digit }
                digits += 1
            }
            return halves
        }
        guard let parsed, parsed.0 >> 12 & 0xF == 7, parsed.1 >> 62 == 0b10 else { return nil }
        (high, low) = parsed
    }

    /// Milliseconds since 1970, then the counter: 60 bits, the key of the history store.
    package var rowID: Int64 {
        Int64((high >> 16) << 12 | high & 0xFFF)
    }

    /// The id whose `rowID` and lower half these are.
    package init(rowID: Int64, low: UInt64) {
        let row = UInt64(bitPattern: rowID)
        self.init(high: (row >> 12) << 16 | 0x7000 | row & 0xFFF, low: low)
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    package var description: String {
        String(unsafeUninitializedCapacity: 36, initializingUTF8With: write)
    }

    /// The text's bytes.
    package var utf8: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 36) { buffer, count in count = write(buffer) }
    }

    /// - Returns: how many bytes it has written: 36.
    private func write(_ buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
        var index = 0
        for position in 0..<32 {
            // The groups have 8, 4, 4, 4 and 12 digits.
            if position & 3 == 0, position >= 8, position <= 20 {
                buffer[index] = UInt8(ascii: "-")
                index += 1
            }
            let half = position < 16 ? high : low
            let digit = UInt8(truncatingIfNeeded: half >> UInt64(60 - 4 * (position & 15))) & 0xF
            buffer[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            index += 1
        }
        return index
    }
}

private func hexDigit(_ byte: UInt8) -> UInt64? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
}

/// Makes ids in strictly rising order, also when the wall clock steps back.
package final class ExecutionIDGenerator: Sendable {
    private struct Guarded {
        var last: UInt64
        /// Random words that were drawn together: one system call for many ids.
        var random: [UInt64] = []
    }
    private let guarded: Mutex<Guarded>

    /// - Parameter last: the highest `rowID` in use already.
    package init(after last: Int64 = 0) {
        guarded = Mutex(Guarded(last: UInt64(bitPattern: last)))
    }

    /// getentropy(3), which gives up to 256 bytes.
    private static func draw() -> [UInt64] {
        [UInt64](unsafeUninitializedCapacity: 32) { buffer, count in
            let result = buffer.baseAddress.map { getentropy($0, 256) }
            precondition(result == 0, "getentropy gives 256 bytes")
            count = 32
        }
    }

    package func next(wallMicroseconds: Int64) -> ExecutionID {
        let now = UInt64(max(wallMicroseconds, 0) / 1000) << 12
        var drawn: [UInt64] = []
        while true {
            let words = guarded.withLock { guarded -> (row: UInt64, random: UInt64)? in
                guarded.random += drawn
                guard let random = guarded.random.popLast() else { return nil }
                guarded.last = max(guarded.last + 1, now)
                return (guarded.last, random)
            }
            if let words { return Self.id(words.row, words.random) }
            // Others may take all of it first, and this one draws again.
            drawn = Self.draw()
        }
    }

    private static func id(_ row: UInt64, _ random: UInt64) -> ExecutionID {
        ExecutionID(rowID: Int64(row), low: random & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }
}

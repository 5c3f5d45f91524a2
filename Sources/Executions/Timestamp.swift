import JSON

/// RFC 3339 timestamps in UTC with microseconds, such as `2026-01-31T09:30:00.000250Z`.
package enum Timestamp {
    /// The years 0 to 9999, which is all that four digits hold.
    fileprivate static let range: ClosedRange<Int64> = -62_167_219_200_000_000...253_402_300_799_999_999

    /// A time outside the years 0 to 9999 is written as the nearest inside.
    package static func write(microseconds: Int64, to writer: inout ByteWriter) {
        var once = TimestampWriter()
        once.write(microseconds: microseconds, to: &writer)
    }

    package static func string(microseconds: Int64) -> String {
        var writer = ByteWriter()
        write(microseconds: microseconds, to: &writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// Reads `YYYY-MM-DDThh:mm:ss[.f…](Z|±hh:mm)`; digits beyond microseconds are dropped. Nil for anything else.
    package static func microseconds(_ text: String) -> Int64? {
        let pattern = /(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)/
            .asciiOnlyDigits()
        guard let match = text.wholeMatch(of: pattern) else { return nil }
        let numbers = [match.1, match.2, match.3, match.4, match.5, match.6].compactMap { Int64($0) }
        guard numbers.count == 6, (1...12).contains(numbers[1]), (1...31).contains(numbers[2]), numbers[3] < 24,
            numbers[4] < 60,
            numbers[5] <= 60,
            civil(days(numbers[0], numbers[1], numbers[2])) == (Int(numbers[0]), Int(numbers[1]), Int(numbers[2]))
        else { return nil }
        var seconds =
            days(numbers[0], numbers[1], numbers[2]) * 86_400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
        if match.8.count == 6 {
            guard let hours = Int64(match.8.dropFirst().prefix(2)), let minutes = Int64(match.8.suffix(2)), hours < 24,
                minutes < 60
            else { return nil }
            seconds -= (match.8.first == "-" ? -1 : 1) * (hours * 3600 + minutes * 60)
        }
        let fraction = (match.7.map(String.init) ?? "").padding(toLength: 6)
        return seconds * 1_000_000 + (Int64(fraction) ?? 0)
    }

    /// Days since 1970 to a date of the proleptic Gregorian calendar; eras of 400 years from March 1st of year 0.
    fileprivate static func civil(_ days: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted.floorDivided(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        return (Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0), Int(month), Int(day))
    }

    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear.floorDivided(by: 400)
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

/// Writes times that come one after the other: the date is worked out once a second.
package struct TimestampWriter: Sendable {
    private static let prefixBytes = 20

    /// Of the second that the prefix says, in microseconds.
    private var secondStart: Int64 = 0
    /// The bytes of `1970-01-01T00:00:00.`
    private var prefix: (UInt64, UInt64, UInt32) = (0x2D31_302D_3037_3931, 0x3030_3A30_3054_3130, 0x2E30_303A)

    package init() {}

    package mutating func write(microseconds: Int64, to writer: inout ByteWriter) {
        // The difference may wrap, but never into this second.
        var fraction = microseconds &- secondStart
        if fraction < 0 || fraction >= 1_000_000 { fraction = setSecond(microseconds) }
        let (prefix, digits) = (prefix, UInt32(truncatingIfNeeded: fraction))
        writer.append(count: Self.prefixBytes + 7) { text in
            guard let text = text.baseAddress else { return }
            text.storeBytes(of: prefix.0, as: UInt64.self)
            text.storeBytes(of: prefix.1, toByteOffset: 8, as: UInt64.self)
            text.storeBytes(of: prefix.2, toByteOffset: 16, as: UInt32.self)
            text.storeDigitPair(Int(digits / 10_000), toByteOffset: 20)
            text.storeDigitPair(Int(digits / 100 % 100), toByteOffset: 22)
            text.storeDigitPair(Int(digits % 100), toByteOffset: 24)
            text.storeBytes(of: UInt8(ascii: "Z"), toByteOffset: 26, as: UInt8.self)
        }
    }

    /// - Returns: the microseconds since the second has begun.
    private mutating func setSecond(_ microseconds: Int64) -> Int64 {
        let microseconds = min(max(microseconds, Timestamp.range.lowerBound), Timestamp.range.upperBound)
        let seconds = microseconds.floorDivided(by: 1_000_000)
        secondStart = seconds * 1_000_000
        let days = seconds.floorDivided(by: 86_400)
        let (year, month, day) = Timestamp.civil(days)
        let time = Int(seconds - days * 86_400)
        withUnsafeMutableBytes(of: &prefix) { text in
            guard let text = text.baseAddress else { return }
            text.storeDigitPair(year / 100, toByteOffset: 0)
            text.storeDigitPair(year % 100, toByteOffset: 2)
            text.storeDigitPair(month, toByteOffset: 5)
            text.storeDigitPair(day, toByteOffset: 8)
            text.storeDigitPair(time / 3600, toByteOffset: 11)
            text.storeDigitPair(time / 60 % 60, toByteOffset: 14)
            text.storeDigitPair(time % 60, toByteOffset: 17)
        }
        return microseconds - secondStart
    }
}

extension Int64 {
    fileprivate func floorDivided(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

extension String {
    fileprivate func padding(toLength length: Int) -> String {
        String(prefix(length)) + String(repeating: "0", count: max(0, length - count))
    }
}

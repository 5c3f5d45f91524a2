import Executions
import JSON
import Testing

@Suite struct TimestampTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1, "1970-01-01T00:00:00.000001Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (1_769_851_800_000_250, "2026-01-31T09:30:00.000250Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
            (-62_167_219_200_000_000, "0000-01-01T00:00:00.000000Z"),
        ] as [(Int64, String)])
    func `a time is written and read back`(microseconds: Int64, text: String) {
        #expect(Timestamp.string(microseconds: microseconds) == text)
        #expect(Timestamp.microseconds(text) == microseconds)
    }

    @Test func `random times survive the round trip`() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<300 {
            let time = Int64.random(in: -62_167_219_200_000_000...253_402_300_799_999_999, using: &random)
            #expect(Timestamp.microseconds(Timestamp.string(microseconds: time)) == time)
        }
    }

    @Test(arguments: [
        ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00.000000Z"),
        ("2026-01-31t09:30:00.5z", "2026-01-31T09:30:00.500000Z"),
        ("2026-01-31T09:30:00.123456789Z", "2026-01-31T09:30:00.123456Z"),
        ("2026-01-31T09:30:00+02:30", "2026-01-31T07:00:00.000000Z"),
        ("2026-01-31T23:30:00-01:00", "2026-02-01T00:30:00.000000Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"),
    ])
    func `other ways to write a time are read`(text: String, canonical: String) throws {
        #expect(Timestamp.string(microseconds: try #require(Timestamp.microseconds(text))) == canonical)
    }

    @Test(arguments: [
        "", "2026", "2026-01-31", "2026-01-31T09:30Z", "2026-01-31T09:30:00", "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-31T24:00:00Z",
        "2026-01-31T09:60:00Z", "2026-01-31T09:30:61Z", "2026-01-31T09:30:00.Z", "2026-01-31T09:30:00+24:00",
        "2026-01-31T09:30:00+0200", "2026-01-31T09:30:00Z ", " 2026-01-31T09:30:00Z", "２026-01-31T09:30:00Z",
        "2026-01-31T09:30:00.１Z", "2026-01-31T09:30:00.1234567890Z", "-2026-01-31T09:30:00Z", "2026-01-31T09:30:00Z\n",
    ])
    func `what is no time is refused`(text: String) {
        #expect(Timestamp.microseconds(text) == nil)
    }

    @Test func `a time beyond four digits of year is written as the nearest that has them`() {
        #expect(Timestamp.string(microseconds: .max) == "9999-12-31T23:59:59.999999Z")
        #expect(Timestamp.string(microseconds: .min) == "0000-01-01T00:00:00.000000Z")
    }

    @Test func `times that come one after the other are written as each alone`() {
        let times: [Int64] = [
            0, 1, 999_999, 1_000_000, -1, .max, .max - 1, .min, .min + 1, 1_769_851_800_123_456, 1_769_851_800_999_999,
            1_769_851_801_000_000, 1_769_851_800_000_000, .max,
        ]
        var writer = ByteWriter()
        var timestamps = TimestampWriter()
        for time in times { timestamps.write(microseconds: time, to: &writer) }
        let alone = times.map { Timestamp.string(microseconds: $0) }.joined()
        #expect(String(decoding: writer.bytes, as: UTF8.self) == alone)
    }
}

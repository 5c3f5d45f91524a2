import Executions
import Testing

@testable import millrace

/// The load generator's own reading of timestamps, against the one that knows all of RFC 3339.
@Suite struct EventTimestampTests {
    private func read(_ event: String, _ reader: inout EventTimestamp) -> Int64? {
        Array(event.utf8).withUnsafeBytes { reader.microseconds(in: $0) }
    }

    private func read(_ event: String) -> Int64? {
        var reader = EventTimestamp()
        return read(event, &reader)
    }

    @Test func `what the daemon writes is read back, through changing days`() {
        var reader = EventTimestamp()
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let time = Int64.random(in: 0...4_102_444_799_999_999, using: &generator)
            for time in [time, time + 1] {
                let text = Timestamp.string(microseconds: time)
                #expect(
                    read(#"{"type":"start","seq":1,"timestamp":"\#(text)","update":{}}"#, &reader) == time, "\(text)")
            }
        }
    }

    @Test func `the first one counts, and none in a string does`() {
        let time = "2026-01-31T09:30:00.123456Z"
        let expected = Timestamp.microseconds(time)
        #expect(read(#"{"timestamp":"\#(time)","state":{"timestamp":"1999-01-01T00:00:00.000000Z"}}"#) == expected)
        #expect(read(#"{"a":"\"timestamp\":\"1999-01-01T00:00:00.000000Z\"","timestamp":"\#(time)"}"#) == expected)
    }

    @Test(arguments: [
        "", "{}", #"{"timestamp":"#, #"{"timestamp":"2026-01-31T09:30:00.123456"#,
        #"{"timestamp":"2026-01-31T09:30:00.123Z","and":"so on and on"}"#,
        #"{"timestamp":"2026-01-31T09:30:00.123456+00:00"}"#, #"{"timestamp":"2026-02-30T09:30:00.123456Z"}"#,
        #"{"timestamp":"2026x01-31T09:30:00.123456Z"}"#,
    ]) func `any other form is none`(_ event: String) {
        #expect(read(event) == nil)
    }
}

import Executions

/// The timestamp of an event as the daemon writes it: `YYYY-MM-DDThh:mm:ss.ffffffZ`, always 27 bytes long. A reader of a
/// hundred thousand events a second has no time for more than that.
struct EventTimestamp {
    private static let name = Array("\"timestamp\":\"".utf8)
    private static let form = Array("dddd-dd-ddTdd:dd:dd.ddddddZ".utf8)
    private static let digit = UInt8(ascii: "d")
    /// It comes behind `type`, two ids and `seq`: further on there are states, where another one may stand.
    private static let searchBytesMax = 512

    /// The day that was read last, and when it began: the days of a stream are mostly the same.
    private var day: [UInt8] = []
    private var dayMicroseconds: Int64 = 0

    /// Microseconds since 1970 UTC of an event's JSON; nil for one without a timestamp of this form.
    mutating func microseconds(in event: UnsafeRawBufferPointer) -> Int64? {
        guard let start = Self.start(in: event), start + Self.form.count <= event.count else { return nil }
        let text = UnsafeRawBufferPointer(rebasing: event[start..<start + Self.form.count])
        for (byte, expected) in zip(text, Self.form) {
            guard expected == Self.digit ? UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte : byte == expected else {
                return nil
            }
        }
        guard let day = midnight(text) else { return nil }
        let seconds = Self.number(text, 11, 2) * 3600 + Self.number(text, 14, 2) * 60 + Self.number(text, 17, 2)
        return day + seconds * 1_000_000 + Self.number(text, 20, 6)
    }

    private mutating func midnight(_ text: UnsafeRawBufferPointer) -> Int64? {
        let date = UnsafeRawBufferPointer(rebasing: text[..<10])
        if day.elementsEqual(date) { return dayMicroseconds }
        let midnight = Timestamp.microseconds(String(decoding: date, as: UTF8.self) + "T00:00:00Z")
        guard let midnight else { return nil }
        day = Array(date)
        dayMicroseconds = midnight
        return midnight
    }

    private static func start(in event: UnsafeRawBufferPointer) -> Int? {
        // In a string the quotes would be escaped.
        let last = min(event.count, searchBytesMax) - name.count
        guard last >= 0 else { return nil }
        return (0...last).first { at in
            event[at] == name[0] && event[at + 1] == name[1]
                && UnsafeRawBufferPointer(rebasing: event[at..<at + name.count]).elementsEqual(name)
        }.map { $0 + name.count }
    }

    private static func number(_ text: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> Int64 {
        text[start..<start + count].reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }
}

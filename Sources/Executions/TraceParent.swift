/// A W3C Trace Context (https://www.w3.org/TR/trace-context/), level 1: which trace a request belongs to.
package struct TraceParent: Sendable, Equatable, CustomStringConvertible {
    private let traceID: String
    private let parentID: String
    private let flags: String

    /// Length of version 00, and of what later versions begin with.
    private static let lengthMin = 55

    /// Reads the value of a `traceparent` field; nil for one that is malformed, which is to be ignored.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= Self.lengthMin, bytes.prefix(Self.lengthMin).enumerated().allSatisfy(Self.isExpected)
        else {
            return nil
        }
        let parts = text.utf8.prefix(Self.lengthMin).split(separator: UInt8(ascii: "-")).map { String($0)! }
        let (version, zeros) = (parts[0], { (text: String) in text.utf8.allSatisfy { $0 == UInt8(ascii: "0") } })
        guard version != "ff", !zeros(parts[1]), !zeros(parts[2]) else { return nil }
        // Later versions may say more behind a hyphen.
        guard bytes.count == Self.lengthMin || version != "00" && bytes[Self.lengthMin] == UInt8(ascii: "-") else {
            return nil
        }
        traceID = parts[1]
        parentID = parts[2]
        // Of other versions only the sampled flag is known.
        let isSampled = parts[3].utf8.last.map { Self.value($0) & 1 == 1 } ?? false
        flags = version == "00" ? parts[3] : isSampled ? "01" : "00"
    }

    private init(traceID: String, parentID: String, flags: String) {
        (self.traceID, self.parentID, self.flags) = (traceID, parentID, flags)
    }

    /// The same trace, one span further down: what is handed to something that runs for this one.
    package func child() -> TraceParent {
        let span = String(UInt64.random(in: 1 ... .max), radix: 16)
        return TraceParent(
            traceID: traceID, parentID: String(repeating: "0", count: 16 - span.utf8.count) + span, flags: flags)
    }

    package var description: String { "00-\(traceID)-\(parentID)-\(flags)" }

    /// Hyphens behind 2, 32 and 16 digits, which are lower-case.
    private static func isExpected(_ index: Int, _ byte: UInt8) -> Bool {
        if index == 2 || index == 35 || index == 52 { return byte == UInt8(ascii: "-") }
        return UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
    }

    private static func value(_ digit: UInt8) -> UInt8 {
        digit <= UInt8(ascii: "9") ? digit - UInt8(ascii: "0") : digit - UInt8(ascii: "a") + 10
    }
}

// The events of most executions are few, and a client who starts one waits for them on its stream. So the first events are
// rendered where they arise, while the states are at hand, instead of being decoded and derived again from the records. What
// comes beyond the limit, and whatever other readers want, is rendered from the records: the bytes are the same.
//
// It is a second way to every byte, and stays for what it brings: without it a start of five nodes costs the whole daemon
// 29.9 us of CPU instead of 22.3 (four pairs of runs in alternation, one core, history on).

import JSON

/// The JSON of some events in a row, behind one another.
package struct EarlyEvents: Sendable {
    /// How much is rendered early of one execution: it lies in memory until the stream has taken it.
    static let bytesMax = 32 << 10

    package private(set) var firstSeq: Int
    private var json: [UInt8]
    /// The event of `firstSeq + i` ends at `ends[i]`.
    private var ends: [Int]

    init(firstSeq: Int, json: [UInt8], ends: [Int]) {
        self.firstSeq = firstSeq
        self.json = json
        self.ends = ends
    }

    package var nextSeq: Int { firstSeq + ends.count }
    package var byteCount: Int { json.count }

    /// Calls `body` with each event, in order of seq.
    package func forEach(_ body: (_ seq: Int, _ json: UnsafeRawBufferPointer) -> Void) {
        json.withUnsafeBytes { bytes in
            var start = 0
            for (index, end) in ends.enumerated() {
                body(firstSeq + index, UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                start = end
            }
        }
    }

    mutating func append(_ other: EarlyEvents) {
        precondition(other.firstSeq == nextSeq, "events follow one another")
        let base = json.count
        json += other.json
        for end in other.ends { ends.append(base + end) }
    }

    /// The first `count` events, at least one, which are none of these any more.
    mutating func removeFirst(_ count: Int) -> EarlyEvents {
        let cut = ends[count - 1]
        let first = EarlyEvents(firstSeq: firstSeq, json: Array(json[..<cut]), ends: Array(ends[..<count]))
        self = EarlyEvents(
            firstSeq: firstSeq + count, json: Array(json[cut...]), ends: ends[count...].map { $0 - cut })
        return first
    }
}

/// Renders the first events of one execution.
struct EarlyRenderer {
    private var renderer: EventRenderer
    private var takenCount = 0
    private var takenBytes = 0
    private(set) var isFull = false

    init(_ log: EventLog, _ detail: StateDetail) {
        renderer = EventRenderer(log: log, detail: detail, statesAreGiven: true)
    }

    /// Renders the next event, unless there is no more room for it: it and all that follow are left to the readers then.
    /// - Parameter state: the input state of a node that starts, the output state of one that ends.
    /// - Parameter json: takes the event, behind those that were rendered since the last `take`, and `ends` its end.
    mutating func render(_ record: EventRecord, _ state: State?, to json: inout ByteWriter, _ ends: inout [Int]) {
        guard !isFull else { return }
        // Scopes are left to the readers, with all that follows.
        guard !record.concernsScope else { return isFull = true }
        renderer.render(record, state: state, to: &json)
        guard takenBytes + json.count > EarlyEvents.bytesMax else { return ends.append(json.count) }
        json.truncate(to: ends.last ?? 0)
        isFull = true
    }

    /// What was rendered since the last time.
    mutating func take(_ json: borrowing ByteWriter, _ ends: [Int]) -> EarlyEvents? {
        guard !ends.isEmpty else { return nil }
        // The ends are copied too: the array itself stays with the thread.
        let events =
            json.hasLineSeparators
            ? Self.lines(json, ends, firstSeq: takenCount + 1)
            : EarlyEvents(firstSeq: takenCount + 1, json: json.bytes, ends: ends.map { $0 })
        takenCount += ends.count
        takenBytes += json.count
        renderer.leaveWriter()
        return events
    }

    /// Each event as one line for every reader.
    private static func lines(_ json: borrowing ByteWriter, _ ends: [Int], firstSeq: Int) -> EarlyEvents {
        json.withUnsafeBytes { bytes in
            var lines = ByteWriter(capacity: bytes.count)
            var start = 0
            let lineEnds = ends.map { end in
                lines.appendEscapingLineSeparators(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                start = end
                return lines.count
            }
            return EarlyEvents(firstSeq: firstSeq, json: lines.bytes, ends: lineEnds)
        }
    }
}

import Executions
import JSON
import Testing

@Suite struct EventRecordCodecTests {
    @Test func `what was encoded is read back`() throws {
        for seed in 0..<2_000 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let record = EventRecord.random(using: &random)
            let copy = try EventRecord(record.encoded)
            #expect("\(copy)" == "\(record)", "seed \(seed)")
            #expect(copy.encoded == record.encoded, "seed \(seed)")
        }
    }

    @Test func `a record that is cut short anywhere is refused`() {
        for bytes in records(60) {
            for count in bytes.indices { #expect(throws: RecordError.self) { try EventRecord(Array(bytes[..<count])) } }
        }
    }

    @Test func `a record with any bit turned is refused`() {
        for bytes in records(40) {
            for bit in 0..<bytes.count * 8 {
                var damaged = bytes
                damaged[bit / 8] ^= 1 << (bit % 8)
                #expect(throws: RecordError.self) { try EventRecord(damaged) }
            }
        }
    }

    @Test func `bytes added, removed or swapped are refused`() {
        var random = SeededGenerator(seed: 3)
        for bytes in records(200) {
            let place = Int.random(in: bytes.indices, using: &random)
            #expect(throws: RecordError.self) { try EventRecord(bytes + [0]) }
            #expect(throws: RecordError.self) { try EventRecord([0] + bytes) }
            #expect(throws: RecordError.self) { try EventRecord(bytes + bytes) }
            var shorter = bytes
            shorter.remove(at: place)
            #expect(throws: RecordError.self) { try EventRecord(shorter) }
            var swapped = bytes
            swapped.swapAt(place, (place + 1) % bytes.count)
            if swapped != bytes { #expect(throws: RecordError.self) { try EventRecord(swapped) } }
        }
    }

    @Test func `random bytes are refused`() {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<2_000 {
            let count = Int.random(in: 0...80, using: &random)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(throws: RecordError.self) { try EventRecord(bytes) }
        }
    }

    @Test func `an event of a quick node takes few bytes`() {
        let start = EventRecord(timestampMicroseconds: 1_769_851_800_000_250, body: .nodeStart(rank: 100, attempt: 1))
        #expect(start.encoded.count == 15)
    }

    private func records(_ count: UInt64) -> [[UInt8]] {
        (0..<count).map { seed in
            var random = SeededGenerator(seed: mix(seed, 77))
            return EventRecord.random(using: &random).encoded
        }
    }
}

import Executions
import JSON
import Testing

@Suite struct EventOutlineTests {
    @Test(arguments: 0..<300 as Range<UInt64>) func `an outline says what the whole record says`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let record = EventRecord.random(using: &random)
        var writer = ByteWriter()
        record.encode(to: &writer)
        let outline = try writer.withUnsafeBytes { try EventOutline(of: $0) }
        #expect(outline.timestampMicroseconds == record.timestampMicroseconds)
        #expect(outline.scope == record.scope)
        switch (outline.body, record.body) {
        case (.start, .start), (.nodeOutput, .nodeOutput), (.nodeOutput, .signalled), (.error, .error): break
        case (.nodeOutput, .scopeOpened), (.nodeOutput, .scopeClosed): break
        case (.nodeStart(let rank, let attempt), .nodeStart(let expectedRank, let expectedAttempt)):
            #expect((rank, attempt) == (expectedRank, expectedAttempt))
        case (.nodeComplete(let rank, let attempt, let status, let willRetry), .nodeComplete(let completion)):
            #expect((rank, attempt) == (completion.rank, completion.attempt))
            #expect((status, willRetry) == (completion.status, completion.willRetry))
        case (.complete(let status), .complete(let expected, _, _)): #expect(status == expected)
        default: Issue.record("seed \(seed): \(outline.body) of \(record.body)")
        }
    }

    @Test func `a damaged record has no outline`() {
        var writer = ByteWriter()
        EventRecord(timestampMicroseconds: 1, body: .nodeStart(rank: 1, attempt: 1)).encode(to: &writer)
        for index in writer.bytes.indices {
            var bytes = writer.bytes
            bytes[index] ^= 1
            #expect(throws: RecordError.self) { try bytes.withUnsafeBytes { try EventOutline(of: $0) } }
        }
    }
}

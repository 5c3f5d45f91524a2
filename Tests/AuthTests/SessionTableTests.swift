import Testing

@testable import Auth

@Suite struct SessionTableTests {
    @Test func `a session lasts until it is closed or its time is over`() {
        var generator = CountingGenerator()
        var table = SessionTable()
        let id = table.open(tokenID: "t", nowMicroseconds: 0, expiresAtMicroseconds: 10, using: &generator)
        let other = table.open(tokenID: "t", nowMicroseconds: 0, expiresAtMicroseconds: 10, using: &generator)
        #expect(id != other)
        #expect(table.find(id, nowMicroseconds: 9)?.tokenID == "t")
        #expect(table.find(id, nowMicroseconds: 10) == nil)
        table.close(id)
        #expect(table.find(id, nowMicroseconds: 0) == nil)
        #expect(table.find(other, nowMicroseconds: 0) != nil)
        #expect(table.find("", nowMicroseconds: 0) == nil)
        #expect(table.find(other + "x", nowMicroseconds: 0) == nil)
        #expect(table.nextExpiry(afterMicroseconds: 0) == 10)
    }

    @Test func `a token that opens too many sessions loses its own oldest`() {
        var generator = CountingGenerator()
        var table = SessionTable()
        let others = table.open(tokenID: "other", nowMicroseconds: 0, expiresAtMicroseconds: 1_000, using: &generator)
        let ids = (0...SessionTable.sessionsPerTokenMax).map { time in
            table.open(tokenID: "t", nowMicroseconds: Int64(time), expiresAtMicroseconds: 1_000, using: &generator)
        }
        #expect(table.find(ids[0], nowMicroseconds: 500) == nil)
        #expect(ids.dropFirst().allSatisfy { table.find($0, nowMicroseconds: 500) != nil })
        #expect(table.find(others, nowMicroseconds: 500) != nil)
    }

    @Test func `there are never more sessions than the limit`() {
        var generator = CountingGenerator()
        var table = SessionTable()
        for number in 0..<(SessionTable.sessionsPerTokenMax * 3) {
            _ = table.open(tokenID: "\(number / 99)", nowMicroseconds: 0, expiresAtMicroseconds: 5, using: &generator)
        }
        // Those that are over make room.
        _ = table.open(tokenID: "t", nowMicroseconds: 5, expiresAtMicroseconds: 9, using: &generator)
        #expect(table.count == 1)
    }
}

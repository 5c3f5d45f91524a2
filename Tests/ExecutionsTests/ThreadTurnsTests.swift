import Graphs
import JSON
import Testing

@testable import Executions

struct ThreadTurnsTests {
    private static func log(_ low: UInt64, _ thread: String?) throws -> EventLog {
        let graph = try revision("nodes: [{ id: g, kind: test }]")
        return EventLog(
            graph: graph,
            summary: ExecutionSummary(
                id: ExecutionID(high: 0, low: low), graphID: graph.identity.id, graphRevision: 1, nodeCount: 1,
                createdAtMicroseconds: 0, origin: ExecutionOrigin(thread: thread)))
    }

    @Test func `executions of a thread have their turns in the order in which they came`() throws {
        var turns = ThreadTurns()
        let logs = try (1...4).map { try Self.log(UInt64($0), "t") }
        let other = try Self.log(9, "other")
        // One that goes on has it already.
        let first = [turns.take(logs[0]), turns.take(other), turns.take(logs[0])]
        #expect(first == [true, true, true])
        for log in logs.dropFirst() {
            let isFree = turns.take(log)
            #expect(!isFree)
            turns.setAside(.init(log: log))
        }
        #expect(turns.waitingCount == 3)
        let removed = [turns.remove(logs[2])?.log, turns.remove(logs[2])?.log]
        #expect(removed[0] === logs[2] && removed[1] == nil)
        // That one was never at it; and the second is cancelled before it has begun.
        let next = [logs[2], logs[0], logs[1], logs[3]].map { turns.release($0)?.log }
        #expect(next[0] == nil && next[1] === logs[1] && next[2] === logs[3] && next[3] == nil)
        #expect(turns.waitingCount == 0)
    }

    @Test func `an execution without a thread waits for nobody`() throws {
        var turns = ThreadTurns()
        let free = [turns.take(try Self.log(1, nil)), turns.take(try Self.log(2, nil))]
        #expect(free == [true, true])
    }
}

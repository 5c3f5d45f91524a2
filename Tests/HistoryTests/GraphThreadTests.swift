import Executions
import GRDB
import JSON
import Testing

@testable import History

@Suite struct GraphThreadTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.path("history.db") }
    private static let day: Int64 = 24 * 3600 * 1_000_000

    private func withStore<Result>(_ body: (HistoryStore) throws -> Result) throws -> Result {
        let store = HistoryStore(.file(path))
        try store.start()
        let result = try body(store)
        try store.stop()
        return result
    }

    /// An execution has left this for a thread.
    private func keep(
        _ content: JSONText, in thread: String, graph: String = "g", node: String = "n", by number: UInt64 = 1,
        atDay day: Int64 = 0
    ) throws {
        var checkpoint = ThreadCheckpoint(nodeID: node, content: content)
        checkpoint.atMicroseconds = testEpoch * 1000 + day * Self.day
        let summary = ExecutionSummary(
            id: ExecutionID(high: 0x7000, low: 1 << 63 | number), graphID: graph, graphRevision: 1, nodeCount: 1,
            createdAtMicroseconds: 0, origin: ExecutionOrigin(thread: thread))
        try withStore { [checkpoint] store in
            try store.write { database in
                try database.insert([checkpoint], try database.graphKey(of: graph), summary)
            }
        }
    }

    private func names(_ graph: String = "g", after: String? = nil, limit: Int = 10) throws -> [String] {
        try withStore { try $0.threads(ofGraph: graph, after: after, limit: limit).map(\.name) }
    }

    @Test func `a thread has what its last execution has left`() throws {
        try keep(["a": 1], in: "t", by: 1)
        try keep(["a": 2], in: "t", by: 2, atDay: 1)
        try keep(["b": 1], in: "t", node: "m", by: 2, atDay: 1)
        let thread = try #require(try withStore { try $0.thread("t", ofGraph: "g") })
        #expect(thread.checkpoints.map(\.nodeID) == ["m", "n"])
        #expect(thread.checkpoints.map(\.content) == [["b": 1], ["a": 2]])
        #expect(thread.executionID.low & 7 == 2 && thread.byteCount == 14)
        #expect(thread.updatedAtMicroseconds == testEpoch * 1000 + Self.day)
        #expect(try withStore { try $0.thread("t", ofGraph: "other") } == nil)
        #expect(try withStore { try $0.thread("u", ofGraph: "g") } == nil)
    }

    @Test func `threads are listed by name, page by page`() throws {
        for name in ["c", "a", "b"] { try keep([:], in: name) }
        try keep([:], in: "z", graph: "other")
        #expect(try names(limit: 2) == ["a", "b"])
        #expect(try names(after: "b") == ["c"])
    }

    @Test func `one is deleted alone`() throws {
        for name in ["a", "b"] { try keep([:], in: name) }
        let wasThere = try withStore { store in
            try (0..<2).map { _ in try waited { store.deleteThread("a", ofGraph: "g", $0) } }
        }
        #expect(wasThere == [true, false])
        #expect(try names() == ["b"])
    }

    @Test func `one that nobody goes on with is forgotten when executions would be`() throws {
        for number in 0..<9 { try keep([:], in: "old \(number)", by: UInt64(number)) }
        try keep([:], in: "new", by: 9, atDay: 8)
        let queue = try DatabaseQueue(path: path)
        var retention = Retention(RetentionPolicy(RetentionLimits(days: 5)), DeletionCount()) {
            testEpoch * 1000 + 10 * Self.day
        }
        repeat {
            try queue.inDatabase { try retention.run($0) }
        } while retention.waitMilliseconds() <= Retention.pauseMilliseconds
        try queue.close()
        #expect(try names() == ["new"])
    }
}

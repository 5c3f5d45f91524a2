import Executions
import Foundation
import GRDB
import Graphs
import Testing

@testable import History

@Suite struct RevisionRemovalTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.path("history.db") }

    /// A graph with so many revisions, each with a file that all share and one of its own, and executions of some of them.
    private func fill(revisions: Int, executionsOf named: [Int]) throws {
        let store = HistoryStore(.file(path))
        let watcher = Watcher()
        store.observer = watcher
        try store.start()
        for number in 0..<revisions {
            let files: [String: [UInt8]] = ["shared": [1], "own": [2, UInt8(number)]]
            try store.put(newGraph("a", "[\(number + 1)]", files: files), expecting: number)
        }
        for (index, number) in named.enumerated() {
            let id = summary(Int64(index)).id
            let log = EventLog(
                graph: anyGraph,
                summary: ExecutionSummary(
                    id: id, graphID: "a", graphRevision: number, nodeCount: 1,
                    createdAtMicroseconds: testEpoch * 1000, status: .success))
            log.append([[1]], to: store)
            watcher.wait(for: log, through: 1)
        }
        try store.stop()
    }

    private func retain(uses: GraphUses = GraphUses()) throws -> Int {
        let queue = try DatabaseQueue(path: path)
        let news = RetentionNews()
        var retention = Retention(RetentionPolicy(RetentionLimits()), DeletionCount(), uses: uses, news: news) { 0 }
        repeat {
            try queue.inDatabase { try retention.run($0) }
        } while retention.waitMilliseconds() <= Retention.pauseMilliseconds
        try queue.close()
        return news.total.revisions
    }

    /// Not by a store, which would remove some itself.
    private func revisions() throws -> [Int] {
        try DatabaseQueue(path: path).read {
            try Int.fetchAll($0, sql: "SELECT revision FROM graph_revisions ORDER BY revision DESC")
        }
    }

    private func count(_ table: String) throws -> Int? {
        try DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") }
    }

    @Test func `the last 20 stay, and those that an execution names; the others go with their files`() throws {
        try fill(revisions: 30, executionsOf: [1, 25, 4, 4])
        #expect(try retain() == 8)
        #expect(try revisions() == Array((11...30).reversed()) + [4, 1])
        #expect(try count("graph_files") == 44)
        #expect(try count("file_contents") == 23)
        // Numbers never start again.
        let store = HistoryStore(.file(path))
        try store.start()
        #expect(try store.graph("a", revision: 2) == nil)
        #expect(try store.graph("a", revision: 4)?.files == GraphFiles(["shared": [1], "own": [2, 3]]))
        #expect(try store.put(newGraph("a"), expecting: 30)?.revision == 31)
        try store.stop()
    }

    @Test(arguments: [20, 21]) func `20 revisions all stay, and of 21 the first goes`(count: Int) throws {
        try fill(revisions: count, executionsOf: [])
        #expect(try retain() == count - 20)
        #expect(try revisions().count == 20)
    }

    @Test func `one that was read just now stays, for an execution may be about to start with it`() throws {
        try fill(revisions: 22, executionsOf: [])
        let uses = GraphUses()
        uses.willUse(1, of: "a")
        #expect(try retain(uses: uses) == 1)
        #expect(try revisions().last == 1)
    }

    @Test func `a revision goes once the last execution that names it is gone, not before`() throws {
        try fill(revisions: 21, executionsOf: [1, 1])
        let queue = try DatabaseQueue(path: path)
        var removal = RevisionRemoval(GraphUses())
        func round() throws -> Int {
            var removed = 0
            try queue.write { database in
                while try !removal.step(database, removed: { removed += 1 }) { continue }
            }
            return removed
        }
        #expect(try round() == 0)
        for (execution, expected) in [(1, 0), (0, 1)] {
            _ = try queue.write { try $0.removeExecution(summary(Int64(execution)).id.rowID) }
            removal.executionsHaveGone()
            #expect(try round() == expected)
        }
        try queue.close()
    }
}

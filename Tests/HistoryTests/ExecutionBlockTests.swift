import Executions
import GRDB
import Testing

@testable import History

/// Which blocks hold what, and the way from the indexes before them.
@Suite struct ExecutionBlockTests {
    private static let statuses: [ExecutionStatus] = [.success, .success, .error, .running, .queued, .cancelled]
    private let folder = TemporaryFolder()
    private var path: String { folder.path("history.db") }

    /// Enough to be in blocks but for the newest.
    private static let count = ExecutionWriter.unindexedMax + 5

    private func statuses(_ number: Int) -> ExecutionStatus { Self.statuses[number % 7 % 6] }

    private func filledStore() throws -> (store: HistoryStore, watcher: Watcher, logs: [EventLog]) {
        let store = HistoryStore(.file(path))
        let watcher = Watcher()
        store.observer = watcher
        try store.start()
        let logs = (0..<Self.count).map { number in
            newLog(Int64(number * 2), graphID: "g\(number % 3)", status: statuses(number))
        }
        for log in logs { log.append([[1], [2]], to: store) }
        for log in logs { watcher.wait(for: log, through: 2) }
        // What is indexed after a commit is there once the next one is.
        let last = newLog(Int64(Self.count * 2), graphID: "g0")
        last.append([[1]], to: store)
        watcher.wait(for: last, through: 1)
        return (store, watcher, logs + [last])
    }

    /// That the counts are those of the rows, in every list of every block, and that each row up to the mark is in one.
    private func expectExactCounts() throws {
        let database = try DatabaseQueue(path: path)
        defer { try? database.close() }
        try database.inDatabase { (database: Database) throws in
            let filters = "(b.graph_key = 0 OR b.graph_key = e.graph_key) AND (b.status = -1 OR b.status = e.status)"
            let rows = "SELECT count(*) FROM executions AS e WHERE id BETWEEN first AND last AND \(filters)"
            let wrong = "SELECT count(*) FROM execution_blocks AS b WHERE count <= 0 OR count != (\(rows))"
            #expect(try Int.fetchOne(database, sql: wrong) == 0)
            let sums = """
                SELECT sum(count) FROM execution_blocks GROUP BY graph_key = 0, status = -1
                UNION SELECT count(*) FROM executions WHERE id <= (SELECT indexed_through FROM watermarks)
                """
            #expect(try Int.fetchAll(database, sql: sums).count == 1)
            let blocks = "SELECT first, last FROM execution_blocks WHERE graph_key = 0 AND status = -1 ORDER BY first"
            let ends = try Row.fetchAll(database, sql: blocks).map { ($0[0] as Int64, $0[1] as Int64) }
            #expect(zip(ends, ends.dropFirst()).allSatisfy { $0.1 < $1.0 } && ends.allSatisfy { $0 <= $1 })
        }
    }

    private func indexedCount() throws -> Int {
        let sql = "SELECT sum(count) FROM execution_blocks WHERE graph_key = 0 AND status = -1"
        let database = try DatabaseQueue(path: path)
        defer { try? database.close() }
        return try database.read { try Int.fetchOne($0, sql: sql) ?? 0 }
    }

    @Test func `the oldest come into whole blocks, and the newest wait`() throws {
        let (store, _, _) = try filledStore()
        try store.stop()
        let waiting = Self.count - (try indexedCount())
        #expect(waiting >= ExecutionWriter.unindexedMin && waiting < ExecutionWriter.unindexedMax)
        #expect(try indexedCount() % ExecutionBlock.executionsMax == 0)
        try expectExactCounts()
    }

    @Test func `one that comes late, changes its status or is deleted is counted where it is`() throws {
        let (store, watcher, logs) = try filledStore()
        // Their ids lie between those of others.
        let late = [1, 3, 101, 999].map { newLog(Int64($0), graphID: "late", status: .running) }
        for log in late { log.append([[1]], to: store) }
        for log in late { watcher.wait(for: log, through: 1) }
        let moved = [logs[3], logs[4], logs[10], late[0]].map { log in
            log.summary.status.isFinished ? nil : EventLog(stored: log.summary, graph: anyGraph)
        }.compactMap(\.self)
        #expect(moved.count >= 2)
        for log in moved { log.append([[3]], to: store) { $0.status = .failed } }
        for log in moved { watcher.wait(for: log, through: log.summary.lastSeq) }
        #expect(try store.executions(ExecutionQuery(status: .failed)).map(\.id) == moved.map(\.id).sorted(by: >))
        #expect(try store.executions(ExecutionQuery(graphID: "late")).map(\.id) == late.map(\.id).reversed())
        for log in logs[0..<40] + [moved[0]] {
            guard case .deleted = try store.deleteExecution(log.id) else { continue }
            #expect(
                try store.executions(ExecutionQuery(graphID: log.summary.graphID, limit: .max)).allSatisfy {
                    $0.id != log.id
                })
        }
        try store.stop()
        try expectExactCounts()
    }

    @Test func `when the retention has removed a whole block, late ones of its time are listed`() throws {
        let (store, _, _) = try filledStore()
        try store.stop()
        let queue = try DatabaseQueue(path: path)
        try queue.inDatabase { try $0.execute(sql: "UPDATE executions SET status = 3, ended_at = 0 WHERE status < 2") }
        try queue.inDatabase { try $0.execute(sql: "DELETE FROM execution_blocks") }
        try queue.inDatabase { try $0.execute(sql: "UPDATE watermarks SET indexed_through = 0") }
        _ = try queue.inDatabase { try $0.makeBlocks(after: 0, executionsMax: 640) }
        var retention = Retention(RetentionPolicy(RetentionLimits(executions: 700)), DeletionCount()) { 0 }
        repeat {
            try queue.inDatabase { try retention.run($0) }
        } while retention.waitMilliseconds() <= Retention.pauseMilliseconds
        try queue.close()
        try expectExactCounts()

        let again = HistoryStore(.file(path))
        let watcher = Watcher()
        again.observer = watcher
        try again.start()
        let late = [5, 7].map { newLog(Int64($0), graphID: "late", status: .error) }
        for log in late { log.append([[1]], to: again) }
        for log in late { watcher.wait(for: log, through: 1) }
        #expect(try again.executions(ExecutionQuery(graphID: "late")).map(\.id) == late.map(\.id).reversed())
        try again.stop()
        try expectExactCounts()
    }

    @Test func `a history of version 4 is listed and read as before`() throws {
        let old = try DatabaseQueue(path: path)
        try old.inDatabase { (database: Database) throws in
            try database.execute(sql: "PRAGMA page_size = 16384")
            try database.execute(sql: "PRAGMA application_id = \(Schema.applicationID)")
        }
        try Schema.migrator.migrate(old, upTo: "v4")
        let count = 500
        try old.write { (database: Database) throws in
            for number in 0..<count {
                let id = summary(Int64(number)).id
                try database.execute(
                    sql: """
                        INSERT INTO executions(id, id_low, graph_key, graph_revision, node_count, created_at, is_indexed,
                            status, last_seq) VALUES (?, ?, ?, 3, 5, ?, ?, ?, 2)
                        """,
                    arguments: [
                        id.rowID, Int64(bitPattern: id.low), try database.graphKey(of: "g\(number % 3)"),
                        (testEpoch + Int64(number)) * 1000, number < 400 ? 1 : 0, statuses(number).storedCode,
                    ])
                try database.execute(
                    sql:
                        "INSERT INTO first_events(execution, last_seq, lengths, records) VALUES (?, 2, x'0102', x'070809')",
                    arguments: [id.rowID])
            }
            let through = summary(399).id.rowID
            try database.execute(sql: "UPDATE watermarks SET indexed_through = ?", arguments: [through])
        }
        try old.close()

        let store = HistoryStore(.file(path))
        try store.start()
        for status in [nil] + ExecutionStatus.allCases.map(Optional.some) {
            for graph in [nil, 0, 2] {
                let query = ExecutionQuery(graphID: graph.map { "g\($0)" }, status: status, limit: .max)
                let numbers = (0..<count).reversed().filter { number in
                    (status == nil || statuses(number) == status) && (graph == nil || number % 3 == graph)
                }
                #expect(try store.executions(query).map(\.id) == numbers.map { summary(Int64($0)).id })
            }
        }
        #expect(try store.records(of: summary(7).id, after: 0, bytesMax: 100).all == [[7], [8, 9]])
        try store.stop()
        #expect(count - (try indexedCount()) < ExecutionBlock.executionsMax)
        try expectExactCounts()
    }
}

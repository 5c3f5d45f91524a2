import Executions
import Foundation
import GRDB
import JSON
import Testing

@testable import History

@Suite struct MigrationTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.path("history.db") }

    /// A history as an earlier version left it.
    private func makeHistory(upTo version: String, _ fill: (Database) throws -> Void) throws {
        let old = try DatabaseQueue(path: path)
        try old.inDatabase { (database: Database) throws in
            try database.execute(sql: "PRAGMA page_size = 16384")
            try database.execute(sql: "PRAGMA application_id = \(Schema.applicationID)")
        }
        try Schema.migrator.migrate(old, upTo: version)
        try old.write(fill)
        try old.close()
    }

    @Test func `a history of version 5 keeps what waits, what ran, and what was short`() throws {
        let (waiting, running, short) = (summary(1).id, summary(2).id, summary(3).id)
        try makeHistory(upTo: "v5") { database in
            let key = try database.graphKey(of: "any")
            let sql = """
                INSERT INTO executions(id, id_low, graph_key, graph_revision, node_count, created_at, status, last_seq,
                    initial_state, lengths, records) VALUES (?, ?, ?, 3, 5, 7, ?, ?, ?, ?, ?)
                """
            for (id, status, seq, state) in [(waiting, 0, 0, #"{"k":1.0}"#), (running, 1, 2, nil), (short, 2, 2, nil)] {
                let (lengths, records) = status == 2 ? (Data([1, 2]), Data([7, 8, 9])) : (nil, nil)
                try database.execute(
                    sql: sql,
                    arguments: [id.rowID, Int64(bitPattern: id.low), key, status, seq, state, lengths, records])
            }
            try database.execute(
                sql:
                    "INSERT INTO first_events(execution, last_seq, lengths, records) VALUES (?, 2, x'0102', x'070809')",
                arguments: [running.rowID])
        }

        let store = HistoryStore(.file(path))
        try store.start()
        #expect(try store.queuedState(of: waiting) == ["k": 1.0])
        #expect(try store.queuedState(of: running) == nil)
        for id in [waiting, running, short] {
            let found = try #require(try store.execution(id))
            #expect(found.deaths == 0 && found.startedBy == nil && found.origin == nil)
        }
        for id in [running, short] {
            #expect(try store.records(of: id, after: 0, bytesMax: 100).all == [[7], [8, 9]])
        }
        let log = EventLog(stored: try #require(try store.execution(waiting)), graph: anyGraph)
        log.append([[1]], to: store) { $0.status = .running }
        try store.stop()

        let again = HistoryStore(.file(path))
        try again.start()
        #expect(try again.queuedState(of: waiting) == nil)
        #expect(try again.execution(waiting)?.status == .running)
        try again.stop()
    }
}

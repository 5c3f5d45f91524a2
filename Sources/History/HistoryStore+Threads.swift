import Executions
import Foundation
import GRDB
import JSON

extension HistoryStore {
    package func thread(_ name: String, ofGraph id: String) throws(StoreError) -> StoredThread? {
        try read { database in
            let sql = "SELECT \(Self.threadColumns), node, content \(Self.threadRows) AND thread = ? ORDER BY node"
            let rows = try Row.fetchAll(database, sql: sql, arguments: [id, name])
            guard let last = rows.max(by: { ($0[4] as Int64) < ($1[4] as Int64) }) else { return nil }
            let checkpoints = rows.map { row in
                ThreadCheckpoint(nodeID: row[6], content: JSONText(trusted: Array(row[7] as Data)))
            }
            return StoredThread(
                last, byteCount: checkpoints.reduce(0) { $0 + $1.content.bytes.count }, checkpoints: checkpoints)
        }
    }

    package func threads(
        ofGraph id: String, after name: String?, limit: Int
    ) throws(StoreError) -> [StoredThread] {
        try read { database in
            let sql = """
                SELECT thread, execution, execution_low, min(created_at), max(updated_at), sum(length(content))
                \(Self.threadRows) AND thread > ? GROUP BY thread ORDER BY thread LIMIT ?
                """
            let rows = try Row.fetchAll(database, sql: sql, arguments: [id, name ?? "", limit])
            return rows.map { StoredThread($0, byteCount: $0[5]) }
        }
    }

    package func deleteThread(_ name: String, ofGraph id: String, _ reply: @escaping StoreReply<Bool>) {
        write(
            { database -> Bool in
                let sql = "DELETE FROM graph_threads WHERE graph_key = (\(Self.threadGraph)) AND thread = ?"
                try database.execute(sql: sql, arguments: [id, name])
                return database.changesCount > 0
            }, reply)
    }

    private static let threadColumns = "thread, execution, execution_low, created_at, updated_at, length(content)"
    private static let threadGraph = "SELECT graph_key FROM graphs WHERE graph_id = ?"
    private static let threadRows = "FROM graph_threads WHERE graph_key = (\(threadGraph))"
}

extension StoredThread {
    fileprivate init(_ row: Row, byteCount: Int, checkpoints: [ThreadCheckpoint] = []) {
        self.init(
            name: row[0], executionID: ExecutionID(rowID: row[1], low: UInt64(bitPattern: row[2] as Int64)),
            createdAtMicroseconds: row[3], updatedAtMicroseconds: row[4], byteCount: byteCount,
            checkpoints: checkpoints)
    }
}

extension Database {
    /// What an execution leaves for its thread, in place of what was there.
    func insert(_ checkpoints: [ThreadCheckpoint], _ graphKey: Int64, _ summary: ExecutionSummary) throws {
        guard let thread = summary.origin?.thread else { return }
        for checkpoint in checkpoints {
            let sql = """
                INSERT INTO graph_threads(
                    graph_key, thread, node, execution, execution_low, created_at, updated_at, content)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT(graph_key, thread, node) DO UPDATE SET
                    execution = excluded.execution, execution_low = excluded.execution_low,
                    updated_at = excluded.updated_at, content = excluded.content
                """
            try execute(
                sql: sql,
                arguments: [
                    graphKey, thread, checkpoint.nodeID, summary.id.rowID, Int64(bitPattern: summary.id.low),
                    checkpoint.atMicroseconds, checkpoint.atMicroseconds,
                    Data(checkpoint.content.bytes),
                ])
        }
    }
}

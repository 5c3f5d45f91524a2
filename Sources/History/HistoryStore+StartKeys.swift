import Executions
import Foundation
import GRDB

extension HistoryStore {
    package func start(under key: StartKey) throws(StoreError) -> KeyedStart? {
        try read { database in
            let sql = """
                SELECT digest, execution, execution_low, created_at FROM start_keys WHERE scope = ? AND start_key = ?
                """
            let row = try Row.fetchOne(database, sql: sql, arguments: [key.scope, key.key])
            return row.map { row in
                KeyedStart(
                    key: key, digest: Array(row[0] as Data),
                    executionID: ExecutionID(rowID: row[1], low: UInt64(bitPattern: row[2])),
                    createdAtMicroseconds: row[3])
            }
        }
    }
}

extension Database {
    /// One that has expired is replaced.
    func insert(_ start: KeyedStart) throws {
        let sql = """
            INSERT OR REPLACE INTO start_keys(scope, start_key, digest, execution, execution_low, created_at)
            VALUES (?, ?, ?, ?, ?, ?)
            """
        let id = start.executionID
        try execute(
            sql: sql,
            arguments: [
                start.key.scope, start.key.key, Data(start.digest), id.rowID, Int64(bitPattern: id.low),
                start.createdAtMicroseconds,
            ])
    }
}

import Executions
import Foundation
import GRDB

/// An execution on the way of the removal.
struct AgedExecution {
    let id: Int64
    let graphKey: Int64
    let status: Int
    let createdAt: Int64
    let endedAt: Int64
    let lastSeq: Int

    fileprivate static let columns = "id, graph_key, status, created_at, ended_at, last_seq"

    fileprivate init(_ row: RawStatement.Row) {
        id = row.int64(0)
        graphKey = row.int64(1)
        status = row.int(2)
        createdAt = row.int64(3)
        endedAt = row.optionalInt64(4) ?? .max
        lastSeq = row.int(5)
    }

    var isFinished: Bool { ExecutionStatus(storedCode: status)?.isFinished ?? false }
}

extension Database {
    /// The oldest execution behind an id.
    func nextExecution(after id: Int64) throws -> AgedExecution? {
        var found: AgedExecution?
        let sql = "SELECT \(AgedExecution.columns) FROM executions WHERE id > ?1 ORDER BY id LIMIT 1"
        let statement = try RawStatement(self, sql)
        statement.bind(1, id)
        try statement.forEachRow { row in
            found = AgedExecution(row)
            return false
        }
        return found
    }

    /// What a walk along the executions has come to.
    enum Walk {
        case found(AgedExecution)
        /// Nothing up to this one; there are more.
        case nothing(through: Int64)
        case end
    }

    /// The oldest execution behind an id of which more is kept than the last event.
    func nextExecutionWithEvents(after id: Int64, rowsMax: Int) throws -> Walk {
        var walk = Walk.end
        let statement = try RawStatement(
            self,
            """
            SELECT \(AgedExecution.columns), dropped_through FROM executions
            WHERE id > ?1 ORDER BY id LIMIT ?2
            """)
        statement.bind(1, id)
        statement.bind(2, rowsMax)
        try statement.forEachRow { row in
            let execution = AgedExecution(row)
            if execution.isFinished, row.int(6) < execution.lastSeq - 1 {
                walk = .found(execution)
                return false
            }
            walk = .nothing(through: execution.id)
            return true
        }
        return walk
    }

    /// Removes an execution. Events beyond its first row of them are left to the retention.
    /// - Returns: the bytes of events that have gone.
    @discardableResult
    func removeExecution(_ id: Int64) throws -> Int {
        let bytes = try RawStatement(
            self,
            """
            SELECT ifnull((SELECT length(records) FROM executions WHERE id = ?1), 0)
                + ifnull((SELECT length(records) FROM first_events WHERE execution = ?1), 0)
            """)
        bytes.bind(1, id)
        var removed = 0
        try bytes.forEachRow { row in
            removed = row.int(0)
            return false
        }
        for sql in ["DELETE FROM executions WHERE id = ?1", "DELETE FROM first_events WHERE execution = ?1"] {
            let statement = try RawStatement(self, sql)
            statement.bind(1, id)
            try statement.run()
        }
        let sql = """
            INSERT OR IGNORE INTO deleted_executions(execution)
            SELECT ?1 WHERE EXISTS (SELECT 1 FROM later_events WHERE execution = ?1)
                OR EXISTS (SELECT 1 FROM scopes WHERE execution = ?1)
            """
        let statement = try RawStatement(self, sql)
        statement.bind(1, id)
        try statement.run()
        return removed
    }

    /// The bytes of the file that hold something.
    func usedBytes() throws -> Int {
        let pages = try Int.fetchOne(self, sql: "PRAGMA page_count") ?? 0
        let free = try Int.fetchOne(self, sql: "PRAGMA freelist_count") ?? 0
        let size = try Int.fetchOne(self, sql: "PRAGMA page_size") ?? 0
        return (pages - free) * size
    }

    /// Drops the first row of events that an execution has, but never its last event.
    /// - Returns: whether more is left to drop, and the bytes of events that have gone.
    func dropFirstRow(of execution: AgedExecution) throws -> (hasMore: Bool, bytes: Int) {
        guard let row = try firstRow(of: execution.id) else { return (false, 0) }
        let bytes = try Int.fetchOne(self, sql: "SELECT length(records) FROM \(row.place)") ?? 0
        let end = row.lastSeq < execution.lastSeq ? nil : try lastEvent(in: row.place, of: execution)
        if !row.isShort { try execute(sql: "DELETE FROM \(row.place)") }
        if let end {
            let sql = """
                INSERT INTO later_events(execution, first_seq, last_seq, lengths, records) VALUES (?, ?, ?, ?, ?)
                """
            try execute(
                sql: sql, arguments: [execution.id, execution.lastSeq, execution.lastSeq, end.length, end.record])
        }
        let dropped = min(row.lastSeq, execution.lastSeq - 1)
        try execute(
            sql: "UPDATE executions SET dropped_through = ?, lengths = NULL, records = NULL WHERE id = ?",
            arguments: [dropped, execution.id])
        return (dropped < execution.lastSeq - 1, bytes - (end?.record.count ?? 0))
    }

    /// A row of events.
    private struct StoredRow {
        let lastSeq: Int
        /// What stands behind FROM.
        let place: String
        /// In the row of the execution itself.
        let isShort: Bool
    }

    private func firstRow(of execution: Int64) throws -> StoredRow? {
        let short = "executions WHERE id = \(execution) AND records IS NOT NULL"
        let first = "first_events WHERE execution = \(execution)"
        let later = """
            later_events WHERE rowid =
                (SELECT rowid FROM later_events WHERE execution = \(execution) ORDER BY first_seq LIMIT 1)
            """
        if let lengths = try Data.fetchOne(self, sql: "SELECT lengths FROM \(short)") {
            // As many as varints: each has one byte that ends it.
            return StoredRow(lastSeq: lengths.count { $0 < 0x80 }, place: short, isShort: true)
        }
        for place in [first, later] {
            if let lastSeq = try Int.fetchOne(self, sql: "SELECT last_seq FROM \(place)") {
                return StoredRow(lastSeq: lastSeq, place: place, isShort: false)
            }
        }
        return nil
    }

    /// The last event of a row, and its length as it is stored.
    private func lastEvent(in place: String, of execution: AgedExecution) throws -> (length: Data, record: Data) {
        guard let row = try Row.fetchOne(self, sql: "SELECT lengths, records FROM \(place)") else {
            throw StoreError("the events of an execution have vanished")
        }
        let (lengths, records): (Data, Data) = (row[0], row[1])
        // The last varint: back to behind the byte that ends the one before.
        var start = max(lengths.count - 1, 0)
        while start > 0, lengths[start - 1] >= 0x80 { start -= 1 }
        let length = lengths[start...].reversed().reduce(0) { $0 << 7 | Int($1 & 0x7F) }
        guard length > 0, length <= records.count else {
            throw StoreError("the stored events of an execution are damaged near number \(execution.lastSeq)")
        }
        return (Data(lengths[start...]), Data(records.suffix(length)))
    }
}

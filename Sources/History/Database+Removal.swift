import Executions
import Foundation
import GRDB

/// An execution on the way of the removal.
struct AgedExecution {
    let id: Int64
    let isFinished: Bool
    let createdAt: Int64
    let endedAt: Int64
    let lastSeq: Int

    fileprivate init(_ row: RawStatement.Row) {
        id = row.int64(0)
        isFinished = ExecutionStatus(storedCode: row.int(1))?.isFinished ?? false
        createdAt = row.int64(2)
        endedAt = row.optionalInt64(3) ?? .max
        lastSeq = row.int(4)
    }
}

extension Database {
    /// The oldest execution behind an id.
    func nextExecution(after id: Int64) throws -> AgedExecution? {
        var found: AgedExecution?
        let sql = "SELECT id, status, created_at, ended_at, last_seq FROM executions WHERE id > ?1 ORDER BY id LIMIT 1"
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
            SELECT id, status, created_at, ended_at, last_seq, dropped_through FROM executions
            WHERE id > ?1 ORDER BY id LIMIT ?2
            """)
        statement.bind(1, id)
        statement.bind(2, rowsMax)
        try statement.forEachRow { row in
            let execution = AgedExecution(row)
            if execution.isFinished, row.int(5) < execution.lastSeq - 1 {
                walk = .found(execution)
                return false
            }
            walk = .nothing(through: execution.id)
            return true
        }
        return walk
    }

    /// Removes an execution. Events beyond its first row of them are left to the retention.
    func removeExecution(_ id: Int64) throws {
        for sql in ["DELETE FROM executions WHERE id = ?1", "DELETE FROM first_events WHERE execution = ?1"] {
            let statement = try RawStatement(self, sql)
            statement.bind(1, id)
            try statement.run()
        }
        let sql = """
            INSERT OR IGNORE INTO deleted_executions(execution)
            SELECT execution FROM later_events WHERE execution = ?1 LIMIT 1
            """
        let statement = try RawStatement(self, sql)
        statement.bind(1, id)
        try statement.run()
    }

    /// The bytes of the file that hold something.
    func usedBytes() throws -> Int {
        let pages = try Int.fetchOne(self, sql: "PRAGMA page_count") ?? 0
        let free = try Int.fetchOne(self, sql: "PRAGMA freelist_count") ?? 0
        let size = try Int.fetchOne(self, sql: "PRAGMA page_size") ?? 0
        return (pages - free) * size
    }

    /// Drops the first row of events that an execution has, but never its last event.
    /// - Returns: whether more is left to drop.
    func dropFirstRow(of execution: AgedExecution) throws -> Bool {
        let first = "SELECT 1, last_seq FROM first_events WHERE execution = ?"
        let later = "SELECT first_seq, last_seq FROM later_events WHERE execution = ? ORDER BY first_seq LIMIT 1"
        let firstRow = try Row.fetchOne(self, sql: first, arguments: [execution.id])
        guard let row = try firstRow ?? Row.fetchOne(self, sql: later, arguments: [execution.id]) else { return false }
        let (firstSeq, lastSeq): (Int, Int) = (row[0], row[1])
        let place =
            firstRow != nil
            ? "first_events WHERE execution = \(execution.id)"
            : "later_events WHERE execution = \(execution.id) AND first_seq = \(firstSeq)"
        let end = lastSeq < execution.lastSeq ? nil : try lastEvent(in: place, of: execution)
        try execute(sql: "DELETE FROM \(place)")
        if let end {
            let sql = """
                INSERT INTO later_events(execution, first_seq, last_seq, lengths, records) VALUES (?, ?, ?, ?, ?)
                """
            try execute(
                sql: sql, arguments: [execution.id, execution.lastSeq, execution.lastSeq, end.length, end.record])
        }
        let dropped = min(lastSeq, execution.lastSeq - 1)
        try execute(
            sql: "UPDATE executions SET dropped_through = ? WHERE id = ?", arguments: [dropped, execution.id])
        return dropped < execution.lastSeq - 1
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

import Executions
import GRDB
import JSON

extension HistoryStore {
    package func execution(_ id: ExecutionID) throws(StoreError) -> ExecutionSummary? {
        try read { try ExecutionList.summary(of: id, $0)?.summary }
    }

    /// Times are taken inclusively.
    package func executions(_ query: ExecutionQuery) throws(StoreError) -> [ExecutionSummary] {
        try read { try ExecutionList(query).fetch($0) }
    }

    package func executionCount(ofGraph id: String?) throws(StoreError) -> Int {
        try read { try ExecutionList(ExecutionQuery(graphID: id)).count($0) }
    }

    package func records(of id: ExecutionID, after seq: Int, bytesMax: Int) throws(StoreError) -> EventLog.Slice {
        try read { database in
            var (slice, isFull, isShort) = (EventLog.Slice(firstSeq: seq + 1), false, false)
            let statement = try RawStatement(database, Self.shortEvents)
            statement.bind(1, id.rowID)
            try statement.forEachRow { row in
                slice.firstSeq = max(seq, row.int(0)) + 1
                isShort = !row.isNull(2)
                if isShort { isFull = try Self.append(row, from: 1, to: &slice, of: id, bytesMax: bytesMax) }
                return false
            }
            for sql in (isShort ? [] : [Self.firstEvents]) + [Self.laterEvents] where !isFull {
                isFull = try Self.append(sql, to: &slice, of: id, bytesMax: bytesMax, database)
            }
            return slice
        }
    }

    package func queuedState(of id: ExecutionID) throws(StoreError) -> JSONObject? {
        try read { database in
            var state: JSONObject?
            let statement = try RawStatement(database, "SELECT state FROM queued_states WHERE execution = ?1")
            statement.bind(1, id.rowID)
            try statement.forEachRow { row in
                state = JSONObject(JSONText(trusted: Array(row.bytes(0))))
                return false
            }
            return state
        }
    }

    package func lastRowID() throws(StoreError) -> Int64 {
        // Of one that was deleted events may still be there.
        try read { database in
            let sql = """
                SELECT max(ifnull((SELECT max(id) FROM executions), 0),
                    ifnull((SELECT max(execution) FROM deleted_executions), 0))
                """
            return try Int64.fetchOne(database, sql: sql) ?? 0
        }
    }

    private static let shortEvents = "SELECT dropped_through, lengths, records FROM executions WHERE id = ?1"
    private static let firstEvents = """
        SELECT 1, lengths, records FROM first_events WHERE execution = ?1 AND last_seq >= ?2
        """
    /// From the row that holds the first record asked for.
    private static let laterEvents = """
        SELECT first_seq, lengths, records FROM later_events
        WHERE execution = ?1 AND first_seq >= ifnull(
            (SELECT max(first_seq) FROM later_events WHERE execution = ?1 AND first_seq <= ?2), 0)
        ORDER BY first_seq
        """

    /// - Returns: whether the slice can take no more.
    private static func append(
        _ sql: String, to slice: inout EventLog.Slice, of id: ExecutionID, bytesMax: Int, _ database: Database
    ) throws -> Bool {
        let statement = try RawStatement(database, sql)
        statement.bind(1, id.rowID)
        statement.bind(2, slice.lastSeq + 1)
        var isFull = false
        try statement.forEachRow { row in
            isFull = try append(row, from: row.int(0), to: &slice, of: id, bytesMax: bytesMax)
            return !isFull
        }
        return isFull
    }

    /// A row has the lengths in column 1, and the records in column 2.
    private static func append(
        _ row: RawStatement.Row, from firstSeq: Int, to slice: inout EventLog.Slice, of id: ExecutionID, bytesMax: Int
    ) throws -> Bool {
        let hasRoom = slice.append(
            rowFrom: firstSeq, lengths: row.bytes(1), records: row.bytes(2), bytesMax: bytesMax)
        guard let hasRoom else {
            throw StoreError("the stored events of execution \(id) are damaged near number \(slice.lastSeq + 1)")
        }
        return !hasRoom
    }
}

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

/// A list of executions. It walks from the newest row backwards and stops when it has enough; with filters it looks at the
/// blocks that hold something (`BlockChanges`), and at the rows that are in no block yet.
struct ExecutionList {
    let query: ExecutionQuery

    init(_ query: ExecutionQuery) {
        self.query = query
    }

    /// What `ExecutionSummary.init(_:)` reads, in its order.
    static let columns = """
        id, id_low, (SELECT graph_id FROM graphs WHERE graph_key = executions.graph_key), graph_revision, node_count,
        created_at, status, started_at, ended_at, duration, last_seq, failed_nodes, error, attempt, cancel_requested,
        rerun_of, rerun_from, traceparent, cancels_when_abandoned, started_by, deaths, labels, node_errors, waits
        """
    private static let columnCount: Int32 = 24

    func fetch(_ database: Database) throws -> [ExecutionSummary] {
        guard let bounds = try Bounds(query, database) else { return [] }
        var list: [ExecutionSummary] = []
        let rows = try RawStatement(database, rows)
        guard isFiltered else {
            try append(to: &list, rows, bounds)
            return list
        }
        try append(to: &list, rows, bounds.unindexed)
        let blocks = try RawStatement(database, Self.blocks)
        let kind = ListedKind(
            graphKey: query.graphID == nil ? nil : bounds.graphKey, status: query.status?.storedCode)
        blocks.bind(1, kind.graphKey)
        blocks.bind(2, kind.status)
        blocks.bind(3, bounds.below)
        try blocks.forEachRow { row in
            let block = ExecutionBlock(first: row.int64(0), last: row.int64(1))
            guard list.count < query.limit, block.last > bounds.above else { return false }
            try append(to: &list, rows, bounds.within(block))
            return true
        }
        return list
    }

    private var isFiltered: Bool { query.graphID != nil || query.status != nil }

    /// The blocks of a kind that begin before an id, the newest first.
    static let blocks = """
        SELECT first, last FROM execution_blocks WHERE graph_key = ?1 AND status = ?2 AND first < ?3 ORDER BY first DESC
        """

    /// The parameters: 1 and 2 the ids beyond both ends, 3 and 4 the times at both ends, 5 the limit, 6 the graph, 7 the
    /// status.
    var rows: String {
        let graph = query.graphID == nil ? "" : " AND graph_key = ?6"
        let status = query.status == nil ? "" : " AND status = ?7"
        return """
            SELECT \(Self.columns) FROM executions
            WHERE id > ?1 AND id < ?2 AND created_at BETWEEN ?3 AND ?4\(graph)\(status)
            ORDER BY id DESC LIMIT ?5
            """
    }

    private func append(to list: inout [ExecutionSummary], _ statement: RawStatement, _ bounds: Bounds) throws {
        guard bounds.above < bounds.below else { return }
        statement.bind(1, bounds.above)
        statement.bind(2, bounds.below)
        statement.bind(3, query.sinceMicroseconds ?? .min)
        statement.bind(4, query.untilMicroseconds ?? .max)
        statement.bind(5, query.limit - list.count)
        if query.graphID != nil { statement.bind(6, bounds.graphKey) }
        if let status = query.status { statement.bind(7, status.storedCode) }
        try statement.forEachRow { row in
            list.append(try ExecutionSummary(row))
            return true
        }
    }
}

extension ExecutionList {
    /// Between which ids to look. An id begins with milliseconds that are never behind the creation, and ahead of it by no
    /// more than the file's clock lead, so times bound the ids too.
    struct Bounds {
        var above: Int64
        var below: Int64
        var indexedThrough: Int64
        var graphKey: Int64 = 0

        /// nil when nothing can match.
        init?(_ query: ExecutionQuery, _ database: Database) throws {
            var marks: (indexedThrough: Int64, clockLead: Int64) = (0, 0)
            try RawStatement(database, "SELECT indexed_through, clock_lead_ms FROM watermarks").forEachRow { row in
                marks = (row.int64(0), row.int64(1))
                return false
            }
            indexedThrough = marks.indexedThrough
            above = query.sinceMicroseconds.map { Self.rowID(milliseconds: $0 / 1000) - 1 } ?? -1
            below = query.before?.rowID ?? .max
            if let until = query.untilMicroseconds {
                below = min(below, Self.rowID(milliseconds: until / 1000 + marks.clockLead + 1))
            }
            guard let graphID = query.graphID else { return }
            let key = try Int64.fetchOne(
                database, sql: "SELECT graph_key FROM graphs WHERE graph_id = ?", arguments: [graphID])
            guard let key else { return nil }
            graphKey = key
        }

        var unindexed: Self {
            var part = self
            part.above = max(above, indexedThrough)
            return part
        }

        func within(_ block: ExecutionBlock) -> Self {
            var part = self
            part.above = max(above, block.first - 1)
            part.below = min(below, block.last + 1)
            return part
        }

        private static func rowID(milliseconds: Int64) -> Int64 {
            min(max(milliseconds, 0), 1 << 48) << 12
        }
    }
}

extension ExecutionList {
    static func summary(
        of id: ExecutionID, _ database: Database
    ) throws -> (summary: ExecutionSummary, graphKey: Int64)? {
        var found: (summary: ExecutionSummary, graphKey: Int64)?
        let statement = try RawStatement(database, "SELECT \(columns), graph_key FROM executions WHERE id = ?1")
        statement.bind(1, id.rowID)
        try statement.forEachRow { row in
            found = (try ExecutionSummary(row), row.int64(columnCount))
            return false
        }
        return found?.summary.id == id ? found : nil
    }
}

extension ExecutionSummary {
    /// From a row of `ExecutionList.columns`.
    fileprivate init(_ row: RawStatement.Row) throws {
        let id = ExecutionID(rowID: row.int64(0), low: UInt64(bitPattern: row.int64(1)))
        guard let status = ExecutionStatus(storedCode: row.int(6)) else {
            throw StoreError("the stored execution \(id) is damaged: there is no status \(row.int(6))")
        }
        self.init(
            id: id, graphID: row.text(2), graphRevision: row.int(3), nodeCount: row.int(4),
            createdAtMicroseconds: row.int64(5), status: status, startedAtMicroseconds: row.optionalInt64(7),
            endedAtMicroseconds: row.optionalInt64(8), durationMicroseconds: row.optionalInt64(9), lastSeq: row.int(10),
            failedNodes: row.isNull(11) ? [] : Self.strings(row.bytes(11)), error: row.optionalText(12),
            nodeErrors: row.optionalText(22), attempt: row.int(13), isCancelRequested: row.int(14) == 1,
            deaths: row.int(20), waits: row.isNull(23) ? nil : try ExecutionWaits(stored: row.bytes(23)),
            origin: Self.origin(row))
    }

    private static func origin(_ row: RawStatement.Row) -> ExecutionOrigin? {
        if row.isNull(15), row.isNull(17), row.isNull(18), row.isNull(19), row.isNull(21) { return nil }
        return ExecutionOrigin(
            rerunOf: row.optionalText(15).flatMap { ExecutionID($0) }, rerunFrom: row.optionalText(16),
            traceparent: row.optionalText(17), cancelsWhenAbandoned: row.int(18) == 1,
            startedBy: row.optionalText(19),
            labels: row.isNull(21) ? [:] : JSONObject(JSONText(trusted: Array(row.bytes(21)))) ?? [:])
    }

    private static func strings(_ json: UnsafeRawBufferPointer) -> [String] {
        JSONText(trusted: Array(json)).array?.compactMap(\.string) ?? []
    }
}

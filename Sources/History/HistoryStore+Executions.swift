import Executions
import GRDB
import JSON

extension HistoryStore {
    package func execution(_ id: ExecutionID) throws(StoreError) -> ExecutionSummary? {
        let found = try read { database in
            var found: ExecutionSummary?
            let statement = try RawStatement(database, "SELECT \(ExecutionList.columns) FROM executions WHERE id = ?1")
            statement.bind(1, id.rowID)
            try statement.forEachRow { row in
                found = try ExecutionSummary(row)
                return false
            }
            return found
        }
        return found?.id == id ? found : nil
    }

    /// Times are taken inclusively.
    package func executions(_ query: ExecutionQuery) throws(StoreError) -> [ExecutionSummary] {
        try read { try ExecutionList(query).fetch($0) }
    }

    package func records(of id: ExecutionID, after seq: Int, bytesMax: Int) throws(StoreError) -> EventLog.Slice {
        try read { database in
            let dropped = try Self.droppedThrough(id, database)
            var slice = EventLog.Slice(firstSeq: max(seq, dropped) + 1)
            let isFull = try Self.append(Self.firstEvents, to: &slice, of: id, bytesMax: bytesMax, database)
            if !isFull { _ = try Self.append(Self.laterEvents, to: &slice, of: id, bytesMax: bytesMax, database) }
            return slice
        }
    }

    package func queuedState(of id: ExecutionID) throws(StoreError) -> JSONObject? {
        try read { database in
            var state: JSONObject?
            let statement = try RawStatement(database, "SELECT initial_state FROM executions WHERE id = ?1")
            statement.bind(1, id.rowID)
            try statement.forEachRow { row in
                state = row.isNull(0) ? nil : JSONObject(JSONText(trusted: Array(row.bytes(0))))
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

    private static func droppedThrough(_ id: ExecutionID, _ database: Database) throws -> Int {
        var dropped = 0
        let statement = try RawStatement(database, "SELECT dropped_through FROM executions WHERE id = ?1")
        statement.bind(1, id.rowID)
        try statement.forEachRow { row in
            dropped = row.int(0)
            return false
        }
        return dropped
    }

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
            let hasRoom = slice.append(
                rowFrom: row.int(0), lengths: row.bytes(1), records: row.bytes(2), bytesMax: bytesMax)
            guard let hasRoom else {
                throw StoreError("the stored events of execution \(id) are damaged near number \(slice.lastSeq + 1)")
            }
            isFull = !hasRoom
            return hasRoom
        }
        return isFull
    }
}

/// A list of executions. Whatever the filters, it walks from the newest matching row backwards and stops when it has enough.
struct ExecutionList {
    let query: ExecutionQuery

    init(_ query: ExecutionQuery) {
        self.query = query
    }

    /// What `ExecutionSummary.init(_:)` reads, in its order.
    static let columns = """
        id, id_low, (SELECT graph_id FROM graphs WHERE graph_key = executions.graph_key), graph_revision, node_count,
        created_at, status, started_at, ended_at, duration, last_seq, failed_nodes, error, attempt, cancel_requested,
        rerun_of, rerun_from, traceparent, cancels_when_abandoned
        """

    func fetch(_ database: Database) throws -> [ExecutionSummary] {
        guard let bounds = try Bounds(query, database) else { return [] }
        var list: [ExecutionSummary] = []
        if !isFiltered {
            try append(to: &list, sql(.all), bounds, database)
        } else {
            try append(to: &list, sql(.unindexed), bounds.unindexed, database)
            if list.count < query.limit { try append(to: &list, sql(.indexed), bounds.indexed, database) }
        }
        return list
    }

    var isFiltered: Bool { query.graphID != nil || query.status != nil }

    /// Which rows a statement walks over.
    enum Part: CaseIterable {
        case all
        /// Those that are not in the indexes yet.
        case unindexed
        case indexed
    }

    /// The parameters: 1 and 2 the ids beyond both ends, 3 and 4 the times at both ends, 5 the limit, 6 the graph, 7 the
    /// status.
    func sql(_ part: Part) -> String {
        let end = "ORDER BY id DESC LIMIT ?5"
        let graph = query.graphID == nil ? "" : " AND graph_key = ?6"
        let status = query.status == nil ? "" : " AND status = ?7"
        switch part {
        case .all, .unindexed:
            return Self.select("NOT INDEXED", graph + status) + end
        case .indexed where query.graphID == nil:
            return Self.select("INDEXED BY executions_by_status", " AND is_indexed = 1" + status) + end
        case .indexed where query.status != nil:
            return Self.select("INDEXED BY executions_by_graph", " AND is_indexed = 1" + graph + status) + end
        case .indexed:
            // The index goes by graph and status: one walk per status, merged on the way.
            let walks = ExecutionStatus.allCases.map { each in
                Self.select(
                    "INDEXED BY executions_by_graph", " AND is_indexed = 1\(graph) AND status = \(each.storedCode)")
            }
            return walks.joined(separator: "UNION ALL ") + end
        }
    }

    private static func select(_ index: String, _ conditions: String) -> String {
        """
        SELECT \(columns) FROM executions \(index)
        WHERE id > ?1 AND id < ?2 AND created_at BETWEEN ?3 AND ?4\(conditions)

        """
    }

    private func append(
        to list: inout [ExecutionSummary], _ sql: String, _ bounds: Bounds, _ database: Database
    ) throws {
        guard bounds.above < bounds.below else { return }
        let statement = try RawStatement(database, sql)
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

        var indexed: Self {
            var part = self
            part.below = min(below, indexedThrough + 1)
            return part
        }

        private static func rowID(milliseconds: Int64) -> Int64 {
            min(max(milliseconds, 0), 1 << 48) << 12
        }
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
            attempt: row.int(13), isCancelRequested: row.int(14) == 1, origin: Self.origin(row))
    }

    private static func origin(_ row: RawStatement.Row) -> ExecutionOrigin? {
        if row.isNull(15), row.isNull(17), row.isNull(18) { return nil }
        return ExecutionOrigin(
            rerunOf: row.optionalText(15).flatMap { ExecutionID($0) }, rerunFrom: row.optionalText(16),
            traceparent: row.optionalText(17), cancelsWhenAbandoned: row.int(18) == 1)
    }

    private static func strings(_ json: UnsafeRawBufferPointer) -> [String] {
        JSONText(trusted: Array(json)).array?.compactMap(\.string) ?? []
    }
}

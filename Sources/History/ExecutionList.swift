import Executions
import GRDB
import JSON

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
        rerun_of, rerun_from, traceparent, cancels_when_abandoned, started_by, deaths, labels, node_errors, waits,
        thread, config
        """
    private static let columnCount: Int32 = 26

    func fetch(_ database: Database) throws -> [ExecutionSummary] {
        guard let bounds = try Bounds(query, database) else { return [] }
        var list: [ExecutionSummary] = []
        let rows = try RawStatement(database, rows)
        guard isFiltered || query.skipped > 0 else {
            try append(to: &list, rows, bounds)
            return list
        }
        var skip = query.skipped
        try append(to: &list, rows, bounds.unindexed, skipping: &skip) { try countUnindexed(bounds, database) }
        let blocks = try RawStatement(database, Self.blocks)
        let kind = kind(bounds)
        blocks.bind(1, kind.graphKey)
        blocks.bind(2, kind.status)
        blocks.bind(3, bounds.below)
        try blocks.forEachRow { row in
            let block = ExecutionBlock(first: row.int64(0), last: row.int64(1))
            guard list.count < query.limit, block.last > bounds.above else { return false }
            try append(to: &list, rows, bounds.within(block), skipping: &skip) { row.int(2) }
            return true
        }
        return list
    }

    private var isFiltered: Bool { query.graphID != nil || query.status != nil }

    /// The blocks of a kind that begin before an id, the newest first.
    static let blocks = """
        SELECT first, last, count FROM execution_blocks
        WHERE graph_key = ?1 AND status = ?2 AND first < ?3 ORDER BY first DESC
        """

    /// The parameters: 1 and 2 the ids beyond both ends, 3 and 4 the times at both ends, 5 the limit, 6 the graph, 7 the
    /// status, 8 how many to leave out.
    var rows: String {
        """
        SELECT \(Self.columns) FROM executions
        WHERE id > ?1 AND id < ?2 AND created_at BETWEEN ?3 AND ?4\(filter)
        ORDER BY id DESC LIMIT ?5 OFFSET ?8
        """
    }

    private var filter: String {
        (query.graphID == nil ? "" : " AND graph_key = ?6") + (query.status == nil ? "" : " AND status = ?7")
    }

    /// The same, unless all of them are to be left out.
    /// - Parameter count: how many there are.
    private func append(
        to list: inout [ExecutionSummary], _ statement: RawStatement, _ bounds: Bounds, skipping skip: inout Int,
        _ count: () throws -> Int
    ) throws {
        if skip > 0 {
            let count = try count()
            guard skip < count else { return skip -= count }
        }
        try append(to: &list, statement, bounds, skipping: skip)
        skip = 0
    }

    private func append(
        to list: inout [ExecutionSummary], _ statement: RawStatement, _ bounds: Bounds, skipping skip: Int = 0
    ) throws {
        guard bounds.above < bounds.below else { return }
        statement.bind(1, bounds.above)
        statement.bind(2, bounds.below)
        statement.bind(3, query.sinceMicroseconds ?? .min)
        statement.bind(4, query.untilMicroseconds ?? .max)
        statement.bind(5, query.limit - list.count)
        if query.graphID != nil { statement.bind(6, bounds.graphKey) }
        if let status = query.status { statement.bind(7, status.storedCode) }
        statement.bind(8, skip)
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
    /// How many there are of the graph and status, whatever the query says besides.
    func count(_ database: Database) throws -> Int {
        guard let bounds = try Bounds(query, database) else { return 0 }
        let blocks = try RawStatement(
            database, "SELECT ifnull(sum(count), 0) FROM execution_blocks WHERE graph_key = ?1 AND status = ?2")
        let kind = kind(bounds)
        blocks.bind(1, kind.graphKey)
        blocks.bind(2, kind.status)
        var count = try countUnindexed(bounds, database)
        try blocks.forEachRow { row in
            count += row.int(0)
            return false
        }
        return count
    }

    private func countUnindexed(_ bounds: Bounds, _ database: Database) throws -> Int {
        let statement = try RawStatement(database, "SELECT count(*) FROM executions WHERE id > ?1\(filter)")
        statement.bind(1, bounds.indexedThrough)
        if query.graphID != nil { statement.bind(6, bounds.graphKey) }
        if let status = query.status { statement.bind(7, status.storedCode) }
        var count = 0
        try statement.forEachRow { row in
            count = row.int(0)
            return false
        }
        return count
    }

    private func kind(_ bounds: Bounds) -> ListedKind {
        ListedKind(graphKey: query.graphID == nil ? nil : bounds.graphKey, status: query.status?.storedCode)
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
        if row.isNull(15), row.isNull(17), row.isNull(18), row.isNull(19), row.isNull(21), row.isNull(24),
            row.isNull(25)
        {
            return nil
        }
        return ExecutionOrigin(
            rerunOf: row.optionalText(15).flatMap { ExecutionID($0) }, rerunFrom: row.optionalText(16),
            traceparent: row.optionalText(17), cancelsWhenAbandoned: row.int(18) == 1,
            startedBy: row.optionalText(19),
            labels: object(row, 21), thread: row.optionalText(24), config: object(row, 25))
    }

    private static func object(_ row: RawStatement.Row, _ column: Int32) -> JSONObject {
        row.isNull(column) ? [:] : JSONObject(JSONText(trusted: Array(row.bytes(column)))) ?? [:]
    }

    private static func strings(_ json: UnsafeRawBufferPointer) -> [String] {
        JSONText(trusted: Array(json)).array?.compactMap(\.string) ?? []
    }
}

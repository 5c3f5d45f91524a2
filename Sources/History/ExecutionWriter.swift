import Executions
import GRDB
import JSON

/// Writes executions and their events. It knows what the file holds as of the last commit, so that a short execution costs
/// two inserts and no look-up; after a rollback it must `forget`.
struct ExecutionWriter {
    /// Rows that wait for the indexes: enough to touch each page of an index for many of them at once, and few enough for
    /// lists to look through, in about a tenth of a millisecond.
    static let unindexedMax = 1000

    /// What the file holds.
    private struct Known {
        var graphKeys: [String: Int64] = [:]
        var indexedThrough: Int64
        var clockLeadMilliseconds: Int64
        var lastRowID: Int64
        var unindexedCount: Int
    }

    private var known: Known?
    private var isClockLeadChanged = false
    private var lengths: [UInt8] = []

    /// Prepared once for each connection, and looked up once for each batch.
    struct Statements {
        let database: Database
        let insert: RawStatement
        let update: RawStatement
        let insertFirst: RawStatement
        let insertLater: RawStatement

        /// - Parameter isRepeated: after a commit that failed. SQLite may not have known whether it did, so the rows may
        ///   be there already, and are replaced. Not so otherwise, because that costs a statement journal.
        init(_ database: Database, isRepeated: Bool) throws {
            self.database = database
            let verb = isRepeated ? "INSERT OR REPLACE" : "INSERT"
            insert = try RawStatement(database, "\(verb) INTO \(SQL.execution)")
            update = try RawStatement(database, SQL.update)
            insertFirst = try RawStatement(database, "\(verb) INTO \(SQL.firstEvents)")
            insertLater = try RawStatement(database, "\(verb) INTO \(SQL.laterEvents)")
        }
    }

    var isIndexDue: Bool {
        (known?.unindexedCount ?? 0) >= Self.unindexedMax
    }

    /// After a rollback: what was known may have been part of it.
    mutating func forget() {
        known = nil
        isClockLeadChanged = false
    }

    mutating func prepare(_ database: Database) throws {
        guard known == nil else { return }
        let marks = try Row.fetchOne(database, sql: "SELECT indexed_through, clock_lead_ms FROM watermarks")
        let indexedThrough: Int64 = marks?[0] ?? 0
        let unindexed = try Int.fetchOne(
            database, sql: "SELECT count(*) FROM executions WHERE id > ?", arguments: [indexedThrough])
        known = Known(
            indexedThrough: indexedThrough, clockLeadMilliseconds: marks?[1] ?? 0,
            lastRowID: try Int64.fetchOne(database, sql: "SELECT max(id) FROM executions") ?? 0,
            unindexedCount: unindexed ?? 0)
    }

    mutating func write(_ unstored: EventLog.Unstored, _ statements: Statements) throws {
        if unstored.isNew {
            try insert(unstored, statements)
        } else {
            try update(unstored.summary, statements)
        }
        let slice = unstored.slice
        var index = 0
        while index < slice.ends.count {
            let row = EventRow(of: slice, from: index)
            try write(row, of: slice, execution: unstored.summary.id.rowID, statements)
            index = row.records.upperBound
        }
    }

    /// At the end of a batch: what is written once for all of it.
    mutating func finish(_ statements: Statements) throws {
        guard isClockLeadChanged, let lead = known?.clockLeadMilliseconds else { return }
        try statements.database.execute(sql: "UPDATE watermarks SET clock_lead_ms = ?", arguments: [lead])
        isClockLeadChanged = false
    }

    /// Brings all rows into the indexes of the lists.
    mutating func index(_ database: Database) throws {
        guard let known else { return }
        try database.execute(
            sql: "UPDATE executions SET is_indexed = 1 WHERE id > ? AND id <= ?",
            arguments: [known.indexedThrough, known.lastRowID])
        try database.execute(sql: "UPDATE watermarks SET indexed_through = ?", arguments: [known.lastRowID])
        self.known?.indexedThrough = known.lastRowID
        self.known?.unindexedCount = 0
    }

    private mutating func insert(_ unstored: EventLog.Unstored, _ statements: Statements) throws {
        let summary = unstored.summary
        guard var known else { preconditionFailure("prepared at the start of the batch") }
        self.known = nil
        let rowID = summary.id.rowID
        let isIndexed = rowID <= known.indexedThrough
        let insert = statements.insert
        insert.bind(1, rowID)
        insert.bind(2, Int64(bitPattern: summary.id.low))
        insert.bind(3, try graphKey(summary.graphID, &known.graphKeys, statements.database))
        insert.bind(4, summary.graphRevision)
        insert.bind(5, summary.nodeCount)
        insert.bind(6, summary.createdAtMicroseconds)
        insert.bind(7, isIndexed ? 1 : 0)
        bindProgress(of: summary, to: insert, from: 8)
        insert.bind(17, text: summary.origin?.rerunOf?.description)
        insert.bind(18, text: summary.origin?.rerunFrom)
        insert.bind(19, text: summary.origin?.traceparent)
        insert.bind(20, text: unstored.initialState?.description)
        insert.bind(21, summary.origin?.cancelsWhenAbandoned == true ? 1 : nil)
        try insert.run()
        if let start = unstored.start { try statements.database.insert(start) }

        let lead = rowID >> 12 - summary.createdAtMicroseconds / 1000
        if lead > known.clockLeadMilliseconds {
            known.clockLeadMilliseconds = lead
            isClockLeadChanged = true
        }
        known.lastRowID = max(known.lastRowID, rowID)
        if !isIndexed { known.unindexedCount += 1 }
        self.known = known
    }

    private func update(_ summary: ExecutionSummary, _ statements: Statements) throws {
        statements.update.bind(1, summary.id.rowID)
        bindProgress(of: summary, to: statements.update, from: 2)
        try statements.update.run()
    }

    private func bindProgress(of summary: ExecutionSummary, to statement: RawStatement, from first: Int32) {
        statement.bind(first, summary.status.storedCode)
        statement.bind(first + 1, summary.startedAtMicroseconds)
        statement.bind(first + 2, summary.endedAtMicroseconds)
        statement.bind(first + 3, summary.durationMicroseconds)
        statement.bind(first + 4, summary.lastSeq)
        statement.bind(first + 5, text: summary.failedNodes.isEmpty ? nil : Self.json(summary.failedNodes))
        statement.bind(first + 6, text: summary.error)
        statement.bind(first + 7, summary.attempt)
        statement.bind(first + 8, summary.isCancelRequested ? 1 : nil)
    }

    private mutating func write(
        _ row: EventRow, of slice: EventLog.Slice, execution: Int64, _ statements: Statements
    ) throws {
        row.encodeLengths(of: slice, into: &lengths)
        let firstSeq = slice.firstSeq + row.records.lowerBound
        let lastSeq = slice.firstSeq + row.records.upperBound - 1
        let statement = firstSeq == 1 ? statements.insertFirst : statements.insertLater
        statement.bind(1, execution)
        statement.bind(2, lastSeq)
        if firstSeq > 1 { statement.bind(5, firstSeq) }
        try lengths.withUnsafeBytes { lengths in
            try slice.records.withUnsafeBytes { records in
                statement.bind(3, uncopied: lengths)
                statement.bind(4, uncopied: UnsafeRawBufferPointer(rebasing: records[row.bytes]))
                try statement.run()
            }
        }
    }

    private func graphKey(_ id: String, _ keys: inout [String: Int64], _ database: Database) throws -> Int64 {
        if let key = keys[id] { return key }
        let key = try database.graphKey(of: id)
        keys[id] = key
        return key
    }

    private static func json(_ strings: [String]) -> String {
        JSONText(array: strings.map { JSONText($0) }).description
    }

    private enum SQL {
        static let execution = """
            executions(
                id, id_low, graph_key, graph_revision, node_count, created_at, is_indexed,
                status, started_at, ended_at, duration, last_seq, failed_nodes, error, attempt, cancel_requested,
                rerun_of, rerun_from, traceparent, initial_state, cancels_when_abandoned)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
            """
        static let update = """
            UPDATE executions SET
                status = ?2, started_at = ?3, ended_at = ?4, duration = ?5, last_seq = ?6, failed_nodes = ?7, error = ?8,
                attempt = ?9, cancel_requested = ?10, initial_state = iif(?2 = 0, initial_state, NULL)
            WHERE id = ?1
            """
        static let firstEvents = "first_events(execution, last_seq, lengths, records) VALUES (?1, ?2, ?3, ?4)"
        static let laterEvents = """
            later_events(execution, last_seq, lengths, records, first_seq) VALUES (?1, ?2, ?3, ?4, ?5)
            """
    }
}

extension Database {
    /// The key of a graph id in the file; made when there is none.
    func graphKey(of id: String) throws -> Int64 {
        if let key = try Int64.fetchOne(self, sql: "SELECT graph_key FROM graphs WHERE graph_id = ?", arguments: [id]) {
            return key
        }
        try execute(sql: "INSERT INTO graphs(graph_id) VALUES (?)", arguments: [id])
        return lastInsertedRowID
    }
}

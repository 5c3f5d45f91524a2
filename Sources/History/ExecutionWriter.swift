import Executions
import GRDB
import JSON

/// Writes executions and their events. It knows what the file holds as of the last commit, so that a short execution costs
/// one insert and no look-up; after a rollback it must `forget`.
struct ExecutionWriter {
    /// Rows that wait for their blocks: enough to touch each page of those for many of them at once, and few enough for
    /// lists to look through, in about a tenth of a millisecond.
    static let unindexedMax = 1000
    /// The newest of them go on waiting, because executions that run beside each other come in any order.
    static let unindexedMin = 200
    /// Events of an execution that lie in its row: few enough for lists, which pass over them.
    static let shortEventsBytesMax = 1 << 10

    /// What the file holds.
    private struct Known {
        var graphKeys: [String: Int64] = [:]
        var indexedThrough: Int64
        var clockLeadMilliseconds: Int64
        var unindexedCount: Int
        /// Executions with a row in `queued_states`; as many as may wait.
        var waiting: Set<Int64>
    }

    private var known: Known?
    private var isClockLeadChanged = false
    private var blockChanges = BlockChanges()
    private var lengths: [UInt8] = []
    /// Those of a first attempt.
    private var statements: Statements?

    /// Prepared and looked up once for each connection.
    struct Statements {
        let database: Database
        let insert: RawStatement
        let insertPlain: RawStatement
        let update: RawStatement
        let insertFirst: RawStatement
        let insertLater: RawStatement

        /// - Parameter isRepeated: after a commit that failed. SQLite may not have known whether it did, so the rows may
        ///   be there already, and are replaced. Not so otherwise, because that costs a statement journal.
        fileprivate init(_ database: Database, isRepeated: Bool) throws {
            self.database = database
            let verb = isRepeated ? "INSERT OR REPLACE" : "INSERT"
            insert = try RawStatement(database, "\(verb) INTO \(SQL.execution)")
            insertPlain = try RawStatement(database, "\(verb) INTO \(SQL.plainExecution)")
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
        blockChanges.forget()
    }

    /// At the start of a batch.
    mutating func prepare(_ database: Database, isRepeated: Bool) throws -> Statements {
        if known == nil { known = try know(database) }
        if isRepeated { return try Statements(database, isRepeated: true) }
        if let statements { return statements }
        let statements = try Statements(database, isRepeated: false)
        self.statements = statements
        return statements
    }

    private func know(_ database: Database) throws -> Known {
        let marks = try Row.fetchOne(database, sql: "SELECT indexed_through, clock_lead_ms FROM watermarks")
        let indexedThrough: Int64 = marks?[0] ?? 0
        let unindexed = try Int.fetchOne(
            database, sql: "SELECT count(*) FROM executions WHERE id > ?", arguments: [indexedThrough])
        return Known(
            indexedThrough: indexedThrough, clockLeadMilliseconds: marks?[1] ?? 0,
            unindexedCount: unindexed ?? 0,
            waiting: try Int64.fetchSet(database, sql: "SELECT execution FROM queued_states"))
    }

    mutating func write(_ unstored: EventLog.Unstored, _ statements: Statements) throws {
        let slice = unstored.slice
        if unstored.hasScopes {
            try ScopeIndex.write(slice, of: unstored.summary.id.rowID, statements.database)
        }
        if unstored.isNew {
            if try insert(unstored, statements) { return }
        } else {
            try update(unstored.summary, statements)
            try insert(unstored.checkpoints, unstored.summary, statements)
        }
        var index = 0
        while index < slice.ends.count {
            let row = EventRow(of: slice, from: index)
            try write(row, of: slice, execution: unstored.summary.id.rowID, statements)
            index = row.records.upperBound
        }
    }

    /// At the end of a batch: what is written once for all of it.
    mutating func finish(_ statements: Statements) throws {
        try blockChanges.write(statements.database)
        guard isClockLeadChanged, let lead = known?.clockLeadMilliseconds else { return }
        try statements.database.execute(sql: "UPDATE watermarks SET clock_lead_ms = ?", arguments: [lead])
        isClockLeadChanged = false
    }

    /// Brings rows into blocks.
    mutating func index(_ database: Database) throws {
        guard let known else { return }
        let made = try database.makeBlocks(
            after: known.indexedThrough, executionsMax: known.unindexedCount - Self.unindexedMin)
        self.known?.indexedThrough = made.indexedThrough
        self.known?.unindexedCount -= made.count
        // Too many were deleted meanwhile: they are counted anew.
        if made.count == 0 { self.known = nil }
    }

    /// - Returns: whether its events are in its row.
    private mutating func insert(_ unstored: EventLog.Unstored, _ statements: Statements) throws -> Bool {
        let summary = unstored.summary
        guard var known else { preconditionFailure("prepared at the start of the batch") }
        self.known = nil
        let rowID = summary.id.rowID
        let graphKey = try graphKey(summary.graphID, &known.graphKeys, statements.database)
        let (isPlain, isShort) = (unstored.isPlain, unstored.isShort)
        let insert = isPlain ? statements.insertPlain : statements.insert
        insert.bind(1, rowID)
        insert.bind(2, Int64(bitPattern: summary.id.low))
        insert.bind(3, graphKey)
        insert.bind(4, summary.graphRevision)
        insert.bind(5, summary.nodeCount)
        insert.bind(6, summary.createdAtMicroseconds)
        bindProgress(of: summary, to: insert, from: 7)
        insert.bind(14, text: summary.startedBy)
        if !isPlain {
            bindRest(of: summary, to: insert, from: 15)
            insert.bind(22, text: summary.origin?.rerunOf?.description)
            insert.bind(23, text: summary.origin?.rerunFrom)
            insert.bind(24, text: summary.origin?.traceparent)
            insert.bind(25, summary.origin?.cancelsWhenAbandoned == true ? 1 : nil)
            let labels = summary.origin?.labels ?? [:]
            insert.bind(26, text: labels.isEmpty ? nil : labels.description)
            insert.bind(27, text: summary.origin?.thread)
            let config = summary.origin?.config ?? [:]
            insert.bind(28, text: config.isEmpty ? nil : config.description)
        }
        try statements.database.insert(unstored.checkpoints, graphKey, summary)
        if isShort {
            EventRow(of: unstored.slice, from: 0).encodeLengths(of: unstored.slice, into: &lengths)
            try run(insert, binding: unstored.slice.records[...], at: 12)
        } else {
            insert.bind(12, nil)
            insert.bind(13, nil)
            try insert.run()
        }
        if let start = unstored.start { try statements.database.insert(start) }
        if let state = unstored.initialState {
            try statements.database.insert(queuedState: state, of: rowID)
            known.waiting.insert(rowID)
        }

        let lead = rowID >> 12 - summary.createdAtMicroseconds / 1000
        if lead > known.clockLeadMilliseconds {
            known.clockLeadMilliseconds = lead
            isClockLeadChanged = true
        }
        if rowID > known.indexedThrough {
            known.unindexedCount += 1
        } else {
            try blockChanges.insert(
                rowID, graphKey: graphKey, status: summary.status.storedCode, statements.database)
        }
        self.known = known
        return isShort
    }

    private mutating func insert(
        _ checkpoints: [ThreadCheckpoint], _ summary: ExecutionSummary, _ statements: Statements
    ) throws {
        guard !checkpoints.isEmpty, var keys = known?.graphKeys else { return }
        let key = try graphKey(summary.graphID, &keys, statements.database)
        try statements.database.insert(checkpoints, key, summary)
    }

    private mutating func update(_ summary: ExecutionSummary, _ statements: Statements) throws {
        if let known, summary.id.rowID <= known.indexedThrough { try move(summary, statements.database) }
        statements.update.bind(1, summary.id.rowID)
        bindProgress(of: summary, to: statements.update, from: 2)
        bindRest(of: summary, to: statements.update, from: 7)
        try statements.update.run()
        if summary.status != .queued, summary.status != .held, known?.waiting.remove(summary.id.rowID) != nil {
            try statements.database.removeQueuedState(of: summary.id.rowID)
        }
    }

    /// From the lists of its status in the file to those of the one that it has now.
    private mutating func move(_ summary: ExecutionSummary, _ database: Database) throws {
        let id = summary.id.rowID
        let status = summary.status.storedCode
        let stored = try RawStatement(database, "SELECT graph_key, status FROM executions WHERE id = ?1")
        stored.bind(1, id)
        try stored.forEachRow { row in
            guard row.int(1) != status else { return false }
            try blockChanges.remove(id, graphKey: row.int64(0), status: row.int(1), database)
            try blockChanges.insert(id, graphKey: row.int64(0), status: status, database)
            return false
        }
    }

    private func bindProgress(of summary: ExecutionSummary, to statement: RawStatement, from first: Int32) {
        statement.bind(first, summary.status.storedCode)
        statement.bind(first + 1, summary.startedAtMicroseconds)
        statement.bind(first + 2, summary.endedAtMicroseconds)
        statement.bind(first + 3, summary.durationMicroseconds)
        statement.bind(first + 4, summary.lastSeq)
    }

    /// What most executions have none of.
    private func bindRest(of summary: ExecutionSummary, to statement: RawStatement, from first: Int32) {
        statement.bind(first, text: summary.failedNodes.isEmpty ? nil : Self.json(summary.failedNodes))
        statement.bind(first + 1, text: summary.error)
        statement.bind(first + 2, summary.attempt)
        statement.bind(first + 3, summary.isCancelRequested ? 1 : nil)
        statement.bind(first + 4, summary.deaths)
        statement.bind(first + 5, text: summary.nodeErrors)
        statement.bind(first + 6, text: summary.waits?.stored)
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
        try run(statement, binding: slice.records[row.bytes], at: 3)
    }

    /// Runs it with the lengths of records at one parameter, and the records at the next.
    private func run(_ statement: RawStatement, binding records: ArraySlice<UInt8>, at first: Int32) throws {
        try lengths.withUnsafeBytes { lengths in
            try records.withUnsafeBytes { records in
                statement.bind(first, uncopied: lengths)
                statement.bind(first + 1, uncopied: records)
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
                id, id_low, graph_key, graph_revision, node_count, created_at,
                status, started_at, ended_at, duration, last_seq, lengths, records, started_by,
                failed_nodes, error, attempt, cancel_requested, deaths, node_errors, waits,
                rerun_of, rerun_from, traceparent, cancels_when_abandoned, labels, thread,
                config)
            VALUES (
                ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
                ?24, ?25, ?26, ?27, ?28)
            """
        /// The same for one that `isPlain`.
        static let plainExecution = """
            executions(
                id, id_low, graph_key, graph_revision, node_count, created_at,
                status, started_at, ended_at, duration, last_seq, lengths, records, started_by)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
            """
        static let update = """
            UPDATE executions SET
                status = ?2, started_at = ?3, ended_at = ?4, duration = ?5, last_seq = ?6, failed_nodes = ?7, error = ?8,
                attempt = ?9, cancel_requested = ?10, deaths = ?11, node_errors = ?12, waits = ?13
            WHERE id = ?1
            """
        static let firstEvents = "first_events(execution, last_seq, lengths, records) VALUES (?1, ?2, ?3, ?4)"
        static let laterEvents = """
            later_events(execution, last_seq, lengths, records, first_seq) VALUES (?1, ?2, ?3, ?4, ?5)
            """
    }
}

extension EventLog.Unstored {
    /// It is over, and all its events are few bytes.
    fileprivate var isShort: Bool {
        summary.status.isFinished && !slice.ends.isEmpty
            && slice.records.count <= ExecutionWriter.shortEventsBytesMax
    }

    /// Without anything that most executions have none of.
    fileprivate var isPlain: Bool {
        summary.origin?.isPlain ?? true && summary.failedNodes.isEmpty && summary.error == nil
            && summary.nodeErrors == nil && summary.attempt == 1 && !summary.isCancelRequested
            && summary.deaths == 0 && summary.waits == nil && initialState == nil
    }
}

extension Database {
    /// Nothing is there yet, unless a commit that failed has come through.
    fileprivate func insert(queuedState state: JSONObject, of execution: Int64) throws {
        try execute(
            sql: "INSERT OR REPLACE INTO queued_states(execution, state) VALUES (?, ?)",
            arguments: [execution, state.description])
    }

    fileprivate func removeQueuedState(of execution: Int64) throws {
        try self.execute(sql: "DELETE FROM queued_states WHERE execution = ?", arguments: [execution])
    }

    /// The key of a graph id in the file; made when there is none.
    func graphKey(of id: String) throws -> Int64 {
        if let key = try Int64.fetchOne(self, sql: "SELECT graph_key FROM graphs WHERE graph_id = ?", arguments: [id]) {
            return key
        }
        try execute(sql: "INSERT INTO graphs(graph_id) VALUES (?)", arguments: [id])
        return lastInsertedRowID
    }
}

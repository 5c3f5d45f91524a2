// A row for each scope, so that what happened in one of a million is found without reading the others. A scope that opens and
// closes between two commits, as quick items do, is written once.

import Executions
import GRDB

/// Writes the rows of the scopes that records open and close.
struct ScopeIndex {
    private struct Key: Hashable {
        let parent: Int32
        let rank: Int
        let index: Int
    }

    private struct Row {
        let scope: Int32
        let firstSeq: Int
        let openedAt: Int64
        var closing: (ScopeClosing, seq: Int)?
    }

    /// The index of a scope whose node has none.
    static let noIndex = -1
    /// The status of a scope that is open; others are those of nodes, counted from 1.
    static let openStatus = 0

    private let database: Database
    private let execution: Int64
    private var rows: [Key: Row] = [:]
    private var order: [Key] = []

    private init(_ database: Database, execution: Int64) {
        self.database = database
        self.execution = execution
    }

    static func write(_ slice: EventLog.Slice, of execution: Int64, _ database: Database) throws {
        var index = ScopeIndex(database, execution: execution)
        var seq = slice.firstSeq
        try slice.forEachRecord { bytes in
            defer { seq += 1 }
            guard EventRecord.opensOrClosesScope(bytes) else { return }
            try index.take(try EventRecord(decoding: bytes), seq)
        }
        try index.finish()
    }

    private mutating func take(_ record: EventRecord, _ seq: Int) throws {
        switch record.body {
        case .scopeOpened(let opening):
            let key = Key(parent: record.scope, rank: opening.rank, index: opening.index ?? Self.noIndex)
            if rows[key] == nil { order.append(key) }
            rows[key] = Row(
                scope: opening.scope, firstSeq: rows[key]?.firstSeq ?? seq, openedAt: record.timestampMicroseconds)
            if case .revision(let graphID, let number) = opening.topology { try pin(graphID, number) }
        case .scopeClosed(let closing):
            let key = Key(parent: record.scope, rank: closing.rank, index: closing.index ?? Self.noIndex)
            if rows[key] == nil, closing.status == .cached {
                order.append(key)
                rows[key] = Row(scope: closing.scope, firstSeq: seq, openedAt: record.timestampMicroseconds)
            }
            if rows[key] != nil { rows[key]?.closing = (closing, seq) } else { try close(key, closing, seq) }
        case .start, .nodeStart, .nodeOutput, .signalled, .nodeComplete, .complete, .error: break
        }
    }

    private func finish() throws {
        guard !order.isEmpty else { return }
        // A scope that takes the place of one that failed goes on where that began.
        let statement = try RawStatement(
            database,
            """
            INSERT INTO scopes(execution, parent, rank, idx, scope, first_seq, opened_at, status, last_seq, duration, error)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            ON CONFLICT DO UPDATE SET scope = ?5, status = ?8, last_seq = ?9, duration = ?10, error = ?11
            """)
        for key in order {
            guard let row = rows[key] else { continue }
            bind(key, to: statement)
            statement.bind(5, Int64(row.scope))
            statement.bind(6, row.firstSeq)
            statement.bind(7, row.openedAt)
            bind(row.closing?.0, row.closing?.seq, to: statement, from: 8)
            try statement.run()
        }
    }

    private func close(_ key: Key, _ closing: ScopeClosing, _ seq: Int) throws {
        let statement = try RawStatement(
            database,
            """
            UPDATE scopes SET status = ?5, last_seq = ?6, duration = ?7, error = ?8
            WHERE execution = ?1 AND parent = ?2 AND rank = ?3 AND idx = ?4
            """)
        bind(key, to: statement)
        bind(closing, seq, to: statement, from: 5)
        try statement.run()
    }

    private func bind(_ key: Key, to statement: RawStatement) {
        statement.bind(1, execution)
        statement.bind(2, Int64(key.parent))
        statement.bind(3, key.rank)
        statement.bind(4, key.index)
    }

    private func bind(_ closing: ScopeClosing?, _ seq: Int?, to statement: RawStatement, from first: Int32) {
        statement.bind(first, closing.map { $0.status.place + 1 } ?? Self.openStatus)
        statement.bind(first + 1, seq.map { Int64($0) })
        statement.bind(first + 2, closing?.durationMicroseconds)
        statement.bind(first + 3, text: closing?.failure?.message)
    }

    /// The revision stays as long as the execution does.
    private func pin(_ graphID: String, _ number: Int) throws {
        let statement = try RawStatement(
            database,
            """
            INSERT OR IGNORE INTO pinned_graphs(execution, graph_key, revision)
            SELECT ?1, graph_key, ?3 FROM graphs WHERE graph_id = ?2
            """)
        statement.bind(1, execution)
        statement.bind(2, text: graphID)
        statement.bind(3, number)
        try statement.run()
    }
}

extension HistoryStore {
    package func scope(of id: ExecutionID, at place: ScopePlace) throws(StoreError) -> StoredScope? {
        try read { database in
            let statement = try RawStatement(
                database, "\(Self.scopeColumns) WHERE execution = ?1 AND parent = ?2 AND rank = ?3 AND idx = ?4")
            statement.bind(1, id.rowID)
            statement.bind(2, Int64(place.node.scope))
            statement.bind(3, Int64(place.node.rank))
            statement.bind(4, place.index ?? ScopeIndex.noIndex)
            var found: StoredScope?
            try statement.forEachRow { row in
                found = StoredScope(row)
                return false
            }
            return found
        }
    }

    package func scopes(of id: ExecutionID, in node: NodeRef, _ query: ScopeQuery) throws(StoreError) -> ScopePage {
        try read { database in
            let statement = try RawStatement(
                database,
                """
                \(Self.scopeColumns) WHERE execution = ?1 AND parent = ?2 AND rank = ?3 AND idx > ?4
                ORDER BY idx LIMIT ?5
                """)
            statement.bind(1, id.rowID)
            statement.bind(2, Int64(node.scope))
            statement.bind(3, Int64(node.rank))
            statement.bind(4, query.after)
            statement.bind(5, ScopeQuery.rowsMax)
            var page = ScopePage()
            var (count, last) = (0, query.after)
            try statement.forEachRow { row in
                let scope = StoredScope(row)
                guard page.scopes.count < query.limit else {
                    page.next = last
                    return false
                }
                count += 1
                last = scope.index ?? ScopeIndex.noIndex
                if query.takes(scope) { page.scopes.append(scope) }
                return true
            }
            // Others are looked through with the next page.
            if page.next == nil, count == ScopeQuery.rowsMax { page.next = last }
            return page
        }
    }

    private static let scopeColumns = """
        SELECT scope, idx, first_seq, last_seq, status, opened_at, duration, error FROM scopes
        """
}

extension StoredScope {
    fileprivate init(_ row: RawStatement.Row) {
        let status = row.int(4)
        self.init(
            scope: Int32(truncatingIfNeeded: row.int(0)), index: row.int(1) == ScopeIndex.noIndex ? nil : row.int(1),
            firstSeq: row.int(2), lastSeq: row.optionalInt64(3).map { Int($0) },
            status: status == ScopeIndex.openStatus ? nil : NodeStatus.allCases.first { $0.place == status - 1 },
            openedAtMicroseconds: row.int64(5), durationMicroseconds: row.optionalInt64(6),
            error: row.optionalText(7))
    }
}

extension Database {
    /// Of an execution that is removed.
    /// - Returns: whether nothing was left.
    func removeScopes(of execution: Int64, rowsMax: Int) throws -> Bool {
        try execute(
            sql: """
                DELETE FROM scopes WHERE execution = ?1 AND (parent, rank, idx) IN
                    (SELECT parent, rank, idx FROM scopes WHERE execution = ?1 LIMIT ?2)
                """, arguments: [execution, rowsMax])
        guard changesCount == 0 else { return false }
        try execute(sql: "DELETE FROM pinned_graphs WHERE execution = ?", arguments: [execution])
        return true
    }

    /// Whether a kept execution runs a revision within its nodes, or has run it.
    func isPinned(_ revision: Int, of graphKey: Int64) throws -> Bool {
        try Bool.fetchOne(
            self, sql: "SELECT EXISTS (SELECT 1 FROM pinned_graphs WHERE graph_key = ? AND revision = ?)",
            arguments: [graphKey, revision]) ?? false
    }
}

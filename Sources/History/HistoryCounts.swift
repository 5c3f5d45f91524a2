// How much the history holds. Counted once, a piece at a time between commits, and from then on kept by what comes and goes.

import GRDB

/// Executions in the file.
struct ExecutionCount {
    /// nil until they were counted.
    var total: Int?
    private var through: Int64 = 0
    private var found = 0

    /// Counts some of them.
    /// - Returns: whether all are counted.
    mutating func countOn(_ database: Database) throws -> Bool {
        guard total == nil else { return true }
        var (last, count): (Int64?, Int) = (nil, 0)
        let sql = "SELECT count(*), max(id) FROM (SELECT id FROM executions WHERE id > ?1 ORDER BY id LIMIT 2000)"
        let statement = try RawStatement(database, sql)
        statement.bind(1, through)
        try statement.forEachRow { row in
            (count, last) = (row.int(0), row.optionalInt64(1))
            return false
        }
        found += count
        guard let last else {
            total = found
            return true
        }
        through = last
        return false
    }
}

/// Bytes of the events in the file. They are counted only when it is larger than they may be: until then they are not more.
struct EventByteCount {
    private static let rowsMax = 200

    private(set) var total: Int?
    /// The tables that are still to be counted, behind some row; nil before the beginning.
    private var walks: [(table: String, key: String, after: Int64, through: Int64)]?
    private var found = 0
    private var change = 0

    mutating func added(_ bytes: Int) { note(bytes) }

    mutating func removed(_ bytes: Int) { note(-bytes) }

    private mutating func note(_ bytes: Int) {
        if let total { self.total = max(0, total + bytes) } else { change += bytes }
    }

    func isNeeded(_ limits: RetentionLimits, _ database: Database) throws -> Bool {
        guard limits.bytes > 0, total == nil else { return false }
        return try walks != nil || database.usedBytes() > limits.bytes
    }

    /// Counts some of them: those that were there at the beginning. What comes meanwhile is told.
    /// - Returns: whether all are counted.
    mutating func countOn(_ database: Database) throws -> Bool {
        guard var walks else {
            let tables = [("executions", "id"), ("first_events", "execution"), ("later_events", "rowid")]
            self.walks = try tables.map { table, key in
                (table, key, -1, try Int64.fetchOne(database, sql: "SELECT max(\(key)) FROM \(table)") ?? -1)
            }
            change = 0
            return false
        }
        guard let walk = walks.first else {
            total = max(0, found + change)
            return true
        }
        let sql = """
            SELECT max(key), sum(length(records)) FROM (
                SELECT \(walk.key) AS key, records FROM \(walk.table)
                WHERE \(walk.key) > ?1 AND \(walk.key) <= ?2 ORDER BY \(walk.key) LIMIT ?3)
            """
        let statement = try RawStatement(database, sql)
        statement.bind(1, walk.after)
        statement.bind(2, walk.through)
        statement.bind(3, Self.rowsMax)
        var last: Int64?
        try statement.forEachRow { row in
            last = row.optionalInt64(0)
            found += row.int(1)
            return false
        }
        if let last { walks[0].after = last } else { walks.removeFirst() }
        self.walks = walks
        return false
    }
}

extension Database {
    /// About how many executions were created before a time; those that have not ended too.
    func countExecutions(before microseconds: Int64) throws -> Int {
        let id = min(max(microseconds / 1000, 0), 1 << 48) << 12
        let sql = """
            SELECT ifnull((SELECT sum(count) FROM execution_blocks WHERE graph_key = ?1 AND status = ?2 AND first < ?3), 0)
                + (SELECT count(*) FROM executions WHERE id > (SELECT indexed_through FROM watermarks) AND id < ?3)
            """
        let everything = ListedKind.everything
        return try Int.fetchOne(self, sql: sql, arguments: [everything.graphKey, everything.status, id]) ?? 0
    }
}

// Which revisions executions name is found out by walking along the executions, and only of graphs that have more revisions
// than are kept anyway. Of each revision one execution is remembered that names it, the newest; as long as that is there,
// nothing need be looked for. New executions are walked along as they come.

import GRDB

/// The removal of graph revisions that no execution names. Lives on the store's thread.
struct RevisionRemoval {
    /// The newest ones of a graph, which stay whether or not an execution names them.
    static let keptMax = 20
    private static let rowsMax = 500
    private static let graphsMax = 100

    private struct Revision: Hashable {
        let graphKey: Int64
        let number: Int
    }

    private enum Phase {
        case idle
        /// Looking for graphs with many revisions, behind this one.
        case graphs(after: Int64)
        case executions
        /// Judging the revisions of the graphs behind this one.
        case revisions(after: Int64)
    }

    private let uses: GraphUses
    private var phase = Phase.idle
    /// Graphs with more revisions than are kept anyway.
    private var graphs: Set<Int64> = []
    private var witnesses: [Revision: Int64] = [:]
    private var cursor: Int64 = 0
    /// Executions have gone, or a revision that nobody names was read lately: it is worth another look.
    private var isWanted = false
    private var hasWalkedAnew = false

    init(_ uses: GraphUses) {
        self.uses = uses
    }

    /// Executions were removed, by whomever.
    mutating func executionsHaveGone() { isWanted = isWanted || !graphs.isEmpty }

    /// After a rollback.
    mutating func forget() {
        uses.graphsHaveChanged()
        self = RevisionRemoval(uses)
    }

    /// Does a little.
    /// - Parameter removed: called for each revision that has gone.
    /// - Returns: whether all is done.
    mutating func step(_ database: Database, removed: () -> Void) throws -> Bool {
        switch phase {
        case .idle:
            guard uses.takeChange() else {
                guard isWanted else { return true }
                begin(.executions)
                return false
            }
            begin(.graphs(after: 0))
        case .graphs(let key): try findGraphs(after: key, database)
        case .executions: try walk(database)
        case .revisions(let key):
            guard let next = graphs.filter({ $0 > key }).min() else {
                phase = .idle
                return true
            }
            try judge(next, database, removed: removed)
        }
        return false
    }

    private mutating func begin(_ phase: Phase) {
        self.phase = phase
        isWanted = false
        hasWalkedAnew = false
    }

    private mutating func findGraphs(after key: Int64, _ database: Database) throws {
        let sql = """
            SELECT graph_key, count(*) FROM graph_revisions WHERE graph_key > ?1
            GROUP BY graph_key ORDER BY graph_key LIMIT ?2
            """
        let statement = try RawStatement(database, sql)
        statement.bind(1, key)
        statement.bind(2, Self.graphsMax)
        var last: Int64?
        try statement.forEachRow { row in
            last = row.int64(0)
            // Its executions were walked along without being looked at.
            if row.int(1) > Self.keptMax, graphs.insert(row.int64(0)).inserted { cursor = 0 }
            return true
        }
        if let last {
            phase = .graphs(after: last)
        } else {
            phase = graphs.isEmpty ? .revisions(after: 0) : .executions
        }
    }

    private mutating func walk(_ database: Database) throws {
        let statement = try RawStatement(
            database, "SELECT id, graph_key, graph_revision FROM executions WHERE id > ?1 ORDER BY id LIMIT ?2")
        statement.bind(1, cursor)
        statement.bind(2, Self.rowsMax)
        var count = 0
        try statement.forEachRow { row in
            count += 1
            cursor = row.int64(0)
            if graphs.contains(row.int64(1)) {
                witnesses[Revision(graphKey: row.int64(1), number: row.int(2))] = cursor
            }
            return true
        }
        if count < Self.rowsMax { phase = .revisions(after: 0) }
    }

    private mutating func judge(_ graphKey: Int64, _ database: Database, removed: () -> Void) throws {
        let numbers = try Int.fetchAll(
            database, sql: "SELECT revision FROM graph_revisions WHERE graph_key = ? ORDER BY revision DESC",
            arguments: [graphKey])
        if numbers.count <= Self.keptMax {
            graphs.remove(graphKey)
            witnesses = witnesses.filter { $0.key.graphKey != graphKey }
        }
        for number in numbers.dropFirst(Self.keptMax) {
            let revision = Revision(graphKey: graphKey, number: number)
            if let witness = witnesses[revision] {
                if try isNamed(revision, by: witness, database) { continue }
                isWanted = true
                if hasWalkedAnew { continue }
                // Older ones may name it still: all are walked along anew, once a round.
                (hasWalkedAnew, witnesses) = (true, [:])
                (cursor, phase) = (0, .executions)
                return
            }
            if try database.isPinned(number, of: graphKey) { continue }
            guard let id = try database.graphID(of: graphKey), !uses.isUsed(number, of: id) else {
                isWanted = true
                continue
            }
            try database.removeRevision(number, of: graphKey)
            removed()
        }
        phase = .revisions(after: graphKey)
    }

    private func isNamed(_ revision: Revision, by execution: Int64, _ database: Database) throws -> Bool {
        try Bool.fetchOne(
            database,
            sql: "SELECT EXISTS (SELECT 1 FROM executions WHERE id = ? AND graph_key = ? AND graph_revision = ?)",
            arguments: [execution, revision.graphKey, revision.number]) ?? false
    }
}

extension Database {
    fileprivate func graphID(of key: Int64) throws -> String? {
        try String.fetchOne(self, sql: "SELECT graph_id FROM graphs WHERE graph_key = ?", arguments: [key])
    }

    /// With its files, as far as no other revision has the same ones.
    fileprivate func removeRevision(_ number: Int, of graphKey: Int64) throws {
        let contents = try Int64.fetchSet(
            self, sql: "SELECT content_key FROM graph_files WHERE graph_key = ? AND revision = ?",
            arguments: [graphKey, number])
        for table in ["graph_files", "graph_revisions"] {
            try execute(
                sql: "DELETE FROM \(table) WHERE graph_key = ? AND revision = ?", arguments: [graphKey, number])
        }
        for content in contents {
            let sql = """
                DELETE FROM file_contents WHERE content_key = ?1
                    AND NOT EXISTS (SELECT 1 FROM graph_files WHERE content_key = ?1)
                """
            try execute(sql: sql, arguments: [content])
        }
    }
}

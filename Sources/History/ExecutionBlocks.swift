// Lists by graph or status find their rows by blocks: runs of a few dozen executions, one after another by their ids. For
// each graph, each status and both together `execution_blocks` says which blocks hold any, and the rows of those are looked
// through one by one: they lie beside each other, mostly on one page. An index of the rows themselves would take two entries
// of each execution, at places all over its pages; of a block it is some for all of its executions.
//
// A count may be too high after a commit that failed and yet came through, which costs a look at a block in vain. It is
// never too low.

import GRDB

/// A run of executions: the ids at both its ends.
struct ExecutionBlock: Equatable {
    /// A rare execution is found by looking at so many, about as many as a page holds of short ones.
    static let executionsMax = 32

    let first: Int64
    let last: Int64

    func contains(_ id: Int64) -> Bool { first <= id && id <= last }
}

/// What a list is about. The numbers for any graph and for any status are in the file, where no graph and no status has them.
struct ListedKind: Hashable {
    private static let anyGraph: Int64 = 0
    private static let anyStatus = -1

    let graphKey: Int64
    let status: Int

    init(graphKey: Int64?, status: Int?) {
        self.graphKey = graphKey ?? Self.anyGraph
        self.status = status ?? Self.anyStatus
    }

    /// Every execution is in one block, and in as many lists of blocks.
    static let everything = ListedKind(graphKey: nil, status: nil)

    fileprivate static func all(graphKey: Int64, status: Int) -> [ListedKind] {
        [
            everything, ListedKind(graphKey: graphKey, status: nil), ListedKind(graphKey: nil, status: status),
            ListedKind(graphKey: graphKey, status: status),
        ]
    }
}

/// Gathers by how much the counts of blocks change, to write each once for many executions.
struct BlockChanges {
    private struct Place: Hashable {
        let kind: ListedKind
        let first: Int64
    }

    private var changes: [Place: (last: Int64, count: Int)] = [:]
    /// The block of the execution before: often that of the next one too.
    private var recent: ExecutionBlock?

    /// So many executions more, or fewer, in a block.
    mutating func add(_ count: Int, graphKey: Int64, status: Int, in block: ExecutionBlock) {
        for kind in ListedKind.all(graphKey: graphKey, status: status) {
            changes[Place(kind: kind, first: block.first), default: (block.last, 0)].count += count
        }
    }

    /// An execution that comes when those around it are in blocks already. Its own may have lost all it had.
    mutating func insert(_ id: Int64, graphKey: Int64, status: Int, _ database: Database) throws {
        let block = try block(of: id, database) ?? ExecutionBlock(first: id, last: id)
        add(1, graphKey: graphKey, status: status, in: block)
    }

    /// An execution that goes. Those that are in no block yet are not counted.
    mutating func remove(_ id: Int64, graphKey: Int64, status: Int, _ database: Database) throws {
        guard let block = try block(of: id, database) else { return }
        add(-1, graphKey: graphKey, status: status, in: block)
    }

    /// Inside of the transaction that makes what was counted.
    mutating func write(_ database: Database) throws {
        guard !changes.isEmpty else { return }
        let count = try RawStatement(database, SQL.count)
        let dropEmpty = try RawStatement(database, SQL.dropEmpty)
        for (place, change) in changes where change.count != 0 {
            count.bind(1, place.kind.graphKey)
            count.bind(2, place.kind.status)
            count.bind(3, place.first)
            count.bind(4, change.last)
            count.bind(5, change.count)
            try count.run()
            guard change.count < 0 else { continue }
            dropEmpty.bind(1, place.kind.graphKey)
            dropEmpty.bind(2, place.kind.status)
            dropEmpty.bind(3, place.first)
            try dropEmpty.run()
        }
        forget()
    }

    /// After a rollback.
    mutating func forget() {
        changes.removeAll(keepingCapacity: true)
        recent = nil
    }

    private mutating func block(of id: Int64, _ database: Database) throws -> ExecutionBlock? {
        if let recent, recent.contains(id) { return recent }
        let statement = try RawStatement(database, SQL.block)
        statement.bind(1, ListedKind.everything.graphKey)
        statement.bind(2, ListedKind.everything.status)
        statement.bind(3, id)
        try statement.forEachRow { row in
            let block = ExecutionBlock(first: row.int64(0), last: row.int64(1))
            recent = block.contains(id) ? block : nil
            return false
        }
        return recent.flatMap { $0.contains(id) ? $0 : nil }
    }

    private enum SQL {
        static let count = """
            INSERT INTO execution_blocks(graph_key, status, first, last, count) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT DO UPDATE SET count = count + excluded.count
            """
        static let dropEmpty = """
            DELETE FROM execution_blocks WHERE graph_key = ?1 AND status = ?2 AND first = ?3 AND count <= 0
            """
        static let block = """
            SELECT first, last FROM execution_blocks
            WHERE graph_key = ?1 AND status = ?2 AND first <= ?3 ORDER BY first DESC LIMIT 1
            """
    }
}

extension Database {
    /// Makes blocks of executions that are in none yet, the oldest first.
    /// - Parameter executionsMax: of so many at most, and of no rest that fills no block.
    /// - Returns: the last id that is in a block now, and how many executions have come into one.
    func makeBlocks(after indexedThrough: Int64, executionsMax: Int) throws -> (indexedThrough: Int64, count: Int) {
        var changes = BlockChanges()
        var open = OpenBlock(first: indexedThrough + 1)
        var made = (indexedThrough: indexedThrough, count: 0)
        let sql = "SELECT id, graph_key, status FROM executions WHERE id > ?1 ORDER BY id LIMIT ?2"
        let statement = try RawStatement(self, sql)
        statement.bind(1, indexedThrough)
        statement.bind(2, executionsMax)
        try statement.forEachRow { row in
            let id = row.int64(0)
            open.add(graphKey: row.int64(1), status: row.int(2))
            if open.count == ExecutionBlock.executionsMax {
                open.close(last: id, &changes)
                made = (id, made.count + open.count)
                open = OpenBlock(first: id + 1)
            }
            return true
        }
        guard made.count > 0 else { return made }
        try changes.write(self)
        try execute(sql: "UPDATE watermarks SET indexed_through = ?", arguments: [made.indexedThrough])
        return made
    }
}

/// A block while its executions come. Most hold few kinds, so that those are looked through for each.
private struct OpenBlock {
    let first: Int64
    private(set) var count = 0
    private var kinds: [(graphKey: Int64, status: Int, count: Int)] = []

    init(first: Int64) {
        self.first = first
    }

    mutating func add(graphKey: Int64, status: Int) {
        count += 1
        if let index = kinds.firstIndex(where: { $0.graphKey == graphKey && $0.status == status }) {
            kinds[index].count += 1
        } else {
            kinds.append((graphKey, status, 1))
        }
    }

    func close(last: Int64, _ changes: inout BlockChanges) {
        let block = ExecutionBlock(first: first, last: last)
        for kind in kinds { changes.add(kind.count, graphKey: kind.graphKey, status: kind.status, in: block) }
    }
}

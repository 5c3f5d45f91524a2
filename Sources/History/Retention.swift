// Removes what is older, more or larger than is to be kept. It runs on the store's thread between commits, a slice of a few
// milliseconds at a time, so that no commit waits long for it; a slice is one transaction, and whatever it leaves behind the
// next one finds, also after a crash.
//
// - Age and number remove whole executions, the oldest first, and never one that has not ended. Its row goes at once; events
//   beyond the first row of them may be many, so that they go later: `deleted_executions` remembers whose.
// - Size removes events of the oldest executions, from the front: `dropped_through` is the last that is gone. The last event
//   always stays, so that a reader learns how it ended.
//
// Freed pages stay in the file and are used for what comes next: the file does not shrink, and grows no further.

import Executions
import GRDB
import Linux

/// The removal of what is kept no longer. Lives on the store's thread.
struct Retention {
    /// How long a slice may work; its commit comes on top.
    private static let sliceNanoseconds: UInt64 = 3_000_000
    /// Between slices commits have their turn.
    static let pauseMilliseconds = 20
    /// From the end of one look at the limits to the next.
    static let restMilliseconds = 2_000
    /// Rows that are looked at between two looks at the clock.
    private static let rowsMax = 200
    private static let dayMicroseconds: Int64 = 24 * 3600 * 1_000_000

    private enum Step: CaseIterable {
        case count, startKeys, age, number, leftovers, size
    }

    private let policy: RetentionPolicy
    /// Those of the slice: whoever has typed too few days or executions need not wait for the end of the round.
    private var limits: RetentionLimits
    private let deletions: DeletionCount
    private let now: () -> Int64
    private var step = Step.count
    private var dueNanoseconds: UInt64 = 0
    /// Executions in the file; nil until they were counted.
    private var count: Int?
    private var counted = (through: Int64(0), count: 0)
    /// What the slice has removed.
    private var blockChanges = BlockChanges()
    /// The walk of the current step: executions up to here were looked at.
    private var cursor: Int64 = 0

    /// - Parameter now: microseconds since 1970 UTC.
    init(_ policy: RetentionPolicy, _ deletions: DeletionCount, now: @escaping () -> Int64) {
        self.policy = policy
        limits = policy.limits
        self.deletions = deletions
        self.now = now
    }

    /// How long nothing is to be done.
    func waitMilliseconds() -> Int {
        let time = monotonicNanoseconds()
        return dueNanoseconds <= time ? 0 : Int((dueNanoseconds - time + 999_999) / 1_000_000)
    }

    /// The store has committed so many new executions.
    mutating func added(_ executions: Int) {
        if let count { self.count = count + executions }
    }

    /// It is not known what was committed.
    mutating func forget() {
        count = nil
        counted = (0, 0)
        blockChanges.forget()
        begin(.count)
    }

    /// Does some of what is due.
    mutating func run(_ database: Database) throws {
        limits = policy.limits
        if let count { self.count = count - deletions.take() } else { _ = deletions.take() }
        let deadline = monotonicNanoseconds() + Self.sliceNanoseconds
        do {
            try database.transaction {
                let isDone = try work(database, until: deadline)
                try blockChanges.write(database)
                let pause = isDone ? Self.restMilliseconds : Self.pauseMilliseconds
                dueNanoseconds = monotonicNanoseconds() + UInt64(pause) * 1_000_000
            }
        } catch {
            forget()
            dueNanoseconds = monotonicNanoseconds() + UInt64(Self.restMilliseconds) * 1_000_000
            throw error
        }
    }

    /// - Returns: whether the round is done; otherwise it goes on with the next slice.
    private mutating func work(_ database: Database, until deadline: UInt64) throws -> Bool {
        while monotonicNanoseconds() < deadline {
            guard try work(database) else { continue }
            guard let next = Step.allCases.dropFirst(index(of: step) + 1).first else {
                begin(count == nil ? .count : .startKeys)
                return true
            }
            begin(next)
        }
        return false
    }

    private func index(of step: Step) -> Int { Step.allCases.firstIndex(of: step) ?? 0 }

    private mutating func begin(_ step: Step) {
        self.step = step
        cursor = 0
    }

    /// Does a little of the current step.
    /// - Returns: whether the step is done.
    private mutating func work(_ database: Database) throws -> Bool {
        switch step {
        case .count: try countExecutions(database)
        case .startKeys: try removeStartKeys(database)
        case .leftovers: try removeLeftovers(database)
        case .age: limits.days == 0 ? true : try removeAged(database)
        case .number: limits.executions == 0 ? true : try removeSurplus(database)
        case .size: limits.bytes == 0 ? true : try dropSome(database)
        }
    }

    private mutating func countExecutions(_ database: Database) throws -> Bool {
        guard count == nil, limits.executions > 0 else { return true }
        var (last, found): (Int64?, Int) = (nil, 0)
        let sql = "SELECT count(*), max(id) FROM (SELECT id FROM executions WHERE id > ?1 ORDER BY id LIMIT 2000)"
        let statement = try RawStatement(database, sql)
        statement.bind(1, counted.through)
        try statement.forEachRow { row in
            (found, last) = (row.int(0), row.optionalInt64(1))
            return false
        }
        counted.count += found
        guard let last else {
            count = counted.count
            return true
        }
        counted.through = last
        return false
    }

    private func removeStartKeys(_ database: Database) throws -> Bool {
        let sql = """
            DELETE FROM start_keys WHERE (scope, start_key) IN
                (SELECT scope, start_key FROM start_keys WHERE created_at < ? LIMIT ?)
            """
        try database.execute(sql: sql, arguments: [now() - KeyedStart.lifetimeMicroseconds, Self.rowsMax])
        return database.changesCount < Self.rowsMax
    }

    private func removeLeftovers(_ database: Database) throws -> Bool {
        let next = try Int64.fetchOne(database, sql: "SELECT min(execution) FROM deleted_executions")
        guard let execution = next else { return true }
        let sql = """
            DELETE FROM later_events WHERE rowid IN (SELECT rowid FROM later_events WHERE execution = ? LIMIT 8)
            """
        try database.execute(sql: sql, arguments: [execution])
        if database.changesCount == 0 {
            try database.execute(sql: "DELETE FROM deleted_executions WHERE execution = ?", arguments: [execution])
        }
        return false
    }

    private mutating func removeAged(_ database: Database) throws -> Bool {
        let limit = now() - Int64(limits.days) * Self.dayMicroseconds
        guard let next = try database.nextExecution(after: cursor), next.createdAt < limit else { return true }
        cursor = next.id
        if next.isFinished, next.endedAt < limit { try remove(next, database) }
        return false
    }

    private mutating func removeSurplus(_ database: Database) throws -> Bool {
        guard let count, count > limits.executions, let next = try database.nextExecution(after: cursor) else {
            return true
        }
        cursor = next.id
        if next.isFinished { try remove(next, database) }
        return false
    }

    private mutating func remove(_ execution: AgedExecution, _ database: Database) throws {
        try blockChanges.remove(
            execution.id, graphKey: execution.graphKey, status: execution.status, database)
        try database.removeExecution(execution.id)
        if let count { self.count = count - 1 }
    }

    private mutating func dropSome(_ database: Database) throws -> Bool {
        guard try database.usedBytes() > limits.bytes else { return true }
        switch try database.nextExecutionWithEvents(after: cursor, rowsMax: Self.rowsMax) {
        case .end: return true
        case .nothing(let through): cursor = through
        case .found(let execution):
            if try !database.dropFirstRow(of: execution) { cursor = execution.id }
        }
        return false
    }
}

func monotonicNanoseconds() -> UInt64 {
    UInt64(SystemClock.monotonicNanoseconds())
}

// Removes what is older, more or larger than is to be kept. It runs on the store's thread between commits, a slice of a few
// milliseconds at a time, so that no commit waits long for it; a slice is one transaction, and whatever it leaves behind the
// next one finds, also after a crash.
//
// - Age and number remove whole executions, the oldest first, and never one that has not ended. Its row goes at once; events
//   beyond the first row of them may be many, so that they go later: `deleted_executions` remembers whose.
// - Size removes events of the oldest executions, from the front: `dropped_through` is the last that is gone. The last event
//   always stays, so that a reader learns how it ended. Events are counted once the file is larger than they may be.
// - Revisions of graphs go that nobody names (RevisionRemoval.swift).
// - What would remove most of the history waits (RemovalBrake.swift), and all that goes is told.
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
        case count, startKeys, revisions, events, plan, threads, age, number, leftovers, size
    }

    private let policy: RetentionPolicy
    /// Those of the slice: whoever has typed too few days or executions need not wait for the end of the round.
    private var limits: RetentionLimits
    private let deletions: DeletionCount
    private let news: RetentionNews
    private let now: () -> Int64
    private var step = Step.count
    private var dueNanoseconds: UInt64 = 0
    private var executions = ExecutionCount()
    private var events = EventByteCount()
    private var revisions: RevisionRemoval
    private var brake = RemovalBrake()
    /// What the slice has removed.
    private var blockChanges = BlockChanges()
    private var removed = RetentionReport()
    /// The walk of the current step: executions up to here were looked at.
    private var cursor: Int64 = 0

    /// - Parameter now: microseconds since 1970 UTC.
    init(
        _ policy: RetentionPolicy, _ deletions: DeletionCount, uses: GraphUses = GraphUses(),
        news: RetentionNews = RetentionNews(), now: @escaping () -> Int64
    ) {
        self.policy = policy
        limits = policy.limits
        self.deletions = deletions
        self.news = news
        self.now = now
        revisions = RevisionRemoval(uses)
    }

    /// How long nothing is to be done.
    func waitMilliseconds() -> Int {
        let time = monotonicNanoseconds()
        return dueNanoseconds <= time ? 0 : Int((dueNanoseconds - time + 999_999) / 1_000_000)
    }

    /// The store has committed so many new executions, and bytes of events.
    mutating func added(executions count: Int, eventBytes: Int) {
        executions.total? += count
        events.added(eventBytes)
    }

    /// It is not known what was committed.
    mutating func forget() {
        executions = ExecutionCount()
        events = EventByteCount()
        revisions.forget()
        removed = RetentionReport()
        blockChanges.forget()
        begin(.count)
    }

    /// Does some of what is due.
    mutating func run(_ database: Database) throws {
        let limits = policy.limits
        if limits != self.limits {
            self.limits = limits
            // What they remove is looked at first.
            begin(.count)
        }
        let gone = deletions.take()
        executions.total? -= gone.executions
        events.removed(gone.eventBytes)
        if gone.executions > 0 { revisions.executionsHaveGone() }
        let deadline = monotonicNanoseconds() + Self.sliceNanoseconds
        do {
            var isDone = false
            try database.transaction {
                isDone = try work(database, until: deadline)
                try blockChanges.write(database)
            }
            news.add(removed)
            removed = RetentionReport()
            if isDone { news.roundIsOver(limits, at: monotonicNanoseconds()) }
            let pause = isDone ? Self.restMilliseconds : Self.pauseMilliseconds
            dueNanoseconds = monotonicNanoseconds() + UInt64(pause) * 1_000_000
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
                begin(executions.total == nil ? .count : .startKeys)
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
        case .count: limits.isUnlimited ? true : try executions.countOn(database)
        case .startKeys: try removeStartKeys(database)
        case .threads: limits.days == 0 || brake.isHolding ? true : try removeThreads(database)
        case .revisions: try revisions.step(database) { removed.revisions += 1 }
        case .events: try events.isNeeded(limits, database) ? try events.countOn(database) : true
        case .plan: try plan(database)
        case .leftovers: try removeLeftovers(database)
        case .age: limits.days == 0 || brake.isHolding ? true : try removeAged(database)
        case .number: limits.executions == 0 || brake.isHolding ? true : try removeSurplus(database)
        case .size: limits.bytes == 0 || brake.isHolding ? true : try dropSome(database)
        }
    }

    private var oldestKept: Int64 { now() - Int64(limits.days) * Self.dayMicroseconds }

    /// Looks at how much is about to go, and whether that waits.
    private mutating func plan(_ database: Database) throws -> Bool {
        guard let count = executions.total else { return true }
        var plan = RemovalBrake.Plan()
        if limits.days > 0 { plan.aged = try database.countExecutions(before: oldestKept) }
        if limits.executions > 0 { plan.surplus = max(0, count - limits.executions) }
        if limits.bytes > 0, let bytes = events.total { plan.surplusBytes = max(0, bytes - limits.bytes) }
        plan.executions = max(plan.aged, plan.surplus)
        let verdict = brake.judge(
            isLarge: plan.isLarge(of: (count, events.total ?? 0)), limits, wallMicroseconds: now(),
            monotonicNanoseconds: monotonicNanoseconds())
        news.judged(verdict, plan, of: count, limits)
        return true
    }

    private func removeStartKeys(_ database: Database) throws -> Bool {
        let sql = """
            DELETE FROM start_keys WHERE (scope, start_key) IN
                (SELECT scope, start_key FROM start_keys WHERE created_at < ? LIMIT ?)
            """
        try database.execute(sql: sql, arguments: [now() - KeyedStart.lifetimeMicroseconds, Self.rowsMax])
        return database.changesCount < Self.rowsMax
    }

    /// Those that nobody has gone on with for as long as executions are kept.
    private func removeThreads(_ database: Database) throws -> Bool {
        let sql = """
            DELETE FROM graph_threads WHERE rowid IN
                (SELECT rowid FROM graph_threads WHERE updated_at < ? LIMIT \(Self.threadsMax))
            """
        try database.execute(sql: sql, arguments: [oldestKept])
        return database.changesCount < Self.threadsMax
    }
    /// At once: each may be megabytes.
    private static let threadsMax = 4

    private mutating func removeLeftovers(_ database: Database) throws -> Bool {
        let next = try Int64.fetchOne(database, sql: "SELECT min(execution) FROM deleted_executions")
        guard let execution = next else { return true }
        let rows = "later_events WHERE rowid IN (SELECT rowid FROM later_events WHERE execution = ? LIMIT 8)"
        let bytes = try Int.fetchOne(
            database, sql: "SELECT sum(length(records)) FROM \(rows)", arguments: [execution])
        try database.execute(sql: "DELETE FROM \(rows)", arguments: [execution])
        if database.changesCount == 0, try database.removeScopes(of: execution, rowsMax: Self.rowsMax) {
            try database.execute(sql: "DELETE FROM deleted_executions WHERE execution = ?", arguments: [execution])
        }
        note(eventBytes: bytes ?? 0)
        return false
    }

    private mutating func removeAged(_ database: Database) throws -> Bool {
        let limit = oldestKept
        guard let next = try database.nextExecution(after: cursor), next.createdAt < limit else { return true }
        cursor = next.id
        if next.isFinished, next.endedAt < limit {
            try remove(next, database)
            removed.agedExecutions += 1
        }
        return false
    }

    private mutating func removeSurplus(_ database: Database) throws -> Bool {
        guard let count = executions.total, count > limits.executions,
            let next = try database.nextExecution(after: cursor)
        else { return true }
        cursor = next.id
        if next.isFinished {
            try remove(next, database)
            removed.surplusExecutions += 1
        }
        return false
    }

    private mutating func remove(_ execution: AgedExecution, _ database: Database) throws {
        try blockChanges.remove(
            execution.id, graphKey: execution.graphKey, status: execution.status, database)
        note(eventBytes: try database.removeExecution(execution.id))
        executions.total? -= 1
        revisions.executionsHaveGone()
    }

    private mutating func dropSome(_ database: Database) throws -> Bool {
        guard let bytes = events.total, bytes > limits.bytes else { return true }
        switch try database.nextExecutionWithEvents(after: cursor, rowsMax: Self.rowsMax) {
        case .end: return true
        case .nothing(let through): cursor = through
        case .found(let execution):
            let drop = try database.dropFirstRow(of: execution)
            note(eventBytes: drop.bytes)
            removed.isTooLarge = true
            if !drop.hasMore { cursor = execution.id }
        }
        return false
    }

    private mutating func note(eventBytes: Int) {
        events.removed(eventBytes)
        removed.eventBytes += eventBytes
    }
}

func monotonicNanoseconds() -> UInt64 {
    UInt64(SystemClock.monotonicNanoseconds())
}

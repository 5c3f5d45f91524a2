import Synchronization

/// What the retention has removed.
package struct RetentionReport: Sendable, Equatable {
    package var agedExecutions = 0
    package var surplusExecutions = 0
    package var eventBytes = 0
    package var revisions = 0
    /// Events went because there were too many bytes of them.
    package var isTooLarge = false

    package init() {}

    package var isEmpty: Bool { self == RetentionReport() }

    mutating func add(_ other: RetentionReport) {
        agedExecutions += other.agedExecutions
        surplusExecutions += other.surplusExecutions
        eventBytes += other.eventBytes
        revisions += other.revisions
        isTooLarge = isTooLarge || other.isTooLarge
    }
}

/// A word of the retention for the daemon's log.
package enum RetentionWord: Sendable, Equatable {
    case removed(RetentionReport, RetentionLimits)
    /// Most of the history is about to go: so many executions of so many, of those so many by age, and bytes of events.
    case waits(executions: Int, of: Int, aged: Int, eventBytes: Int, RetentionLimits)
    case goesOn
}

/// Tells what the retention does: in the log, and in numbers that only rise. Told on the store's thread.
package final class RetentionNews: Sendable {
    /// Between two lines, so that a full history does not fill the log too.
    static let restNanoseconds: UInt64 = 60_000_000_000

    private struct Guarded {
        var untold = RetentionReport()
        var toldAtNanoseconds: UInt64?
        var total = RetentionReport()
        var isWaiting = false
    }
    private let guarded = Mutex(Guarded())
    private let tell: @Sendable (RetentionWord) -> Void

    package init(_ tell: @escaping @Sendable (RetentionWord) -> Void = { _ in }) {
        self.tell = tell
    }

    /// Since the start.
    package var total: RetentionReport { guarded.withLock { $0.total } }
    /// Most of the history is about to go.
    package var isWaiting: Bool { guarded.withLock { $0.isWaiting } }

    func add(_ report: RetentionReport) {
        guard !report.isEmpty else { return }
        guarded.withLock { guarded in
            guarded.untold.add(report)
            guarded.total.add(report)
        }
    }

    func roundIsOver(_ limits: RetentionLimits, at now: UInt64) {
        let report = guarded.withLock { guarded -> RetentionReport? in
            guard !guarded.untold.isEmpty else { return nil }
            if let told = guarded.toldAtNanoseconds, now - told < Self.restNanoseconds { return nil }
            guarded.toldAtNanoseconds = now
            defer { guarded.untold = RetentionReport() }
            return guarded.untold
        }
        if let report { tell(.removed(report, limits)) }
    }

    func judged(_ verdict: RemovalBrake.Verdict, _ plan: RemovalBrake.Plan, of count: Int, _ limits: RetentionLimits) {
        var isWaiting = false
        if case .waits(let isNew) = verdict {
            isWaiting = true
            if isNew {
                tell(
                    .waits(
                        executions: plan.executions, of: count, aged: plan.aged, eventBytes: plan.surplusBytes, limits))
            }
        }
        if verdict == .released { tell(.goesOn) }
        guarded.withLock { $0.isWaiting = isWaiting }
    }
}

import Synchronization

/// How much of the past is kept. 0 stands for no limit.
package struct RetentionLimits: Sendable, Equatable {
    /// Days after its end for which an execution is kept.
    package var days = 0
    /// Executions that are kept.
    package var executions = 0
    /// Bytes of the file that may be in use; beyond that the events of the oldest executions go, and their summaries stay.
    package var bytes = 0

    package init(days: Int = 0, executions: Int = 0, bytes: Int = 0) {
        self.days = days
        self.executions = executions
        self.bytes = bytes
    }
}

/// The limits that are in force; they may change while the store runs.
final class RetentionPolicy: Sendable {
    private let guarded: Mutex<RetentionLimits>

    init(_ limits: RetentionLimits) {
        guarded = Mutex(limits)
    }

    var limits: RetentionLimits {
        get { guarded.withLock { $0 } }
        set { guarded.withLock { $0 = newValue } }
    }
}

/// What others delete while the store thread counts.
final class DeletionCount: Sendable {
    private let count = Atomic<Int>(0)

    func add() { count.add(1, ordering: .relaxed) }

    func take() -> Int { count.exchange(0, ordering: .relaxed) }
}

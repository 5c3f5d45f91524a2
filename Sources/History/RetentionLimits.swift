import Synchronization

/// How much of the past is kept. 0 stands for no limit.
package struct RetentionLimits: Sendable, Equatable {
    /// Days after its end for which an execution is kept.
    package var days = 0
    /// Executions that are kept.
    package var executions = 0
    /// Bytes of events that are kept; beyond that those of the oldest executions go, and their summaries stay. Documents of
    /// graphs and their files do not count.
    package var bytes = 0
    /// For which a removal of most of the history waits after it was announced.
    package var largeRemovalDelayMilliseconds = 600_000

    package init(
        days: Int = 0, executions: Int = 0, bytes: Int = 0, largeRemovalDelayMilliseconds: Int = 600_000
    ) {
        self.days = days
        self.executions = executions
        self.bytes = bytes
        self.largeRemovalDelayMilliseconds = largeRemovalDelayMilliseconds
    }
}

extension RetentionLimits {
    /// Nothing is removed by any of them.
    var isUnlimited: Bool { days == 0 && executions == 0 && bytes == 0 }
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
    private let gone = Mutex<(executions: Int, eventBytes: Int)>((0, 0))

    func add(eventBytes: Int) {
        gone.withLock { $0 = ($0.executions + 1, $0.eventBytes + eventBytes) }
    }

    func take() -> (executions: Int, eventBytes: Int) {
        gone.withLock { gone in
            defer { gone = (0, 0) }
            return gone
        }
    }
}

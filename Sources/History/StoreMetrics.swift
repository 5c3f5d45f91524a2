import Executions
import Metrics
import Synchronization

/// What the store has done since it was made.
package final class StoreMetrics: Sendable {
    /// Nanoseconds of each commit.
    package let commitNanoseconds = Histogram(.quickNanoseconds)
    /// Executions in each commit.
    package let batchExecutions = Histogram(.counts)
    /// Bytes of events in each commit.
    package let batchBytes = Histogram(.bytes)
    private let eventCount = Atomic<Int>(0)
    private let failureCount = Atomic<Int>(0)

    package var events: Int { eventCount.load(ordering: .relaxed) }
    package var failures: Int { failureCount.load(ordering: .relaxed) }

    func committed(_ batch: CommitBatch, nanoseconds: Int) {
        commitNanoseconds.observe(nanoseconds)
        batchExecutions.observe(batch.written.count)
        batchBytes.observe(batch.recordBytes)
        eventCount.add(batch.events, ordering: .relaxed)
    }

    func failed() { failureCount.add(1, ordering: .relaxed) }
}

/// What one transaction holds.
struct CommitBatch {
    /// The logs, with what is stored of them now.
    var written: [(log: EventLog, seq: Int, change: Int)] = []
    /// Of events and of what orders write.
    var bytes = 0
    var recordBytes = 0
    var events = 0
}

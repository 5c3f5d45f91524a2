import Synchronization

/// Counts of values by size, for any thread.
package final class Histogram: Sendable {
    private let guarded: Mutex<HistogramValue>

    package init(_ empty: HistogramValue) {
        guarded = Mutex(empty)
    }

    package func observe(_ value: Int) {
        guarded.withLock { $0.observe(value) }
    }

    package var value: HistogramValue {
        guarded.withLock { $0 }
    }
}

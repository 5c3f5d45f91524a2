/// Counts of values by size, in whole numbers of some small unit. A value, for a single thread.
package struct HistogramValue: Sendable {
    /// The largest value of each bucket but the last, rising.
    package let bounds: [Int]
    /// One for each bound, and one for what is larger than all.
    package private(set) var counts: [UInt64]
    package private(set) var sum: UInt64 = 0

    package init(bounds: [Int]) {
        self.bounds = bounds
        counts = [UInt64](repeating: 0, count: bounds.count + 1)
    }

    package mutating func observe(_ value: Int) {
        var index = 0
        while index < bounds.count, value > bounds[index] { index += 1 }
        counts[index] += 1
        sum &+= UInt64(max(value, 0))
    }
}

extension HistogramValue {
    private static let millisecond = 1_000_000

    /// From 10 µs to 1 s, in nanoseconds: of what should take no time.
    package static let quickNanoseconds = HistogramValue(
        bounds: [
            10_000, 50_000, 100_000, 500_000, millisecond, 5 * millisecond, 10 * millisecond, 50 * millisecond,
            100 * millisecond, 500 * millisecond, 1000 * millisecond,
        ])
    /// From 1 ms to 10 minutes, in microseconds: of executions and nodes.
    package static let longMicroseconds = HistogramValue(
        bounds: [
            1_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 5_000_000, 10_000_000, 60_000_000, 600_000_000,
        ])
    /// From 1 to 2,000.
    package static let counts = HistogramValue(bounds: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000])
    /// From 1 KiB to 4 MiB.
    package static let bytes = HistogramValue(
        bounds: [1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20])
}

import Histogram

/// Durations in microseconds, and how they are said.
struct BenchReport {
    private var histogram = Histogram<UInt64>(
        highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: .three)

    mutating func record(nanoseconds: Int64) {
        histogram.record(UInt64(max(0, nanoseconds / 1000)))
    }

    /// In microseconds.
    func value(atPercentile percentile: Double) -> UInt64 { histogram.valueAtPercentile(percentile) }

    var count: UInt64 { histogram.totalCount }

    /// `p50 1.234 ms  p99 … p99.9 … max …`
    var line: String {
        let points: [(String, Double)] = [("p50", 50), ("p99", 99), ("p99.9", 99.9)]
        let parts = points.map { "\($0.0) \(milliseconds(histogram.valueAtPercentile($0.1))) ms" }
        return (parts + ["max \(milliseconds(histogram.max)) ms"]).joined(separator: "  ")
    }

    private func milliseconds(_ microseconds: UInt64) -> String {
        let fraction = String(microseconds % 1000)
        return "\(microseconds / 1000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)"
    }
}

import Glibc

/// CPU time that compiling the parts of one document has taken. Each part is bounded by itself (its kind's compiler sees to
/// that); this bounds their sum, between two parts.
struct CompileTime {
    /// Set once the sum has passed its bound: what is left is not compiled.
    private(set) var isUsedUp = false
    private var nanoseconds: UInt64 = 0
    private let nanosecondsMax: UInt64

    init(millisecondsMax: Int = GraphBounds.compileMilliseconds) {
        nanosecondsMax = UInt64(millisecondsMax) * 1_000_000
    }

    mutating func measure<Value>(_ work: () -> Value) -> Value {
        let start = Self.now
        defer {
            nanoseconds += Self.now - start
            isUsedUp = nanoseconds > nanosecondsMax
        }
        return work()
    }

    /// Of this thread.
    private static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

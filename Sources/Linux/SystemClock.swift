import CLinux
import Glibc

/// The system's clocks (clock_gettime(2)).
package enum SystemClock {
    /// CLOCK_MONOTONIC in nanoseconds: never jumps, has no meaning outside this boot.
    package static func monotonicNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// CLOCK_REALTIME in microseconds since 1970 UTC: what clients see; may jump.
    package static func wallMicroseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}

import Metrics

/// Counters of a reactor, each since it was made but for the last.
package struct TurnMetrics: Sendable {
    /// Turns of the loop.
    package internal(set) var turns: UInt64 = 0
    /// Events that epoll reported.
    package internal(set) var events: UInt64 = 0
    /// Pieces of work from the mailbox.
    package internal(set) var posts: UInt64 = 0
    /// Timers that fired.
    package internal(set) var timers: UInt64 = 0
    /// Calls of `flush` that were due.
    package internal(set) var flushes: UInt64 = 0
    /// Calls of `reap` that were due.
    package internal(set) var reaps: UInt64 = 0
    /// How long the last turn worked, the wait not counted.
    package internal(set) var lastTurnNanoseconds: Int64 = 0
    /// How long all turns worked, in nanoseconds.
    package internal(set) var times = HistogramValue.quickNanoseconds
}

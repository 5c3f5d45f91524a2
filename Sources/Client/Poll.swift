import Glibc
import Linux

/// Waits on one descriptor, and beside it on another that interrupts the wait: poll(2).
package enum Poll {
    package enum Event: Sendable {
        case readable, writable
    }

    package enum Outcome: Sendable, Equatable {
        case ready
        case timedOut
        /// The interrupting descriptor is readable; nothing was taken from it.
        case interrupted
    }

    /// - Parameters:
    ///   - descriptor: nil to wait for the time or the interruption alone.
    ///   - deadlineNanoseconds: monotonic; one that has passed only looks.
    package static func wait(
        _ descriptor: Int32?, for event: Event = .readable, deadlineNanoseconds: Int64, interrupt: Int32?
    ) -> Outcome {
        let wanted = Int16(event == .readable ? POLLIN : POLLOUT)
        while true {
            // poll(2) ignores entries whose descriptor is negative.
            var entries = [
                pollfd(fd: interrupt ?? -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: descriptor ?? -1, events: wanted, revents: 0),
            ]
            let left = deadlineNanoseconds - SystemClock.monotonicNanoseconds()
            // Rounded up, or the last millisecond would be spent in a busy loop.
            let milliseconds = Int32(clamping: max(0, (left + 999_999) / 1_000_000))
            let count = poll(&entries, nfds_t(entries.count), milliseconds)
            let code = errno
            precondition(count >= 0 || code == EINTR, "poll of two open descriptors fails only when interrupted")
            if count > 0 {
                if entries[0].revents != 0 { return .interrupted }
                if entries[1].revents != 0 { return .ready }
            }
            if SystemClock.monotonicNanoseconds() >= deadlineNanoseconds { return .timedOut }
        }
    }

    /// The monotonic time so many milliseconds from now.
    package static func deadline(inMilliseconds milliseconds: Int) -> Int64 {
        SystemClock.monotonicNanoseconds() + Int64(milliseconds) * 1_000_000
    }
}

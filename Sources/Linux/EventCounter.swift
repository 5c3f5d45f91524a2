import CLinux
import Glibc

/// eventfd(2): wakes whoever waits for it, from any thread.
package struct EventCounter: ~Copyable, Sendable {
    package let descriptor: Descriptor

    package init() throws(SystemError) {
        descriptor = Descriptor(owning: try checked("eventfd") { clinux_eventfd() })
    }

    /// The bare descriptor.
    package consuming func intoDescriptor() -> Descriptor { descriptor }

    /// Adds one. An edge-triggered watcher is woken by each, whether the counter was read in between or not.
    package borrowing func signal() {
        let raw = descriptor.raw
        var one: UInt64 = 1
        // The one possible failure is a full counter, 2^64 - 2 signals from now, and then the watcher is awake.
        _ = uninterrupted { write(raw, &one, MemoryLayout<UInt64>.size) }
    }

    /// Takes the count and resets it; 0 when nothing was signalled.
    package borrowing func take() -> UInt64 {
        let raw = descriptor.raw
        var count: UInt64 = 0
        let (result, _) = uninterrupted { read(raw, &count, MemoryLayout<UInt64>.size) }
        return result == MemoryLayout<UInt64>.size ? count : 0
    }
}

/// timerfd_create(2) on the monotonic clock: readable once its deadline has passed.
package struct TimerDescriptor: ~Copyable, Sendable {
    package let descriptor: Descriptor

    package init() throws(SystemError) {
        descriptor = Descriptor(owning: try checked("timerfd_create") { clinux_timerfd() })
    }

    /// timerfd_settime(2) to an absolute monotonic time; replaces the deadline before it. 0 disarms.
    package borrowing func arm(deadlineNanoseconds: Int64) throws(SystemError) {
        let raw = descriptor.raw
        try checked("timerfd_settime") { clinux_timerfd_arm(raw, deadlineNanoseconds) }
    }

    /// True once after each deadline that has passed.
    package borrowing func takeExpiry() -> Bool {
        let raw = descriptor.raw
        var count: UInt64 = 0
        let (result, _) = uninterrupted { read(raw, &count, MemoryLayout<UInt64>.size) }
        return result == MemoryLayout<UInt64>.size
    }
}

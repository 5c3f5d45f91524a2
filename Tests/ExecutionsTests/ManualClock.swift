import Executions
import Synchronization

/// A clock whose time moves only when a test says so, and whose timers run on the thread that moves it.
final class ManualClock: Clock {
    private struct Entry {
        let due: UInt64
        let action: @Sendable () -> Void
    }
    private struct Guarded {
        var now: UInt64 = 1_000_000_000
        var nextTimer = 0
        var timers: [Int: Entry] = [:]
    }
    private let guarded = Mutex(Guarded())

    var monotonicNanoseconds: UInt64 { guarded.withLock { $0.now } }
    var wallMicroseconds: Int64 { 1_769_851_800_000_000 + Int64(monotonicNanoseconds / 1000) }

    /// Timers that have neither run nor been cancelled.
    var timerCount: Int { guarded.withLock { $0.timers.count } }

    func schedule(afterMilliseconds delay: Int64, _ action: @escaping @Sendable () -> Void) -> any ClockTimer {
        guarded.withLock { guarded in
            guarded.nextTimer += 1
            guarded.timers[guarded.nextTimer] = Entry(
                due: guarded.now + UInt64(max(delay, 0)) * 1_000_000, action: action)
            return Timer(clock: self, number: guarded.nextTimer)
        }
    }

    /// Moves the time on and runs what has become due, in order.
    func advance(milliseconds: UInt64) {
        let end = guarded.withLock { $0.now + milliseconds * 1_000_000 }
        while let action = next(until: end) { action() }
        guarded.withLock { $0.now = max($0.now, end) }
    }

    private func next(until end: UInt64) -> (@Sendable () -> Void)? {
        guarded.withLock { guarded in
            let due = guarded.timers.filter { $0.value.due <= end }
            guard let first = due.min(by: { ($0.value.due, $0.key) < ($1.value.due, $1.key) }) else { return nil }
            guarded.timers[first.key] = nil
            guarded.now = max(guarded.now, first.value.due)
            return first.value.action
        }
    }

    private struct Timer: ClockTimer {
        let clock: ManualClock
        let number: Int

        func cancel() {
            clock.guarded.withLock { $0.timers[number] = nil }
        }
    }
}

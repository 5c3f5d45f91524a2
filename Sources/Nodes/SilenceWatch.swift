import Executions
import Synchronization

/// Ends an attempt that puts out nothing for its `idle_timeout_ms`.
final class SilenceWatch: Sendable {
    private struct Guarded {
        var heardAt: UInt64 = 0
        var timer: (any ClockTimer)?
        var isPaused = false
        var isOver = false
        var wasSilent = false
    }

    private let limitMilliseconds: Int
    private let clock: any Clock
    private let onSilence: @Sendable () -> Void
    private let guarded = Mutex(Guarded())

    /// Nil if the attempt may be silent as long as it likes.
    /// - Parameter onSilence: called once, on the clock's thread.
    init?(_ limitMilliseconds: Int?, clock: any Clock, onSilence: @escaping @Sendable () -> Void) {
        guard let limitMilliseconds else { return nil }
        self.limitMilliseconds = limitMilliseconds
        self.clock = clock
        self.onSilence = onSilence
    }

    /// The time counts from now on.
    func begin() {
        guarded.withLock { $0.isPaused = false }
        heard()
        arm(afterMilliseconds: Int64(limitMilliseconds))
    }

    /// The time does not count until it begins again.
    func pause() {
        guarded.withLock { $0.isPaused = true }
    }

    func heard() {
        let now = clock.monotonicNanoseconds
        guarded.withLock { $0.heardAt = now }
    }

    /// Whether it is to be told as the reason of the attempt's end.
    var failure: NodeFailure? {
        guard guarded.withLock({ $0.wasSilent }) else { return nil }
        return NodeFailure("the node put out nothing for its idle_timeout_ms (\(limitMilliseconds) ms)")
    }

    func end() {
        guarded.withLock { guarded in
            guarded.isOver = true
            return guarded.timer.take()
        }?.cancel()
    }

    private func arm(afterMilliseconds delay: Int64) {
        let timer = clock.schedule(afterMilliseconds: delay) { [weak self] in self?.look() }
        let superfluous = guarded.withLock { guarded -> (any ClockTimer)? in
            if guarded.isOver { return timer }
            defer { guarded.timer = timer }
            return guarded.timer
        }
        superfluous?.cancel()
    }

    private func look() {
        let now = clock.monotonicNanoseconds
        let leftMilliseconds = guarded.withLock { guarded -> Int64? in
            guard !guarded.isOver else { return nil }
            // It is armed again when it begins again.
            guard !guarded.isPaused else { return nil }
            let left = Int64(limitMilliseconds) - Int64((now &- guarded.heardAt) / 1_000_000)
            guarded.wasSilent = left <= 0
            return left
        }
        guard let leftMilliseconds else { return }
        if leftMilliseconds > 0 { arm(afterMilliseconds: leftMilliseconds) } else { onSilence() }
    }
}

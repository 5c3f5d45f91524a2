import Reactor

/// One timer of a connection that is moved far more often than it fires: moving it forward only notes the new time, and the
/// timer finds that when it fires.
final class Deadline {
    private let reactor: Reactor
    private let action: () -> Void
    private var timer: TimerID?
    private var isArmed = false
    private var isCancelled = false
    private var dueNanoseconds: Int64 = 0
    /// When the timer that is scheduled fires.
    private var timerNanoseconds: Int64 = 0

    init(on reactor: Reactor, _ action: @escaping () -> Void) {
        self.reactor = reactor
        self.action = action
    }

    func arm(afterMilliseconds delay: Int64) {
        // The action may not outlive its owner.
        guard !isCancelled else { return }
        isArmed = true
        dueNanoseconds = reactor.now() + delay * 1_000_000
        if let timer {
            guard dueNanoseconds < timerNanoseconds else { return }
            reactor.cancel(timer)
        }
        schedule(delay)
    }

    /// The timer stays and will find nothing to do.
    func disarm() {
        isArmed = false
    }

    /// The owner goes: nothing will fire any more.
    func cancel() {
        if let timer = timer.take() { reactor.cancel(timer) }
        isArmed = false
        isCancelled = true
    }

    private func schedule(_ delay: Int64) {
        timerNanoseconds = reactor.now() + delay * 1_000_000
        timer = reactor.schedule(afterMilliseconds: delay) { [self] in fired() }
    }

    private func fired() {
        timer = nil
        guard isArmed else { return }
        let left = dueNanoseconds - reactor.now()
        guard left <= 0 else { return schedule((left + 999_999) / 1_000_000) }
        isArmed = false
        action()
    }
}

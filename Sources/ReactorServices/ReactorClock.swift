import Executions
import Linux
import Reactor
import Synchronization

/// Time by the system's clocks, and timers on the reactor's wheel.
package final class ReactorClock: Clock, Sendable {
    private let mailbox: Mailbox

    package init(_ reactor: Reactor) {
        mailbox = reactor.mailbox
    }

    package var monotonicNanoseconds: UInt64 { UInt64(SystemClock.monotonicNanoseconds()) }
    package var wallMicroseconds: Int64 { SystemClock.wallMicroseconds() }

    package func schedule(afterMilliseconds delay: Int64, _ action: @escaping @Sendable () -> Void) -> any ClockTimer {
        let timer = MailedTimer(mailbox)
        mailbox.post { reactor in timer.start(on: reactor, delay, action) }
        return timer
    }
}

private final class MailedTimer: ClockTimer {
    private enum State { case posted, scheduled(TimerID), over }
    private let mailbox: Mailbox
    private let state = Mutex(State.posted)

    init(_ mailbox: Mailbox) {
        self.mailbox = mailbox
    }

    func start(on reactor: Reactor, _ delay: Int64, _ action: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { if case .over = $0 { true } else { false } }
        guard !isOver else { return }
        let id = reactor.schedule(afterMilliseconds: delay) { [self] in
            let isDue = state.withLock { state in
                defer { state = .over }
                if case .over = state { return false }
                return true
            }
            if isDue { action() }
        }
        state.withLock { if case .posted = $0 { $0 = .scheduled(id) } }
    }

    func cancel() {
        let id = state.withLock { state -> TimerID? in
            defer { state = .over }
            if case .scheduled(let id) = state { return id }
            return nil
        }
        if let id { mailbox.post { reactor in reactor.cancel(id) } }
    }
}

import Executions
import Linux
import Reactor
import Synchronization

/// The engine's clock on the reactor's timer wheel: actions run on the reactor's thread.
package final class ReactorClock: Executions.Clock {
    private let mailbox: Mailbox

    package init(_ reactor: Reactor) {
        mailbox = reactor.mailbox
    }

    package var monotonicNanoseconds: UInt64 { UInt64(SystemClock.monotonicNanoseconds()) }
    package var wallMicroseconds: Int64 { SystemClock.wallMicroseconds() }

    package func schedule(afterMilliseconds: Int64, _ action: @escaping @Sendable () -> Void) -> any ClockTimer {
        let timer = ReactorTimer(mailbox, action)
        mailbox.post { reactor in timer.arm(on: reactor, afterMilliseconds: afterMilliseconds) }
        return timer
    }
}

/// A timer that may be cancelled before it has reached the wheel. Its action is let go of as soon as it cannot run any more.
private final class ReactorTimer: ClockTimer {
    private struct Guarded {
        var action: (@Sendable () -> Void)?
        var place: TimerID?
    }

    private let mailbox: Mailbox
    private let guarded: Mutex<Guarded>

    init(_ mailbox: Mailbox, _ action: @escaping @Sendable () -> Void) {
        self.mailbox = mailbox
        guarded = Mutex(Guarded(action: action))
    }

    func arm(on reactor: Reactor, afterMilliseconds: Int64) {
        guard guarded.withLock({ $0.action != nil }) else { return }
        let place = reactor.schedule(afterMilliseconds: afterMilliseconds) { self.fire() }
        let isCancelled = guarded.withLock { guarded in
            guarded.place = place
            return guarded.action == nil
        }
        if isCancelled { reactor.cancel(place) }
    }

    private func fire() {
        guarded.withLock { $0.action.take() }?()
    }

    func cancel() {
        let place = guarded.withLock { guarded -> TimerID? in
            // Nil: it has fired, or was cancelled before.
            guard guarded.action.take() != nil else { return nil }
            return guarded.place
        }
        if let place { mailbox.post { $0.cancel(place) } }
    }
}

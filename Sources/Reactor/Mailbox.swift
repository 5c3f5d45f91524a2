import Linux
import Synchronization

/// The single way into a reactor from other threads. Work runs on the reactor's thread, in the order in which each
/// thread has posted it. Posting never blocks on the reactor, and costs a system call only when it sleeps.
package final class Mailbox: Sendable {
    package typealias Work = @Sendable (Reactor) -> Void

    private struct State {
        var work: [Work] = []
        /// True while the reactor sleeps, or is about to, and nobody has woken it: the next to post must.
        var needsWakeup = false
        var wakeups: UInt64 = 0
        /// The reactor is gone: nobody will run anything any more.
        var isClosed = false
    }

    private let state = Mutex(State())
    private let bell: EventCounter
    /// The reactor's thread.
    let owner = ThreadID.current

    init() throws(SystemError) { bell = try EventCounter() }

    /// Hands `work` over, from any thread.
    package func post(_ work: @escaping Work) {
        let mustWake = state.withLock { state in
            if state.isClosed { return false }
            state.work.append(work)
            if !state.needsWakeup { return false }
            state.needsWakeup = false
            state.wakeups += 1
            return true
        }
        if mustWake { bell.signal() }
    }

    /// The reactor ends: what waits is let go of, and what comes later too.
    func close() {
        let work = state.withLock { state in
            state.isClosed = true
            defer { state.work = [] }
            return state.work
        }
        _ = consume work
    }

    /// How often a post had to wake the reactor.
    package var wakeups: UInt64 { state.withLock { $0.wakeups } }

    var wakeupDescriptor: Int32 { bell.descriptor.raw }

    /// Swaps what has gathered against the empty `batch`, whose storage is used again.
    func take(into batch: inout [Work]) {
        state.withLock { swap(&$0.work, &batch) }
    }

    /// Says that the reactor will sleep; false when there is work already.
    func prepareToSleep() -> Bool {
        state.withLock { state in
            state.needsWakeup = state.work.isEmpty
            return state.needsWakeup
        }
    }

    /// The reactor is awake: who posts need not wake it.
    func wokeUp() {
        state.withLock { $0.needsWakeup = false }
    }
}

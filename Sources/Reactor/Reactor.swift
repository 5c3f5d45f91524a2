// The loop. One `turn` is: wait, dispatch readiness, drain the mailbox, fire timers, start children, flush, reap. Every
// phase is bounded in number and in time, so that no kind of work starves another; what is left over makes the next wait
// return at once.
// All state is touched on the reactor's own thread; other threads come in through the mailbox only.
import Linux
import Metrics

/// Waits for descriptors, timers and other threads, and runs their handlers to completion, on one thread.
package final class Reactor {
    /// How much one phase does in a turn.
    package struct Limits: Sendable {
        /// One epoll_wait's worth: enough to amortize the call, few enough to keep the turn short.
        package var eventsMax = 512
        package var mailboxMax = 4_096
        package var timersMax = 4_096
        /// At 64 KiB per stream a turn writes at most 64 MiB.
        package var flushesMax = 1_024
        package var reapsMax = 1_024
        /// A phase goes on to the next once it has taken so long, whatever is left of it: with all phases busy a turn takes
        /// some ten milliseconds, far below what anybody waits for, and far above what changing over costs.
        package var phaseNanosecondsMax: Int64 = 2_000_000

        package init() {}
    }

    /// The way in from other threads.
    package let mailbox: Mailbox
    /// Where children wait for their start: the one kind of work here of which each piece takes milliseconds.
    package weak var spawnQueue: (any SpawnQueue)?
    /// What the turns so far have done.
    package private(set) var turnMetrics = TurnMetrics()
    package let limits: Limits

    private let epoll: Epoll
    private let owner = ThreadID.current
    private var slots = SlotTable()
    /// Events of the last wait, and how many of them have been dispatched.
    private var events = 0
    private var dispatched = 0
    private var flushQueue = SlotQueue()
    private var reapQueue = SlotQueue()
    private var posted: [Mailbox.Work] = []
    private var postedHead = 0
    private var wheel = TimerWheel()
    /// The monotonic time of the wheel's tick 0.
    private let epochNanoseconds: Int64
    private var nowNanoseconds: Int64
    private var isStopped = false

    /// The epoll token of the mailbox's eventfd; no slot has generation 0.
    private static let mailboxToken: UInt64 = 0

    /// A reactor of the calling thread, on which all else is called, `mailbox` excepted.
    package init(limits: Limits = Limits()) throws(SystemError) {
        self.limits = limits
        epoll = try Epoll(eventsMax: limits.eventsMax)
        mailbox = try Mailbox()
        epochNanoseconds = SystemClock.monotonicNanoseconds()
        nowNanoseconds = epochNanoseconds
        // Edge-triggered and never read: each write of the counter is an edge.
        try epoll.add(mailbox.wakeupDescriptor, .input, token: Self.mailboxToken)
    }

    deinit { mailbox.close() }

    /// Turns until `stop`.
    package func run() throws(SystemError) {
        isStopped = false
        while !isStopped { try turn() }
    }

    /// Lets `run` return at the end of this turn.
    package func stop() {
        checkThread()
        isStopped = true
    }

    /// One turn of the loop; waits for something to do first. Throws only what epoll_wait(2) can throw.
    package func turn() throws(SystemError) {
        checkThread()
        try wait()
        dispatch()
        drainMailbox()
        fireTimers()
        spawn()
        flush()
        reap()
        slots.recycle()
        turnMetrics.turns += 1
        turnMetrics.lastTurnNanoseconds = SystemClock.monotonicNanoseconds() - nowNanoseconds
        turnMetrics.times.observe(Int(turnMetrics.lastTurnNanoseconds))
    }

    // MARK: Phases

    private func wait() throws(SystemError) {
        // Events that are left over are dispatched before others are asked for.
        if dispatched == events {
            let timeout = waitMilliseconds()
            events = try epoll.wait(timeoutMilliseconds: timeout)
            dispatched = 0
            turnMetrics.events += UInt64(events)
            if timeout != 0 { mailbox.wokeUp() }
        }
        nowNanoseconds = SystemClock.monotonicNanoseconds()
    }

    /// 0 while work is left over, else until the next timer; -1 without timers.
    private func waitMilliseconds() -> Int32 {
        let isIdle =
            flushQueue.isEmpty && reapQueue.isEmpty && postedHead == posted.count && spawnQueue?.isEmpty ?? true
        guard isIdle, mailbox.prepareToSleep() else { return 0 }
        guard let tick = wheel.nextTick else { return -1 }
        let remaining = epochNanoseconds + tick * 1_000_000 - SystemClock.monotonicNanoseconds()
        return Int32(clamping: max(0, (remaining + 999_999) / 1_000_000))
    }

    /// Calls `piece` up to `limit` times, until it says that nothing is left or the phase's time is over.
    /// - Returns: how many pieces were done.
    private func phase(atMost limit: Int, _ piece: () -> Bool) -> Int {
        var count = 0
        var deadline: Int64?
        while count < limit, piece() {
            count += 1
            let now = SystemClock.monotonicNanoseconds()
            // The time runs from the end of the first piece on, so that each phase does one at least.
            if let deadline, now >= deadline { break }
            deadline = deadline ?? now + limits.phaseNanosecondsMax
        }
        return count
    }

    private func dispatch() {
        _ = phase(atMost: limits.eventsMax) {
            guard dispatched < events else { return false }
            let (token, readiness) = epoll[dispatched]
            dispatched += 1
            // Nil: the handler has gone since the event was queued.
            if token != Self.mailboxToken { slots.handler(Slot(token: token))?.ready(readiness) }
            return true
        }
    }

    private func drainMailbox() {
        if postedHead == posted.count {
            posted.removeAll(keepingCapacity: true)
            postedHead = 0
            mailbox.take(into: &posted)
        }
        let count = phase(atMost: limits.mailboxMax) {
            guard postedHead < posted.count else { return false }
            // What it holds is let go of as soon as it has run.
            var work = Self.noWork
            swap(&work, &posted[postedHead])
            postedHead += 1
            work(self)
            return true
        }
        turnMetrics.posts += UInt64(count)
    }

    private static let noWork: Mailbox.Work = { _ in }

    private func fireTimers() {
        let tick = (nowNanoseconds - epochNanoseconds) / 1_000_000
        let count = phase(atMost: limits.timersMax) {
            guard let action = wheel.popDue(at: tick) else { return false }
            action()
            return true
        }
        turnMetrics.timers += UInt64(count)
    }

    private func spawn() {
        guard let queue = spawnQueue else { return }
        _ = phase(atMost: limits.mailboxMax) {
            guard !queue.isEmpty else { return false }
            queue.startNext()
            return true
        }
    }

    private func flush() {
        // Those who ask again from within come after the count.
        let count = phase(atMost: min(flushQueue.count, limits.flushesMax)) {
            if let slot = flushQueue.popFirst() { slots.takeFlush(slot)?.flush() }
            return true
        }
        turnMetrics.flushes += UInt64(count)
    }

    private func reap() {
        let count = phase(atMost: min(reapQueue.count, limits.reapsMax)) {
            if let slot = reapQueue.popFirst() { slots.takeReap(slot)?.reap() }
            return true
        }
        turnMetrics.reaps += UInt64(count)
    }

    private func checkThread() {
        assert(ThreadID.current == owner, "a reactor is used on its own thread; use its mailbox from others")
    }
}

@available(*, unavailable)
extension Reactor: Sendable {}

// MARK: Descriptors

extension Reactor {
    /// Watches a descriptor, once and for good, until `deregister`; the reactor keeps the handler alive that long.
    /// What is ready already is reported in the next turn. Throws `noSpace` at the system's limit of watches.
    package func register(
        _ descriptor: borrowing Descriptor, _ interest: Interest, _ handler: any ReadinessHandler
    ) throws(SystemError) -> Slot {
        try register(raw: descriptor.raw, interest, handler)
    }

    /// The same for a descriptor that is known by its number.
    package func register(
        raw: Int32, _ interest: Interest, _ handler: any ReadinessHandler
    ) throws(SystemError) -> Slot {
        checkThread()
        let slot = slots.insert(handler, descriptor: raw)
        do {
            try epoll.add(raw, interest, token: slot.token)
        } catch {
            _ = slots.remove(slot)
            throw error
        }
        return slot
    }

    /// Ends a registration: events, flushes and reaps of it that are due fall through. The descriptor must still be
    /// open; close it afterwards. A slot that was deregistered before traps.
    package func deregister(_ slot: Slot) {
        checkThread()
        epoll.remove(slots.remove(slot))
    }

    /// The handler that is registered under `slot`; nil once it is deregistered. So work from another thread finds
    /// what it must not hold.
    package func handler(at slot: Slot) -> (any ReadinessHandler)? {
        checkThread()
        return slots.handler(slot)
    }

    /// The handlers that are registered.
    package var registrations: Int { slots.count }

    /// Calls the handler's `flush` in this turn's flush phase, once however often it is asked for. Asked for in that
    /// phase or after it, or beyond `limits.flushesMax`, it is served in the next turn, which does not wait.
    package func needsFlush(_ slot: Slot) {
        checkThread()
        if slots.markFlushQueued(slot) { flushQueue.append(slot) }
    }

    /// Calls the handler's `reap` at the end of this turn; beyond `limits.reapsMax`, of the next.
    package func reapAtEndOfTurn(_ slot: Slot) {
        checkThread()
        if slots.markReapQueued(slot) { reapQueue.append(slot) }
    }
}

// MARK: Time

extension Reactor {
    /// The monotonic time in nanoseconds at which this turn woke up.
    package func now() -> Int64 { nowNanoseconds }

    /// Runs `action` once after the delay, never earlier, and as much later as the turn takes. A negative delay is 0;
    /// one of 0 runs in a turn to come.
    package func schedule(afterMilliseconds delay: Int64, _ action: @escaping () -> Void) -> TimerID {
        checkThread()
        // The turn's cached time is in the past: counted from there, the timer would be early.
        let elapsed = SystemClock.monotonicNanoseconds() - epochNanoseconds
        let delay = min(max(delay, 0), TimerWheel.deadlineMax)
        return wheel.insert(deadline: (elapsed + 999_999) / 1_000_000 + delay, action)
    }

    /// Takes a timer back. One that has fired or was cancelled is left alone.
    package func cancel(_ timer: TimerID) {
        checkThread()
        wheel.cancel(timer)
    }

    /// The timers that are scheduled.
    package var timers: Int { wheel.count }
}

import Executions
import GRDB
import Synchronization

/// What waits for the store thread. Anyone may add; only the store thread takes. Adding never blocks, and costs a system
/// call only when the thread sleeps.
final class StoreQueue: Sendable {
    /// Something to do inside of the next commit, beside the logs.
    struct Order: Sendable {
        /// About as many bytes are written.
        let bytes: Int
        /// What it throws undoes it alone. What it gives is called on the store thread once the commit is through, or has
        /// failed.
        let run: @Sendable (Database) throws -> Outcome
        /// In place of the outcome: it has thrown, or nobody will run it.
        let fail: @Sendable (any Error) -> Void
    }

    typealias Outcome = @Sendable (_ commitFault: (any Error)?) -> Void

    struct Work {
        var logs: [EventLog] = []
        var orders: [Order] = []
        var isStopping = false

        var isEmpty: Bool { logs.isEmpty && orders.isEmpty && !isStopping }
    }

    /// What the thread waits for.
    fileprivate enum Sleep {
        case none, untilAnything, untilOrder
    }

    fileprivate struct Guarded {
        var work = Work()
        var sleep = Sleep.none
        /// The thread has taken its last work: orders would never be answered.
        var isClosed = false
    }
    private let guarded = Mutex(Guarded())
    private let wakeUp = Semaphore()

    func add(_ logs: [EventLog]) {
        let mustWake = guarded.withLock { guarded -> Bool in
            guarded.work.logs += logs
            return guarded.wake(from: .untilAnything)
        }
        if mustWake { wakeUp.post() }
    }

    /// - Returns: false when nobody will ever run it.
    func add(_ order: Order) -> Bool {
        let (isAccepted, mustWake) = guarded.withLock { guarded -> (Bool, Bool) in
            guard !guarded.isClosed, !guarded.work.isStopping else { return (false, false) }
            guarded.work.orders.append(order)
            return (true, guarded.wake())
        }
        if mustWake { wakeUp.post() }
        return isAccepted
    }

    /// Tells the thread to end once everything that was added is stored.
    func stop() {
        let mustWake = guarded.withLock { guarded -> Bool in
            guarded.work.isStopping = true
            return guarded.wake()
        }
        if mustWake { wakeUp.post() }
    }

    /// For the store thread: everything that has gathered.
    /// - Parameter waitMilliseconds: sleeps so long at most while there is nothing.
    func take(waitMilliseconds: Int) -> Work {
        if let work = takeWhatIsThere(orFallAsleep: waitMilliseconds > 0) { return work }
        wakeUp.wait(milliseconds: waitMilliseconds)
        return takeWhatIsThere(orFallAsleep: false) ?? Work()
    }

    /// For the store thread between two attempts: sleeps for the time given, or until an order or the end comes.
    func pause(milliseconds: Int) {
        let hasOrder = guarded.withLock { guarded -> Bool in
            guarded.sleep = .untilOrder
            return !guarded.work.orders.isEmpty
        }
        if !hasOrder { wakeUp.wait(milliseconds: milliseconds) }
        guarded.withLock { $0.sleep = .none }
    }

    /// For the store thread at its end: what came too late for it. Later orders are refused.
    func close() -> Work {
        guarded.withLock { guarded in
            guarded.isClosed = true
            defer { guarded.work = Work() }
            return guarded.work
        }
    }

    private func takeWhatIsThere(orFallAsleep isWaiting: Bool) -> Work? {
        guarded.withLock { guarded -> Work? in
            if isWaiting, guarded.work.isEmpty {
                guarded.sleep = .untilAnything
                return nil
            }
            guarded.sleep = .none
            defer { guarded.work = Work(isStopping: guarded.work.isStopping) }
            return guarded.work
        }
    }
}

extension StoreQueue.Guarded {
    /// - Returns: whether the thread must be woken, which is so once for each sleep.
    fileprivate mutating func wake(from kind: StoreQueue.Sleep? = nil) -> Bool {
        guard sleep != .none, kind == nil || sleep == kind else { return false }
        sleep = .none
        return true
    }
}

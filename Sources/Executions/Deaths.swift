import Graphs
import Synchronization

/// Whether the daemon may be about to die of an execution: how often in a row it has died while the execution ran, not longer
/// than a while after its take-up, with none of its nodes ended between. One that has been through too many is held at the next
/// start (`ExecutionService.takeUp`).
///
/// The number is stored with what the run appends anyway, as it will have to be read if the daemon dies right then.
struct Deaths {
    /// What has happened beside the run.
    struct News {
        /// It has run for so long that a death is none of its making.
        var isPast = false
        /// The history knows that it is about to start a node.
        var isMarked = false
    }

    enum Mark {
        /// Before a node starts, the history must know.
        case due
        case awaited
        case made
    }

    private let before: Int
    var mark: Mark
    /// A death that comes now would count: no node has ended, and not much time has passed.
    private(set) var counts = true
    /// It has the thread: whatever it does may be what kills.
    var isComputing = true
    /// Until a death is none of its making.
    var timer: (any ClockTimer)?

    init(before: Int, isMarkDue: Bool) {
        self.before = before
        mark = isMarkDue ? .due : .made
    }

    mutating func take(_ body: EventRecord.Body) {
        guard counts, case .nodeComplete(let completion) = body else { return }
        // A node that never ran has survived nothing.
        if completion.attempt > 0, !completion.willRetry { counts = false }
    }

    mutating func pass() { counts = false }

    /// What only waits has no part in a death.
    func count(isRunning: Bool) -> Int {
        guard counts else { return 0 }
        return isRunning ? before + 1 : before
    }
}

extension ExecutionRun {
    /// The number that holds if the daemon dies now.
    func deathsNow() -> Int {
        guard confined.deaths.counts else { return 0 }
        let isRunning = confined.deaths.isComputing || confined.deaths.mark == .awaited || hasRunningTasks
        return confined.deaths.count(isRunning: isRunning)
    }

    /// Whether nodes may start: of what was taken up, none before the history knows it, so that a death right then is counted.
    func isMarked(_ batch: inout EventBatch) -> Bool {
        switch confined.deaths.mark {
        case .made: return true
        case .awaited: return false
        case .due: break
        }
        confined.deaths.mark = .awaited
        flush(&batch)
        let number = deathsNow()
        if log.summary.deaths != number, log.note({ $0.deaths = number }) { environment.store.logHasGrown(log) }
        log.whenStored(log.change) { [self] in
            inbox.withLock { $0.news.isMarked = true }
            wake()
        }
        return false
    }

    func take(_ news: Deaths.News) {
        if news.isMarked { confined.deaths.mark = .made }
        guard news.isPast, confined.deaths.counts else { return }
        confined.deaths.pass()
        if log.summary.deaths != 0, log.note({ $0.deaths = 0 }) { environment.store.logHasGrown(log) }
    }

    /// Only for one that outlives its first slice.
    func armDeathsTimer() {
        guard confined.deaths.counts, confined.deaths.timer == nil else { return }
        confined.deaths.timer = environment.clock.schedule(afterMilliseconds: limits.heldWithinMilliseconds) { [self] in
            inbox.withLock { $0.news.isPast = true }
            wake()
        }
    }
}

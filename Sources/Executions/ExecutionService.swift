import DequeModule
import Graphs
import JSON
import Synchronization

/// All executions of a daemon that are not finished: admits, starts, finds and cancels them.
package final class ExecutionService: Sendable {
    package enum AdmissionError: Error, Sendable {
        /// As many wait as may wait: try again later.
        case queueFull
        /// The daemon is stopping.
        case closed
    }

    package enum CancelResult: Sendable {
        /// The cancel and all before it are visible once the log has stored this change.
        case cancelled(EventLog, change: Int)
        case alreadyFinished(EventLog)
        /// Not among the unfinished ones.
        case unknown
    }

    package struct Limits: Sendable {
        /// Executions that run at once.
        package var runningMax = 10_000
        /// Executions that wait for one of those places.
        package var queuedMax = 10_000
        /// Deaths of the daemon in a row, during each of which an execution ran, after which it is held; 0: never.
        package var deathsMax = 3
        /// Of each execution, from its start to its end.
        package var execution = ExecutionLimits()

        package init() {}
    }

    /// One that waits for a place.
    struct Waiting {
        let log: EventLog
        /// Why it can only fail, if it can.
        var failure: String?
        /// Nothing has interrupted it: it left memory while all of it waited.
        var isWaking = false
        /// Its time has come: so late it is at least, in microseconds since 1970 UTC, though the clock may have been set back.
        var wokenAtMicroseconds: Int64 = 0
    }

    package typealias CancelReply = @Sendable (CancelResult) -> Void

    /// What becomes of an execution until it has ended.
    enum Stage {
        /// Waits for its first place, in `queue`.
        case queued(EventLog)
        /// Had begun under an earlier daemon, and waits in `left`.
        case left(EventLog)
        /// Waits until somebody resumes or cancels it.
        case held(Waiting)
        /// What it needs is read; those who cancel or answer it meanwhile wait.
        case beginning(EventLog, hasPlace: Bool, calls: [BeginningCall])
        case running(ExecutionRun)
        /// All of it waits, and it has left memory.
        case parked(Parked)

        var log: EventLog {
            switch self {
            case .queued(let log), .left(let log), .beginning(let log, _, _): log
            case .held(let waiting): waiting.log
            case .parked(let parked): parked.log
            case .running(let run): run.log
            }
        }
    }

    /// What is asked of an execution while it begins.
    enum BeginningCall {
        case cancel(CancelReply)
        case answer(ExecutionRun.Answering)
    }

    struct Guarded {
        var limits: Limits
        var stages: [ExecutionID: Stage] = [:]
        var queue = FairQueue<ExecutionID, Waiting>()
        var threads = ThreadTurns()
        /// Oldest first.
        var left = Deque<Waiting>()
        /// They have waited, and want a place to go on; oldest first.
        var waking = Deque<ExecutionRun>()
        /// Places that are taken.
        var running = 0
        /// Runs in memory that have none: all of them waits, or they want one.
        var resting = 0
        /// Those that have left memory while all of them waits.
        var parked = 0
        /// Executions that wait for what is being read for them.
        var beginning = 0
        /// Admitted, and about to be put among the running or into the queue.
        var arriving = 0
        var isClosed = false
        /// While held, only what only computes starts, and when interrupted nothing does; all else that is admitted waits in
        /// the queue for the next daemon.
        var pause = ExecutionRun.Pause.none
        /// Executions of an earlier daemon are still being made known; who asks for one that is not known waits.
        var takingUp: [@Sendable () -> Void]?
        /// Nothing begins before the next look: what was to begin could not be read.
        var rests = false
        var isLooking = false
        var starts: any QueuedStarts
    }

    package let environment: RunEnvironment
    private let ids: ExecutionIDGenerator
    let guarded: Mutex<Guarded>

    package init(environment: RunEnvironment, limits: Limits = Limits(), ids: ExecutionIDGenerator) {
        self.environment = environment
        guarded = Mutex(Guarded(limits: limits, starts: StoredStates(store: environment.store)))
        self.ids = ids
    }

    /// Where queued executions find again what they start with; before the first of them.
    package func use(_ starts: any QueuedStarts) {
        guarded.withLock { $0.starts = starts }
    }

    /// These hold from now on. What runs goes on with the limits that it began with, also where fewer may run now; what waits
    /// begins where more may.
    package func change(_ limits: Limits) {
        guarded.withLock { $0.limits = limits }
        fill()
    }

    /// Admits an execution: it runs at once or waits in the queue.
    /// - Parameter initialState: laid over the document's, key by key.
    /// - Parameter rerun: what is taken over from the execution that `origin` names.
    /// - Parameter prepare: sees the log before anything can happen to it.
    package func start(
        _ graph: GraphRevision, initialState: JSONObject, origin: ExecutionOrigin? = nil,
        rerun: RerunPlan? = nil, prepare: (EventLog) -> Void = { _ in }
    ) throws(AdmissionError) -> EventLog {
        let now = environment.clock.wallMicroseconds
        let log = EventLog(
            graph: graph,
            summary: ExecutionSummary(
                id: ids.next(wallMicroseconds: now), graphID: graph.identity.id, graphRevision: graph.identity.revision,
                nodeCount: graph.graph.nodes.count, createdAtMicroseconds: now, origin: origin),
            memory: environment.memory)
        var merged = graph.graph.document.initialState
        for (key, value) in rerun?.initialState ?? initialState { merged[key] = value }
        let start = QueuedStart(initialState: merged, takeover: rerun?.takeover ?? Takeover())
        let mayRun = try admit(onlyComputes: graph.onlyComputes)
        prepare(log)
        // What a thread has left is read first.
        if mayRun, log.threadKey == nil {
            let run = makeRun(log)
            if let pause = arrive(run) {
                if pause == .held { run.hold() }
                run.begin(initialState: start.initialState, takeover: start.takeover)
                return log
            }
        }
        let mustTell = log.wait(with: WaitingStart(start, stored: rerun?.edits ?? merged, in: environment.memory))
        enqueue(log)
        if mustTell { environment.store.logHasGrown(log) }
        fill()
        return log
    }

    /// The log of an execution that is not finished, or finished so lately that its end is not visible yet.
    package func log(of id: ExecutionID) -> EventLog? {
        guarded.withLock { $0.stages[id]?.log }
    }

    package var unfinished: [EventLog] {
        guarded.withLock { $0.stages.values.map(\.log) }
    }

    /// Those that have a place, and those that wait for one.
    package var counts: (running: Int, queued: Int) {
        guarded.withLock { ($0.running, $0.queuedCount + $0.left.count) }
    }

    /// Those that have begun and not ended, and those of them of which all waits.
    package var begun: (count: Int, waiting: Int) {
        guarded.withLock { guarded in
            let waiting = guarded.resting + guarded.parked
            return (guarded.running + waiting, waiting)
        }
    }

    /// The places in the queue, from 1, of those of the executions that wait in it.
    package func queuePositions(of ids: [ExecutionID]) -> [ExecutionID: Int] {
        guard !ids.isEmpty else { return [:] }
        let queue = guarded.withLock { $0.queue }
        return queue.positions(of: Set(ids))
    }

    /// No more executions are admitted.
    package func close() {
        guarded.withLock { $0.isClosed = true }
    }

    /// For the store's observer: executions whose end is visible are the history's from now on, and when memory is tight so
    /// is all that is stored.
    package func forgetFinished(_ logs: [EventLog]) {
        if windowsMustGo { for log in unfinished { log.dropWindow() } }
        let finished = logs.filter(\.isFinishedAndVisible)
        guard !finished.isEmpty else { return }
        // What held them last lets go of them outside of the lock: all that a run had is freed there.
        var stages: [Stage?] = []
        stages.reserveCapacity(finished.count)
        guarded.withLock { guarded in
            for log in finished { stages.append(guarded.stages.removeValue(forKey: log.id)) }
        }
        endTurns(of: finished)
    }

    /// Those that wait for the same threads are in line now: what was left for them is stored.
    private func endTurns(of finished: [EventLog]) {
        let inThreads = finished.filter { $0.threadKey != nil }
        guard !inThreads.isEmpty else { return }
        guarded.withLock { guarded in
            for log in inThreads {
                if let next = guarded.threads.release(log) { guarded.enqueue(next) }
            }
        }
        environment.pool.submit { [weak self] in self?.fill() }
    }

    /// Each log lets go of its own at its next commit; all are asked only while there is much to be had.
    private var windowsMustGo: Bool {
        let memory = environment.memory
        return memory.isTight && memory.bytes(of: .logs) > memory.bytesMax / Self.windowsShare
    }
    private static let windowsShare = 8

    func makeRun(_ log: EventLog, isTakenUp: Bool = false, hasPlace: Bool = true) -> ExecutionRun {
        let limits = guarded.withLock { $0.limits.execution }
        // The service lets go of the run at its end.
        return ExecutionRun(
            log: log, environment: environment, limits: limits, isTakenUp: isTakenUp, hasPlace: hasPlace, keeper: self)
    }

    /// Sets a place aside.
    /// - Returns: whether there is one among the running.
    private func admit(onlyComputes: Bool) throws(AdmissionError) -> Bool {
        let isFull = environment.memory.isFull
        let (refusal, mayRun) = guarded.withLock { guarded -> (AdmissionError?, Bool) in
            if guarded.isClosed { return (.closed, false) }
            // More than the limit run after it has become smaller, and take nobody's place in the queue.
            let places = max(guarded.limits.runningMax, guarded.running) + guarded.limits.queuedMax
            guard guarded.running + guarded.queuedCount + guarded.arriving < places else { return (.queueFull, false) }
            guarded.arriving += 1
            return (nil, guarded.hasPlace(onlyComputes: onlyComputes, memoryIsFull: isFull))
        }
        if let refusal { throw refusal }
        return mayRun
    }

    /// Takes a place among the running; from here on others can find the execution.
    /// - Returns: how the daemon's stop stands; nil if there is no place any more.
    private func arrive(_ run: ExecutionRun) -> ExecutionRun.Pause? {
        guarded.withLock { guarded in
            guard guarded.hasPlace(onlyComputes: run.log.graph.onlyComputes, memoryIsFull: false) else { return nil }
            guarded.arriving -= 1
            guarded.running += 1
            guarded.stages[run.log.id] = .running(run)
            return guarded.pause
        }
    }

    /// Takes a place in the queue; from here on others can find the execution, and start it.
    private func enqueue(_ log: EventLog) {
        guarded.withLock { guarded in
            guarded.arriving -= 1
            guarded.enqueue(Waiting(log: log))
        }
    }
}

extension ExecutionService.Guarded {
    /// Those that wait for their first place, or for their thread.
    var queuedCount: Int { queue.count + threads.waitingCount }

    /// Whether one that comes now may run at once, before all that waits.
    func hasPlace(onlyComputes: Bool, memoryIsFull: Bool) -> Bool {
        guard pause == .none || pause == .held && onlyComputes, queue.count == 0 || pause == .held else { return false }
        // Those that had begun have a place before those that come.
        guard running + left.count + waking.count < limits.runningMax else { return false }
        return !memoryIsFull || running + left.count + resting == 0
    }

    mutating func enqueue(_ waiting: ExecutionService.Waiting) {
        let log = waiting.log
        stages[log.id] = .queued(log)
        queue.append(waiting, id: log.id, graphID: log.graph.identity.id)
    }
}

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
        /// Of each execution, from its start to its end.
        package var execution = ExecutionLimits()

        package init() {}
    }

    struct Queued {
        let run: ExecutionRun
        let initialState: JSONObject
        /// What is taken over from another execution.
        var takeover = Takeover()
    }

    struct Guarded {
        var limits: Limits
        var runs: [ExecutionID: ExecutionRun] = [:]
        var queue = FairQueue<ExecutionID, Queued>()
        var running = 0
        /// Admitted, and about to be put among the running or into the queue.
        var arriving = 0
        var isClosed = false
        /// While held, only what only computes starts, and when interrupted nothing does; all else that is admitted waits in
        /// the queue for the next daemon.
        var pause = ExecutionRun.Pause.none
    }

    package let environment: RunEnvironment
    private let ids: ExecutionIDGenerator
    let guarded: Mutex<Guarded>

    package init(environment: RunEnvironment, limits: Limits = Limits(), ids: ExecutionIDGenerator) {
        self.environment = environment
        guarded = Mutex(Guarded(limits: limits))
        self.ids = ids
    }

    /// These hold from now on. What runs goes on with the limits that it began with, also where fewer may run now; what waits
    /// begins where more may.
    package func change(_ limits: Limits) {
        guarded.withLock { $0.limits = limits }
        while let next = guarded.withLock({ $0.next() }) { next.begin() }
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
        let queued = Queued(run: makeRun(log), initialState: merged, takeover: rerun?.takeover ?? Takeover())
        try admit()
        prepare(log)
        let (runs, pause) = arrive(queued)
        if runs {
            if pause == .held { queued.run.hold() }
            queued.begin()
        } else if log.wait(with: rerun?.edits ?? merged) {
            environment.store.logHasGrown(log)
        }
        return log
    }

    /// The log of an execution that is not finished, or finished so lately that its end is not visible yet.
    package func log(of id: ExecutionID) -> EventLog? {
        guarded.withLock { $0.runs[id]?.log }
    }

    package var unfinished: [EventLog] {
        guarded.withLock { $0.runs.values.map(\.log) }
    }

    package var counts: (running: Int, queued: Int) {
        guarded.withLock { ($0.running, $0.queue.count) }
    }

    /// The places in the queue, from 1, of those of the executions that wait in it.
    package func queuePositions(of ids: [ExecutionID]) -> [ExecutionID: Int] {
        guard !ids.isEmpty else { return [:] }
        let queue = guarded.withLock { $0.queue }
        return queue.positions(of: Set(ids))
    }

    /// - Parameter reply: called on the pool.
    package func cancel(_ id: ExecutionID, _ reply: @escaping @Sendable (CancelResult) -> Void) {
        let (run, queued) = guarded.withLock { guarded -> (ExecutionRun?, Queued?) in
            guard let run = guarded.runs[id] else { return (nil, nil) }
            guard let queued = guarded.queue.remove(id, graphID: run.log.graph.identity.id) else { return (run, nil) }
            guarded.running += 1
            return (nil, queued)
        }
        if let queued {
            let log = queued.run.log
            return queued.run.beginCancelled(initialState: queued.initialState) {
                reply(.cancelled(log, change: log.change))
            }
        }
        guard let run else { return environment.pool.submit { reply(.unknown) } }
        if run.log.summary.status.isFinished { return environment.pool.submit { reply(.alreadyFinished(run.log)) } }
        run.cancel { wasInTime in
            reply(wasInTime ? .cancelled(run.log, change: run.log.change) : .alreadyFinished(run.log))
        }
    }

    /// No more executions are admitted.
    package func close() {
        guarded.withLock { $0.isClosed = true }
    }

    /// For the store's observer: executions whose end is visible are the history's from now on, and when memory is tight so
    /// is all that is stored.
    package func forgetFinished(_ logs: [EventLog]) {
        let finished = logs.filter(\.isFinishedAndVisible)
        if environment.memory.isTight {
            for run in guarded.withLock({ Array($0.runs.values) }) { run.log.dropWindow() }
        }
        guard !finished.isEmpty else { return }
        // What held them last lets go of them outside of the lock: all that a run had is freed there.
        var runs: [ExecutionRun?] = []
        runs.reserveCapacity(finished.count)
        guarded.withLock { guarded in
            for log in finished { runs.append(guarded.runs.removeValue(forKey: log.id)) }
        }
    }

    func makeRun(_ log: EventLog) -> ExecutionRun {
        let limits = guarded.withLock { $0.limits.execution }
        // The service lets go of the run at its end.
        return ExecutionRun(log: log, environment: environment, limits: limits) { self.runEnded() }
    }

    /// Sets a place aside.
    private func admit() throws(AdmissionError) {
        let refusal = guarded.withLock { guarded -> AdmissionError? in
            if guarded.isClosed { return .closed }
            // More than the limit run after it has become smaller, and take nobody's place in the queue.
            let places = max(guarded.limits.runningMax, guarded.running) + guarded.limits.queuedMax
            guard guarded.running + guarded.queue.count + guarded.arriving < places else { return .queueFull }
            guarded.arriving += 1
            return nil
        }
        if let refusal { throw refusal }
    }

    /// Takes the place that was set aside; from here on others can find the execution, and start it from the queue.
    /// - Returns: whether it runs at once, and how the daemon's stop stands.
    private func arrive(_ queued: Queued) -> (runs: Bool, ExecutionRun.Pause) {
        guarded.withLock { guarded in
            guarded.arriving -= 1
            return (guarded.place(queued), guarded.pause)
        }
    }

    private func runEnded() {
        let next = guarded.withLock { guarded -> Queued? in
            guarded.running -= 1
            return guarded.next()
        }
        next?.begin()
    }
}

extension ExecutionService.Queued {
    func begin() {
        run.begin(initialState: initialState, takeover: takeover)
    }
}

extension ExecutionService.Guarded {
    /// Puts an execution among the running, or into the queue.
    /// - Returns: whether it runs at once.
    mutating func place(_ queued: ExecutionService.Queued) -> Bool {
        let log = queued.run.log
        runs[log.id] = queued.run
        let mayStart = pause == .none || pause == .held && log.graph.onlyComputes
        if mayStart, running < limits.runningMax {
            running += 1
            return true
        }
        queue.append(queued, id: log.id, graphID: log.graph.identity.id)
        return false
    }

    /// Makes one of those that wait one of the running, if there is a place for it.
    mutating func next() -> ExecutionService.Queued? {
        guard running < limits.runningMax, pause == .none, let next = queue.popFirst() else { return nil }
        running += 1
        return next
    }
}

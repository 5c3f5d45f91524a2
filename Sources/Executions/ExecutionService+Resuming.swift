import DequeModule
import Graphs
import Synchronization

/// An execution that an earlier daemon has left unfinished.
package struct LeftExecution: Sendable {
    package let summary: ExecutionSummary
    /// What it ran; nothing of it need be able to run if there is a `failure`.
    package let graph: GraphRevision
    /// Why it cannot go on, if it cannot.
    package let failure: String?

    /// All of it waits, and it goes on waiting as if there had been no other daemon.
    var mayStayParked: Bool {
        summary.status == .running && summary.waits?.isAll == true && !summary.isCancelRequested && failure == nil
            && graph.graph.document.onRestart == .resume
    }

    package init(summary: ExecutionSummary, graph: GraphRevision, failure: String? = nil) {
        self.summary = summary
        self.graph = graph
        self.failure = failure
    }
}

/// How an earlier daemon ended, and what its executions are to do.
package struct TakeUp: Sendable {
    /// It stopped by itself, so that no execution has ended it.
    package var isAfterStop: Bool
    /// Nothing goes on by itself.
    package var holdsAll: Bool

    package init(isAfterStop: Bool = true, holdsAll: Bool = false) {
        self.isAfterStop = isAfterStop
        self.holdsAll = holdsAll
    }
}

package enum ResumeResult: Sendable {
    /// That it goes on is stored once the log has stored this change.
    case resumed(EventLog, change: Int)
    case notHeld
    /// Not among the unfinished ones.
    case unknown
}

// MARK: From one daemon to the next

extension ExecutionService {
    /// From now on until `hasTakenUp`, whoever asks for an execution that is not known waits: an earlier daemon may have left it.
    package func willTakeUp() {
        guarded.withLock { $0.takingUp = [] }
    }

    package func hasTakenUp() {
        let waiting = guarded.withLock { $0.takingUp.take() ?? [] }
        for action in waiting { action() }
    }

    /// Calls `action` once all that an earlier daemon has left is known; at once if it is.
    package func whenTakenUp(_ action: @escaping @Sendable () -> Void) {
        let isDone = guarded.withLock { guarded in
            guarded.takingUp?.append(action)
            return guarded.takingUp == nil
        }
        if isDone { action() }
    }

    package var isTakingUp: Bool { guarded.withLock { $0.takingUp != nil } }

    /// Makes known what an earlier daemon has left, oldest first; may be called for a part at a time. They go on as there are
    /// places and memory, what had begun before what had not; but one that was running whenever the daemon died lately is held.
    package func takeUp(_ executions: [LeftExecution], _ order: TakeUp = TakeUp()) {
        let deathsMax = guarded.withLock { $0.limits.deathsMax }
        for execution in executions {
            var summary = execution.summary
            if order.isAfterStop { summary.deaths = 0 }
            let log = EventLog(stored: summary, graph: execution.graph, memory: environment.memory)
            if summary.attempt > 0 { guarded.withLock { _ = $0.threads.take(log) } }
            let isDeadly = deathsMax > 0 && summary.deaths >= deathsMax
            // One that was cancelled only ends.
            let mustHold = order.holdsAll || isDeadly && !summary.isCancelRequested && execution.failure == nil
            if mustHold, summary.status != .held, log.note({ $0.status = .held }) { environment.store.logHasGrown(log) }
            if !mustHold, execution.mayStayParked {
                park(log)
                continue
            }
            let waiting = Waiting(log: log, failure: execution.failure)
            guarded.withLock { guarded in
                if mustHold || summary.status == .held {
                    guarded.stages[log.id] = .held(waiting)
                } else {
                    guarded.wait(waiting)
                }
            }
        }
        fill()
    }

    /// How many are held.
    package var heldCount: Int {
        guarded.withLock { guarded in guarded.stages.values.count { if case .held = $0 { true } else { false } } }
    }

    /// Has an execution that is held go on, as a new one would: with no deaths behind it.
    package func resume(_ id: ExecutionID) -> ResumeResult {
        let log = guarded.withLock { guarded in guarded.stages[id]?.log }
        guard let log else { return .unknown }
        // Its status is that of one which waits before it can begin.
        let resumed = guarded.withLock { guarded -> (change: Int, mustTell: Bool)? in
            guard case .held(let waiting) = guarded.stages[id] else { return nil }
            let mustTell = log.note { summary in
                summary.status = summary.attempt > 0 ? .running : .queued
                summary.deaths = 0
            }
            guarded.wait(waiting)
            return (log.change, mustTell)
        }
        guard let resumed else { return .notHeld }
        if resumed.mustTell { environment.store.logHasGrown(log) }
        fill()
        return .resumed(log, change: resumed.change)
    }

    /// Has all go on that are held, oldest first.
    /// - Parameter isMeant: by the id of the graph.
    /// - Returns: those that do.
    package func resumeAllHeld(ofGraphs isMeant: (String) -> Bool = { _ in true }) -> [(log: EventLog, change: Int)] {
        let held = guarded.withLock { guarded in
            guarded.stages.compactMap { id, stage -> ExecutionID? in
                guard case .held(let waiting) = stage, isMeant(waiting.log.graph.identity.id) else { return nil }
                return id
            }
        }
        return held.sorted().compactMap { id in
            guard case .resumed(let log, let change) = resume(id) else { return nil }
            return (log, change)
        }
    }

    /// Nothing starts any more, neither executions nor nodes, but for those that only compute; nodes that run go on to their
    /// end.
    package func hold() {
        for run in pause(.held) { run.hold() }
    }

    /// Interrupts the nodes that still run; nothing at all starts any more. Executions stay unfinished, and can be taken up
    /// later.
    package func interrupt() {
        for run in pause(.interrupted) { run.interrupt() }
    }

    private func pause(_ pause: ExecutionRun.Pause) -> [ExecutionRun] {
        guarded.withLock { guarded in
            guarded.pause = pause
            return guarded.stages.values.compactMap { if case .running(let run) = $0 { run } else { nil } }
        }
    }

    /// Nothing runs any more: every execution is finished, quiet, or waits.
    package var isQuiet: Bool {
        let stages = guarded.withLock { Array($0.stages.values) }
        return stages.allSatisfy { stage in
            switch stage {
            case .queued, .left, .held, .parked: true
            case .beginning: false
            case .running(let run): run.isQuiet || run.log.isFinishedAndVisible
            }
        }
    }

    /// Traps when the account or the places do not add up. Meant for debug builds, on a service at rest.
    package func checkInvariants() {
        environment.memory.checkInvariants()
        guarded.withLock { guarded in
            var (places, resting, beginning, queued, left) = (0, 0, 0, 0, 0)
            for stage in guarded.stages.values {
                switch stage {
                case .queued: queued += 1
                case .left: left += 1
                case .held, .parked: break
                case .beginning(_, let hasPlace, _):
                    beginning += 1
                    places += hasPlace ? 1 : 0
                // One that has ended is known until that is visible, and has no place any more.
                case .running(let run) where run.holdsPlace: places += 1
                case .running(let run): resting += run.log.summary.status.isFinished ? 0 : 1
                }
            }
            precondition(guarded.queuedCount == queued, "the queue holds what is queued")
            precondition(guarded.left.count == left, "what is left waits in its line")
            precondition(guarded.beginning == beginning, "what is read is about to begin")
            precondition(guarded.running == places, "each place has its execution")
            precondition(guarded.resting == resting, "each run in memory is counted")
        }
    }
}

extension ExecutionStore {
    /// All stored records of an execution, in order.
    package func forEachRecord(of id: ExecutionID, _ body: (EventRecord) throws -> Void) throws {
        var seq = 0
        while true {
            let slice = try records(of: id, after: seq, bytesMax: 1 << 20)
            guard !slice.ends.isEmpty else { return }
            try slice.forEachRecord { try body(try EventRecord(decoding: $0)) }
            seq = slice.lastSeq
        }
    }
}

import Graphs
import JSON
import Synchronization

/// An execution that an earlier daemon has left unfinished.
package struct LeftExecution: Sendable {
    package let summary: ExecutionSummary
    /// What it ran; nothing of it need be able to run if there is a `failure`.
    package let graph: GraphRevision
    /// Why it cannot go on, if it cannot.
    package let failure: String?
    /// Of one that was still queued.
    package let initialState: JSONObject
    package let takeover: Takeover

    package init(
        summary: ExecutionSummary, graph: GraphRevision, failure: String? = nil, initialState: JSONObject = [:],
        takeover: Takeover = Takeover()
    ) {
        self.summary = summary
        self.graph = graph
        self.failure = failure
        self.initialState = initialState
        self.takeover = takeover
    }
}

// MARK: From one daemon to the next

extension ExecutionService {
    /// Takes up what an earlier daemon has left, oldest first, before anything new is admitted. What had begun goes on at
    /// once, also beyond the limit of running executions.
    package func takeUp(_ left: [LeftExecution]) {
        for execution in left {
            let log = EventLog(stored: execution.summary, graph: execution.graph, memory: environment.memory)
            let run = makeRun(log)
            if execution.summary.status == .queued, execution.failure == nil {
                let queued = Queued(run: run, initialState: execution.initialState, takeover: execution.takeover)
                if guarded.withLock({ $0.place(queued) }) { queued.begin() }
                continue
            }
            guarded.withLock { guarded in
                guarded.runs[log.id] = run
                guarded.running += 1
            }
            let store = environment.store
            run.resume(
                { body in try store.forEachRecord(of: log.id) { body($0) } }, takeover: execution.takeover,
                failure: execution.failure)
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
            return Array(guarded.runs.values)
        }
    }

    /// Nothing runs any more: every execution is finished, queued or quiet.
    package var isQuiet: Bool {
        let runs = guarded.withLock { guarded in
            let queued = guarded.queue.ids
            return guarded.runs.values.filter { !queued.contains($0.log.id) }
        }
        return runs.allSatisfy { $0.isQuiet || $0.log.isFinishedAndVisible }
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

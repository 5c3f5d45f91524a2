// Taking an execution up again. First the records of all that has happened are restored, which emits nothing; then it is
// resumed: what has ended has ended, and what was interrupted runs again.

import Graphs
import JSON

/// How an execution goes on after its daemon was gone.
package struct Resumption: Sendable {
    /// 2 for the first time.
    package var attempt: Int
    /// From the first start until now.
    package var elapsedMicroseconds: Int64
    /// A cancel was accepted before.
    package var isCancelled = false
    /// Why it cannot go on.
    package var failure: String?

    package init(attempt: Int, elapsedMicroseconds: Int64, isCancelled: Bool = false, failure: String? = nil) {
        self.attempt = attempt
        self.elapsedMicroseconds = elapsedMicroseconds
        self.isCancelled = isCancelled
        self.failure = failure
    }
}

extension RunMachine {
    /// Takes in the next record of what has happened; in order, before `resume`.
    package mutating func restore(_ body: EventRecord.Body) {
        switch body {
        case .start(_, let initialState):
            guard startedFlow != nil else {
                startedFlow = StateFlow(graph: graph, initialState: initialState)
                return
            }
            _ = interruptRunning()
        case .nodeStart(let rank, let attempt):
            nodes[rank].phase = .running
            nodes[rank].attempt = Int32(attempt)
            _ = flow.input(ofRank: rank)
        case .nodeComplete(let completion) where completion.willRetry:
            nodes[completion.rank].phase = .retrying
        case .nodeComplete(let completion):
            restoreEnd(completion)
        case .nodeOutput, .complete, .error:
            break
        }
    }

    private mutating func restoreEnd(_ completion: NodeCompletion) {
        let rank = completion.rank
        _ = flow.finish(rank: rank, update: completion.update)
        flow.take(completion.taken)
        nodes[rank].phase = .ended
        nodes[rank].status = completion.status
        openCount -= 1
        noteEnd(of: rank, completion.status, completion.update)
        if completion.status == .error {
            failedRanks.insert(rank)
            if graph.nodes[rank].onError == .stop { stop = .nodeError }
        }
        for index in completion.taken { nodes[graph.edges[index].to].isTaken = true }
        for index in graph.outgoing[rank] { nodes[graph.edges[index].to].undecided -= 1 }
    }

    mutating func resume(_ resumption: Resumption, at now: UInt64) {
        beganAt = now
        earlierMicroseconds = max(resumption.elapsedMicroseconds, 0)
        if startedFlow == nil { startedFlow = StateFlow(graph: graph, initialState: [:]) }
        effects.append(.emit(.start(attempt: resumption.attempt, initialState: flow.initialState)))
        let interrupted = interruptRunning()
        if resumption.isCancelled { halt(.cancelled) }
        if let failure = resumption.failure { halt(.failed(failure)) }
        if graph.document.onRestart == .fail {
            halt(.failed("the daemon was stopped while the execution ran, and the graph says on_restart: fail"))
        }
        guard stop == nil else { return }
        for rank in nodes.indices where nodes[rank].phase == .waiting { judgeAgain(edgesTo: rank) }
        for rank in interrupted { begin(interrupted: rank, at: now) }
        for rank in nodes.indices where stop == nil { goOn(rank, at: now) }
    }

    /// What ran when the daemon stopped does not run any more.
    private mutating func interruptRunning() -> [Int] {
        let running = nodes.indices.filter { nodes[$0].phase == .running }
        for rank in running {
            nodes[rank].phase = .waiting
            nodes[rank].interruptions += 1
        }
        return running
    }

    /// That the condition of an edge failed is not recorded until its target ends. Conditions are pure, so they fail again.
    private mutating func judgeAgain(edgesTo rank: Int) {
        let taken = flow.takenSources(ofRank: rank)
        for index in graph.incoming[rank] where nodes[rank].brokenEdge == nil && revision.conditions[index] != nil {
            let source = graph.edges[index].from
            guard nodes[source].phase == .ended, takesEdges(source), !taken.contains(source),
                let state = flow.output(ofRank: source)
            else { continue }
            var seen: ConditionNodes?
            if case .failure(let failure) = judge(index, source, state, &seen) {
                nodes[rank].brokenEdge = (index, failure)
            }
        }
    }

    private mutating func begin(interrupted rank: Int, at now: UInt64) {
        guard stop == nil else { return }
        if graph.nodes[rank].isIdempotent { return makeReady(rank, at: now) }
        let word = "the daemon was stopped while the node ran; it says idempotent: false, so it is not run again"
        end(
            NodeEnding(rank: rank, attempt: Int(nodes[rank].attempt), status: .error, failure: NodeFailure(word)),
            at: now)
    }

    private mutating func goOn(_ rank: Int, at now: UInt64) {
        switch nodes[rank].phase {
        case .waiting where nodes[rank].undecided == 0:
            // A node without incoming edges is taken by nobody, and begins all the same.
            let ending =
                graph.incoming[rank].isEmpty ? begin(rank, at: now) : settle(rank, at: now)
            if let ending { end(ending, at: now) }
        case .retrying: scheduleRetry(rank)
        case .waiting, .ready, .running, .ended: break
        }
    }
}

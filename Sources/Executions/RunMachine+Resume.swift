// Taking an execution up again. First the records of all that has happened are restored, which emits nothing; then it is
// resumed: what has ended has ended, what waits goes on waiting, and what was interrupted runs again.

import Graphs
import HashTreeCollections
import JSON

/// How an execution goes on after its daemon was gone.
package struct Resumption: Sendable {
    /// 2 for the first time.
    package var attempt: Int
    /// From the first start until now.
    package var elapsedMicroseconds: Int64
    /// It was not interrupted, but left memory while all of it waited: it wakes.
    package var isWaking = false
    /// A cancel was accepted before.
    package var isCancelled = false
    /// Why it cannot go on.
    package var failure: String?
    /// What it was to take over from another execution, as far as it has not done so.
    package var takeover = Takeover()

    package init(
        attempt: Int, elapsedMicroseconds: Int64, isWaking: Bool = false, isCancelled: Bool = false,
        failure: String? = nil, takeover: Takeover = Takeover()
    ) {
        self.attempt = attempt
        self.elapsedMicroseconds = elapsedMicroseconds
        self.isWaking = isWaking
        self.isCancelled = isCancelled
        self.failure = failure
        self.takeover = takeover
    }
}

extension RunMachine {
    /// Takes in the next record of what has happened; in order, before `resume`.
    /// - Parameter elapsedMicroseconds: from the first start to that record.
    package mutating func restore(_ body: EventRecord.Body, elapsedMicroseconds: Int64) {
        switch body {
        case .start(_, let initialState):
            guard startedFlow != nil else { return start(initialState) }
            _ = interruptRunning()
        case .nodeStart(let rank, let attempt):
            nodes[rank].phase = graph.nodes[rank].parks ? .parked : .running
            nodes[rank].attempt = Int32(attempt)
            nodes[rank].willRetry = false
            if graph.nodes[rank].parks || revision.bodies[rank].hosts { waits[rank] = elapsedMicroseconds }
            nodes[rank].isPlaceless = false
            rests[rank] = nil
            _ = flow.input(ofRank: rank)
        case .nodeComplete(let completion) where completion.willRetry:
            nodes[completion.rank].phase = .retrying
            nodes[completion.rank].willRetry = true
            questions[completion.rank] = nil
            let delay = completion.notes?.retryDelayMilliseconds ?? Int64(retryDelay(completion.rank).rounded(.up))
            waits[completion.rank] = elapsedMicroseconds + delay * 1000
        case .nodeComplete(let completion):
            restoreEnd(completion)
        case .nodeOutput(let rank, _, let channel, _):
            restoreQuestion(rank, channel, elapsedMicroseconds: elapsedMicroseconds)
        case .signalled(let rank, _, let answer):
            questions[rank]?.take(answer)
        case .complete, .error, .scopeOpened, .scopeClosed:
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
        waits[rank] = nil
        questions[rank] = nil
        rests[rank] = nil
        final?.add(completion.update, rank: rank)
        changes?.add(completion.update, rank: rank)
        if revision.conditionsReadNodes {
            endedNodes[rank] = ConditionNode(status: completion.firstStatus, update: completion.update)
        }
        if completion.firstStatus == .error { failedRanks.insert(rank) }
        if completion.status == .error, graph.nodes[rank].onError == .stop { stop = .nodeError }
        decide(rank, completion.taken, completion.notes?.broken ?? [])
    }

    /// Of what has been restored: the longest time for which a delay goes on, whether a daemon runs or not.
    /// - Parameter elapsed: microseconds from the first start.
    func delayLeftMicroseconds(at elapsed: Int64) -> Int64 {
        waits.reduce(0) { longest, wait in
            guard nodes[wait.key].phase == .parked, let delay = revision.bodies[wait.key].delayMilliseconds else {
                return longest
            }
            return max(longest, wait.value + delay * 1000 - elapsed)
        }
    }

    mutating func resume(_ resumption: Resumption, at now: UInt64) {
        beganAt = now
        earlierMicroseconds = max(resumption.elapsedMicroseconds, 0)
        if startedFlow == nil { start([:]) }
        takeover = resumption.takeover
        let mustFail = graph.document.onRestart == .fail && !resumption.isWaking
        let interrupted = interruptRunning()
        // Where all that is open waits, nothing was interrupted: it goes on without a word.
        let onlyWaits = interrupted.isEmpty && !mustFail && resumption.failure == nil && nodes.contains(where: \.waits)
        if !onlyWaits {
            effects.append(.emit(.start(attempt: resumption.attempt, initialState: flow.initialState)))
        }
        let parked = nodes.indices.filter { nodes[$0].phase == .parked }
        let resting = nodes.indices.filter { nodes[$0].rests }
        for rank in parked + resting { countOn(rank, at: now) }
        for rank in resting { restOn(rank, at: now) }
        if resumption.isCancelled { halt(.cancelled, at: now) }
        if let failure = resumption.failure { halt(.failed(failure), at: now) }
        if mustFail {
            // It does not go on across a restart, and so nothing of it waits.
            for rank in parked + resting { giveUpWait(rank) }
            halt(
                .failed("the daemon was stopped while the execution ran, and the graph says on_restart: fail"), at: now)
        }
        haltIfOversize(at: now)
        if stop != nil { return endWaits() }
        for rank in parked { waitOn(rank, at: now) }
        for rank in interrupted { begin(interrupted: rank, at: now) }
        for rank in nodes.indices where stop == nil { goOn(rank, at: now) }
        waits = [:]
    }

    /// What ran when the daemon stopped does not run any more, but for what only waits.
    private mutating func interruptRunning() -> [Int] {
        let running = nodes.indices.filter { nodes[$0].phase == .running && !nodes[$0].rests }
        for rank in running {
            nodes[rank].phase = .waiting
            nodes[rank].interruptions += 1
        }
        return running
    }

    /// Of an execution that was stopped before it is taken up: what waits ends.
    private mutating func endWaits() {
        for rank in nodes.indices where [.retrying, .parked].contains(nodes[rank].phase) {
            endWait(rank)
        }
    }

    /// The time of a node that waits is counted from its start on.
    private mutating func countOn(_ rank: Int, at now: UInt64) {
        // Of a clock that began after the node did, it is before the beginning: differences are right all the same.
        func time(_ elapsedMicroseconds: Int64?) -> UInt64 {
            now &- UInt64(max(earlierMicroseconds - (elapsedMicroseconds ?? earlierMicroseconds), 0)) &* 1000
        }
        let startedAt = time(waits[rank])
        nodes[rank].readyAt = startedAt
        nodes[rank].startedAt = startedAt
        nodes[rank].beganAt = startedAt
        if let asked = questions[rank]?.askedElapsedMicroseconds { questions[rank]?.askedAt = time(asked) }
    }

    /// A node waits on.
    private mutating func waitOn(_ rank: Int, at now: UInt64) {
        let attempt = Int(nodes[rank].attempt)
        if let question = questions[rank] {
            if let decision = question.decision { return decide(rank, decision, at: now) }
            return awaitAnswer(rank, at: now)
        }
        let elapsed = microseconds(from: nodes[rank].startedAt, to: now)
        if revision.bodies[rank].approval != nil {
            // It had begun, and has not asked yet.
            nodes[rank].phase = .running
            runningCount += 1
        }
        effects.append(
            .park(
                Start(rank: rank, attempt: attempt, state: flow.input(ofRank: rank)), elapsedMicroseconds: elapsed))
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
        case .retrying:
            let left = max((waits[rank] ?? 0) - earlierMicroseconds, 0)
            effects.append(.scheduleRetry(rank: rank, afterMilliseconds: (left + 999) / 1000))
        case .waiting, .ready, .running, .parked, .judged, .ended: break
        }
    }
}

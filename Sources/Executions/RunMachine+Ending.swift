// How nodes end: attempts, retries, and the edges that are decided by that.

import Graphs
import HashTreeCollections
import JSON

/// How an attempt ended, or a node that never started, before the outgoing edges are decided.
struct NodeEnding {
    let rank: Int
    let attempt: Int
    var status: NodeStatus
    var durationMicroseconds: Int64 = 0
    var queueMicroseconds: Int64 = 0
    /// Of that, what came after its start.
    var lateQueueMicroseconds: Int64 = 0
    /// How long it waited for people, which is no part of its duration.
    var waitMicroseconds: Int64?
    var update = JSONObject()
    var failure: NodeFailure?
    /// What there is to say of a success.
    var details = JSONObject()
    /// It was taken over, with the edges that are decided already.
    var result: Shared<TakenOver>?
    var isOversize = false
    /// The outgoing edges that the node itself has chosen.
    var chosen: [Int]?
}

extension NodeEnding {
    init(rank: Int, _ result: TakenOver) {
        self.init(rank: rank, attempt: 0, status: result.status == .skipped ? .skipped : .cached)
        update = result.update
        failure = result.failure
        self.result = Shared(result)
    }

    /// The status by which conditions know the node.
    var firstStatus: NodeStatus { result?.value.status ?? status }

    func completion(
        taken: [Int] = [], retryDelayMilliseconds: Int64? = nil, broken: [BrokenEdge] = [],
        judgeMicroseconds: Int64 = 0
    ) -> NodeCompletion {
        NodeCompletion(
            rank: rank, attempt: attempt, status: status, willRetry: retryDelayMilliseconds != nil,
            durationMicroseconds: durationMicroseconds, queueMicroseconds: queueMicroseconds, update: update,
            taken: taken, error: failure?.message, details: failure?.details ?? details,
            notes: notes(retryDelayMilliseconds, broken, judgeMicroseconds))
    }

    private func notes(
        _ retryDelayMilliseconds: Int64?, _ broken: [BrokenEdge], _ judgeMicroseconds: Int64
    ) -> CompletionNotes? {
        let isPlain = result == nil && retryDelayMilliseconds == nil && broken.isEmpty && !isOversize
        if isPlain, judgeMicroseconds == 0, lateQueueMicroseconds == 0, waitMicroseconds == nil { return nil }
        var notes = CompletionNotes()
        notes.broken = broken
        notes.retryDelayMilliseconds = retryDelayMilliseconds
        notes.firstStatus = status == .cached && firstStatus != .success ? firstStatus : nil
        notes.judgeMicroseconds = judgeMicroseconds
        notes.isOversize = isOversize
        notes.lateQueueMicroseconds = lateQueueMicroseconds
        notes.waitMicroseconds = waitMicroseconds
        return notes == CompletionNotes() ? nil : notes
    }
}

extension RunMachine {
    mutating func endAttempt(_ rank: Int, _ outcome: consuming NodeOutcome, at now: UInt64) {
        takePlace(rank)
        if nodes[rank].phase == .running { runningCount -= 1 }
        var ending = timedEnding(rank, at: now)
        stoodStill[rank] = nil
        rests[rank] = nil
        guard stop == nil else {
            ending.status = .cancelled
            return endCancelled(ending)
        }
        switch consume outcome {
        case .success(let update):
            ending.failure = refusal(of: update, rank)
            if ending.failure == nil { ending.update = update }
        case .told(let update, let details):
            ending.failure = refusal(of: update, rank)?.adding(details)
            if ending.failure == nil { (ending.update, ending.details) = (update, details) }
        case .chose(let update, let next):
            ending.failure = refusal(of: update, rank) ?? choose(next, &ending)
            if ending.failure == nil { ending.update = update }
        case .failure(let failure):
            ending.failure = timeout(rank)?.keepingWords(of: failure) ?? failure
        case .asks, .left:
            preconditionFailure("whoever asks, or goes on later, has not ended")
        }
        questions[rank] = nil
        if ending.failure != nil {
            ending.status = .error
            if retry(ending) { return }
        }
        end(ending, at: now)
    }

    /// - Returns: why it cannot be.
    private func choose(_ next: String, _ ending: inout NodeEnding) -> NodeFailure? {
        let outgoing = graph.outgoing[ending.rank]
        let target = { (edge: Int) in graph.nodes[graph.edges[edge].to] }
        let byID = outgoing.filter { target($0).id == next }
        let chosen = byID.isEmpty ? outgoing.filter { target($0).name == next } : byID
        guard chosen.isEmpty else {
            ending.chosen = chosen
            return nil
        }
        let names = outgoing.map { target($0).id }.joined(separator: ", ")
        return NodeFailure(
            "the node returned the string \(JSONText(next.cut(toBytes: 100))); it takes a mapping, None, or the name of a next node"
                + (names.isEmpty ? ", and none comes next" : ": \(names)"))
    }

    private mutating func takePlace(_ rank: Int) {
        guard nodes[rank].isPlaceless else { return }
        nodes[rank].isPlaceless = false
        placelessCount -= 1
        runningCount += 1
    }

    /// The end of an attempt that runs or waits, with its times.
    func timedEnding(_ rank: Int, at now: UInt64) -> NodeEnding {
        var ending = NodeEnding(rank: rank, attempt: Int(nodes[rank].attempt), status: .success)
        // What never began to run was in the queue all the time.
        let began = nodes[rank].beganAt ?? (now &- (stoodStill[rank] ?? 0))
        let rested = rests[rank].map { Int64($0.nanoseconds(until: now) / 1000) }
        ending.queueMicroseconds = max(microseconds(from: nodes[rank].readyAt, to: began) - (rested ?? 0), 0)
        ending.lateQueueMicroseconds = max(microseconds(from: nodes[rank].startedAt, to: began) - (rested ?? 0), 0)
        let asked = questions[rank]?.askedAt
        ending.durationMicroseconds = microseconds(from: began, to: asked ?? now)
        ending.waitMicroseconds = asked.map { microseconds(from: $0, to: now) } ?? rested
        return ending
    }

    private func timeout(_ rank: Int) -> NodeFailure? {
        guard nodes[rank].timedOut, let limit = graph.nodes[rank].timeoutMilliseconds else { return nil }
        return NodeFailure("the node took longer than its timeout_ms (\(limit) ms)")
    }

    /// Why the engine makes an error of a success: a timeout, a state that grew too large, an update that its reducer refuses.
    private mutating func refusal(of update: JSONObject, _ rank: Int) -> NodeFailure? {
        if let timeout = timeout(rank) { return timeout }
        if flow.surelyTakes(update, rank: rank, stateBytesMax: limits.stateBytesMax) { return nil }
        var state = flow.input(ofRank: rank)
        if let refusal = state.refusal(of: update) { return NodeFailure(refusal) }
        state.apply(update, rank: rank)
        return state.refusal(bytesMax: limits.stateBytesMax).map { NodeFailure("the state \($0)") }
    }

    private mutating func retry(_ ending: NodeEnding) -> Bool {
        let rank = ending.rank
        let policy = graph.nodes[rank].retry
        guard tries(rank) < policy.maxAttempts else { return false }
        nodes[rank].phase = .retrying
        nodes[rank].willRetry = true
        let delay = askedDelay(ending) ?? jitter.delay(milliseconds: retryDelay(rank))
        effects.append(
            .emit(.nodeComplete(ending.completion(retryDelayMilliseconds: delay)), flow.input(ofRank: rank)))
        effects.append(.scheduleRetry(rank: rank, afterMilliseconds: delay))
        return true
    }

    /// Milliseconds that somebody asked for, as far as a retry may wait at all.
    private func askedDelay(_ ending: NodeEnding) -> Int64? {
        guard let asked = ending.failure?.retryAfterMilliseconds, asked > 0 else { return nil }
        return min(asked, Int64(limits.retryDelayMillisecondsMax))
    }

    /// Attempts that came to an end of their own.
    func tries(_ rank: Int) -> Int { Int(nodes[rank].attempt - nodes[rank].interruptions) }

    /// Milliseconds before the next attempt, before jitter.
    func retryDelay(_ rank: Int) -> Double {
        let policy = graph.nodes[rank].retry
        var delay = Double(policy.delayMilliseconds)
        for _ in 1..<max(tries(rank), 1) {
            delay = min(delay * policy.backoff, limits.retryDelayMillisecondsMax)
        }
        return delay
    }

    /// Ends a node for good, and then every node that is decided by that, in a loop: chains of skipped nodes may be long.
    mutating func end(_ first: NodeEnding, at now: UInt64) {
        var following: [NodeEnding] = []
        end(first, &following, at: now)
        endAll(&following, at: now)
    }

    private mutating func endAll(_ following: inout [NodeEnding], at now: UInt64) {
        while let next = following.popLast() { end(next, &following, at: now) }
    }

    /// - Parameter following: takes the ends that this one brings about.
    private mutating func end(_ ending: NodeEnding, _ following: inout [NodeEnding], at now: UInt64) {
        // A stop on the way: what never started says nothing.
        if stop != nil, ending.attempt == 0 { return }
        nodes[ending.rank].status = ending.status
        if revision.conditionsReadNodes {
            endedNodes[ending.rank] = ConditionNode(status: ending.firstStatus, update: ending.update)
        }
        if revision.hasConditions, judge(ending, at: now) { return }
        conclude(ending, EdgeVerdicts(), judgeMicroseconds: 0, &following, at: now)
    }

    /// The verdicts of a node's edges are there.
    mutating func endJudged(_ rank: Int, _ verdicts: EdgeVerdicts, at now: UInt64) {
        guard let judged = judged.removeValue(forKey: rank) else { return }
        if judged.holdsPlace { runningCount -= 1 }
        var following: [NodeEnding] = []
        let time = microseconds(from: judged.since, to: now)
        conclude(judged.ending, verdicts, judgeMicroseconds: time, &following, at: now)
        endAll(&following, at: now)
    }

    private mutating func conclude(
        _ ending: NodeEnding, _ verdicts: EdgeVerdicts, judgeMicroseconds: Int64, _ following: inout [NodeEnding],
        at now: UInt64
    ) {
        let rank = ending.rank
        let state = flow.finish(rank: rank, update: ending.update)
        nodes[rank].phase = .ended
        openCount -= 1
        if ending.firstStatus == .error { failedRanks.insert(rank) }
        let (taken, broken) = edges(of: ending, verdicts)
        decide(rank, taken, broken)
        flow.take(taken)
        effects.append(
            .emit(
                .nodeComplete(
                    ending.completion(taken: taken, broken: broken, judgeMicroseconds: judgeMicroseconds)), state))
        if !ending.update.isEmpty {
            final?.add(ending.update, rank: rank)
            changes?.add(ending.update, rank: rank)
            haltIfOversize(at: now)
        }
        // A failure that was taken over has stopped another execution, not this one.
        if ending.status == .error, graph.nodes[rank].onError == .stop { halt(.nodeError, at: now) }
        guard stop == nil else { return }
        for target in decided.reversed() {
            if let next = settle(target, at: now) { following.append(next) }
        }
    }

    /// Which outgoing edges of a node are taken, and which are broken, both in order.
    private func edges(of ending: NodeEnding, _ verdicts: EdgeVerdicts) -> (taken: [Int], broken: [BrokenEdge]) {
        if let result = ending.result?.value {
            guard !result.undecided.isEmpty else { return (result.taken, result.broken) }
            return (
                (result.taken + verdicts.taken).sorted(),
                (result.broken + verdicts.broken).sorted { $0.edge < $1.edge }
            )
        }
        guard stop == nil, takesEdges(ending) else { return ([], []) }
        if let chosen = ending.chosen { return (chosen, []) }
        let outgoing = graph.outgoing[ending.rank]
        guard revision.hasConditions, !verdicts.isEmpty || outgoing.contains(where: isConditional) else {
            return (outgoing, [])
        }
        let taken = Set(verdicts.taken)
        return (outgoing.filter { !isConditional($0) || taken.contains($0) }, verdicts.broken)
    }

    func isConditional(_ edge: Int) -> Bool { revision.conditions[edge] != nil }

    /// Whether a node that ends so may take its outgoing edges.
    func takesEdges(_ ending: NodeEnding) -> Bool {
        switch ending.status {
        case .success: true
        case .error: graph.nodes[ending.rank].onError == .continue
        case .skipped, .cancelled, .cached: false
        }
    }

    /// Takes note of what has become of the outgoing edges of a node. The nodes whose last undecided edge that was are in
    /// `decided` then.
    mutating func decide(_ rank: Int, _ taken: [Int], _ broken: [BrokenEdge]) {
        decided.removeAll(keepingCapacity: true)
        for edge in taken { nodes[graph.edges[edge].to].isTaken = true }
        for broken in broken { take(broken) }
        for edge in graph.outgoing[rank] {
            let target = graph.edges[edge].to
            nodes[target].undecided -= 1
            if nodes[target].undecided == 0 { decided.append(target) }
        }
    }

    private mutating func take(_ broken: BrokenEdge) {
        let target = graph.edges[broken.edge].to
        if broken.edge < nodes[target].brokenEdge?.edge ?? .max { nodes[target].brokenEdge = broken }
    }

    /// All incoming edges of a node are decided: it becomes ready, or ends without ever starting.
    mutating func settle(_ rank: Int, at now: UInt64) -> NodeEnding? {
        // What was taken over ends as it did.
        if !takeover.isEmpty, takeover.results[rank] != nil { return begin(rank, at: now) }
        if let broken = nodes[rank].brokenEdge {
            let (source, target) = (graph.nodes[graph.edges[broken.edge].from].id, graph.nodes[rank].id)
            let word = "the condition of the edge \(source) → \(target) failed: \(broken.failure.message)"
            var ending = NodeEnding(rank: rank, attempt: 0, status: .error)
            ending.failure = NodeFailure(word, details: broken.failure.details)
            return ending
        }
        guard nodes[rank].isTaken else { return NodeEnding(rank: rank, attempt: 0, status: .skipped) }
        return begin(rank, at: now)
    }
}

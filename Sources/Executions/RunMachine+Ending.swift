// How nodes end: attempts, retries, and the edges that are decided by that.

import Graphs
import JSON

/// How an attempt ended, or a node that never started, before the outgoing edges are decided.
struct NodeEnding {
    let rank: Int
    let attempt: Int
    var status: NodeStatus
    var durationMicroseconds: Int64 = 0
    var queueMicroseconds: Int64 = 0
    var update = JSONObject()
    var failure: NodeFailure?

    func completion(taken: [Int] = [], willRetry: Bool = false) -> NodeCompletion {
        NodeCompletion(
            rank: rank, attempt: attempt, status: status, willRetry: willRetry,
            durationMicroseconds: durationMicroseconds, queueMicroseconds: queueMicroseconds, update: update,
            taken: taken, error: failure?.message, details: failure?.details ?? JSONObject())
    }
}

extension RunMachine {
    mutating func endAttempt(_ rank: Int, _ outcome: consuming NodeOutcome, at now: UInt64) {
        runningCount -= 1
        var ending = NodeEnding(rank: rank, attempt: Int(nodes[rank].attempt), status: .success)
        // What never began to run was in the queue all the time.
        let began = nodes[rank].beganAt ?? now
        ending.durationMicroseconds = microseconds(from: began, to: now)
        ending.queueMicroseconds = microseconds(from: nodes[rank].readyAt, to: began)
        guard stop == nil else {
            ending.status = .cancelled
            return end(ending, at: now)
        }
        switch consume outcome {
        case .success(let update):
            ending.failure = refusal(of: update, rank)
            if ending.failure == nil { ending.update = update }
        case .failure(let failure):
            ending.failure = timeout(rank) ?? failure
        }
        if ending.failure != nil {
            ending.status = .error
            if retry(ending) { return }
        }
        end(ending, at: now)
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
        guard state.bytes > limits.stateBytesMax else { return nil }
        return NodeFailure(
            "the state would grow to \(state.bytes) bytes, more than executions.state_bytes_max (\(limits.stateBytesMax))"
        )
    }

    private mutating func retry(_ ending: NodeEnding) -> Bool {
        let rank = ending.rank
        let policy = graph.nodes[rank].retry
        guard tries(rank) < policy.maxAttempts else { return false }
        nodes[rank].phase = .retrying
        effects.append(.emit(.nodeComplete(ending.completion(willRetry: true)), flow.input(ofRank: rank)))
        scheduleRetry(rank)
        return true
    }

    /// Attempts that came to an end of their own.
    func tries(_ rank: Int) -> Int { Int(nodes[rank].attempt - nodes[rank].interruptions) }

    /// Before jitter.
    mutating func scheduleRetry(_ rank: Int) {
        let policy = graph.nodes[rank].retry
        var delay = Double(policy.delayMilliseconds)
        for _ in 1..<max(tries(rank), 1) {
            delay = min(delay * policy.backoff, limits.retryDelayMillisecondsMax)
        }
        effects.append(.scheduleRetry(rank: rank, afterMilliseconds: delay))
    }

    /// Ends a node for good, and then every node that is decided by that, in a loop: chains of skipped nodes may be long.
    mutating func end(_ first: NodeEnding, at now: UInt64) {
        var following: [NodeEnding] = []
        end(first, &following, at: now)
        while let next = following.popLast() { end(next, &following, at: now) }
    }

    /// - Parameter following: takes the ends that this one brings about.
    private mutating func end(_ ending: NodeEnding, _ following: inout [NodeEnding], at now: UInt64) {
        // A stop on the way: what never started says nothing.
        if stop != nil, ending.attempt == 0 { return }
        let rank = ending.rank
        let state = flow.finish(rank: rank, update: ending.update)
        nodes[rank].phase = .ended
        nodes[rank].status = ending.status
        openCount -= 1
        noteEnd(of: rank, ending.status, ending.update)
        if ending.status == .error { failedRanks.insert(rank) }
        let taken = decideEdges(of: rank, state)
        flow.take(taken)
        effects.append(.emit(.nodeComplete(ending.completion(taken: taken)), state))
        if ending.status == .error, graph.nodes[rank].onError == .stop { halt(.nodeError) }
        guard stop == nil else { return }
        for target in decided.reversed() {
            if let next = settle(target, at: now) { following.append(next) }
        }
    }

    /// Decides the outgoing edges of a node that has ended. The nodes whose last undecided edge that was are in `decided` then.
    /// - Returns: the edges that are taken.
    mutating func decideEdges(of rank: Int, _ state: State) -> [Int] {
        decided.removeAll(keepingCapacity: true)
        let outgoing = graph.outgoing[rank]
        let mayTake = stop == nil && takesEdges(rank)
        // Nil as long as all are taken, as mostly all are.
        var taken: [Int]? = mayTake ? nil : []
        var seen: ConditionNodes?
        for (place, index) in outgoing.enumerated() {
            let target = graph.edges[index].to
            if mayTake {
                if takes(index, rank, state, &seen) {
                    taken?.append(index)
                    nodes[target].isTaken = true
                } else if taken == nil {
                    taken = Array(outgoing[..<place])
                }
            }
            nodes[target].undecided -= 1
            if nodes[target].undecided == 0 { decided.append(target) }
        }
        return taken ?? outgoing
    }

    /// Whether an edge is taken. One whose condition fails is not, and its target will say so.
    private mutating func takes(_ edge: Int, _ rank: Int, _ state: State, _ seen: inout ConditionNodes?)
        -> Bool
    {
        guard revision.hasConditions, revision.conditions[edge] != nil else { return true }
        switch judge(edge, rank, state, &seen) {
        case .success(let isTaken): return isTaken
        case .failure(let failure):
            let target = graph.edges[edge].to
            if edge < nodes[target].brokenEdge?.index ?? .max { nodes[target].brokenEdge = (edge, failure) }
            return false
        }
    }

    /// Whether a node that has ended may take its outgoing edges.
    func takesEdges(_ rank: Int) -> Bool {
        switch nodes[rank].status {
        case .success, .cached: true
        case .error: graph.nodes[rank].onError == .continue
        case .skipped, .cancelled: false
        }
    }

    /// All incoming edges of a node are decided: it becomes ready, or ends without ever starting.
    mutating func settle(_ rank: Int, at now: UInt64) -> NodeEnding? {
        if let (index, failure) = nodes[rank].brokenEdge {
            let (source, target) = (graph.nodes[graph.edges[index].from].id, graph.nodes[rank].id)
            let word = "the condition of the edge \(source) → \(target) failed: \(failure.message)"
            let failure = NodeFailure(word, details: failure.details)
            return NodeEnding(rank: rank, attempt: 0, status: .error, failure: failure)
        }
        guard nodes[rank].isTaken else { return NodeEnding(rank: rank, attempt: 0, status: .skipped) }
        return begin(rank, at: now)
    }

    /// - Parameter seen: what the conditions of this source see of nodes, made for the first that looks.
    func judge(_ edge: Int, _ rank: Int, _ state: State, _ seen: inout ConditionNodes?) -> Result<Bool, NodeFailure> {
        guard let condition = revision.conditions[edge] else { return .success(true) }
        let nodes = condition.readsNodes ? seen ?? ConditionNodes(of: rank, in: graph, ended: endedNodes) : [:]
        if condition.readsNodes { seen = nodes }
        let run = condition.begin(ConditionScope(state: state, nodes: nodes), budgetNanoseconds: .max)
        while true {
            switch run.step(sliceNanoseconds: 1_000_000_000) {
            case .finished(let isTrue): return .success(isTrue)
            case .failed(let failure): return .failure(failure)
            case .yielded: continue
            }
        }
    }
}

// How nodes end: attempts, retries, and the edges that are decided by that.

import Graphs
import JSON

extension RunMachine {
    mutating func endAttempt(_ rank: Int, _ outcome: NodeOutcome, at now: UInt64) {
        runningCount -= 1
        var completion = NodeCompletion(rank: rank, attempt: Int(nodes[rank].attempt), status: .success)
        completion.durationMicroseconds = microseconds(from: nodes[rank].startedAt, to: now)
        completion.queueMicroseconds = microseconds(from: nodes[rank].readyAt, to: nodes[rank].startedAt)
        guard stop == nil else {
            completion.status = .cancelled
            return end(consume completion, at: now)
        }
        switch judged(outcome, rank) {
        case .success(let update):
            completion.update = update
        case .failure(let failure):
            completion.status = .error
            completion.error = failure.message
            completion.details = failure.details
            if retry(rank, &completion) { return }
        }
        end(consume completion, at: now)
    }

    /// What the engine makes of an outcome: a timeout, a state that grew too large, an update that its reducer refuses.
    mutating func judged(_ outcome: NodeOutcome, _ rank: Int) -> NodeOutcome {
        if nodes[rank].timedOut, let limit = graph.nodes[rank].timeoutMilliseconds {
            return .failure(NodeFailure("the node took longer than its timeout_ms (\(limit) ms)"))
        }
        guard case .success(let update) = outcome else { return outcome }
        var state = flow.input(ofRank: rank)
        if let refusal = state.refusal(of: update) { return .failure(NodeFailure(refusal)) }
        if state.bytes + update.byteCount <= limits.stateBytesMax { return outcome }
        state.apply(update, rank: rank)
        guard state.bytes <= limits.stateBytesMax else {
            return .failure(
                NodeFailure(
                    "the state would grow to \(state.bytes) bytes, more than executions.state_bytes_max (\(limits.stateBytesMax))"
                ))
        }
        return outcome
    }

    mutating func retry(_ rank: Int, _ completion: inout NodeCompletion) -> Bool {
        let policy = graph.nodes[rank].retry
        guard tries(rank) < policy.maxAttempts else { return false }
        completion.willRetry = true
        nodes[rank].phase = .retrying
        effects.append(.emit(.nodeComplete(completion), flow.input(ofRank: rank)))
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
    mutating func end(_ first: consuming NodeCompletion, at now: UInt64) {
        var next: NodeCompletion? = consume first
        var ended: [NodeCompletion] = []
        while var completion = next.take() {
            defer { next = ended.popLast() }
            let rank = completion.rank
            // A stop on the way: what never started says nothing.
            if stop != nil, completion.attempt == 0 { continue }
            let state = flow.finish(rank: rank, update: completion.update)
            nodes[rank].phase = .ended
            nodes[rank].status = completion.status
            openCount -= 1
            if keepsUpdates { updates[rank] = completion.update }
            if completion.status == .error { failedRanks.insert(rank) }
            completion.taken = decideEdges(of: rank, state)
            flow.take(completion.taken)
            effects.append(.emit(.nodeComplete(completion), state))
            if completion.status == .error, graph.nodes[rank].onError == .stop { halt(.nodeError) }
            guard stop == nil else { continue }
            for target in decided.reversed() {
                if let completion = settle(target, at: now) { ended.append(completion) }
            }
        }
    }

    /// Decides the outgoing edges of a node that has ended. The nodes whose last undecided edge that was are in `decided` then.
    /// - Returns: the edges that are taken.
    mutating func decideEdges(of rank: Int, _ state: State) -> [Int] {
        decided.removeAll(keepingCapacity: true)
        var taken: [Int] = []
        let mayTake = stop == nil && takesEdges(rank)
        var seen: [String: ConditionNode]?
        for index in graph.outgoing[rank] {
            let target = graph.edges[index].to
            if mayTake {
                switch judge(index, rank, state, &seen) {
                case .success(true):
                    taken.append(index)
                    nodes[target].isTaken = true
                case .success(false):
                    break
                case .failure(let failure):
                    if index < nodes[target].brokenEdge?.index ?? .max { nodes[target].brokenEdge = (index, failure) }
                }
            }
            nodes[target].undecided -= 1
            if nodes[target].undecided == 0 { decided.append(target) }
        }
        return taken
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
    mutating func settle(_ rank: Int, at now: UInt64) -> NodeCompletion? {
        if let (index, failure) = nodes[rank].brokenEdge {
            let edge = graph.edges[index]
            var completion = NodeCompletion(rank: rank, attempt: 0, status: .error)
            completion.error =
                "the condition of the edge \(graph.nodes[edge.from].id) → \(graph.nodes[rank].id) failed: \(failure.message)"
            completion.details = failure.details
            return completion
        }
        guard nodes[rank].isTaken else { return NodeCompletion(rank: rank, attempt: 0, status: .skipped) }
        return begin(rank, at: now)
    }

    /// - Parameter seen: what the conditions of this source see of nodes, made for the first that looks.
    func judge(
        _ edge: Int, _ rank: Int, _ state: State, _ seen: inout [String: ConditionNode]?
    ) -> Result<Bool, NodeFailure> {
        guard let condition = revision.conditions[edge] else { return .success(true) }
        guard condition.readsNodes else { return condition.evaluate(ConditionScope(state: state, nodes: [:])) }
        let nodes = seen ?? visibleNodes(from: rank)
        seen = nodes
        return condition.evaluate(ConditionScope(state: state, nodes: nodes))
    }

    /// A node and its ancestors over taken edges.
    func visibleNodes(from rank: Int) -> [String: ConditionNode] {
        var seen: [String: ConditionNode] = [:]
        var open = [rank]
        while let next = open.popLast() {
            let id = graph.nodes[next].id
            guard seen[id] == nil else { continue }
            seen[id] = ConditionNode(status: nodes[next].status, update: updates[next])
            open.append(contentsOf: flow.takenSources(ofRank: next))
        }
        return seen
    }
}

// The rules of an execution, and nothing else: inputs in, effects out; no I/O, no clock, no thread. Whoever drives it says
// what time it is, takes the effects in their order, and asks for the next node to start as long as it can start one.

import DequeModule
import Graphs
import JSON

package struct RunMachine {
    package enum Input: Sendable {
        /// `isCancelled`: it starts only to end, since it was cancelled while it was queued.
        case begin(attempt: Int, initialState: JSONObject, isCancelled: Bool = false)
        case nodeOutput(rank: Int, attempt: Int, channel: String, data: JSONText)
        case nodeEnded(rank: Int, attempt: Int, NodeOutcome)
        case nodeTimedOut(rank: Int, attempt: Int)
        case retryDue(rank: Int)
        case executionTimedOut
        case cancel
    }

    package enum Effect: Sendable {
        case emit(EventRecord.Body)
        /// Cancel the task of this node; its end is still awaited.
        case interrupt(rank: Int)
        case scheduleRetry(rank: Int, afterMilliseconds: Double)
        /// The terminal event was emitted: nothing follows.
        case finish(ExecutionStatus)
    }

    /// A node that is to run now; its `node_start` has been emitted.
    package struct Start: Sendable {
        package let rank: Int
        package let attempt: Int
        package let state: State
    }

    private enum Phase { case waiting, ready, running, retrying, ended }

    private struct NodeRun {
        var phase = Phase.waiting
        var undecided: Int32
        var attempt: Int32 = 0
        var isTaken = false
        var timedOut = false
        var status = NodeStatus.skipped
        var readyAt: UInt64 = 0
        var startedAt: UInt64 = 0
        var outputBytes = 0
        /// Why the condition of an incoming edge could not be evaluated, and which edge it was.
        var brokenEdge: (index: Int, failure: NodeFailure)?
    }

    private enum Stop {
        case cancelled, nodeError
        case failed(String)
    }

    package let revision: GraphRevision
    private let limits: ExecutionLimits
    /// Made when the initial state is known.
    private var startedFlow: StateFlow?
    private var nodes: [NodeRun]
    private var ready = Deque<Int>()
    private var runningCount = 0
    private var openCount: Int
    private var failedRanks: Set<Int> = []
    private var stop: Stop?
    private var beganAt: UInt64?
    private var isFinished = false
    /// What each node did, kept only for graphs whose conditions look at it.
    private var updates: [JSONObject]
    private let keepsUpdates: Bool
    private var effects: [Effect] = []

    package init(revision: GraphRevision, limits: ExecutionLimits = ExecutionLimits()) {
        let graph = revision.graph
        self.revision = revision
        self.limits = limits
        nodes = graph.incoming.map { NodeRun(undecided: Int32($0.count)) }
        openCount = graph.nodes.count
        keepsUpdates = revision.conditions.contains { $0?.readsNodes == true }
        updates = keepsUpdates ? Array(repeating: [:], count: graph.nodes.count) : []
    }

    private var graph: Graph { revision.graph }

    private var flow: StateFlow {
        _read {
            guard startedFlow != nil else { preconditionFailure("states flow once the execution has begun") }
            yield startedFlow!
        }
        _modify {
            guard startedFlow != nil else { preconditionFailure("states flow once the execution has begun") }
            yield &startedFlow!
        }
    }

    /// - Parameter now: nanoseconds of the clock that never steps.
    /// - Returns: what is to be done, in this order.
    package mutating func step(_ input: Input, at now: UInt64) -> [Effect] {
        if !isFinished { handle(input, at: now) }
        return takeEffects(at: now)
    }

    /// The next node to run, if one is ready and there is room; nil otherwise. `emit` of its `node_start` comes in `effects`.
    package mutating func nextStart(at now: UInt64, effects started: inout [Effect]) -> Start? {
        guard stop == nil, runningCount < graph.document.limits.maxParallelNodes, let rank = ready.popFirst() else {
            return nil
        }
        runningCount += 1
        nodes[rank].phase = .running
        nodes[rank].attempt += 1
        nodes[rank].startedAt = now
        nodes[rank].timedOut = false
        nodes[rank].outputBytes = 0
        let attempt = Int(nodes[rank].attempt)
        started.append(.emit(.nodeStart(rank: rank, attempt: attempt)))
        return Start(rank: rank, attempt: attempt, state: flow.input(ofRank: rank))
    }
}

extension RunMachine {
    private mutating func handle(_ input: Input, at now: UInt64) {
        switch input {
        case .begin(let attempt, let initialState, let isCancelled):
            begin(attempt: attempt, initialState: initialState, at: now)
            if isCancelled { halt(.cancelled) }
        case .nodeOutput(let rank, let attempt, let channel, let data):
            guard isRunning(rank, attempt) else { return }
            takeOutput(rank, channel, data)
        case .nodeEnded(let rank, let attempt, let outcome):
            guard isRunning(rank, attempt) else { return }
            endAttempt(rank, outcome, at: now)
        case .nodeTimedOut(let rank, let attempt):
            guard isRunning(rank, attempt), stop == nil else { return }
            nodes[rank].timedOut = true
            effects.append(.interrupt(rank: rank))
        case .retryDue(let rank):
            guard stop == nil, nodes[rank].phase == .retrying else { return }
            makeReady(rank, at: now)
        case .executionTimedOut:
            halt(
                .failed(
                    "the execution took longer than limits.timeout_ms (\(graph.document.limits.timeoutMilliseconds) ms)"
                ))
        case .cancel:
            halt(.cancelled)
        }
    }

    private func isRunning(_ rank: Int, _ attempt: Int) -> Bool {
        nodes[rank].phase == .running && Int(nodes[rank].attempt) == attempt
    }

    /// What an output counts against `ExecutionLimits.outputBytesMax`.
    static func outputBytes(channel: String, data: JSONText) -> Int {
        channel.utf8.count + data.bytes.count
    }

    /// Past the limit, one word about it takes the place of all that follows: a flood must not fill the history.
    private mutating func takeOutput(_ rank: Int, _ channel: String, _ data: JSONText) {
        let before = nodes[rank].outputBytes
        guard before <= limits.outputBytesMax else { return }
        nodes[rank].outputBytes += Self.outputBytes(channel: channel, data: data)
        let attempt = Int(nodes[rank].attempt)
        guard nodes[rank].outputBytes > limits.outputBytesMax else {
            return effects.append(.emit(.nodeOutput(rank: rank, attempt: attempt, channel: channel, data: data)))
        }
        let word = JSONText("output beyond \(limits.outputBytesMax) bytes is dropped")
        effects.append(.emit(.nodeOutput(rank: rank, attempt: attempt, channel: "log", data: word)))
    }

    private mutating func begin(attempt: Int, initialState: JSONObject, at now: UInt64) {
        beganAt = now
        startedFlow = StateFlow(graph: graph, initialState: initialState)
        effects.append(.emit(.start(attempt: attempt, initialState: initialState)))
        for rank in nodes.indices where graph.incoming[rank].isEmpty { makeReady(rank, at: now) }
    }

    private mutating func makeReady(_ rank: Int, at now: UInt64) {
        nodes[rank].phase = .ready
        nodes[rank].readyAt = now
        ready.append(rank)
    }

    /// Nothing starts any more; what runs is interrupted, and its ends are awaited. The first reason counts.
    private mutating func halt(_ reason: Stop) {
        guard stop == nil else { return }
        stop = reason
        ready.removeAll()
        for rank in nodes.indices where nodes[rank].phase == .running { effects.append(.interrupt(rank: rank)) }
    }

    private mutating func endAttempt(_ rank: Int, _ outcome: NodeOutcome, at now: UInt64) {
        runningCount -= 1
        var completion = NodeCompletion(rank: rank, attempt: Int(nodes[rank].attempt), status: .success)
        completion.durationMicroseconds = microseconds(from: nodes[rank].startedAt, to: now)
        completion.queueMicroseconds = microseconds(from: nodes[rank].readyAt, to: nodes[rank].startedAt)
        guard stop == nil else {
            completion.status = .cancelled
            return end(completion, at: now)
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
        end(completion, at: now)
    }

    /// What the engine makes of an outcome: a timeout, a state that grew too large, an update that its reducer refuses.
    private mutating func judged(_ outcome: NodeOutcome, _ rank: Int) -> NodeOutcome {
        if nodes[rank].timedOut, let limit = graph.nodes[rank].timeoutMilliseconds {
            return .failure(NodeFailure("the node took longer than its timeout_ms (\(limit) ms)"))
        }
        guard case .success(let update) = outcome else { return outcome }
        var state = flow.input(ofRank: rank)
        if let refusal = state.refusal(of: update) { return .failure(NodeFailure(refusal)) }
        let updateBytes = update.reduce(0) { $0 + $1.key.token.count + $1.value.bytes.count + 2 }
        if state.bytes + updateBytes <= limits.stateBytesMax { return outcome }
        state.apply(update, rank: rank)
        guard state.bytes <= limits.stateBytesMax else {
            return .failure(
                NodeFailure(
                    "the state would grow to \(state.bytes) bytes, more than executions.state_bytes_max (\(limits.stateBytesMax))"
                ))
        }
        return outcome
    }

    private mutating func retry(_ rank: Int, _ completion: inout NodeCompletion) -> Bool {
        let policy = graph.nodes[rank].retry
        guard completion.attempt < policy.maxAttempts else { return false }
        completion.willRetry = true
        nodes[rank].phase = .retrying
        effects.append(.emit(.nodeComplete(completion)))
        var delay = Double(policy.delayMilliseconds)
        for _ in 1..<completion.attempt { delay = min(delay * policy.backoff, limits.retryDelayMillisecondsMax) }
        effects.append(.scheduleRetry(rank: rank, afterMilliseconds: delay))
        return true
    }

    /// Ends a node for good, and then every node that is decided by that, in a loop: chains of skipped nodes may be long.
    private mutating func end(_ first: NodeCompletion, at now: UInt64) {
        var ended = [first]
        while var completion = ended.popLast() {
            let rank = completion.rank
            // A stop on the way: what never started says nothing.
            if stop != nil, completion.attempt == 0 { continue }
            let state = flow.finish(rank: rank, update: completion.update)
            nodes[rank].phase = .ended
            nodes[rank].status = completion.status
            openCount -= 1
            if keepsUpdates { updates[rank] = completion.update }
            if completion.status == .error { failedRanks.insert(rank) }
            let decisions = decideEdges(completion, state)
            completion.taken = decisions.taken
            flow.take(decisions.taken)
            effects.append(.emit(.nodeComplete(completion)))
            if completion.status == .error, graph.nodes[rank].onError == .stop { halt(.nodeError) }
            guard stop == nil else { continue }
            for target in decisions.decided.reversed() {
                if let completion = settle(target, at: now) { ended.append(completion) }
            }
        }
    }

    /// Decides the outgoing edges of a node that has ended: which are taken, and whose last undecided edge that was.
    private mutating func decideEdges(_ completion: NodeCompletion, _ state: State) -> (taken: [Int], decided: [Int]) {
        var taken: [Int] = []
        var decided: [Int] = []
        let mayTake = stop == nil && takesEdges(completion)
        var seen: [String: ConditionNode]?
        for index in graph.outgoing[completion.rank] {
            let target = graph.edges[index].to
            if mayTake {
                switch judge(index, completion.rank, state, &seen) {
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
        return (taken, decided)
    }

    private func takesEdges(_ completion: NodeCompletion) -> Bool {
        switch completion.status {
        case .success, .cached: true
        case .error: graph.nodes[completion.rank].onError == .continue
        case .skipped, .cancelled: false
        }
    }

    /// All incoming edges of a node are decided: it becomes ready, or ends without ever starting.
    private mutating func settle(_ rank: Int, at now: UInt64) -> NodeCompletion? {
        if let (index, failure) = nodes[rank].brokenEdge {
            let edge = graph.edges[index]
            var completion = NodeCompletion(rank: rank, attempt: 0, status: .error)
            completion.error =
                "the condition of the edge \(graph.nodes[edge.from].id) → \(graph.nodes[rank].id) failed: \(failure.message)"
            completion.details = failure.details
            return completion
        }
        guard nodes[rank].isTaken else { return NodeCompletion(rank: rank, attempt: 0, status: .skipped) }
        makeReady(rank, at: now)
        return nil
    }

    /// - Parameter seen: what the conditions of this source see of nodes, made for the first that looks.
    private func judge(
        _ edge: Int, _ rank: Int, _ state: State, _ seen: inout [String: ConditionNode]?
    ) -> Result<Bool, NodeFailure> {
        guard let condition = revision.conditions[edge] else { return .success(true) }
        guard condition.readsNodes else { return condition.evaluate(ConditionScope(state: state, nodes: [:])) }
        let nodes = seen ?? visibleNodes(from: rank)
        seen = nodes
        return condition.evaluate(ConditionScope(state: state, nodes: nodes))
    }

    /// A node and its ancestors over taken edges.
    private func visibleNodes(from rank: Int) -> [String: ConditionNode] {
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

    /// Hands out the effects; adds the terminal event once nothing runs and nothing can start any more.
    private mutating func takeEffects(at now: UInt64) -> [Effect] {
        if !isFinished, beganAt != nil, runningCount == 0, stop != nil || openCount == 0 { finish(at: now) }
        defer { effects = [] }
        return effects
    }

    private mutating func finish(at now: UInt64) {
        isFinished = true
        let duration = microseconds(from: beganAt ?? now, to: now)
        let status: ExecutionStatus
        switch stop {
        case .cancelled: status = .cancelled
        case .nodeError: status = .error
        case nil: status = failedRanks.isEmpty ? .success : .error
        case .failed(let message):
            effects.append(.emit(.error(message: message, details: [:], durationMicroseconds: duration)))
            return effects.append(.finish(.failed))
        }
        effects.append(.emit(.complete(status, durationMicroseconds: duration, failedRanks: failedRanks.sorted())))
        effects.append(.finish(status))
    }

    private func microseconds(from start: UInt64, to end: UInt64) -> Int64 {
        Int64((end &- start) / 1000)
    }
}

/// Bounds of one execution that the daemon's config sets.
package struct ExecutionLimits: Sendable {
    /// The text of one state, in bytes.
    package var stateBytesMax = 16 << 20
    /// The output of one attempt of a node: the JSON and the names of the channels, in bytes.
    package var outputBytesMax = 16 << 20
    /// What backoff may make of `retry.delay_ms`.
    package var retryDelayMillisecondsMax = 3_600_000.0

    package init() {}
}

// The rules of an execution, and nothing else: inputs in, effects out; no I/O, no clock, no thread. Whoever drives it says
// what time it is, takes the effects in their order, and asks for the next node to start as long as it can start one.

import DequeModule
import Graphs
import HashTreeCollections
import JSON

package struct RunMachine {
    package enum Input: Sendable {
        /// `isCancelled`: it starts only to end, since it was cancelled while it was queued.
        /// `cached`: by rank, the updates that are taken over from another execution.
        case begin(initialState: JSONObject, cached: [Int: JSONObject] = [:], isCancelled: Bool = false)
        /// It goes on after all that was restored.
        case resume(Resumption)
        case nodeOutput(rank: Int, attempt: Int, channel: String, data: JSONText)
        case nodeEnded(rank: Int, attempt: Int, NodeOutcome)
        /// Of a node that starts later than it is handed out: its own time begins.
        case nodeBegan(rank: Int, attempt: Int)
        case nodeTimedOut(rank: Int, attempt: Int)
        case retryDue(rank: Int)
        case executionTimedOut
        case cancel
    }

    package enum Effect: Sendable {
        /// With the input state of a node that starts, the output state of one that ends.
        case emit(EventRecord.Body, State? = nil)
        /// Cancel the task of this node; its end is still awaited.
        case interrupt(rank: Int)
        /// Its time has begun: `nodeTimedOut` is due after so long.
        case armTimeout(rank: Int, attempt: Int, afterMilliseconds: Int64)
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

    enum Phase { case waiting, ready, running, retrying, ended }

    struct NodeRun {
        var phase = Phase.waiting
        var undecided: Int32
        var attempt: Int32 = 0
        /// Attempts that a restart of the daemon interrupted; they do not count as tries.
        var interruptions: Int32 = 0
        var isTaken = false
        var timedOut = false
        var status = NodeStatus.skipped
        var readyAt: UInt64 = 0
        /// When the attempt that runs began to do what is its own; nil while it waits for something else.
        var beganAt: UInt64?
        var outputBytes = 0
        /// Why the condition of an incoming edge could not be evaluated, and which edge it was.
        var brokenEdge: (index: Int, failure: NodeFailure)?
    }

    enum Stop {
        case cancelled, nodeError
        case failed(String)
    }

    /// Effects that there is room for between two steps.
    private static let keptEffectsMax = 16
    private static let fewEffects = 4

    package let revision: GraphRevision
    let limits: ExecutionLimits
    /// Made when the initial state is known.
    var startedFlow: StateFlow?
    var nodes: [NodeRun]
    var ready = Deque<Int>()
    var runningCount = 0
    var openCount: Int
    var failedRanks: Set<Int> = []
    var stop: Stop?
    var beganAt: UInt64?
    /// Between the first start and this one, for an execution that was taken up again.
    var earlierMicroseconds: Int64 = 0
    /// By rank: results of another execution that are still to be taken over.
    var cached: [Int: JSONObject] = [:]
    var isFinished = false
    /// By rank: what each node did, kept only for graphs whose conditions look at it.
    var endedNodes: TreeDictionary<Int, ConditionNode> = [:]
    /// What is to be done, in this order; `effectsWereTaken` once it is.
    package internal(set) var effects: [Effect] = []
    /// Room for what `end` decides, kept between nodes.
    var decided: [Int] = []

    package init(revision: GraphRevision, limits: ExecutionLimits = ExecutionLimits()) {
        let graph = revision.graph
        self.revision = revision
        self.limits = limits
        nodes = graph.incoming.map { NodeRun(undecided: Int32($0.count)) }
        openCount = graph.nodes.count
    }

    var graph: Graph { revision.graph }

    var flow: StateFlow {
        _read {
            guard startedFlow != nil else { preconditionFailure("states flow once the execution has begun") }
            yield startedFlow!
        }
        _modify {
            guard startedFlow != nil else { preconditionFailure("states flow once the execution has begun") }
            yield &startedFlow!
        }
    }

    /// Takes in what has happened.
    /// - Parameter now: nanoseconds of the clock that never steps.
    package mutating func step(_ input: consuming Input, at now: UInt64) {
        if !isFinished { handle(input, at: now) }
        finishIfDone(at: now)
    }

    /// The next node to run, if one is ready and there is room; nil otherwise. `emit` of its `node_start` is in `effects` then.
    package mutating func nextStart(at now: UInt64) -> Start? {
        guard stop == nil, runningCount < graph.document.limits.maxParallelNodes, let rank = ready.popFirst() else {
            return nil
        }
        runningCount += 1
        nodes[rank].phase = .running
        nodes[rank].attempt += 1
        nodes[rank].beganAt = revision.bodies[rank].startsLater ? nil : now
        nodes[rank].timedOut = false
        nodes[rank].outputBytes = 0
        let attempt = Int(nodes[rank].attempt)
        let state = flow.input(ofRank: rank)
        effects.append(.emit(.nodeStart(rank: rank, attempt: attempt), state))
        return Start(rank: rank, attempt: attempt, state: state)
    }
}

extension RunMachine {
    mutating func handle(_ input: consuming Input, at now: UInt64) {
        switch consume input {
        case .begin(let initialState, let cached, let isCancelled):
            begin(initialState, cached: isCancelled ? [:] : cached, at: now)
            if isCancelled { halt(.cancelled) }
        case .resume(let resumption):
            resume(resumption, at: now)
        case .nodeOutput(let rank, let attempt, let channel, let data):
            guard isRunning(rank, attempt) else { return }
            takeOutput(rank, channel, data)
        case .nodeEnded(let rank, let attempt, let outcome):
            guard isRunning(rank, attempt) else { return }
            endAttempt(rank, outcome, at: now)
        case .nodeBegan(let rank, let attempt):
            guard isRunning(rank, attempt), nodes[rank].beganAt == nil else { return }
            nodes[rank].beganAt = now
            if let limit = graph.nodes[rank].timeoutMilliseconds {
                effects.append(.armTimeout(rank: rank, attempt: attempt, afterMilliseconds: Int64(limit)))
            }
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

    func isRunning(_ rank: Int, _ attempt: Int) -> Bool {
        nodes[rank].phase == .running && Int(nodes[rank].attempt) == attempt
    }

    /// What the record of an output holds beside channel and data, at the most: a flood of tiny ones fills the history too.
    static let outputRecordBytes = 24

    /// What an output counts against `ExecutionLimits.outputBytesMax`.
    static func outputBytes(channel: String, data: JSONText) -> Int {
        channel.utf8.count + data.bytes.count + outputRecordBytes
    }

    /// Past the limit, one word about it takes the place of all that follows: a flood must not fill the history.
    mutating func takeOutput(_ rank: Int, _ channel: String, _ data: JSONText) {
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

    mutating func noteEnd(of rank: Int, _ status: NodeStatus, _ update: JSONObject) {
        if revision.conditionsReadNodes { endedNodes[rank] = ConditionNode(status: status, update: update) }
    }

    mutating func begin(_ initialState: JSONObject, cached: [Int: JSONObject], at now: UInt64) {
        beganAt = now
        self.cached = cached
        startedFlow = StateFlow(graph: graph, initialState: initialState)
        effects.reserveCapacity(4)
        effects.append(.emit(.start(attempt: 1, initialState: initialState)))
        for rank in nodes.indices where graph.incoming[rank].isEmpty {
            if let ending = begin(rank, at: now) { end(ending, at: now) }
        }
    }

    /// A node's turn has come.
    /// - Returns: its end, if its result was taken over.
    mutating func begin(_ rank: Int, at now: UInt64) -> NodeEnding? {
        guard !cached.isEmpty, let update = cached.removeValue(forKey: rank) else {
            makeReady(rank, at: now)
            return nil
        }
        return NodeEnding(rank: rank, attempt: 0, status: .cached, update: update)
    }

    mutating func makeReady(_ rank: Int, at now: UInt64) {
        nodes[rank].phase = .ready
        nodes[rank].readyAt = now
        ready.append(rank)
    }

    /// Nothing starts any more; what runs is interrupted, and its ends are awaited. The first reason counts.
    mutating func halt(_ reason: Stop) {
        guard stop == nil else { return }
        stop = reason
        ready.removeAll()
        for rank in nodes.indices where nodes[rank].phase == .running { effects.append(.interrupt(rank: rank)) }
    }

    /// Moves one effect out, which costs less than a copy; `effectsWereTaken` once all were.
    mutating func takeEffect(at index: Int) -> Effect {
        var effect = Effect.interrupt(rank: -1)
        swap(&effects[index], &effect)
        return effect
    }

    package mutating func effectsWereTaken() {
        // Of a few, each taken off costs less than all cleared.
        while effects.count <= Self.fewEffects, effects.popLast() != nil {}
        if !effects.isEmpty { effects.removeAll(keepingCapacity: effects.capacity <= Self.keptEffectsMax) }
    }

    /// Adds the terminal event once nothing runs and nothing can start any more.
    mutating func finishIfDone(at now: UInt64) {
        if !isFinished, beganAt != nil, runningCount == 0, stop != nil || openCount == 0 { finish(at: now) }
    }

    mutating func finish(at now: UInt64) {
        isFinished = true
        let duration = earlierMicroseconds + microseconds(from: beganAt ?? now, to: now)
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

    func microseconds(from start: UInt64, to end: UInt64) -> Int64 {
        Int64((end &- start) / 1000)
    }
}

/// Bounds of one execution that the daemon's config sets.
package struct ExecutionLimits: Sendable {
    /// The text of one state, in bytes.
    package var stateBytesMax = 16 << 20
    /// The output of one attempt of a node, in bytes as they are stored: the JSON, the names of the channels, and 24 for each.
    package var outputBytesMax = 16 << 20
    /// What backoff may make of `retry.delay_ms`.
    package var retryDelayMillisecondsMax = 3_600_000.0

    package init() {}
}

// The rules of an execution, and nothing else: inputs in, effects out; no I/O, no clock, no thread. Whoever drives it says
// what time it is, takes the effects in their order, and asks for the next node to start as long as it can start one.

import DequeModule
import Graphs
import HashTreeCollections
import JSON

package struct RunMachine {
    package enum Input: Sendable {
        /// `isCancelled`: it starts only to end, since it was cancelled while it was queued.
        /// `takeover`: what is taken over from another execution.
        case begin(initialState: JSONObject, takeover: Takeover = Takeover(), isCancelled: Bool = false)
        /// It goes on after all that was restored.
        case resume(Resumption)
        case nodeOutput(rank: Int, attempt: Int, channel: String, data: JSONText)
        case nodeEnded(rank: Int, attempt: Int, NodeOutcome)
        /// From now on a time is all that the attempt waits for.
        case nodeParked(rank: Int, attempt: Int)
        /// From now on the attempt waits for somebody's answer to a question; `data` tells it.
        case nodeAsked(rank: Int, attempt: Int, data: JSONText)
        /// Nobody has answered in time; by the wall clock.
        case deadlinePassed(rank: Int, attempt: Int, atMicroseconds: Int64)
        /// Of a node that starts later than it is handed out: its own time begins.
        /// Of a node that starts later: its own time begins, or goes on after it stood still.
        case nodeBegan(rank: Int, attempt: Int)
        /// What it waits for is not its own; where it is set back, nothing of its time so far is.
        case nodeStandsStill(rank: Int, attempt: Int, isSetBack: Bool)
        case nodeTimedOut(rank: Int, attempt: Int)
        case retryDue(rank: Int)
        /// The answer to `Effect.judge`.
        indirect case judged(rank: Int, EdgeVerdicts)
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
        /// `nodeTimedOut` is not due any more.
        case disarmTimeout(rank: Int)
        case scheduleRetry(rank: Int, afterMilliseconds: Int64)
        /// It waited when the daemon was stopped, and waits on: `elapsedMicroseconds` since its `node_start` have passed.
        indirect case park(Start, elapsedMicroseconds: Int64)
        /// It waits for an answer, and `deadlinePassed` is due after so long, if at all.
        case awaitAnswer(rank: Int, attempt: Int, afterMilliseconds: Int64?)
        /// The end of a node is known, and which edges are taken then is to be found out.
        indirect case judge(JudgeOrder)
        /// The answer is not wanted any more.
        case dismissJudgement(rank: Int)
        /// The terminal event was emitted: nothing follows.
        case finish(ExecutionStatus)
    }

    /// A node that is to run now; its `node_start` has been emitted.
    package struct Start: Sendable {
        package let rank: Int
        package let attempt: Int
        package let state: State
    }

    /// One that is `parked` has begun and takes no place: it waits for a time, or for an answer.
    enum Phase { case waiting, ready, running, parked, retrying, judged, ended }

    struct NodeRun {
        var phase = Phase.waiting
        var undecided: Int32
        var attempt: Int32 = 0
        /// Attempts that a restart of the daemon interrupted; they do not count as tries.
        var interruptions: Int32 = 0
        var isTaken = false
        var timedOut = false
        /// The last word on it is that another attempt follows.
        var willRetry = false
        var status = NodeStatus.skipped
        var readyAt: UInt64 = 0
        var startedAt: UInt64 = 0
        /// When the attempt that runs began to do what is its own; nil while it waits for something else.
        var beganAt: UInt64?
        /// It runs, but takes no place of those that run: it holds a scope, or waits.
        var isPlaceless = false
        var outputBytes = 0
        /// An incoming edge whose condition could not be evaluated: the first of them.
        var brokenEdge: BrokenEdge?
    }

    /// A node whose end is told once its edges are decided.
    struct Judged {
        let ending: NodeEnding
        let since: UInt64
        /// Whoever watches takes its attempt for one that runs: it keeps the place of one.
        let holdsPlace: Bool
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
    /// Where the values of states are counted.
    let memory: ExecutionMemory?
    /// Made when the initial state is known.
    var startedFlow: StateFlow?
    var nodes: [NodeRun]
    var ready = Deque<Int>()
    /// Nodes that take a place.
    var runningCount = 0
    /// Nodes that run and take none.
    var placelessCount = 0
    var openCount: Int
    var failedRanks: Set<Int> = []
    var stop: Stop?
    var beganAt: UInt64?
    /// Between the first start and this one, for an execution that was taken up again.
    var earlierMicroseconds: Int64 = 0
    /// Results of another execution that are still to be taken over.
    var takeover = Takeover()
    /// By rank.
    var judged: [Int: Judged] = [:]
    /// By rank: when the wait of a node began or its next attempt is due, in microseconds since the first start; of an
    /// execution that is being taken up.
    var waits: [Int: Int64] = [:]
    /// By rank: the nanoseconds of their own that nodes have had which stand still.
    var stoodStill: [Int: UInt64] = [:]
    /// By rank: of nodes whose workers have asked for somebody, how long they waited for that.
    var rests: [Int: Rest] = [:]
    /// By rank: of nodes that wait for somebody's answer.
    var questions: [Int: OpenQuestion] = [:]
    var final: FinalState?
    /// Of a graph that runs within a node: what its nodes contributed, apart from what it began with.
    var changes: FinalState?
    var jitter: Jitter
    var isFinished = false
    /// By rank: what each node did, kept only for graphs whose conditions look at it.
    var endedNodes: TreeDictionary<Int, ConditionNode> = [:]
    /// What is to be done, in this order; `effectsWereTaken` once it is.
    package internal(set) var effects: [Effect] = []
    /// Room for what `end` decides, kept between nodes.
    var decided: [Int] = []

    /// - Parameter seed: of the jitter of retries; none without it.
    package init(
        revision: GraphRevision, limits: ExecutionLimits = ExecutionLimits(), seed: UInt64? = nil,
        memory: ExecutionMemory? = nil
    ) {
        let graph = revision.graph
        jitter = Jitter(seed)
        self.revision = revision
        self.limits = limits
        self.memory = memory
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

    /// Whether `nextStart` gives a node.
    var canStart: Bool {
        stop == nil && runningCount < graph.document.limits.maxParallelNodes && !ready.isEmpty
    }

    /// A node that runs gives its place to others until it ends.
    mutating func leavePlace(_ rank: Int) {
        guard nodes[rank].phase == .running, !nodes[rank].isPlaceless else { return }
        nodes[rank].isPlaceless = true
        runningCount -= 1
        placelessCount += 1
    }

    /// The next node to run, if one is ready and there is room; nil otherwise. `emit` of its `node_start` is in `effects` then.
    package mutating func nextStart(at now: UInt64) -> Start? {
        guard stop == nil, runningCount < graph.document.limits.maxParallelNodes, let rank = ready.popFirst() else {
            return nil
        }
        runningCount += 1
        nodes[rank].phase = .running
        nodes[rank].attempt += 1
        nodes[rank].startedAt = now
        nodes[rank].beganAt = revision.bodies[rank].startsLater ? nil : now
        nodes[rank].timedOut = false
        nodes[rank].willRetry = false
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
        case .begin(let initialState, let takeover, let isCancelled):
            begin(initialState, isCancelled ? Takeover() : takeover, at: now)
            if isCancelled { halt(.cancelled, at: now) }
        case .resume(let resumption):
            resume(resumption, at: now)
        case .nodeOutput(let rank, let attempt, let channel, let data):
            guard isRunning(rank, attempt) else { return }
            takeOutput(rank, channel, data)
        case .nodeEnded(let rank, let attempt, let outcome):
            guard isOpen(rank, attempt) else { return }
            endAttempt(rank, outcome, at: now)
        case .nodeParked(let rank, let attempt):
            guard isRunning(rank, attempt) else { return }
            park(rank)
        case .nodeAsked(let rank, let attempt, let data):
            guard isRunning(rank, attempt) else { return }
            ask(rank, data, at: now)
        case .deadlinePassed(let rank, let attempt, let time):
            guard isOpen(rank, attempt), questions[rank] != nil else { return }
            passDeadline(rank, atMicroseconds: time, at: now)
        case .nodeBegan(let rank, let attempt):
            guard isRunning(rank, attempt), nodes[rank].beganAt == nil else { return }
            let spent = stoodStill.removeValue(forKey: rank) ?? 0
            nodes[rank].beganAt = now &- spent
            if let limit = graph.nodes[rank].timeoutMilliseconds {
                let left = max(Int64(limit) - Int64(spent / 1_000_000), 0)
                effects.append(.armTimeout(rank: rank, attempt: attempt, afterMilliseconds: left))
            }
        case .nodeStandsStill(let rank, let attempt, let isSetBack):
            guard isRunning(rank, attempt), !nodes[rank].timedOut else { return }
            if isSetBack { stoodStill[rank] = nil }
            guard let began = nodes[rank].beganAt.take() else { return }
            if !isSetBack { stoodStill[rank] = now &- began }
            effects.append(.disarmTimeout(rank: rank))
        case .nodeTimedOut(let rank, let attempt):
            // Its time may have stopped just before.
            guard isOpen(rank, attempt), stop == nil, questions[rank] == nil, nodes[rank].beganAt != nil else { return }
            nodes[rank].timedOut = true
            effects.append(.interrupt(rank: rank))
        case .retryDue(let rank):
            guard stop == nil, nodes[rank].phase == .retrying else { return }
            makeReady(rank, at: now)
        case .judged(let rank, let verdicts):
            endJudged(rank, verdicts, at: now)
        case .executionTimedOut:
            halt(
                .failed(
                    "the execution took longer than limits.timeout_ms (\(graph.document.limits.timeoutMilliseconds) ms)"
                ), at: now)
        case .cancel:
            halt(.cancelled, at: now)
        }
    }

    /// Of the attempt that runs, or ran last.
    func attempt(ofRank rank: Int) -> Int { Int(nodes[rank].attempt) }

    func isRunning(_ rank: Int, _ attempt: Int) -> Bool {
        nodes[rank].phase == .running && Int(nodes[rank].attempt) == attempt
    }

    /// Whether this attempt runs, or waits.
    private func isOpen(_ rank: Int, _ attempt: Int) -> Bool {
        [.running, .parked].contains(nodes[rank].phase) && Int(nodes[rank].attempt) == attempt
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

    mutating func begin(_ initialState: JSONObject, _ takeover: Takeover, at now: UInt64) {
        beganAt = now
        self.takeover = takeover
        start(initialState)
        effects.reserveCapacity(4)
        effects.append(.emit(.start(attempt: 1, initialState: initialState)))
        haltIfOversize(at: now)
        for rank in nodes.indices where graph.incoming[rank].isEmpty && stop == nil {
            if let ending = begin(rank, at: now) { end(ending, at: now) }
        }
    }

    mutating func start(_ initialState: JSONObject) {
        let flow = StateFlow(graph: graph, initialState: initialState, memory: memory)
        final = FinalState(flow.initial)
        startedFlow = flow
    }

    /// A node's turn has come.
    /// - Returns: its end, if it never starts.
    mutating func begin(_ rank: Int, at now: UInt64) -> NodeEnding? {
        if !takeover.isEmpty, let result = takeover.results.removeValue(forKey: rank) {
            return NodeEnding(rank: rank, result)
        }
        if let ending = oversize(rank) { return ending }
        makeReady(rank, at: now)
        return nil
    }

    mutating func makeReady(_ rank: Int, at now: UInt64) {
        nodes[rank].phase = .ready
        nodes[rank].readyAt = now
        ready.append(rank)
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

    func microseconds(from start: UInt64, to end: UInt64) -> Int64 {
        Int64((end &- start) / 1000)
    }
}

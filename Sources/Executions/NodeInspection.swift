// What one node did in one execution, from the records of that execution in their order. States come from the same flow as
// those of the event stream, so they are the ones that a watcher saw in `node_start` and `node_complete`.

import DequeModule
import Graphs
import JSON

/// One node of one execution, as far as its records tell. Times are microseconds.
package struct NodeInspection: Sendable {
    package struct Attempt: Sendable {
        package var number: Int
        package var progress = NodeProgress.running
        package var startedAt: Int64
        package var endedAt: Int64?
        /// The record of its end; nil while it runs, and if a restart of the daemon interrupted it.
        package var completion: NodeCompletion?
    }

    package struct Log: Sendable {
        package var seq: Int
        package var timestamp: Int64
        package var attempt: Int
        package var channel: String
        package var data: JSONText
    }

    /// Output that is kept, the latest: in entries and in bytes of JSON and names of channels.
    package static let logsMax = 1000
    package static let logBytesMax = 1 << 20

    package let rank: Int
    package private(set) var progress = NodeProgress.pending
    /// Nil until it starts, or ends without ever starting.
    package private(set) var input: State?
    /// Nil until it ends for good.
    package private(set) var output: State?
    /// The record of its end for good.
    package private(set) var completion: NodeCompletion?
    package private(set) var endedAt: Int64?
    package private(set) var attempts: [Attempt] = []
    package private(set) var logs: Deque<Log> = []
    package private(set) var logsTruncated = false

    private let graph: Graph
    private var flow: StateFlow?
    /// In place of the flow, in a step of a hosted graph.
    private var hosted: HostedStates?
    /// What the nodes before it in topological order have made so far, its ancestors or not.
    private var before: State?
    private var nextSeq = 1
    private var logBytes = 0

    package init(graph: Graph, rank: Int) {
        self.graph = graph
        self.rank = rank
    }

    package var startedAt: Int64? { attempts.first?.startedAt }
    package var queueTime: Int64 { attempts.reduce(0) { $0 + ($1.completion?.queueMicroseconds ?? 0) } }
    package var runTime: Int64 { attempts.reduce(0) { $0 + ($1.completion?.durationMicroseconds ?? 0) } }

    /// For people.
    package var waitTime: Int64 { attempts.reduce(0) { $0 + ($1.completion?.notes?.waitMicroseconds ?? 0) } }

    /// From the end of each attempt that was to be tried again to the time when the next one was ready.
    package var retryWait: Int64 {
        zip(attempts, attempts.dropFirst()).reduce(0) { sum, pair in
            guard pair.0.completion?.willRetry == true, let ended = pair.0.endedAt else { return sum }
            return sum + max(0, pair.1.startedAt - ended - (pair.1.completion?.queueMicroseconds ?? 0))
        }
    }

    /// The next record, which is not the one behind the last.
    package mutating func add(_ record: EventRecord, seq: Int) {
        nextSeq = seq
        add(record)
    }

    package mutating func add(_ record: EventRecord) {
        defer { nextSeq += 1 }
        guard record.scope == 0 else { return }
        switch record.body {
        case .start(_, let initialState): start(initialState)
        case .nodeStart(let rank, let attempt):
            let state = inputState(ofRank: rank)
            guard rank == self.rank else { return }
            input = state
            progress = .running
            attempts.append(Attempt(number: attempt, startedAt: record.timestampMicroseconds))
        case .nodeOutput(let rank, let attempt, let channel, let data):
            guard rank == self.rank else { return }
            keep(
                Log(
                    seq: nextSeq, timestamp: record.timestampMicroseconds, attempt: attempt, channel: channel,
                    data: data))
        case .signalled(let rank, let attempt, let answer):
            guard rank == self.rank else { return }
            keep(
                Log(
                    seq: nextSeq, timestamp: record.timestampMicroseconds, attempt: attempt,
                    channel: ApprovalRules.answerChannel, data: answer.value))
        case .nodeComplete(let completion): nodeComplete(completion, record.timestampMicroseconds)
        case .complete, .error:
            guard completion == nil, let last = attempts.indices.last else { return }
            if attempts[last].progress == .running { attempts[last].progress = .interrupted }
            progress = .interrupted
        case .scopeOpened, .scopeClosed: break
        }
    }

    /// The node lies in a step of a hosted graph.
    package mutating func host(_ states: HostedStates) { hosted = states }

    private mutating func inputState(ofRank rank: Int) -> State? {
        if let hosted { return State(initial: hosted.input(rank)) }
        return flow?.input(ofRank: rank)
    }

    private mutating func outputState(_ completion: NodeCompletion) -> State? {
        if let hosted { return State(initial: hosted.output(completion)) }
        let after = flow?.finish(rank: completion.rank, update: completion.update)
        flow?.take(completion.taken)
        return after
    }

    /// The operations of RFC 6902 that turn the input into the output; nil until it ends.
    ///
    /// Applied in topological order to the initial state, the operations of all nodes give the final state (but for keys
    /// with reducers): a key that a node beside this one has written too is written as a whole, also where this node has
    /// only confirmed it.
    package var diff: JSONText? {
        guard let input, let output, let completion else { return nil }
        var (old, new) = (JSONObject(), JSONObject())
        var whole: Set<JSONKey> = []
        for key in completion.update.keys {
            old[key] = input[key]
            new[key] = output[key]
            if before?[key] != input[key] { whole.insert(key) }
        }
        return JSONPatch.diff(from: old, to: new, whole: whole)
    }
}

extension NodeInspection {
    private mutating func start(_ initialState: JSONObject) {
        guard before == nil else { return interruptAttempt() }
        if hosted == nil { flow = StateFlow(graph: graph, initialState: initialState) }
        before = State(initial: initialState, reducers: graph.reducers)
    }

    private mutating func interruptAttempt() {
        guard let last = attempts.indices.last, attempts[last].progress == .running, !graph.nodes[rank].parks else {
            return
        }
        attempts[last].progress = .interrupted
    }

    private mutating func nodeComplete(_ completion: NodeCompletion, _ timestamp: Int64) {
        let state = inputState(ofRank: completion.rank)
        if completion.rank == rank {
            if let last = attempts.indices.last, attempts[last].number == completion.attempt,
                attempts[last].completion == nil
            {
                attempts[last].progress = NodeProgress(completion.status)
                attempts[last].endedAt = timestamp
                attempts[last].completion = completion
            }
            input = completion.notes?.isOversize == true ? nil : state
        }
        guard !completion.willRetry else { return }
        let after = outputState(completion)
        if completion.rank < rank { before?.apply(completion.update, rank: completion.rank) }
        guard completion.rank == rank else { return }
        output = completion.notes?.isOversize == true ? nil : after
        progress = NodeProgress(completion.status)
        endedAt = timestamp
        self.completion = completion
    }

    private mutating func keep(_ log: Log) {
        logs.append(log)
        logBytes += log.bytes
        while logs.count > Self.logsMax || logBytes > Self.logBytesMax {
            logBytes -= logs.removeFirst().bytes
            logsTruncated = true
        }
    }
}

extension NodeInspection.Log {
    fileprivate var bytes: Int { channel.utf8.count + data.bytes.count }
}

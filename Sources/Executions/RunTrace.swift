import Graphs
import JSON

/// What the nodes of one execution came to, from its records in their order: what two runs are compared by. Times are
/// microseconds.
package struct RunTrace: Sendable {
    package struct Node: Sendable {
        package var progress = NodeProgress.pending
        package var attempts = 0
        package var queueMicroseconds: Int64 = 0
        package var durationMicroseconds: Int64 = 0
        package var waitMicroseconds: Int64 = 0
        /// Empty until it ends for good.
        package var update = JSONObject()
        package var error: String?
    }

    package let graph: Graph
    package private(set) var initialState = JSONObject()
    /// By rank.
    package private(set) var nodes: [Node]
    package private(set) var final: State
    /// Of the updates that are kept.
    package private(set) var bytes = 0
    package private(set) var durationMicroseconds: Int64?

    package init(graph: Graph) {
        self.graph = graph
        nodes = [Node](repeating: Node(), count: graph.nodes.count)
        final = State()
    }

    package mutating func add(_ record: EventRecord) {
        guard record.scope == 0 else { return }
        switch record.body {
        case .start(let attempt, let state) where attempt == 1:
            initialState = state
            bytes += state.byteCount
            final = State(initial: state, reducers: graph.reducers)
        case .nodeStart(let rank, let attempt):
            nodes[rank].attempts = attempt
            nodes[rank].progress = .running
        case .nodeComplete(let completion): end(completion)
        case .complete(_, let duration, _), .error(_, _, let duration):
            durationMicroseconds = duration
            for rank in nodes.indices where nodes[rank].progress == .running { nodes[rank].progress = .interrupted }
        case .start, .nodeOutput, .signalled, .scopeOpened, .scopeClosed: break
        }
    }

    private mutating func end(_ completion: NodeCompletion) {
        let rank = completion.rank
        nodes[rank].queueMicroseconds += completion.queueMicroseconds
        nodes[rank].durationMicroseconds += completion.durationMicroseconds
        nodes[rank].waitMicroseconds += completion.notes?.waitMicroseconds ?? 0
        nodes[rank].error = completion.error
        guard !completion.willRetry else { return }
        nodes[rank].progress = NodeProgress(completion.status)
        nodes[rank].update = completion.update
        bytes += completion.update.byteCount
        final.apply(completion.update, rank: rank)
    }
}

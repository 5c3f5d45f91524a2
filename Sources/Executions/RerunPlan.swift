import Graphs
import JSON

/// Which nodes a rerun begins with.
package enum RerunStart: Sendable, Equatable {
    case nodes([String])
    /// A map, whose items that had ended well are taken over.
    case failedItems(of: String)
    /// A step of the graph that the worker of a node hosts: those before it are taken over.
    case step(of: String, index: Int)
    /// Those that ended in error.
    case failed

    /// As the history keeps it: ids with commas between; the word `failed`; a node of that name alone has a comma behind it.
    package var text: String {
        switch self {
        case .failed: "failed"
        case .failedItems(let id): Self.itemsPrefix + id
        case .step(let id, let index): "\(Self.stepPrefix)\(index):\(id)"
        case .nodes(["failed"]): "failed,"
        case .nodes(let ids): ids.joined(separator: ",")
        }
    }

    /// No id of a node begins so.
    private static let itemsPrefix = "items:"
    private static let stepPrefix = "step:"

    package init(text: String) {
        let parts = text.split(separator: ":", maxSplits: 2)
        if text.hasPrefix(Self.stepPrefix), parts.count == 3, let index = Int(parts[1]) {
            self = .step(of: String(parts[2]), index: index)
            return
        }
        guard !text.hasPrefix(Self.itemsPrefix) else {
            self = .failedItems(of: String(text.dropFirst(Self.itemsPrefix.count)))
            return
        }
        self = text == "failed" ? .failed : .nodes(text.split(separator: ",").map(String.init))
    }
}

/// What a new execution takes over from an earlier one: the results of all nodes but those that run again, with the edges
/// that were taken.
///
/// A node runs again if it is one of those named, if it has no result (it never ended, or is new), or if it comes after one
/// that runs again.
package struct RerunPlan: Sendable {
    /// Where it begins; nil: everything runs again.
    package let start: RerunStart?
    /// The keys of the state that were edited, with their new values.
    package let edits: JSONObject
    /// The earlier execution's, with the edits laid over it.
    package let initialState: JSONObject
    /// By rank in the new execution's graph.
    package let takeover: Takeover

    /// What the history keeps of it; nil where nothing is taken over.
    package var record: RerunRecord? {
        start.map { start in
            if case .step = start {
                RerunRecord(start, editedKeys: [])
            } else {
                RerunRecord(start, editedKeys: Array(edits.keys))
            }
        }
    }

    /// - Parameter results: of the earlier execution.
    package init(_ results: ExecutionResults, on graph: Graph, from start: RerunStart?, edits: JSONObject) {
        self.start = start
        self.edits = edits
        var state = results.initialState
        // Those of a step are laid over the state there.
        let isStep = if case .step = start { true } else { false }
        if !isStep { for (key, value) in edits { state[key] = value } }
        initialState = state
        guard let start else {
            takeover = Takeover()
            return
        }
        var first = Set<Int>()
        switch start {
        case .nodes(let ids): first = Set(ids.compactMap { graph.rank(ofNode: $0) })
        case .failedItems(let id), .step(let id, _): first = Set([id].compactMap { graph.rank(ofNode: $0) })
        case .failed: first = Set(results.failedNodes.compactMap { graph.rank(ofNode: $0) })
        }
        var takeover = Self.takeover(results, graph, first, isStep ? [:] : edits)
        if case .failedItems = start, let rank = first.first { takeover.items[rank] = results.items }
        if isStep, let rank = first.first, var steps = results.steps {
            steps.edits = edits
            takeover.hosted[rank] = .steps(steps)
        }
        self.takeover = takeover
    }

    private static func takeover(
        _ results: ExecutionResults, _ graph: Graph, _ first: Set<Int>, _ edits: JSONObject
    ) -> Takeover {
        var completions: [Int: NodeCompletion] = [:]
        for rank in graph.nodes.indices where !first.contains(rank) {
            let comesAfter = graph.incoming[rank].contains { completions[graph.edges[$0].from] == nil }
            if !comesAfter, let completion = results.completion(ofNode: graph.nodes[rank].id) {
                completions[rank] = completion
            }
        }
        // What an ancestor wrote would win over the edited value.
        let edited = edits.isEmpty ? [] : ancestors(of: first, graph)
        let edges = EdgeMatching(from: results.graph, to: graph)
        var taken: [Int: TakenOver] = [:]
        for (rank, completion) in completions {
            var result = edges.takeOver(completion, rank, runs: { completions[$0] == nil })
            if edited.contains(rank) {
                for key in edits.keys where result.update[key] != nil { result.update.removeValue(forKey: key) }
            }
            taken[rank] = result
        }
        return Takeover(taken)
    }

    private static func ancestors(of ranks: Set<Int>, _ graph: Graph) -> Set<Int> {
        var found: Set<Int> = []
        var open = Array(ranks)
        while let next = open.popLast() {
            for edge in graph.incoming[next] where found.insert(graph.edges[edge].from).inserted {
                open.append(graph.edges[edge].from)
            }
        }
        return found
    }
}

/// Finds the edges of one graph in another: by the ids of their ends, and their order among those of the same ends.
private struct EdgeMatching {
    private let old: Graph
    private let new: Graph
    private let isSame: Bool

    init(from old: Graph, to new: Graph) {
        self.old = old
        self.new = new
        isSame = old === new
    }

    /// - Parameter rank: in the new graph.
    /// - Parameter runs: whether the node of a rank is not taken over.
    func takeOver(_ completion: NodeCompletion, _ rank: Int, runs: (Int) -> Bool) -> TakenOver {
        var result = TakenOver(status: completion.firstStatus)
        result.update = completion.update
        if let error = completion.error { result.failure = NodeFailure(error, details: completion.details) }
        let broken = completion.notes?.broken ?? []
        guard !isSame else {
            result.taken = completion.taken
            result.broken = broken
            return result
        }
        let wasTaken = Set(completion.taken)
        let matches = matches(old: completion.rank, new: rank)
        for edge in new.outgoing[rank] {
            let when = new.edges[edge].when
            if let match = matches[edge] {
                let failure = broken.first { $0.edge == match }?.failure
                if wasTaken.contains(match) {
                    result.taken.append(edge)
                } else if let failure, old.edges[match].when == when {
                    result.broken.append(BrokenEdge(edge: edge, failure: failure))
                } else if failure != nil {
                    // Another condition has taken the place of the one that failed.
                    decide(edge, when, runs, mayTake: true, &result)
                }
            } else {
                decide(edge, when, runs, mayTake: takesEdges(completion.firstStatus, rank), &result)
            }
        }
        return result
    }

    private func decide(
        _ edge: Int, _ when: String?, _ runs: (Int) -> Bool, mayTake: Bool, _ result: inout TakenOver
    ) {
        guard mayTake, runs(new.edges[edge].to) else { return }
        if when == nil { result.taken.append(edge) } else { result.undecided.append(edge) }
    }

    private func takesEdges(_ status: NodeStatus, _ rank: Int) -> Bool {
        status == .success || status == .error && new.nodes[rank].onError == .continue
    }

    /// Edge of the new graph → edge of the old one.
    private func matches(old oldRank: Int, new newRank: Int) -> [Int: Int] {
        var byTarget: [String: [Int]] = [:]
        for edge in old.outgoing[oldRank].reversed() {
            byTarget[old.nodes[old.edges[edge].to].id, default: []].append(edge)
        }
        var matches: [Int: Int] = [:]
        for edge in new.outgoing[newRank] {
            matches[edge] = byTarget[new.nodes[new.edges[edge].to].id]?.popLast()
        }
        return matches
    }
}

/// What an execution has brought so far.
package struct ExecutionResults: Sendable {
    package private(set) var initialState: JSONObject = [:]
    /// Of nodes that ended with a result.
    private var completions: [String: NodeCompletion] = [:]
    /// The ids of nodes that ended in error, here or in the execution that they were taken over from.
    package private(set) var failedNodes: [String] = []
    /// Whether every node has a result.
    package var isComplete: Bool { completions.count == graph.nodes.count }
    let graph: Graph
    /// Of the node whose items are wanted: those that ended well.
    private(set) var items: [TakenOverItem] = []
    private let itemsRank: Int?
    /// Of the step that is to run again: what led to it.
    package private(set) var steps: HostedSteps?

    /// - Parameters:
    ///   - graph: the one that the execution ran.
    ///   - start: what is to run again, if that is known.
    package init(of graph: Graph, for start: RerunStart? = nil) {
        self.graph = graph
        if case .failedItems(let id) = start { itemsRank = graph.rank(ofNode: id) } else { itemsRank = nil }
        if case .step(let id, let index) = start {
            steps = graph.rank(ofNode: id).map { HostedSteps(rank: $0, index: index) }
        }
    }

    /// Takes the next record of the execution.
    package mutating func take(_ record: EventRecord) {
        steps?.take(record)
        guard record.scope == 0 else { return }
        switch record.body {
        case .start(_, let initialState): self.initialState = initialState
        case .nodeComplete(let completion) where !completion.willRetry && completion.status != .cancelled:
            guard graph.nodes.indices.contains(completion.rank) else { return }
            let id = graph.nodes[completion.rank].id
            completions[id] = completion
            if completion.firstStatus == .error { failedNodes.append(id) }
        case .scopeClosed(let closing) where closing.rank == itemsRank:
            guard let index = closing.index, let value = closing.value else { return }
            items.append(TakenOverItem(index: index, value: value))
        case .nodeStart, .nodeOutput, .signalled, .nodeComplete, .complete, .error, .scopeOpened, .scopeClosed: break
        }
    }

    /// How a node ended; nil if it has no result.
    func completion(ofNode id: String) -> NodeCompletion? { completions[id] }
}

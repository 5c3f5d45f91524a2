import Graphs
import JSON

/// What a new execution takes over from an earlier one: the results of all nodes but those that run again.
///
/// A node runs again if it is the one named, if it has no result (it failed, was skipped, never ran, or is new), or if it
/// comes after one that runs again.
package struct RerunPlan: Sendable {
    /// The node from which on everything runs again; nil: everything does.
    package let fromNode: String?
    /// The keys of the state that were edited, with their new values.
    package let edits: JSONObject
    /// The earlier execution's, with the edits laid over it.
    package let initialState: JSONObject
    /// By rank in the new execution's graph.
    package let cached: [Int: JSONObject]

    /// - Parameter results: of the earlier execution.
    package init(_ results: ExecutionResults, on graph: Graph, fromNode: String?, edits: JSONObject) {
        self.fromNode = fromNode
        self.edits = edits
        var state = results.initialState
        for (key, value) in edits { state[key] = value }
        initialState = state
        cached = Self.cached(results, graph, fromNode.flatMap { graph.rank(ofNode: $0) }, edits)
    }

    private static func cached(
        _ results: ExecutionResults, _ graph: Graph, _ from: Int?, _ edits: JSONObject
    ) -> [Int: JSONObject] {
        guard let from else { return [:] }
        var cached: [Int: JSONObject] = [:]
        for rank in graph.nodes.indices where rank != from {
            let comesAfter = graph.incoming[rank].contains { cached[graph.edges[$0].from] == nil }
            if !comesAfter, let update = results.updates[graph.nodes[rank].id] { cached[rank] = update }
        }
        guard !edits.isEmpty else { return cached }
        // What an ancestor wrote would win over the edited value.
        for rank in ancestors(of: from, graph) {
            guard var update = cached[rank] else { continue }
            for key in edits.keys where update[key] != nil { update.removeValue(forKey: key) }
            cached[rank] = update
        }
        return cached
    }

    private static func ancestors(of rank: Int, _ graph: Graph) -> Set<Int> {
        var found: Set<Int> = []
        var open = [rank]
        while let next = open.popLast() {
            for edge in graph.incoming[next] where found.insert(graph.edges[edge].from).inserted {
                open.append(graph.edges[edge].from)
            }
        }
        return found
    }
}

/// What an execution has brought so far.
package struct ExecutionResults: Sendable {
    package private(set) var initialState: JSONObject = [:]
    /// By node id: the updates of nodes that ended as success or cached.
    package private(set) var updates: [String: JSONObject] = [:]
    private let graph: Graph

    /// - Parameter graph: the one that the execution ran.
    package init(of graph: Graph) {
        self.graph = graph
    }

    /// Takes the next record of the execution.
    package mutating func take(_ record: EventRecord) {
        switch record.body {
        case .start(_, let initialState): self.initialState = initialState
        case .nodeComplete(let completion) where completion.status == .success || completion.status == .cached:
            guard graph.nodes.indices.contains(completion.rank) else { return }
            updates[graph.nodes[completion.rank].id] = completion.update
        case .nodeStart, .nodeOutput, .nodeComplete, .complete, .error: break
        }
    }
}

import Graphs
import JSON

/// How states flow along the taken edges of one execution: the one place where input and output states come from, for the
/// engine that runs nodes and for the renderer that shows events.
package struct StateFlow: Sendable {
    private let graph: Graph
    private let initial: State
    /// By rank: the sources of the incoming edges that were taken.
    private var sources: [[Int32]]
    /// By rank: between a node's first look at its input and its end.
    private var inputs: [State?]
    /// By rank: until all targets have looked.
    private var outputs: [State?]
    /// By rank: outgoing edges whose target has not looked at its input yet.
    private var readersLeft: [Int32]

    package init(graph: Graph, initialState: JSONObject) {
        self.graph = graph
        initial = State(initial: initialState, reducers: graph.reducers)
        sources = Array(repeating: [], count: graph.nodes.count)
        inputs = Array(repeating: nil, count: graph.nodes.count)
        outputs = Array(repeating: nil, count: graph.nodes.count)
        readersLeft = graph.outgoing.map { Int32($0.count) }
    }

    /// The initial state and the updates of all ancestors over taken edges. All incoming edges must be decided.
    package mutating func input(ofRank rank: Int) -> State {
        if let known = inputs[rank] { return known }
        let taken = sources[rank].sorted()
        var state = taken.first.flatMap { outputs[Int($0)] } ?? initial
        for source in taken.dropFirst() {
            if let output = outputs[Int(source)] { state.merge(output) }
        }
        inputs[rank] = state
        for edge in graph.incoming[rank] { release(graph.edges[edge].from) }
        return state
    }

    /// Ends a node: its output state is its input and the update.
    package mutating func finish(rank: Int, update: JSONObject) -> State {
        var state = input(ofRank: rank)
        inputs[rank] = nil
        state.apply(update, rank: rank)
        if readersLeft[rank] > 0 { outputs[rank] = state }
        return state
    }

    package func takenSources(ofRank rank: Int) -> [Int] {
        sources[rank].map(Int.init)
    }

    package mutating func take(_ edges: [Int]) {
        for index in edges {
            let edge = graph.edges[index]
            sources[edge.to].append(Int32(edge.from))
        }
    }

    private mutating func release(_ source: Int) {
        readersLeft[source] -= 1
        if readersLeft[source] == 0 { outputs[source] = nil }
    }
}

extension Graph {
    /// The document's reducers by key.
    package var reducers: [JSONKey: Reducer] {
        Dictionary(document.reducers.map { ($0.key, $0.value) }) { first, _ in first }
    }
}

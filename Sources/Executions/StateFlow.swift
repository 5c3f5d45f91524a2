import Graphs
import JSON
import OrderedCollections

/// How states flow along the taken edges of one execution: the one place where input and output states come from, for the
/// engine that runs nodes and for the renderer that shows events.
package struct StateFlow: Sendable {
    private struct Slot: Sendable {
        /// Between the node's first look at its input and its end.
        var input: State?
        /// Until all targets have looked.
        var output: State?
        /// Outgoing edges whose target has not looked at its input yet.
        var readersLeft: Int32
        /// The source of the first incoming edge that was taken, -1 for none.
        var firstSource: Int32 = -1
        var moreSources: [Int32] = []
    }

    private let graph: Graph
    let initial: State
    package let initialState: JSONObject
    /// By rank.
    private var slots: [Slot]

    package init(graph: Graph, initialState: JSONObject) {
        self.graph = graph
        self.initialState = initialState
        initial = State(initial: initialState, reducers: graph.reducers)
        slots = graph.outgoing.map { Slot(readersLeft: Int32($0.count)) }
    }

    /// The initial state and the updates of all ancestors over taken edges. All incoming edges must be decided.
    package mutating func input(ofRank rank: Int) -> State {
        if let known = slots[rank].input { return known }
        let state = takeInput(rank)
        slots[rank].input = state
        return state
    }

    /// Puts the input together; the sources whose last look that was let go of their output.
    private mutating func takeInput(_ rank: Int) -> State {
        let state = merged(rank)
        for edge in graph.incoming[rank] { release(graph.edges[edge].from) }
        return state
    }

    /// Whether a node's input takes an update, told without laying it over: the state stays small, and nothing can refuse it.
    package mutating func surelyTakes(_ update: JSONObject, rank: Int, stateBytesMax: Int) -> Bool {
        guard let input = slots[rank].input, !input.hasReducers else { return false }
        return input.bytes + update.byteCount <= stateBytesMax
    }

    /// Ends a node: its output state is its input and the update.
    package mutating func finish(rank: Int, update: JSONObject) -> State {
        var state = slots[rank].input.take() ?? takeInput(rank)
        state.apply(update, rank: rank)
        if slots[rank].readersLeft > 0 { slots[rank].output = state }
        return state
    }

    package mutating func take(_ edges: [Int]) {
        for index in edges {
            let (source, target) = (Int32(graph.edges[index].from), graph.edges[index].to)
            if slots[target].firstSource < 0 {
                slots[target].firstSource = source
            } else {
                slots[target].moreSources.append(source)
            }
        }
    }

    private func takenSources(ofRank rank: Int) -> [Int] {
        guard slots[rank].firstSource >= 0 else { return [] }
        return [Int(slots[rank].firstSource)] + slots[rank].moreSources.map(Int.init)
    }

    private func merged(_ rank: Int) -> State {
        guard slots[rank].firstSource >= 0 else { return initial }
        guard !slots[rank].moreSources.isEmpty else { return slots[Int(slots[rank].firstSource)].output ?? initial }
        let sources = takenSources(ofRank: rank).sorted()
        var state = slots[sources[0]].output ?? initial
        for source in sources.dropFirst() {
            if let output = slots[source].output { state.merge(output) }
        }
        return state
    }

    private mutating func release(_ source: Int) {
        slots[source].readersLeft -= 1
        if slots[source].readersLeft == 0 { slots[source].output = nil }
    }
}

extension Graph {
    /// The document's reducers by key.
    package var reducers: [JSONKey: Reducer] {
        if document.reducers.isEmpty { return [:] }
        return Dictionary(document.reducers.map { ($0.key, $0.value) }) { first, _ in first }
    }
}

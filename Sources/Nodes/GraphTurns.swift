import DequeModule

/// The calls that wait for a worker: first come, first served within a graph, and the graphs in turn.
struct GraphTurns: Sendable {
    private var queues: [String: Deque<PythonCall>] = [:]
    /// The graphs in `queues`; one that has had its turn goes to the end.
    private(set) var graphs = Deque<String>()

    var isEmpty: Bool { graphs.isEmpty }

    mutating func append(_ call: PythonCall) {
        let graph = call.key.graphID
        if queues[graph] == nil { graphs.append(graph) }
        queues[graph, default: []].append(call)
    }

    /// The next call of the graph whose turn is the `index`-th.
    func first(at index: Int) -> PythonCall? { queues[graphs[index]]?.first }

    /// Takes that call out.
    /// - Parameter isTurn: it was its graph's turn, and others come before the next one.
    mutating func removeFirst(at index: Int, isTurn: Bool = true) {
        let graph = graphs[index]
        queues[graph]?.removeFirst()
        if queues[graph]?.isEmpty != false {
            queues[graph] = nil
            graphs.remove(at: index)
        } else if isTurn {
            graphs.remove(at: index)
            graphs.append(graph)
        }
    }

    /// A graph gives its turn to all others.
    mutating func pass(at index: Int) { graphs.append(graphs.remove(at: index)) }

    mutating func removeAll() -> [PythonCall] {
        defer { (queues, graphs) = ([:], []) }
        return queues.values.flatMap { $0 }
    }
}

import JSON
import OrderedCollections

extension Graph {
    /// What a library of its own runs in one step of a graph: nodes by the names that it gives them, in no relation.
    /// - Parameter names: each once.
    package static func hosted(_ names: [String], kind: String) -> Graph {
        let document = GraphDocument(
            id: kind, name: kind, description: "", initialState: [:], inputSchema: nil, reducers: [:],
            limits: GraphLimits(),
            onRestart: .resume, interpreter: nil, nodes: names.map { GraphNode(id: $0, kind: kind) }, edges: [],
            source: .emptyObject)
        return Graph(document, places: Array(names.indices))
    }
}

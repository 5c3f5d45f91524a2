import JSON

/// The nodes and edges that stand in the config of a node, checked as those of the document are.
package struct NestedNodes: Sendable, Equatable {
    package let nodes: [GraphNode]
    package let edges: [GraphEdge]
    /// The topological order: rank → place in `nodes`.
    let places: [Int]
    /// The config.
    let source: JSONText
}

extension GraphDocument {
    /// The document that nodes in the config of a node make: what it does not say itself is that of the one around it.
    func within(_ nested: NestedNodes) -> GraphDocument {
        GraphDocument(
            id: id, name: name, description: "", initialState: JSONObject(), inputSchema: nil,
            reducers: reducers, limits: limits, onRestart: .resume, interpreter: interpreter, nodes: nested.nodes,
            edges: nested.edges,
            source: nested.source)
    }
}

extension GraphNode {
    /// Kinds in whose config nodes may stand. Told by name, so that whoever only reads documents knows it too.
    static let nestingKinds: Set<String> = ["map", "repeat"]
}

extension DocumentReader {
    /// Reads the nodes in a config, at which the walk stands.
    /// - Returns: nil where there are none, or something is wrong with them.
    func nested(_ config: JSONText, ofKind kind: String) -> NestedNodes? {
        guard GraphNode.nestingKinds.contains(kind), config["nodes"]?.kind == .array else { return nil }
        guard depth < GraphBounds.nestingMax else {
            faults.add("graphs stand within graphs at most \(GraphBounds.nestingMax) deep")
            return nil
        }
        let reader = DocumentReader(nestedIn: self)
        defer { take(from: reader) }
        return reader.readNested(config)
    }
}

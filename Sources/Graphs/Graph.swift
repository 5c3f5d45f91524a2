/// A validated graph with its topology; immutable and shared. Nodes stand in topological order: a node's index here is
/// its rank.
package final class Graph: Sendable {
    /// An edge between ranks.
    package struct Edge: Sendable, Equatable {
        /// The rank of the source.
        package let from: Int
        /// The rank of the target.
        package let to: Int
        package let when: String?
        package let python: GraphEdge.PythonCondition?
        /// Its place in `document.edges`.
        package let documentIndex: Int

        package init(
            from: Int, to: Int, when: String?, python: GraphEdge.PythonCondition? = nil, documentIndex: Int
        ) {
            self.from = from
            self.to = to
            self.when = when
            self.python = python
            self.documentIndex = documentIndex
        }
    }

    package let document: GraphDocument
    /// By rank.
    package let nodes: [GraphNode]
    /// Rank → place in `document.nodes`.
    package let documentIndex: [Int]
    /// In document order.
    package let edges: [Edge]
    /// Rank → the edges that end there, as indices into `edges`, ascending.
    package let incoming: [[Int]]
    /// Rank → the edges that begin there, as indices into `edges`, ascending.
    package let outgoing: [[Int]]
    /// By rank: the graph that stands in the config of a node.
    package let nested: [Graph?]
    private let rankOfID: [String: Int]

    /// `places` is the topological order: rank → place in `document.nodes`.
    init(_ document: GraphDocument, places: [Int]) {
        precondition(places.count == document.nodes.count, "the order covers every node")
        self.document = document
        documentIndex = places
        nodes = places.map { document.nodes[$0] }
        nested = nodes.map { node in node.nested.map { Graph(document.within($0), places: $0.places) } }
        let ranks = Dictionary(uniqueKeysWithValues: nodes.enumerated().map { ($1.id, $0) })
        rankOfID = ranks
        edges = document.edges.enumerated().map { index, edge in
            guard let from = ranks[edge.from], let to = ranks[edge.to] else {
                preconditionFailure("an edge of a validated document joins its nodes")
            }
            return Edge(from: from, to: to, when: edge.when, python: edge.python, documentIndex: index)
        }
        let edges = self.edges
        let incoming = Adjacency(nodeCount: nodes.count, count: edges.count) { edges[$0].to }
        let outgoing = Adjacency(nodeCount: nodes.count, count: edges.count) { edges[$0].from }
        self.incoming = nodes.indices.map { Array(incoming[$0]) }
        self.outgoing = nodes.indices.map { Array(outgoing[$0]) }
    }

    /// The rank of a node, or nil if the graph has none of that id.
    package func rank(ofNode id: String) -> Int? {
        rankOfID[id]
    }
}

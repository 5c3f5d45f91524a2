import Graphs
import JSON

/// One revision of a graph, compiled: what an execution runs, and keeps until its end.
package final class GraphRevision: Sendable {
    package let graph: Graph
    package let identity: GraphIdentity
    package let createdAtMicroseconds: Int64
    /// By rank.
    package let bodies: [any NodeBody]
    /// Whether all of its nodes do (`NodeBody.onlyComputes`): once they have begun, its executions end by themselves.
    package let onlyComputes: Bool
    /// By rank: the graph that stands in the config of a node, compiled.
    package let nested: [GraphRevision?]
    /// Whether some node asks people, or runs a graph that may.
    let mayAsk: Bool
    /// Whether some of those nodes must know who has started the execution.
    package let excludesStarter: Bool
    /// By index into `graph.edges`; nil for an edge without `when`.
    package let conditions: [(any EdgeCondition)?]
    let hasConditions: Bool
    /// Whether some condition looks at what nodes did.
    let conditionsReadNodes: Bool
    /// By rank: `,"node_id":"…","node_name":"…","attempt":`, as events carry it.
    private let labels: ByteTable
    /// By rank: the same with `"node_kind":"…"`.
    private let startLabels: ByteTable
    /// By rank: the id as a JSON string.
    package let idTokens: [[UInt8]]
    /// By rank: what every attempt gives, if that is always the same.
    let constants: [JSONObject?]

    /// - Parameter nested: nil for a revision that is only read: nothing within its nodes can run either.
    package init(
        graph: Graph, identity: GraphIdentity, createdAtMicroseconds: Int64, bodies: [any NodeBody],
        nested: [GraphRevision?]? = nil, conditions: [(any EdgeCondition)?]
    ) {
        self.graph = graph
        self.identity = identity
        self.createdAtMicroseconds = createdAtMicroseconds
        self.bodies = bodies
        self.nested =
            nested
            ?? graph.nested.map { inner in
                inner.map {
                    GraphRevision(
                        graph: $0, identity: identity, createdAtMicroseconds: createdAtMicroseconds, bodies: [],
                        conditions: [])
                }
            }
        onlyComputes = bodies.allSatisfy(\.onlyComputes)
        let approvals = bodies.compactMap(\.approval)
        mayAsk = !approvals.isEmpty || bodies.contains { $0 is any ScopeBody || $0.hosts }
        excludesStarter =
            approvals.contains(where: \.excludesStarter) || self.nested.contains { $0?.excludesStarter == true }
        self.conditions = conditions
        hasConditions = conditions.contains { $0 != nil }
        conditionsReadNodes = conditions.contains { $0?.readsNodes == true }
        labels = ByteTable(graph.nodes) { node, writer in
            Self.writeLabel(of: node, to: &writer)
            writer.append(",\"attempt\":")
        }
        startLabels = ByteTable(graph.nodes) { node, writer in
            Self.writeLabel(of: node, to: &writer)
            writer.append(",\"node_kind\":")
            writer.appendJSONString(node.kind)
            writer.append(",\"attempt\":")
        }
        idTokens = graph.nodes.map { JSONText($0.id).bytes }
        constants = bodies.map(\.constantUpdate)
    }

    private static func writeLabel(of node: GraphNode, to writer: inout ByteWriter) {
        writer.append(",\"node_id\":")
        writer.appendJSONString(node.id)
        writer.append(",\"node_name\":")
        writer.appendJSONString(node.name)
    }
}

extension GraphRevision {
    /// Appends `,"node_id":"…"`.
    package func appendNodeID(ofRank rank: Int, to writer: inout ByteWriter) {
        writer.append(",\"node_id\":")
        appendID(ofRank: rank, to: &writer)
    }

    /// Appends the node's id as a JSON string.
    package func appendID(ofRank rank: Int, to writer: inout ByteWriter) { writer.append(idTokens[rank]) }

    /// Appends what the end of an attempt begins with, up to the number of the attempt.
    func appendLabel(ofRank rank: Int, to writer: inout ByteWriter) { labels.append(rank, to: &writer) }

    /// Appends what the start of an attempt begins with, up to the number of the attempt.
    func appendStartLabel(ofRank rank: Int, to writer: inout ByteWriter) { startLabels.append(rank, to: &writer) }
}

/// Texts by index, behind one another: to append one is a copy of its bytes, and no array of its own is held for that.
private struct ByteTable: Sendable {
    private let bytes: [UInt8]
    /// The text `i` ends at `ends[i]`.
    private let ends: [Int]

    init<Element>(_ elements: [Element], _ write: (Element, inout ByteWriter) -> Void) {
        var writer = ByteWriter()
        ends = elements.map { element in
            write(element, &writer)
            return writer.count
        }
        bytes = writer.bytes
    }

    func append(_ index: Int, to writer: inout ByteWriter) {
        let start = index > 0 ? ends[index - 1] : 0
        bytes.withUnsafeBytes { writer.append(UnsafeRawBufferPointer(rebasing: $0[start..<ends[index]])) }
    }
}

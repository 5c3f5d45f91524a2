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
    /// By index into `graph.edges`; nil for an edge without `when`.
    package let conditions: [(any EdgeCondition)?]
    /// By rank: `,"node_id":"…","node_name":"…"`, as events carry it.
    let labels: [[UInt8]]
    /// By rank: the same with `,"node_kind":"…"`.
    let startLabels: [[UInt8]]
    /// By rank: the id as a JSON string.
    package let idTokens: [[UInt8]]

    /// Appends `,"node_id":"…"`.
    package func appendNodeID(ofRank rank: Int, to writer: inout ByteWriter) {
        writer.append(",\"node_id\":")
        writer.append(idTokens[rank])
    }

    package init(
        graph: Graph, identity: GraphIdentity, createdAtMicroseconds: Int64, bodies: [any NodeBody],
        conditions: [(any EdgeCondition)?]
    ) {
        self.graph = graph
        self.identity = identity
        self.createdAtMicroseconds = createdAtMicroseconds
        self.bodies = bodies
        onlyComputes = bodies.allSatisfy(\.onlyComputes)
        self.conditions = conditions
        labels = graph.nodes.map { node in
            var writer = ByteWriter()
            writer.append(",\"node_id\":")
            writer.appendJSONString(node.id)
            writer.append(",\"node_name\":")
            writer.appendJSONString(node.name)
            return writer.bytes
        }
        startLabels = zip(labels, graph.nodes).map { $0 + Array(",\"node_kind\":".utf8) + JSONText($1.kind).bytes }
        idTokens = graph.nodes.map { JSONText($0.id).bytes }
    }
}

/// A compiled `when`: a pure function of what it is shown, bounded in time and memory.
package protocol EdgeCondition: Sendable {
    /// Whether it looks at `nodes`, so that the engine keeps them only if somebody does.
    var readsNodes: Bool { get }
    /// Lua truth of the expression; a failure's message says what was wrong with it.
    func evaluate(_ scope: ConditionScope) -> Result<Bool, NodeFailure>
}

/// What a `when` sees.
package struct ConditionScope: Sendable {
    /// The source's output state.
    package let state: State
    /// By node id: the source and its ancestors.
    package let nodes: [String: ConditionNode]

    package init(state: State, nodes: [String: ConditionNode]) {
        self.state = state
        self.nodes = nodes
    }
}

package struct ConditionNode: Sendable {
    package let status: NodeStatus
    package let update: JSONObject

    package init(status: NodeStatus, update: JSONObject) {
        self.status = status
        self.update = update
    }
}

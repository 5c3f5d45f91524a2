import Graphs
import JSON

/// Makes documents into something that runs: knows the kinds of nodes and the language of conditions.
package protocol GraphCompiler: NodeVocabulary {
    func compile(
        _ graph: Graph, identity: GraphIdentity, createdAtMicroseconds: Int64
    ) throws(GraphFaults) -> GraphRevision
    /// What `GET /api/node-kinds` answers: name, title, description and the JSON Schema of the config, for each kind.
    var kindDescriptions: JSONText { get }
}

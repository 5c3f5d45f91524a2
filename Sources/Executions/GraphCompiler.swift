import Graphs
import JSON

/// Makes documents into something that runs: knows the kinds of nodes and the language of conditions.
package protocol GraphCompiler: NodeVocabulary {
    func compile(
        _ graph: Graph, identity: GraphIdentity, createdAtMicroseconds: Int64
    ) throws(GraphFaults) -> GraphRevision
    /// What is wrong with the code of documents that stand in `folder`, as far as its language tells without running it; nil
    /// for one that is not asked about (nil) or in order. It blocks.
    func codeFaults(of contents: [GraphRevisionContent?], in folder: String?) -> [GraphFaults?]
    /// What `GET /api/node-kinds` answers: name, title, description and the JSON Schema of the config, for each kind.
    var kindDescriptions: JSONText { get }
}

extension GraphCompiler {
    package func codeFaults(of contents: [GraphRevisionContent?], in folder: String?) -> [GraphFaults?] {
        contents.map { _ in nil }
    }
}

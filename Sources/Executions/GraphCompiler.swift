import Graphs
import JSON

/// Makes documents into something that runs: knows the kinds of nodes and the language of conditions.
package protocol GraphCompiler: NodeVocabulary {
    func compile(
        _ graph: Graph, identity: GraphIdentity, createdAtMicroseconds: Int64
    ) throws(GraphFaults) -> GraphRevision
    /// What is wrong with the code of documents that stand in `folder`, as far as its language tells without running it; nil
    /// for one that is not asked about (nil) or in order. It blocks.
    func codeFaults(of documents: [DocumentCode?], in folder: String?) -> [GraphFaults?]
    /// What `GET /api/node-kinds` answers: name, title, description and the JSON Schema of the config, for each kind.
    var kindDescriptions: JSONText { get }
}

extension GraphCompiler {
    package func codeFaults(of documents: [DocumentCode?], in folder: String?) -> [GraphFaults?] {
        documents.map { _ in nil }
    }

    /// Reads a document that stands in `folder`, and checks all of it, its code too. Throws every fault with its place, in the
    /// order of the text. It blocks.
    package func read(
        _ text: [UInt8], _ format: GraphFormat, files: some GraphFileSource, in folder: String?
    ) throws(GraphFaults) -> GraphRevisionContent {
        let content: GraphRevisionContent
        do throws(GraphFaults) {
            content = try Graph.parse(text, format: format, vocabulary: self, files: files)
        } catch {
            guard let faults = codeFaults(of: [error.code], in: folder).first ?? nil else { throw error }
            throw error.merged(with: faults.placed(in: text, format))
        }
        if let faults = codeFaults(of: [content.documentCode], in: folder).first ?? nil {
            throw faults.placed(in: text, format)
        }
        return content
    }
}

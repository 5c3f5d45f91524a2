import Graphs
import JSON

/// Where graph revisions are kept. Revision numbers of one graph id rise for ever, also across a delete.
///
/// Reads block and belong on a lane (`Lanes`); changes never block.
package protocol GraphStore: Sendable {
    /// The newest revision of every graph that is not deleted.
    func currentGraphs() throws(StoreError) -> [StoredGraph]
    func graph(_ id: String, revision: Int) throws(StoreError) -> StoredGraph?
    /// The YAML that a revision was written in; nil for one that was written in JSON, or before the text was kept.
    func text(ofGraph id: String, revision: Int) throws(StoreError) -> [UInt8]?
    /// Newest first, deletions included.
    func revisions(ofGraph id: String) throws(StoreError) -> [GraphRevisionSummary]
    /// The newest number of every graph, deletions included.
    func graphHeads() throws(StoreError) -> [String: GraphHead]
    /// Stores a document under the next number of its graph, in the next commit.
    /// - Parameter expecting: the newest number, 0 for a graph that never was; another one stores nothing.
    func put(_ graph: NewGraph, expecting: Int, _ reply: @escaping StoreReply<GraphChange>)
    /// Marks a graph as deleted, which is a revision too; not where it is deleted already.
    func deleteGraph(
        _ id: String, expecting: Int, atMicroseconds: Int64, _ reply: @escaping StoreReply<GraphChange>)
    /// By file name: the fingerprint of what was last loaded from each file of the graphs folder.
    func loadedFiles() throws(StoreError) -> [String: String]
}

/// How a graph stands: its newest number, and what that is.
package struct GraphHead: Sendable, Equatable {
    /// 0 for a graph that never was.
    package let revision: Int
    package let isDeletion: Bool

    package static let none = GraphHead(revision: 0, isDeletion: false)

    package init(revision: Int, isDeletion: Bool) {
        self.revision = revision
        self.isDeletion = isDeletion
    }

    /// The revision that can be read, 0 where there is none.
    package var current: Int { isDeletion ? 0 : revision }
}

package enum GraphChange: Sendable, Equatable {
    case stored(GraphRevisionSummary)
    /// Another number was expected than this.
    case refused(GraphHead)
}

package struct StoredGraph: Sendable {
    package let summary: GraphRevisionSummary
    /// The document as JSON, as it was written.
    package let document: JSONText
    package let files: GraphFiles
    /// The folder that the document came from, if it came from one.
    package let folder: String?

    package init(summary: GraphRevisionSummary, document: JSONText, files: GraphFiles, folder: String?) {
        self.summary = summary
        self.document = document
        self.files = files
        self.folder = folder
    }
}

package struct GraphRevisionSummary: Sendable, Equatable {
    package let graphID: String
    package let revision: Int
    package let createdAtMicroseconds: Int64
    package let isDeletion: Bool
    /// The file of the graphs folder that made it, nil for the API.
    package let fileName: String?

    package init(graphID: String, revision: Int, createdAtMicroseconds: Int64, isDeletion: Bool, fileName: String?) {
        self.graphID = graphID
        self.revision = revision
        self.createdAtMicroseconds = createdAtMicroseconds
        self.isDeletion = isDeletion
        self.fileName = fileName
    }
}

/// A document on its way into the store.
package struct NewGraph: Sendable {
    package let id: String
    package let document: JSONText
    /// The YAML that it is written in, nil for JSON.
    package let text: [UInt8]?
    package let files: GraphFiles
    package let folder: String?
    package let createdAtMicroseconds: Int64
    /// The file that it was loaded from, and the fingerprint of that file's content.
    package let loadedFrom: (fileName: String, fingerprint: String)?

    package init(
        id: String, document: JSONText, text: [UInt8]? = nil, files: GraphFiles, folder: String?,
        createdAtMicroseconds: Int64, loadedFrom: (fileName: String, fingerprint: String)? = nil
    ) {
        self.id = id
        self.document = document
        self.text = text
        self.files = files
        self.folder = folder
        self.createdAtMicroseconds = createdAtMicroseconds
        self.loadedFrom = loadedFrom
    }
}

import Graphs
import JSON

/// Where graph revisions are kept. Revision numbers of one graph id rise for ever, also across a delete.
///
/// All calls block until they are durable, and belong on a lane (`Lanes`).
package protocol GraphStore: Sendable {
    /// The newest revision of every graph that is not deleted.
    func currentGraphs() throws(StoreError) -> [StoredGraph]
    func graph(_ id: String, revision: Int) throws(StoreError) -> StoredGraph?
    /// Newest first, deletions included.
    func revisions(ofGraph id: String) throws(StoreError) -> [GraphRevisionSummary]
    /// Stores a document under the next number of its graph.
    /// - Parameter expecting: the current revision (0: there is none or it is deleted); another one stores nothing and gives nil.
    func put(_ graph: NewGraph, expecting: Int) throws(StoreError) -> GraphRevisionSummary?
    /// Marks a graph as deleted, which is a revision too; nil when `expecting` is not the current one.
    func deleteGraph(_ id: String, expecting: Int, atMicroseconds: Int64) throws(StoreError) -> GraphRevisionSummary?
    /// By file name: the fingerprint of what was last loaded from each file of the graphs folder.
    func loadedFiles() throws(StoreError) -> [String: String]
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
    package let files: GraphFiles
    package let folder: String?
    package let createdAtMicroseconds: Int64
    /// The file that it was loaded from, and the fingerprint of that file's content.
    package let loadedFrom: (fileName: String, fingerprint: String)?

    package init(
        id: String, document: JSONText, files: GraphFiles, folder: String?, createdAtMicroseconds: Int64,
        loadedFrom: (fileName: String, fingerprint: String)? = nil
    ) {
        self.id = id
        self.document = document
        self.files = files
        self.folder = folder
        self.createdAtMicroseconds = createdAtMicroseconds
        self.loadedFrom = loadedFrom
    }
}

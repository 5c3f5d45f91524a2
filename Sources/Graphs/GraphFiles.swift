/// The files that a graph names, by the name written in the document. Part of the graph's revision: an execution runs
/// with the content that was there when the revision was made.
package struct GraphFiles: Sendable, Equatable {
    package var files: [String: [UInt8]]

    package init(_ files: [String: [UInt8]] = [:]) {
        self.files = files
    }

    package subscript(name: String) -> [UInt8]? { files[name] }
}

/// Where the files that a document names come from.
package protocol GraphFileSource {
    /// The content of the file of that name, as written in the document.
    func read(_ name: String) throws(GraphFileError) -> [UInt8]
}

/// Why a file that a document names cannot be had, in words for the person who wrote the document.
package struct GraphFileError: Error, Sendable, Equatable {
    package let message: String

    package init(_ message: String) {
        self.message = message
    }
}

/// The files kept with a revision are the source when it is read again.
extension GraphFiles: GraphFileSource {
    package func read(_ name: String) throws(GraphFileError) -> [UInt8] {
        guard let content = files[name] else {
            throw GraphFileError("the file \(Suggestion.quoted(name)) is not among the document's files")
        }
        return content
    }
}

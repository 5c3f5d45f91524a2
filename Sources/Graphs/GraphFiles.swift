/// The files of a graph. Part of its revision: an execution runs with the content that was there when the revision was made.
package struct GraphFiles: Sendable, Equatable {
    /// Those that the document names, by the name written there.
    package var files: [String: [UInt8]]
    /// The Python files of the graph's folder that the code of the nodes imports, by their paths below that folder.
    package var imported: [String: [UInt8]]
    /// Those among `imported` that no text names: a run has shown that they are imported.
    package var shown: Set<String>

    package init(_ files: [String: [UInt8]] = [:], imported: [String: [UInt8]] = [:], shown: Set<String> = []) {
        self.files = files
        self.imported = imported
        self.shown = shown
    }

    /// The content of a file that the document names.
    package subscript(name: String) -> [UInt8]? { files[name] }

    package var isEmpty: Bool { files.isEmpty && imported.isEmpty }

    /// All of them, by their paths below the graph's folder.
    package var all: [String: [UInt8]] { files.merging(imported) { named, _ in named } }
}

/// Where the files that a document names come from.
package protocol GraphFileSource {
    /// The content of the file of that name, as written in the document.
    func read(_ name: String) throws(GraphFileError) -> [UInt8]
    /// The names in a folder below the document's own, which is ""; nil if there is none, or nothing to be imported from.
    func names(inFolder folder: String) -> Set<String>?
}

extension GraphFileSource {
    package func names(inFolder folder: String) -> Set<String>? { nil }
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

/// The Python of a document, as far as it could be read, and what of the document says how it is run.
package struct DocumentCode: Sendable, Equatable {
    package let nodes: [NodeCode]
    /// The files that the document names.
    package let files: GraphFiles
    /// What the document says of its interpreter.
    package let interpreter: String?
}

/// Python that a node's config brings along.
package struct NodeCode: Sendable, Equatable {
    package enum Source: Sendable, Hashable {
        /// A file beside the document, by the name written there.
        case file(String)
        /// What the config says itself.
        case inline(String)
    }

    /// Where it stands: a JSON Pointer, relative to the config as a kind gives it, into the document in a revision's content.
    package let pointer: String
    package let source: Source

    package init(pointer: String, source: Source) {
        self.pointer = pointer
        self.source = source
    }
}

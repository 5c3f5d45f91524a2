/// The files that a document names, each read once, within a common bound.
struct NamedFiles<Source: GraphFileSource> {
    private(set) var files = GraphFiles()
    private let source: Source
    private var failures: [String: String] = [:]
    private var byteCount = 0

    init(_ source: Source) {
        self.source = source
    }

    /// Reads a file, unless it was read before. Gives why it cannot be had, or nil.
    mutating func read(_ name: String) -> String? {
        if let failure = failures[name] { return failure }
        if files[name] != nil { return nil }
        do {
            try add(name)
            return nil
        } catch {
            failures[name] = error.message
            return error.message
        }
    }

    private mutating func add(_ name: String) throws(GraphFileError) {
        let content = try source.read(name)
        guard content.count <= GraphBounds.fileBytesMax else {
            throw .tooLarge(name, GraphBounds.fileBytesMax)
        }
        guard byteCount + content.count <= GraphBounds.filesBytesMax else {
            let limit = Wording.grouped(GraphBounds.filesBytesMax)
            throw GraphFileError("with \(Suggestion.quoted(name)), the document's files exceed \(limit) bytes together")
        }
        byteCount += content.count
        files.files[name] = content
    }
}

extension GraphFileError {
    static func tooLarge(_ name: String, _ bytesMax: Int) -> GraphFileError {
        GraphFileError("the file \(Suggestion.quoted(name)) is larger than \(Wording.grouped(bytesMax)) bytes")
    }
}

import Glibc
import JSON

/// A folder of graph documents: `*.yaml`, `*.yml` and `*.json`, not those of its subfolders, nor hidden ones.
package struct GraphFolder: Sendable {
    /// One document of the folder.
    package struct Entry: Sendable {
        /// The file's name, without the folder.
        package let fileName: String
        package let format: GraphFormat
        /// The document as it was read; empty if it could not be.
        package let bytes: [UInt8]
        /// What the document holds.
        package let fingerprint: Fingerprint
        package let content: Result<GraphRevisionContent, GraphFaults>
        /// What was looked at for it.
        package let trail: FolderSnapshot.Trail
    }

    /// The folder cannot be listed.
    package struct ListingError: Error, Sendable, Equatable {
        package let message: String
    }

    private let path: String

    package init(path: String) {
        self.path = path
    }

    /// Reads every document, in the order of the files' names. One that is broken does not hinder the others; of two
    /// with one id the second has a fault.
    /// - Parameters:
    ///   - only: the names of the files to read; nil: all.
    ///   - idOfFile: the ids in the files that are not read.
    package func read(
        vocabulary: some NodeVocabulary, snapshot: FolderSnapshot? = nil, only: Set<String>? = nil,
        idOfFile: [String: String] = [:], shown: (_ graphID: String) -> Set<String> = { _ in [] }
    ) throws(ListingError) -> [Entry] {
        let snapshot = snapshot ?? FolderSnapshot(path: path)
        var entries: [Entry] = []
        var fileOfID: [String: String] = [:]
        if let only {
            for (file, id) in idOfFile where !only.contains(file) { fileOfID[id] = file }
        }
        for name in try names() where only?.contains(name) ?? true {
            guard let format = Self.format(of: name) else { continue }
            var entry = Self.entry(name, format, vocabulary, snapshot, shown)
            if case .success(let content) = entry.content {
                let id = content.graph.document.id
                if let first = fileOfID[id] {
                    entry = entry.refused("the id `\(id)` of \(name) is the id of \(first) already")
                } else {
                    fileOfID[id] = name
                }
            }
            entries.append(entry)
        }
        return entries
    }

    private static func entry(
        _ name: String, _ format: GraphFormat, _ vocabulary: some NodeVocabulary, _ snapshot: FolderSnapshot,
        _ shown: (_ graphID: String) -> Set<String>
    ) -> Entry {
        _ = snapshot.takeTrail()
        var bytes: [UInt8] = []
        let content = Result { () throws(GraphFaults) in
            do throws(GraphFileError) {
                bytes = try snapshot.readDocument(name)
            } catch {
                throw GraphFaults(error.message)
            }
            return try Graph.parse(bytes, format: format, vocabulary: vocabulary, files: snapshot, shown: shown)
        }
        return Entry(
            fileName: name, format: format, bytes: bytes, fingerprint: Fingerprint(document: bytes), content: content,
            trail: snapshot.takeTrail())
    }

    /// The names of what lies in it, in the order of their bytes.
    private func names() throws(ListingError) -> [String] {
        guard let folder = opendir(path) else {
            let error = errno
            throw ListingError(
                message: "the graphs folder \(path) cannot be read: \(String(cString: strerror(error)))")
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { name in
                    String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// The names of its documents.
    package func documentNames() throws(ListingError) -> [String] {
        try names().filter { Self.format(of: $0) != nil }
    }

    /// How a file of the folder is written, if by its name it is a document.
    package static func format(of name: String) -> GraphFormat? {
        if name.hasPrefix(".") || name == PythonFiles.manifestName { return nil }
        let name = name.lowercased()
        if name.hasSuffix(".json") { return .json }
        return name.hasSuffix(".yaml") || name.hasSuffix(".yml") ? .yaml : nil
    }
}

extension GraphFolder.Entry {
    /// The Python of the document, also of one with faults.
    package var code: DocumentCode? {
        switch content {
        case .success(let content): content.documentCode
        case .failure(let faults): faults.code
        }
    }

    /// The id that the document says, also of one with faults; nil where it cannot be read.
    package var graphID: String? {
        if let content = try? content.get() { return content.graph.document.id }
        guard let source = try? Graph.source(bytes, format), let id = source["id"]?.string else { return nil }
        return GraphDocument.isID(id) ? id : nil
    }

    fileprivate func refused(_ message: String) -> Self {
        Self(
            fileName: fileName, format: format, bytes: bytes, fingerprint: fingerprint,
            content: .failure(GraphFaults(pointer: "/id", message).placed(in: bytes, format)), trail: trail)
    }
}

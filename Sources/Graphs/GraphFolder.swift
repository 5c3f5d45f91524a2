import Glibc

/// A folder of graph documents: `*.yaml`, `*.yml` and `*.json`, not those of its subfolders, nor hidden ones.
package struct GraphFolder: Sendable {
    /// One document of the folder.
    package struct Entry: Sendable {
        /// The file's name, without the folder.
        package let fileName: String
        package let format: GraphFormat
        /// The document as it was read; empty if it could not be.
        package let bytes: [UInt8]
        /// What the file and the files that it names hold: it changes when one of them does, and only then.
        package let fingerprint: Fingerprint
        package let content: Result<GraphRevisionContent, GraphFaults>
    }

    /// The folder cannot be listed.
    package struct ListingError: Error, Sendable, Equatable {
        package let message: String
    }

    private let files: FolderFiles

    package init(path: String) {
        files = FolderFiles(path: path)
    }

    /// Reads every document, in the order of the files' names. One that is broken does not hinder the others; of two
    /// with one id the second has a fault.
    package func read(vocabulary: some NodeVocabulary) throws(ListingError) -> [Entry] {
        var entries: [Entry] = []
        var fileOfID: [String: String] = [:]
        for (name, format) in try documentNames() {
            var entry = entry(name, format, vocabulary)
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

    private func entry(_ name: String, _ format: GraphFormat, _ vocabulary: some NodeVocabulary) -> Entry {
        do {
            let bytes = try files.readDocument(name)
            do {
                let content = try Graph.parse(bytes, format: format, vocabulary: vocabulary, files: files)
                return Entry(
                    fileName: name, format: format, bytes: bytes,
                    fingerprint: Fingerprint(document: bytes, files: content.files), content: .success(content))
            } catch {
                return Entry(
                    fileName: name, format: format, bytes: bytes, fingerprint: Fingerprint(document: bytes),
                    content: .failure(error))
            }
        } catch {
            return Entry(
                fileName: name, format: format, bytes: [], fingerprint: Fingerprint(document: []),
                content: .failure(GraphFaults(error.message)))
        }
    }

    private func documentNames() throws(ListingError) -> [(name: String, format: GraphFormat)] {
        guard let folder = opendir(files.path) else {
            let error = errno
            throw ListingError(
                message: "the graphs folder \(files.path) cannot be read: \(String(cString: strerror(error)))")
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { name in
                    String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.compactMap { name in
            Self.format(of: name).map { (name, $0) }
        }
    }

    private static func format(of name: String) -> GraphFormat? {
        if name.hasPrefix(".") { return nil }
        if name.hasSuffix(".json") { return .json }
        return name.hasSuffix(".yaml") || name.hasSuffix(".yml") ? .yaml : nil
    }
}

extension GraphFolder.Entry {
    fileprivate func refused(_ message: String) -> Self {
        Self(
            fileName: fileName, format: format, bytes: bytes, fingerprint: fingerprint,
            content: .failure(GraphFaults(pointer: "/id", message)))
    }
}

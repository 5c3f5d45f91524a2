import JSON

/// How a document is written down.
package enum GraphFormat: Sendable {
    case json, yaml
}

/// What makes a revision of a graph: the graph, and the content of the files that it names and that their code imports.
package struct GraphRevisionContent: Sendable {
    package let graph: Graph
    package let files: GraphFiles
    /// The Python of its nodes.
    package let code: [NodeCode]
    /// Paths below the graph's folder, without endings, where a module was looked for and not found.
    package let absentModules: Set<String>
}

extension Graph {
    /// Reads and validates a document and the files that it names; the one way to a `Graph`. Throws every fault found
    /// (the first ones kept, all counted), in document order; a text that is no JSON or YAML has a single fault, at "".
    /// - Parameter shown: of a graph, the files that a run has shown to be imported, though no text names them.
    package static func parse(
        _ bytes: [UInt8], format: GraphFormat, vocabulary: some NodeVocabulary, files: some GraphFileSource,
        shown: (_ graphID: String) -> Set<String> = { _ in [] }
    ) throws(GraphFaults) -> GraphRevisionContent {
        do throws(GraphFaults) {
            return try read(bytes, format, vocabulary, files, shown)
        } catch {
            throw error.placed(in: bytes, format)
        }
    }

    private static func read(
        _ bytes: [UInt8], _ format: GraphFormat, _ vocabulary: some NodeVocabulary, _ files: some GraphFileSource,
        _ shown: (_ graphID: String) -> Set<String>
    ) throws(GraphFaults) -> GraphRevisionContent {
        let source = try source(bytes, format)
        let reader = DocumentReader(vocabulary, files)
        let (document, places) = try reader.read(source)
        var named = reader.files.files
        var imports = ImportedFiles(files, named: named)
        let shown = shown(document.id)
        imports.add(reader.code.map(\.source), shown: shown)
        if let fault = imports.fault { throw GraphFaults(pointer: "/nodes", fault) }
        named.imported = imports.imported
        named.shown = shown.filter { imports.imported[$0] != nil }
        return GraphRevisionContent(
            graph: Graph(document, places: places), files: named, code: reader.code,
            absentModules: imports.absent)
    }

    /// The text of a document as JSON, parsed but not checked. Throws a single fault, at "", or duplicate keys, with their places.
    package static func source(_ bytes: [UInt8], _ format: GraphFormat) throws(GraphFaults) -> JSONText {
        guard bytes.count <= GraphBounds.documentBytesMax else {
            throw GraphFaults(Wording.tooLarge(bytes.count), place: .start)
        }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw GraphFaults("the text is UTF-16; save it as UTF-8", place: .start)
        }
        let text = withoutByteOrderMark(bytes)
        switch format {
        case .yaml: return try YAMLReader.json(from: text).withoutRevision
        case .json:
            do {
                return try JSONText(parsing: text, limits: JSONLimits(depthMax: GraphBounds.depthMax)).withoutRevision
            } catch {
                if error.kind == .duplicateKey { try noteDuplicateKeys(text) }
                throw GraphFaults(error.what, place: TextPlace.place(ofByte: error.offset, in: text))
            }
        }
    }

    /// Editors of Windows begin a text with U+FEFF, which says that it is UTF-8, and is no part of it.
    static func withoutByteOrderMark(_ text: [UInt8]) -> [UInt8] {
        text.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(text.dropFirst(3)) : text
    }

    /// The JSON parser names a duplicate key by its byte and stops there. YAML's reader, which reads JSON too, names
    /// each by its pointer.
    private static func noteDuplicateKeys(_ text: [UInt8]) throws(GraphFaults) {
        do {
            _ = try YAMLReader.json(from: text)
        } catch {
            if error.faults.allSatisfy({ !$0.pointer.isEmpty }) { throw error }
        }
    }
}

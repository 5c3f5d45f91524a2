// Graphs of Python that came by the API as text. The text is a file of the graph's revision, kept in the store with what it
// imports from the graphs folder, and nowhere else: no file of the graphs folder is touched, and it is there after a restart.
// Such a graph has no folder, which tells it from all others that name files.

import Executions
import Graphs
import JSON

/// Python text that makes a graph.
struct PythonCode: Sendable {
    /// Of the graph.
    let id: String
    let text: [UInt8]

    var fileName: String { "\(id).py" }
}

extension GraphCatalog {
    enum CodeError: Error, Sendable {
        case fruitless
        case change(ChangeError)
        /// The id is that of a graph that came otherwise.
        case taken
    }

    /// How to see what a code makes.
    func lookOrder(at code: PythonCode, _ python: PythonSights) -> PythonLookOrder {
        let folder = folder ?? "/"
        return PythonLookOrder(
            folder: folder, file: code.fileName, graph: nil, program: python.looker.program(in: folder), code: code.text
        )
    }

    /// Stores the graph that a code makes, if it is not there already. It blocks.
    /// - Parameter sight: what `look.py` says of it.
    func put(_ code: PythonCode, _ sight: JSONText, called wish: PythonWish) throws(CodeError) -> GraphRevision {
        let old = current(code.id)
        if let old, !isOfCode(old) { throw .taken }
        let found: GraphRevisionContent?
        do throws(GraphFaults) {
            found = try self.content(of: code, sight, called: wish)
            if let found { try refuseSelf(found.graph) }
        } catch {
            throw .change(.invalid(error))
        }
        guard let content = found else { throw .fruitless }
        let document = content.graph.document
        if let old, old.graph.document.source == document.source, old.identity.files == content.files { return old }
        let new = NewGraph(
            id: code.id, document: document.source, files: content.files, folder: nil,
            createdAtMicroseconds: clock.wallMicroseconds)
        do {
            return try put(new, content, expecting: old?.identity.revision ?? 0).revision
        } catch {
            throw .change(error)
        }
    }

    /// Nil where it makes no graph.
    private func content(
        of code: PythonCode, _ sight: JSONText, called wish: PythonWish
    ) throws(GraphFaults) -> GraphRevisionContent? {
        let graph: PythonGraph
        switch PythonLook(sight) {
        case .graph(let found): graph = found
        case .refused(let faults): throw faults
        case .nothing, nil: return nil
        }
        var document = graph.called(wish.name, wish.description).document(id: code.id).object ?? [:]
        if let folder, let program = GraphDocument.interpreter(ofFilesIn: folder) {
            document["python"] = ["interpreter": JSONText(program)]
        }
        let files = CodeFiles(code: code, folder: folder.map { FolderFiles(path: $0) })
        do throws(GraphFaults) {
            return try Graph.parse(document.text.bytes, format: .json, vocabulary: compiler, files: files) { _ in
                PythonLook.imports(of: sight)
            }
        } catch {
            // Its places are in a text that nobody has written.
            throw GraphFaults(
                error.faults.map { GraphFault(pointer: $0.pointer, message: $0.message) }, count: error.count,
                code: error.code)
        }
    }

    private func isOfCode(_ revision: GraphRevision) -> Bool {
        let identity = revision.identity
        return identity.folder == nil && identity.files["\(identity.id).py"] != nil
    }
}

/// The graphs folder, if there is one, with a file in it that is not on disk.
private struct CodeFiles: GraphFileSource {
    let code: PythonCode
    let folder: FolderFiles?

    func read(_ name: String) throws(GraphFileError) -> [UInt8] {
        if name == code.fileName { return code.text }
        guard let folder else { throw GraphFileError("there is no graphs folder to find \(name) in") }
        return try folder.read(name)
    }

    func names(inFolder name: String) -> Set<String>? {
        let names = folder?.names(inFolder: name)
        return name.isEmpty ? (names ?? []).union([code.fileName]) : names
    }
}

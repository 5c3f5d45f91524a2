// What the graphs folder makes of the graphs. Two things are compared, each on its own: a document's file with what was last
// loaded from it, and the code of each current graph, wherever its document came from, with what its revision keeps. So a
// graph that was changed by the API keeps that change when a module is edited, and sees the module's.

import Executions
import Graphs
import JSON
import Synchronization

/// What is known of the graphs folder between two looks.
struct FolderState: Sendable {
    /// Files that runs of a graph have shown to be imported, until they are part of a revision.
    var shown: [String: Set<String>] = [:]
    /// The id of the graph in each document's file.
    var idOfFile: [String: String] = [:]
    /// Why a document's file, or the code of a graph, is not in force.
    var refusals: [FolderWatch.Source: Refusal] = [:]
    var python = PythonState()
}

/// Why a document's file, or the code of a graph, is not in force.
package struct Refusal: Sendable, Equatable {
    package let faults: GraphFaults
    /// The graph, as far as the document tells it.
    package let graphID: String?
    /// What is refused, for the log.
    let subject: String

    /// For the log: what is refused, and why.
    var complaint: String { subject.isEmpty ? "\(faults)" : "\(subject): \(faults)" }
}

extension GraphCatalog {
    /// Files that a graph is remembered to have imported without its text saying so.
    private static let shownMax = GraphBounds.importedFilesMax
    /// Looks at what newly watched folders may have held back; beyond that a source is looked at with the next start.
    private static let roundsMax = 3

    /// Why files of the graphs folder are not in force, by name: documents, and graphs whose code cannot be used.
    package var refusals: [FolderWatch.Source: Refusal] { folderState.withLock { $0.refusals } }

    /// What is marked as changed.
    var marks: FolderWatch.Changes { watch?.changes(before: "") ?? FolderWatch.Changes() }

    /// What has to be looked at before a graph starts. On the reactor's thread.
    func changes(before id: String) -> FolderWatch.Changes {
        guard let watch else { return FolderWatch.Changes() }
        var changes = watch.changes(before: id)
        changes.documents.formUnion(files(ofGraph: id).filter { watch.isUnwatched(.document($0)) })
        if isOfPython(id), watch.isUnwatched(.python("")) { changes.isPython = true }
        guard !watch.isWatching else { return changes }
        // Nothing tells of changes, so what concerns the graph is looked at; a new document may be anywhere.
        if current(id) == nil { changes.isEverything = true }
        if isOfPython(id) { changes.isPython = true }
        changes.graphs.insert(id)
        changes.documents.formUnion(files(ofGraph: id))
        return changes
    }

    /// Whether a start of the graph has to wait for a look at them.
    func concerns(_ changes: FolderWatch.Changes, _ id: String) -> Bool {
        if changes.isEverything || changes.graphs.contains(id) { return true }
        let (known, python) = folderState.withLock { ($0.idOfFile, $0.python.ids) }
        if changes.isPython, current(id) == nil || python.values.contains(id) { return true }
        if changes.documents.isEmpty { return false }
        return current(id) == nil || changes.documents.contains { known[$0] == nil || known[$0] == id }
    }

    private func files(ofGraph id: String) -> [String] {
        folderState.withLock { $0.idOfFile.filter { $0.value == id }.map(\.key) }
    }

    /// A run has imported a file of the graphs folder that its revision does not keep: the next one shall.
    package func shown(_ path: String, in folder: String, byGraph id: String) {
        guard let watch, folder == watch.folder || isOfPython(id), current(id)?.identity.files.imported[path] == nil
        else { return }
        let isNew = folderState.withLock { state in
            guard state.shown[id, default: []].count < Self.shownMax else { return false }
            return state.shown[id, default: []].insert(path).inserted
        }
        if isNew { watch.mark(graph: id) }
    }

    /// Looks at what may have changed; each document and each code that has makes a new revision. Of one thread at a time.
    /// - Parameters:
    ///   - marked: what was marked as changed, and is not any more once this has begun.
    ///   - repeating: whether also what was said before is said again.
    /// - Returns: what is not in force and why, a line each.
    package func look(
        at changes: FolderWatch.Changes, marked: FolderWatch.Changes, repeating: Bool = false
    ) throws(StoreError) -> [String] {
        guard let watch else { return [] }
        watch.beginLook(at: marked)
        if repeating { python?.forgetFailures() }
        defer { watch.endLook() }
        var complaints: [String] = []
        var changes = changes
        for _ in 0..<Self.roundsMax where !changes.isEmpty {
            let snapshot = FolderSnapshot(path: watch.folder)
            var again = FolderWatch.Changes()
            complaints += try lookAtDocuments(changes, snapshot, watch, &again)
            complaints += try lookAtPython(changes, watch, &again)
            complaints += try lookAtCode(changes, snapshot, watch, &again)
            changes = again
        }
        return repeating ? refusals.values.map(\.complaint).sorted() : complaints
    }

    // MARK: Documents

    private func lookAtDocuments(
        _ changes: FolderWatch.Changes, _ snapshot: FolderSnapshot, _ watch: FolderWatch,
        _ again: inout FolderWatch.Changes
    ) throws(StoreError) -> [String] {
        guard changes.isEverything || !changes.documents.isEmpty else { return [] }
        let entries: [GraphFolder.Entry]
        do throws(GraphFolder.ListingError) {
            entries = try GraphFolder(path: watch.folder).read(
                vocabulary: compiler, snapshot: snapshot, only: changes.isEverything ? nil : changes.documents,
                idOfFile: folderState.withLock { $0.idOfFile }
            ) { self.shown(ofGraph: $0) }
        } catch {
            return note(Refusal(faults: GraphFaults(error.message), graphID: nil, subject: ""), of: .document(""))
        }
        _ = note(nil, of: .document(""))
        // Another document may have waited for the id of one that is gone.
        if forgetMissing(entries, changes, watch), !changes.isEverything { again.isEverything = true }
        let loaded = try store.loadedFiles()
        let faults = codeFaults(of: entries, loaded, watch.folder)
        var complaints: [String] = []
        for (entry, faults) in zip(entries, faults) {
            let source = FolderWatch.Source.document(entry.fileName)
            let absent = (try? entry.content.get())?.absentModules ?? []
            if let code = entry.code {
                folderState.withLock { $0.python.named[entry.fileName] = Set(code.files.files.keys) }
            }
            if watch.follow(source, FolderWatch.Dependencies(trail: entry.trail, absentModules: absent)) {
                again.add(source)
            }
            let refusal = load(entry, faults, watch.folder, known: loaded[entry.fileName]).map {
                Refusal(faults: $0, graphID: entry.graphID, subject: "\(watch.folder)/\(entry.fileName)")
            }
            complaints += note(refusal, of: source)
        }
        return complaints
    }

    /// What is wrong with the code of those documents that have changed, one for each.
    func codeFaults(
        of entries: [GraphFolder.Entry], _ loaded: [String: String], _ folder: String
    ) -> [GraphFaults?] {
        let code = entries.map { isChanged($0, loaded[$0.fileName]) ? $0.code : nil }
        let faults = compiler.codeFaults(of: code, in: folder)
        return zip(entries, faults).map { entry, faults in faults?.placed(in: entry.bytes, entry.format) }
    }

    /// - Returns: why it is not in force.
    private func load(
        _ entry: GraphFolder.Entry, _ codeFaults: GraphFaults?, _ folder: String, known: String?
    ) -> GraphFaults? {
        let content: GraphRevisionContent
        do throws(GraphFaults) {
            content = try entry.content.get()
        } catch {
            return codeFaults.map { error.merged(with: $0) } ?? error
        }
        folderState.withLock { $0.idOfFile[entry.fileName] = content.graph.document.id }
        guard isChanged(entry, known) else { return nil }
        if let codeFaults { return codeFaults }
        do throws(GraphFaults) {
            try refuseSelf(content.graph)
        } catch {
            return error.placed(in: entry.bytes, entry.format)
        }
        let new = NewGraph(
            id: content.graph.document.id, document: content.graph.document.source,
            text: entry.format == .yaml ? entry.bytes : nil, files: content.files,
            folder: folder, createdAtMicroseconds: clock.wallMicroseconds,
            loadedFrom: (entry.fileName, entry.fingerprint.description))
        do throws(ChangeError) {
            _ = try put(new, content, expecting: nil)
            return nil
        } catch {
            return error.faults
        }
    }

    /// Whether a document is not the one that was loaded last. Daemons before this one kept a fingerprint of the document and
    /// the files that it names together.
    func isChanged(_ entry: GraphFolder.Entry, _ known: String?) -> Bool {
        guard let known, known != entry.fingerprint.description else { return known == nil }
        guard let content = try? entry.content.get() else { return true }
        return known != Fingerprint(document: entry.bytes, files: GraphFiles(content.files.files)).description
    }

    /// - Returns: whether a document is gone that was there before.
    private func forgetMissing(
        _ entries: [GraphFolder.Entry], _ changes: FolderWatch.Changes, _ watch: FolderWatch
    ) -> Bool {
        let there = Set(entries.map(\.fileName))
        let gone = folderState.withLock { state in
            let gone = state.idOfFile.keys.filter { name in
                !there.contains(name) && (changes.isEverything || changes.documents.contains(name))
            }
            for name in gone { state.idOfFile[name] = nil }
            state.python.named = state.python.named.filter { name, _ in
                there.contains(name) || !changes.isEverything && !changes.documents.contains(name)
            }
            for source in state.refusals.keys {
                if case .document(let name) = source, !there.contains(name),
                    changes.isEverything || changes.documents.contains(name)
                {
                    state.refusals[source] = nil
                }
            }
            return gone
        }
        for name in gone { watch.forget(.document(name)) }
        return !gone.isEmpty
    }

    // MARK: Code

    private func lookAtCode(
        _ changes: FolderWatch.Changes, _ snapshot: FolderSnapshot, _ watch: FolderWatch,
        _ again: inout FolderWatch.Changes
    ) throws(StoreError) -> [String] {
        let revisions = changes.isEverything ? list : changes.graphs.compactMap { current($0) }
        for id in changes.graphs where current(id) == nil { watch.forget(.graph(id)) }
        var complaints: [String] = []
        for revision in revisions where revision.identity.folder == watch.folder {
            let id = revision.identity.id
            if isOfPython(id) { continue }
            _ = snapshot.takeTrail()
            let found = Result { () throws(GraphFaults) in
                try Graph.parse(
                    revision.graph.document.source.bytes, format: .json, vocabulary: CodeVocabulary(compiler),
                    files: snapshot, shown: { self.shown(ofGraph: $0) })
            }
            let content = try? found.get()
            if content.map({ $0.code.isEmpty && $0.files.isEmpty }) == true { continue }
            var trail = snapshot.takeTrail()
            if revision.graph.document.interpreter == nil {
                trail.paths.insert("\(GraphDocument.environmentName)/bin/python")
            }
            let dependencies = FolderWatch.Dependencies(trail: trail, absentModules: content?.absentModules ?? [])
            if watch.follow(.graph(id), dependencies) { again.add(.graph(id)) }
            let refusal = renew(revision, found, watch.folder).map {
                Refusal(faults: $0, graphID: id, subject: "graph \(id)")
            }
            complaints += note(refusal, of: .graph(id))
        }
        return complaints
    }

    /// Makes a revision of the same document with other code.
    /// - Returns: why the old one stays in force.
    private func renew(
        _ revision: GraphRevision, _ found: Result<GraphRevisionContent, GraphFaults>, _ folder: String
    ) -> GraphFaults? {
        do {
            let content = try found.get()
            let (identity, document) = (revision.identity, revision.graph.document)
            if content.files == identity.files {
                folderState.withLock { $0.shown[identity.id] = nil }
                if document.interpreter(in: folder) != identity.interpreter { try refresh(revision) }
                return nil
            }
            let text = try text(of: revision)
            if let faults = compiler.codeFaults(of: [content.documentCode], in: folder).first ?? nil {
                return text.map { faults.placed(in: $0, .yaml) } ?? faults
            }
            let new = NewGraph(
                id: identity.id, document: document.source, text: text, files: content.files, folder: folder,
                createdAtMicroseconds: clock.wallMicroseconds, loadedFrom: try origin(of: identity))
            _ = try put(new, content, expecting: identity.revision)
            folderState.withLock { $0.shown[identity.id] = nil }
            return nil
        } catch ChangeError.conflict {
            // It was replaced meanwhile, and what replaced it is looked at by itself.
            return nil
        } catch {
            return (error as? GraphFaults) ?? (error as? ChangeError)?.faults ?? GraphFaults("\(error)")
        }
    }

    /// The file that a revision was loaded from, and what was last loaded from it.
    private func origin(of identity: GraphIdentity) throws(StoreError) -> (fileName: String, fingerprint: String)? {
        let summary = try store.revisions(ofGraph: identity.id).first { $0.revision == identity.revision }
        guard let file = summary?.fileName else { return nil }
        return try store.loadedFiles()[file].map { (file, $0) }
    }

    func shown(ofGraph id: String) -> Set<String> {
        let told = folderState.withLock { $0.shown[id] ?? [] }
        return told.union(current(id)?.identity.files.shown ?? [])
    }

    /// Remembers a refusal, or that there is none.
    /// - Returns: what to tell, if it is another than before.
    func note(_ refusal: Refusal?, of source: FolderWatch.Source) -> [String] {
        folderState.withLock { state in
            defer { state.refusals[source] = refusal }
            return refusal != state.refusals[source] ? [refusal?.complaint].compactMap(\.self) : []
        }
    }
}

/// Knows where documents name files and code, and judges nothing else: they were valid when they were stored.
private struct CodeVocabulary: NodeVocabulary {
    private let compiler: any GraphCompiler

    init(_ compiler: any GraphCompiler) {
        self.compiler = compiler
    }

    func schema(ofKind name: String) -> ConfigSchema? { compiler.schema(ofKind: name) }
    var kindNames: [String] { compiler.kindNames }
    var nodeCountMax: Int { compiler.nodeCountMax }
    func faults(inConfig config: JSONObject, ofKind name: String, files: GraphFiles) -> [GraphFault] { [] }
    func code(inConfig config: JSONObject, ofKind name: String) -> [NodeCode] {
        compiler.code(inConfig: config, ofKind: name)
    }
    func fault(inCondition source: String) -> String? { nil }
}

// Which graphs the Python files of the graphs folder make. What a file makes is seen by running it, in a child and in its own
// time (`PythonSights`): a look at the folder takes what has been seen so far, and the next one the rest.

import Executions
import Graphs
import JSON
import Synchronization

/// What is known of the Python files between two looks.
struct PythonState: Sendable {
    /// The files that documents name, by the document's file: those make no graphs of their own.
    var named: [String: Set<String>] = [:]
    /// The id of the graph that each source makes.
    var ids: [String: String] = [:]
    /// Of graphs whose current revision was loaded from a Python file: its number.
    var revisions: [String: Int] = [:]
    /// The sources that are being looked at, with the ids that they may have.
    var looking: [String: Set<String>] = [:]
    /// Why a source's graph has not the id that its file suggests.
    var renamed: [String: String] = [:]
    /// The files that the last look has found.
    var known: Set<String> = []
    /// The sources that make no graph.
    var fruitless: Set<String> = []
    /// What somebody has asked for who loads a source by hand, until it is done.
    var wishes: [String: PythonWish] = [:]
}

extension GraphCatalog {
    /// Whether a graph may soon be another: one of its files is being looked at.
    func isLookedAt(_ id: String) -> Bool {
        let names = folderState.withLock { state in
            state.python.looking.filter { $0.value.contains(id) || state.python.ids[$0.key] == id }.keys
        }
        guard !names.isEmpty else { return false }
        return python?.isLooking(atAnyOf: Set(names)) ?? false
    }

    /// Whether the current revision was loaded from a Python file, which is looked at in its own way.
    func isOfPython(_ id: String) -> Bool {
        folderState.withLock { $0.python.revisions[id] }.map { $0 == currentNumber(id) } ?? false
    }

    /// - Returns: what is not in force and why, a line each.
    func lookAtPython(
        _ changes: FolderWatch.Changes, _ watch: FolderWatch, _ again: inout FolderWatch.Changes
    ) throws(StoreError) -> [String] {
        guard let python else { return [] }
        guard
            changes.isEverything || changes.isPython || !changes.documents.isEmpty
                || changes.graphs.contains(where: isOfPython)
        else { return [] }
        var look = PythonFolderLook(below: watch.folder)
        var complaints: [String] = []
        let sources =
            look.sources(named: folderState.withLock { Set($0.python.named.values.joined()) })
            + (try chosenSources())
        let names = Set(sources.map(\.name))
        for (manifest, faults) in look.manifestFaults {
            complaints += note(refusal(faults, nil, manifest, watch), of: .python(manifest))
        }
        forgetPython(keeping: names.union(look.manifestFaults.map(\.manifest)), among: look.files.files)
        python.prune(keeping: names)
        var ids = PythonIDs(taken: takenIDs, holders: try holders(among: sources, watch.folder))
        for source in sources {
            complaints += try load(source, &look, &ids, watch)
        }
        if watch.follow(.python(""), look.dependencies) { again.isPython = true }
        if watch.followPython(in: look.files.folders) { again.isPython = true }
        return complaints
    }

    /// - Returns: what there is to complain of.
    private func load(
        _ source: PythonSource, _ look: inout PythonFolderLook, _ ids: inout PythonIDs, _ watch: FolderWatch
    ) throws(StoreError) -> [String] {
        guard let python else { return [] }
        let wanted = ids.wanted(by: source, in: watch.folder)
        let sight: JSONText
        switch look.knowledge(of: source, python) {
        case .looking:
            ids.awaitLook(of: source)
            awaitLook(of: source, watch)
            return []
        case .failed(let reason): return refuse(source, GraphFaults(reason), wanted.id, watch)
        case .seen(let answer): sight = answer
        }
        let graph: PythonGraph
        switch PythonLook(sight) {
        case .nothing, nil:
            end(source)
            folderState.withLock { _ = $0.python.fruitless.insert(source.name) }
            return note(nil, of: .python(source.name))
        case .refused(let faults): return refuse(source, faults, wanted.id, watch)
        case .graph(let found): graph = found
        }
        guard !wanted.isAwaited else {
            awaitLook(of: source, watch)
            return []
        }
        guard let id = wanted.id else {
            return refuse(
                source, GraphFaults("its id is taken, and so is that with its folder's name: \(wanted.reason)"), nil,
                watch)
        }
        ids.take(id, source)
        folderState.withLock { state in
            state.python.ids[source.name] = id
            state.python.fruitless.remove(source.name)
            state.python.renamed[source.name] = id == source.id ? nil : wanted.reason
        }
        // It is being looked at until it is in force.
        defer { folderState.withLock { $0.python.looking[source.name] = nil } }
        do throws(GraphFaults) {
            try put(graph, id, source, &look, sight)
            return note(nil, of: .python(source.name))
        } catch {
            return note(refusal(error, id, source.name, watch), of: .python(source.name))
        }
    }

    /// Makes a revision of what has changed, or of what somebody wishes.
    private func put(
        _ graph: PythonGraph, _ id: String, _ source: PythonSource, _ look: inout PythonFolderLook, _ sight: JSONText
    ) throws(GraphFaults) {
        let plain = try look.content(of: graph, id, source, self, sight)
        let folder = look.path(of: source)
        let fingerprint = Fingerprint(document: plain.graph.document.source.bytes, files: plain.files).description
        let wish = takeWish(source.name, id)
        do {
            let loaded = try store.loadedFiles()[source.name]
            if loaded == fingerprint {
                try confirm(id, source, plain.graph.document.interpreter(in: folder))
                if wish == nil { return }
            }
            let words = try words(for: id, source, wish, loaded)
            let content =
                words == nil
                ? plain : try look.content(of: graph.called(words?.name, words?.description), id, source, self, sight)
            if loaded == fingerprint, isOfPython(id),
                current(id)?.graph.document.source == content.graph.document.source
            {
                return
            }
            try refuseSelf(content.graph)
            let new = NewGraph(
                id: id, document: content.graph.document.source, files: content.files, folder: folder,
                createdAtMicroseconds: clock.wallMicroseconds, loadedFrom: (source.name, fingerprint))
            let number = try put(new, content, expecting: nil).revision.identity.revision
            folderState.withLock { state in
                state.python.revisions[id] = number
                state.shown[id] = nil
            }
        } catch {
            throw (error as? GraphFaults) ?? (error as? ChangeError)?.faults ?? GraphFaults("\(error)")
        }
    }

    /// Nothing has changed since it was loaded, but maybe in the store, or what runs it.
    private func confirm(_ id: String, _ source: PythonSource, _ interpreter: String?) throws {
        guard let revision = current(id) else { return }
        if !isOfPython(id) {
            let summary = try store.revisions(ofGraph: id).first { $0.revision == revision.identity.revision }
            guard summary?.fileName == source.name else { return }
            folderState.withLock { $0.python.revisions[id] = revision.identity.revision }
        }
        if interpreter != revision.identity.interpreter { try refresh(revision) }
    }

    private func refuse(
        _ source: PythonSource, _ faults: GraphFaults, _ id: String?, _ watch: FolderWatch
    ) -> [String] {
        defer { end(source) }
        return note(refusal(faults, id ?? source.id, source.name, watch), of: .python(source.name))
    }

    private func refusal(_ faults: GraphFaults, _ id: String?, _ name: String, _ watch: FolderWatch) -> Refusal {
        Refusal(faults: faults, graphID: id, subject: "\(watch.folder)/\(name)")
    }

    /// It is not known yet what the source makes.
    private func awaitLook(of source: PythonSource, _ watch: FolderWatch) {
        let ids = [source.id, source.secondID(inFolder: watch.folder)].compactMap(\.self)
        folderState.withLock { $0.python.looking[source.name] = Set(ids) }
    }

    /// It is known what the source makes.
    private func end(_ source: PythonSource) {
        folderState.withLock { state in
            state.python.looking[source.name] = nil
            state.python.renamed[source.name] = nil
            state.python.wishes[source.name] = nil
        }
    }

    /// The ids that documents have, and those of graphs that came by the API alone.
    private var takenIDs: [String: String] {
        folderState.withLock { state in
            var taken: [String: String] = [:]
            for (file, id) in state.idOfFile { taken[id] = file }
            for (source, refusal) in state.refusals {
                if case .document(let file) = source, let id = refusal.graphID { taken[id] = file }
            }
            return taken
        }
    }

    /// Whose graph an id is already, of those that might have it: a source, or whoever has made it by the API.
    private func holders(among sources: [PythonSource], _ folder: String) throws(StoreError) -> [String: String] {
        let known = folderState.withLock { $0.python.ids }
        let names = Set(sources.map(\.name))
        var holders: [String: String] = [:]
        for (name, id) in known where names.contains(name) { holders[id] = name }
        for source in sources where known[source.name] == nil {
            for id in [source.id, source.secondID(inFolder: folder)].compactMap(\.self) where holders[id] == nil {
                guard current(id) != nil else { continue }
                let files = try store.revisions(ofGraph: id).map(\.fileName)
                if let file = files.first ?? nil, names.contains(file) { holders[id] = file }
                if files.allSatisfy({ $0 == nil }) { holders[id] = PythonIDs.theAPI }
            }
        }
        return holders
    }

    private func forgetPython(keeping names: Set<String>, among files: [String]) {
        folderState.withLock { state in
            state.python.known = Set(files)
            state.python.ids = state.python.ids.filter { names.contains($0.key) }
            state.python.looking = state.python.looking.filter { names.contains($0.key) }
            state.python.renamed = state.python.renamed.filter { names.contains($0.key) }
            state.python.fruitless.formIntersection(names)
            for source in state.refusals.keys {
                if case .python(let name) = source, !names.contains(name) { state.refusals[source] = nil }
            }
        }
    }
}

import Executions
import Graphs
import JSON
import Synchronization

/// A document's file of the graphs folder whose content is not in force, or the code of a graph that is not.
struct UnloadedFile: Sendable {
    enum Reason: String {
        /// It has faults.
        case refused
        /// It has come or changed since the folder was looked at.
        case waiting
        /// A Python file of which it is not known yet what it makes.
        case looking
        /// It is in force, but not under the id that its name suggests.
        case renamed
    }

    /// Below the graphs folder, "." for the folder itself; nil for the code of a graph that came by the API.
    let name: String?
    /// The graph, as far as the document tells it.
    let graphID: String?
    let reason: Reason
    let faults: GraphFaults

    /// Whether it is likely to hold a graph: it says so, or is called so and cannot be read.
    func mayHold(_ id: String) -> Bool {
        if reason == .renamed { return false }
        if let graphID { return graphID == id }
        return name?.split(separator: ".", omittingEmptySubsequences: false).dropLast().joined(separator: ".") == id
    }

    var json: JSONText {
        [
            "file": name.map { JSONText($0) } ?? .null, "graph_id": graphID.map { JSONText($0) } ?? .null,
            "status": JSONText(reason.rawValue), "errors": JSONText(array: faults.faults.map(\.json)),
        ]
    }
}

extension GraphCatalog {
    private static let waiting = GraphFaults(
        "has come or changed since the folder was looked at: it is loaded at the next start of its graph, or by a reload",
        place: .start)

    /// What of the graphs folder is not in force, by name. Nothing is loaded by this. It blocks.
    /// - Parameter changes: what is marked as changed.
    func unloadedFiles(_ changes: FolderWatch.Changes) throws(StoreError) -> [UnloadedFile] {
        guard let watch else { return [] }
        let (refusals, idOfFile) = folderState.withLock { ($0.refusals, $0.idOfFile) }
        var files = refusals.compactMap { source, refusal -> UnloadedFile? in
            if case .python = source { return nil }
            return unloaded(source, refusal, idOfFile)
        }
        let names: [String]
        do throws(GraphFolder.ListingError) {
            names = try GraphFolder(path: watch.folder).documentNames()
        } catch {
            let folder = UnloadedFile(name: ".", graphID: nil, reason: .refused, faults: GraphFaults(error.message))
            return files.filter { $0.name == nil } + [folder]
        }
        let isUnknown = changes.isEverything || !watch.isWatching
        let unclear = names.filter { name in
            isUnknown || changes.documents.contains(name)
                || idOfFile[name] == nil && refusals[.document(name)] == nil
        }
        let there = Set(names)
        files.removeAll { $0.name.map { !there.contains($0) || unclear.contains($0) } ?? false }
        files += try examine(Set(unclear), watch.folder, idOfFile)
        return (files + unloadedPython(watch.folder)).sorted { ($0.name ?? "") < ($1.name ?? "") }
    }

    /// What the last look has refused.
    var refusedFiles: [UnloadedFile] {
        let (refusals, idOfFile) = folderState.withLock { ($0.refusals, $0.idOfFile) }
        return refusals.map { source, refusal in unloaded(source, refusal, idOfFile) } + watchedPython
    }

    private func unloaded(
        _ source: FolderWatch.Source, _ refusal: Refusal, _ idOfFile: [String: String]
    ) -> UnloadedFile {
        let name: String?
        switch source {
        case .document(let file): name = file.isEmpty ? "." : file
        case .graph(let id): name = idOfFile.first { $0.value == id }?.key
        case .python(let file): name = file
        }
        return UnloadedFile(name: name, graphID: refusal.graphID, reason: .refused, faults: refusal.faults)
    }

    /// Python files that are not in force, or not as one would think.
    private func unloadedPython(_ folder: String) -> [UnloadedFile] {
        guard python != nil else { return [] }
        let (refusals, known, named) = folderState.withLock {
            ($0.refusals, $0.python.known, Set($0.python.named.values.joined()))
        }
        let refused = refusals.compactMap { source, refusal -> UnloadedFile? in
            guard case .python = source else { return nil }
            return unloaded(source, refusal, [:])
        }
        // What has come since the last look is looked at as soon as that is over.
        let new = PythonFiles(below: folder).files.filter { !known.contains($0) && !named.contains($0) }
        return refused + watchedPython
            + new.map { name in
                UnloadedFile(name: name, graphID: PythonSource(file: name).id, reason: .looking, faults: Self.looking)
            }
    }

    /// Those that are being looked at, and those with another id than their name's.
    private var watchedPython: [UnloadedFile] {
        let python = folderState.withLock { $0.python }
        let looking = python.looking.map { name, ids in
            UnloadedFile(
                name: name, graphID: python.ids[name] ?? ids.sorted { $0.count < $1.count }.first, reason: .looking,
                faults: Self.looking)
        }
        return looking
            + python.renamed.map { name, reason in
                UnloadedFile(
                    name: name, graphID: python.ids[name], reason: .renamed, faults: GraphFaults(reason))
            }
    }

    private static let looking = GraphFaults("is being looked at: it is not known yet which graph it makes")

    /// Judges files as a look would.
    private func examine(
        _ names: Set<String>, _ folder: String, _ idOfFile: [String: String]
    ) throws(StoreError) -> [UnloadedFile] {
        guard !names.isEmpty else { return [] }
        let entries =
            (try? GraphFolder(path: folder).read(vocabulary: compiler, only: names, idOfFile: idOfFile) {
                self.shown(ofGraph: $0)
            }) ?? []
        let loaded = try store.loadedFiles()
        return zip(entries, codeFaults(of: entries, loaded, folder)).compactMap { entry, codeFaults in
            let isWaiting = isChanged(entry, loaded[entry.fileName])
            let found =
                entry.faults.map { faults in codeFaults.map { faults.merged(with: $0) } ?? faults } ?? codeFaults
            guard let faults = found ?? (isWaiting ? Self.waiting : nil) else { return nil }
            return UnloadedFile(
                name: entry.fileName, graphID: entry.graphID, reason: found == nil ? .waiting : .refused, faults: faults
            )
        }
    }
}

extension GraphFolder.Entry {
    fileprivate var faults: GraphFaults? {
        guard case .failure(let faults) = content else { return nil }
        return faults
    }
}

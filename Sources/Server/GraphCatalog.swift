// The graphs that can be executed now, compiled; and the way to change them. What is here is what the store has: a change
// is stored first. Reading is quick and may happen on the reactor's thread, all else blocks and belongs on a lane.

import Executions
import Graphs
import HTTP
import JSON
import Synchronization

package final class GraphCatalog: Sendable {
    package struct Change: Sendable {
        package let revision: GraphRevision
        package let isNew: Bool
    }

    package enum ChangeError: Error, Sendable {
        case invalid(GraphFaults)
        /// The current revision is not the expected one: this is, 0 for none.
        case conflict(current: Int)
        case store(StoreError)
    }

    /// Old revisions that are kept compiled, for executions whose events are read.
    private static let oldRevisionsMax = 64

    private struct Guarded {
        var current: [String: GraphRevision] = [:]
        /// The numbers of current revisions that cannot run: a kind or a size that is not allowed any more. Nobody sees them,
        /// but what replaces or deletes them must know that they are there.
        var unrunnable: [String: Int] = [:]
        var old: [String: GraphRevision] = [:]
    }

    let store: any GraphStore
    let compiler: any GraphCompiler
    let clock: any Clock
    /// Where documents that come by the API look for the files that they name.
    private let folder: String?
    private let guarded = Mutex(Guarded())
    /// Nil where there is no graphs folder.
    let watch: FolderWatch?
    let folderState = Mutex(FolderState())

    package init(store: any GraphStore, compiler: any GraphCompiler, clock: any Clock, folder: String?) {
        self.store = store
        self.compiler = compiler
        self.clock = clock
        self.folder = folder
        watch = folder.map { FolderWatch(folder: $0) }
    }

    package func current(_ id: String) -> GraphRevision? {
        guarded.withLock { $0.current[id] }
    }

    /// The number of the current revision, also of one that cannot run; 0 for none.
    func currentNumber(_ id: String) -> Int {
        guarded.withLock { $0.current[id]?.identity.revision ?? $0.unrunnable[id] ?? 0 }
    }

    /// All current graphs, by id.
    package var list: [GraphRevision] {
        guarded.withLock { Array($0.current.values) }.sorted { $0.identity.id < $1.identity.id }
    }

    var kindDescriptions: JSONText { compiler.kindDescriptions }

    /// The same as `revision`, if it is in memory; never blocks.
    func knownRevision(_ number: Int, of id: String) -> GraphRevision? {
        guarded.withLock { guarded in
            if let current = guarded.current[id], current.identity.revision == number { return current }
            return guarded.old["\(number)/\(id)"]
        }
    }

    /// A revision for reading what it once ran: it need not be able to run any more.
    package func revision(_ number: Int, of id: String) throws(StoreError) -> GraphRevision? {
        if let known = knownRevision(number, of: id) { return known }
        guard let stored = try store.graph(id, revision: number), !stored.summary.isDeletion else { return nil }
        let revision = try historical(stored)
        guarded.withLock { guarded in
            if guarded.old.count >= Self.oldRevisionsMax { guarded.old.removeAll() }
            guarded.old["\(number)/\(id)"] = revision
        }
        return revision
    }

    /// A revision for an execution that goes on with it; with a reason, in place of what runs, when it cannot run any more.
    package func runnable(_ number: Int, of id: String) throws(StoreError) -> (GraphRevision, failure: String?)? {
        if let current = current(id), current.identity.revision == number { return (current, nil) }
        guard let stored = try store.graph(id, revision: number), !stored.summary.isDeletion else { return nil }
        do {
            return (try compiled(stored), nil)
        } catch {
            return (try historical(stored), "revision \(number) of graph \(id) cannot run any more: \(error)")
        }
    }

    package func revisions(of id: String) throws(StoreError) -> [GraphRevisionSummary] {
        try store.revisions(ofGraph: id)
    }

    /// Reads and checks a document; stores nothing.
    /// - Parameter asksInterpreter: whether its Python is compiled, by the interpreter that it names: for those who may edit.
    package func validate(
        _ bytes: [UInt8], format: GraphFormat, asksInterpreter: Bool = true
    ) throws(GraphFaults) -> GraphRevisionContent {
        let content: GraphRevisionContent
        if let folder {
            content = try Graph.parse(bytes, format: format, vocabulary: compiler, files: FolderFiles(path: folder))
        } else {
            content = try Graph.parse(bytes, format: format, vocabulary: compiler, files: NoFiles())
        }
        if asksInterpreter, let faults = compiler.codeFaults(of: [content], in: folder).first ?? nil { throw faults }
        return content
    }

    /// Stores a document as the next revision of its graph.
    /// - Parameter expecting: the revision that it replaces, 0 for none; nil: whatever is there.
    package func put(_ content: GraphRevisionContent, expecting: Int? = nil) throws(ChangeError) -> Change {
        let new = NewGraph(
            id: content.graph.document.id, document: content.graph.document.source, files: content.files,
            folder: folder,
            createdAtMicroseconds: clock.wallMicroseconds)
        let change = try put(new, content, expecting: expecting)
        // What it imports is not watched yet, and may have changed since it was read.
        if !content.code.isEmpty || !content.files.isEmpty { watch?.mark(graph: new.id) }
        return change
    }

    package func delete(_ id: String, expecting: Int?) throws(ChangeError) {
        while true {
            let revision = currentNumber(id)
            guard revision > 0, expecting == nil || expecting == revision else { throw .conflict(current: revision) }
            let now = clock.wallMicroseconds
            let deletion = try stored { () throws(StoreError) in
                try store.deleteGraph(id, expecting: revision, atMicroseconds: now)
            }
            if deletion != nil {
                return guarded.withLock { guarded in
                    if guarded.current[id]?.identity.revision == revision { guarded.current[id] = nil }
                    if guarded.unrunnable[id] == revision { guarded.unrunnable[id] = nil }
                }
            }
        }
    }

    func put(_ new: NewGraph, _ content: GraphRevisionContent, expecting: Int?) throws(ChangeError) -> Change {
        while true {
            let replaced = currentNumber(new.id)
            if let expecting, expecting != replaced { throw .conflict(current: replaced) }
            guard let summary = try stored({ () throws(StoreError) in try store.put(new, expecting: replaced) }) else {
                continue
            }
            let identity = GraphIdentity(
                id: new.id, revision: summary.revision, files: new.files, folder: new.folder,
                interpreter: content.graph.document.interpreter(in: new.folder))
            let revision: GraphRevision
            do {
                revision = try compiler.compile(
                    content.graph, identity: identity, createdAtMicroseconds: summary.createdAtMicroseconds)
            } catch {
                throw .invalid(error)
            }
            makeCurrent(revision)
            return Change(revision: revision, isNew: replaced == 0)
        }
    }

    /// Compiles a current revision anew: something around it has changed, and nothing in it.
    func refresh(_ revision: GraphRevision) throws(GraphFaults) {
        let old = revision.identity
        let identity = GraphIdentity(
            id: old.id, revision: old.revision, files: old.files, folder: old.folder,
            interpreter: revision.graph.document.interpreter(in: old.folder))
        let compiled = try compiler.compile(
            revision.graph, identity: identity, createdAtMicroseconds: revision.createdAtMicroseconds)
        guarded.withLock { guarded in
            guard guarded.current[old.id]?.identity.revision == old.revision else { return }
            guarded.current[old.id] = compiled
        }
    }

    private func makeCurrent(_ revision: GraphRevision) {
        guarded.withLock { guarded in
            let known = guarded.current[revision.identity.id]?.identity.revision ?? 0
            guard revision.identity.revision > known else { return }
            guarded.current[revision.identity.id] = revision
            guarded.unrunnable[revision.identity.id] = nil
        }
    }

    private func stored<Value>(_ work: () throws(StoreError) -> Value) throws(ChangeError) -> Value {
        do {
            return try work()
        } catch {
            throw .store(error)
        }
    }
}

extension GraphCatalog {
    /// Loads the store's graphs, and then the graphs folder: each file that has changed since it was last loaded makes a new
    /// revision.
    /// - Returns: what could not be loaded and why, a line each.
    package func load() throws(StoreError) -> [String] {
        var complaints: [String] = []
        for stored in try store.currentGraphs() {
            do {
                makeCurrent(try compiled(stored))
            } catch {
                guarded.withLock { $0.unrunnable[stored.summary.graphID] = stored.summary.revision }
                complaints.append("graph \(stored.summary.graphID) cannot be run: \(error)")
            }
        }
        // What was told before this look is seen by it.
        _ = marks
        return try complaints + look(at: .everything, marked: .everything, repeating: true)
    }

    private func compiled(_ stored: StoredGraph) throws(GraphFaults) -> GraphRevision {
        let content = try Graph.parse(stored.document.bytes, format: .json, vocabulary: compiler, files: stored.files)
        return try compiler.compile(
            content.graph, identity: stored.identity(of: content.graph),
            createdAtMicroseconds: stored.summary.createdAtMicroseconds)
    }

    private func historical(_ stored: StoredGraph) throws(StoreError) -> GraphRevision {
        do {
            let vocabulary = HistoricalVocabulary()
            let content = try Graph.parse(
                stored.document.bytes, format: .json, vocabulary: vocabulary, files: stored.files)
            return GraphRevision(
                graph: content.graph, identity: stored.identity(of: content.graph),
                createdAtMicroseconds: stored.summary.createdAtMicroseconds,
                bodies: [], conditions: [])
        } catch {
            throw StoreError(
                "revision \(stored.summary.revision) of graph \(stored.summary.graphID) is damaged: \(error)")
        }
    }
}

extension StoredGraph {
    fileprivate func identity(of graph: Graph) -> GraphIdentity {
        GraphIdentity(
            id: summary.graphID, revision: summary.revision, files: files, folder: folder,
            interpreter: graph.document.interpreter(in: folder))
    }
}

/// Takes every kind and condition: the document was valid when it was stored, and is only read.
private struct HistoricalVocabulary: NodeVocabulary {
    private let anything: ConfigSchema?

    init() {
        anything = try? ConfigSchema(JSONText.emptyObject)
    }

    func schema(ofKind name: String) -> ConfigSchema? { anything }
    var kindNames: [String] { [] }
    var nodeCountMax: Int { GraphBounds.nodeCountCeiling }
    func faults(inConfig config: JSONObject, ofKind name: String, files: GraphFiles) -> [GraphFault] { [] }
    func fault(inCondition source: String) -> String? { nil }
}

/// There is no graphs folder, so no files that a document could name.
private struct NoFiles: GraphFileSource {
    func read(_ name: String) throws(GraphFileError) -> [UInt8] {
        throw GraphFileError("there is no graphs folder to find \(name) in; start the daemon with --graphs DIR")
    }
}

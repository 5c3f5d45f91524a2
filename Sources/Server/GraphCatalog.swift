// The graphs that can be executed now, compiled. What is here is a cache of what the store has: of each graph that ever was
// the newest number, deletions included, and nothing older takes its place, however late whoever brings it was. A change is
// stored first. Reading is quick and may happen on the reactor's thread, all else blocks and belongs on a lane.

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
        /// Others have changed it at the same moment, time after time.
        case contended
        case store(StoreError)

        /// The same in words for the person who wrote the document.
        var faults: GraphFaults {
            switch self {
            case .invalid(let faults): faults
            case .conflict(let current): GraphFaults("the graph has changed meanwhile: its revision is \(current) now")
            case .contended: GraphFaults("others have changed the graph at the same moment, time after time")
            case .store(let error): GraphFaults(error.message)
            }
        }
    }

    /// Old revisions that are kept compiled, for executions whose events are read.
    private static let oldRevisionsMax = 64

    private struct Guarded {
        var heads: [String: GraphHead] = [:]
        /// Those of `heads` that can run. One that cannot, for a kind or a size that is not allowed any more, nobody sees; but
        /// what replaces or deletes it must know that it is there.
        var current: [String: GraphRevision] = [:]
        var old: [String: GraphRevision] = [:]
        var onChange: (@Sendable (String, GraphHead) -> Void)?
    }

    /// The JSON Schema of graph documents, with the kinds there are.
    let documentSchema: JSONText
    let store: any GraphStore
    let compiler: any GraphCompiler
    let clock: any Clock
    /// Where documents that come by the API look for the files that they name.
    package let folder: String?
    private let guarded = Mutex(Guarded())
    /// What was seen in Python files; nil where they make no graphs.
    let python: PythonSights?
    /// Nil where there is no graphs folder.
    let watch: FolderWatch?
    let folderState = Mutex(FolderState())

    package init(
        store: any GraphStore, compiler: any GraphCompiler, clock: any Clock, folder: String?,
        python: PythonSights? = nil
    ) {
        self.store = store
        self.compiler = compiler
        documentSchema = DocumentSchema(compiler).json
        self.clock = clock
        self.folder = folder
        self.python = python
        watch = folder.map { FolderWatch(folder: $0) }
    }

    package func current(_ id: String) -> GraphRevision? {
        guarded.withLock { $0.current[id] }
    }

    /// The number of the current revision, also of one that cannot run; 0 for none.
    func currentNumber(_ id: String) -> Int {
        head(of: id).current
    }

    /// As far as it is known; who changes it is told if the store knows better.
    func head(of id: String) -> GraphHead {
        guarded.withLock { $0.heads[id] ?? .none }
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

    /// A revision as YAML: as it was written, or made of its JSON. Blocks.
    func yaml(of revision: GraphRevision) throws(StoreError) -> [UInt8] {
        if let text = try text(of: revision) { return text }
        return Array(revision.graph.document.yaml().utf8)
    }

    /// The YAML that a revision was written in, if it was. Blocks.
    func text(of revision: GraphRevision) throws(StoreError) -> [UInt8]? {
        try store.text(ofGraph: revision.identity.id, revision: revision.identity.revision)
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

    /// Reads a document's nodes and edges, whatever else it says: nothing of it is compiled, and no file is opened.
    package func outline(_ bytes: [UInt8], format: GraphFormat) throws(GraphFaults) -> Graph {
        let vocabulary = AnyVocabulary(nodeCountMax: compiler.nodeCountMax)
        return try Graph.parse(bytes, format: format, vocabulary: vocabulary, files: GraphFiles()).graph
    }

    /// Reads and checks a document; stores nothing.
    package func validate(
        _ bytes: [UInt8], format: GraphFormat
    ) throws(GraphFaults) -> GraphRevisionContent {
        let content: GraphRevisionContent
        if let folder {
            content = try compiler.read(bytes, format, files: FolderFiles(path: folder), in: folder)
        } else {
            content = try compiler.read(bytes, format, files: NoFiles(), in: nil)
        }
        do throws(GraphFaults) {
            try refuseSelf(content.graph)
        } catch {
            throw error.placed(in: bytes, format)
        }
        return content
    }

    /// Takes over what the store has: a revision, or none where it is a deletion or cannot run. The older never wins.
    func apply(_ head: GraphHead, id: String, _ revision: GraphRevision?) {
        // What is replaced is freed outside of the lock.
        let (replaced, onChange) = guarded.withLock {
            guarded -> (GraphRevision?, (@Sendable (String, GraphHead) -> Void)?) in
            let known = guarded.heads[id] ?? .none
            let isNew = head.revision > known.revision
            let canRunNow = head == known && guarded.current[id] == nil
            guard isNew || canRunNow else { return (nil, nil) }
            guarded.heads[id] = head
            defer { guarded.current[id] = revision }
            return (guarded.current[id], isNew ? guarded.onChange : nil)
        }
        _ = consume replaced
        onChange?(id, head)
    }

    /// Has each new revision told from now on, deletions too, on whatever thread brings it: short, never blocking.
    func tellChanges(_ onChange: @escaping @Sendable (String, GraphHead) -> Void) {
        guarded.withLock { $0.onChange = onChange }
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

    /// What is wrong, by graph: every number is the store's, and what can run has that number. While nothing changes.
    package func checkInvariants() throws(StoreError) -> [String] {
        let stored = try store.graphHeads()
        let (heads, current) = guarded.withLock { ($0.heads, $0.current) }
        let ids = Set(stored.keys).union(heads.keys).union(current.keys)
        return ids.sorted().compactMap { id in
            if stored[id] != heads[id] {
                return "\(id): \(heads[id] ?? .none), and the store has \(stored[id] ?? .none)"
            }
            guard let revision = current[id]?.identity.revision, revision != heads[id]?.current else { return nil }
            return "\(id): revision \(revision) runs, and \(heads[id] ?? .none) is the newest"
        }
    }
}

extension GraphCatalog {
    /// Loads the store's graphs, and then the graphs folder: each file that has changed since it was last loaded makes a new
    /// revision.
    /// - Returns: what could not be loaded and why, a line each.
    package func load() throws(StoreError) -> [String] {
        var complaints: [String] = []
        for (id, head) in try store.graphHeads().sorted(by: { $0.key < $1.key }) {
            if let complaint = try load(id, head) { complaints.append(complaint) }
        }
        // What was told before this look is seen by it.
        _ = marks
        return try complaints + look(at: .everything, marked: .everything, repeating: true)
    }

    /// - Returns: why it cannot run.
    private func load(_ id: String, _ head: GraphHead) throws(StoreError) -> String? {
        let (known, runs) = guarded.withLock { ($0.heads[id] ?? .none, $0.current[id] != nil) }
        if known.revision > head.revision || known == head && (runs || head.isDeletion) { return nil }
        guard !head.isDeletion else {
            apply(head, id: id, nil)
            return nil
        }
        // Gone again: whoever has removed it has told what is there now.
        guard let stored = try store.graph(id, revision: head.revision) else { return nil }
        do {
            apply(head, id: id, try compiled(stored))
            return nil
        } catch {
            apply(head, id: id, nil)
            return "graph \(id) cannot be run: \(error)"
        }
    }

    private func compiled(_ stored: StoredGraph) throws(GraphFaults) -> GraphRevision {
        let content = try Graph.parse(stored.document.bytes, format: .json, vocabulary: compiler, files: stored.files)
        return try compiler.compile(
            content.graph, identity: stored.identity(of: content.graph),
            createdAtMicroseconds: stored.summary.createdAtMicroseconds)
    }

    private func historical(_ stored: StoredGraph) throws(StoreError) -> GraphRevision {
        do {
            let vocabulary = AnyVocabulary()
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

/// There is no graphs folder, so no files that a document could name.
private struct NoFiles: GraphFileSource {
    func read(_ name: String) throws(GraphFileError) -> [UInt8] {
        throw GraphFileError("there is no graphs folder to find \(name) in; start the daemon with --graphs DIR")
    }
}

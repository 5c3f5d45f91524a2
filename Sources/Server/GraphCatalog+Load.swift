// A Python file of the graphs folder that somebody loads by hand. The folder's own looks do it (`lookAtPython`), since a file
// makes one graph, whoever asks for it: what is said besides, such as a name, is a wish that the next look grants.

import Executions
import Graphs
import JSON
import Synchronization

/// What somebody asks for who loads a Python file.
struct PythonWish: Sendable {
    /// What the graph shall be called and described as; nil: as it is, or as the file says.
    var name: String?
    var description: String?
    /// The graphs that they may change; nil: all.
    var graphs: Set<String>?
}

/// What came of loading a Python file.
enum PythonLoad: Sendable {
    case graph(GraphRevision)
    case refused(GraphFaults)
    /// It makes no graph.
    case fruitless
    /// A document names it: it is part of that one's graph.
    case named(byDocument: String)
    /// It is not among the files that are looked at.
    case missing
}

extension GraphCatalog {
    /// From now on the next look loads a source, `FILE.py` or `FILE.py:NAME`, and tries what it has failed to see.
    func wish(_ wish: PythonWish, for name: String) {
        python?.forgetFailure(of: name)
        folderState.withLock { $0.python.wishes[name] = wish }
    }

    /// Whether it is not known yet what a source makes, or under which id.
    func isLooking(atPython name: String) -> Bool {
        let names = folderState.withLock { state in
            state.python.looking[name] == nil ? [] : Set(state.python.looking.keys)
        }
        return !names.isEmpty && python?.isLooking(atAnyOf: names) == true
    }

    /// What has come of it, once it is not looked at any more.
    func load(ofPython name: String) -> PythonLoad {
        let file = PythonSource(chosen: name).map { $0.folder.isEmpty ? $0.file : "\($0.folder)/\($0.file)" } ?? name
        let (python, refusal) = folderState.withLock { state in
            state.python.wishes[name] = nil
            return (state.python, state.refusals[.python(name)])
        }
        guard python.known.contains(file) else { return .missing }
        if let refusal { return .refused(refusal.faults) }
        if let document = python.named.first(where: { $0.value.contains(name) })?.key {
            return .named(byDocument: document)
        }
        if python.fruitless.contains(name) { return .fruitless }
        guard let revision = python.ids[name].flatMap({ current($0) }) else {
            return .refused(GraphFaults("has changed while it was loaded, or a langgraph.json names it; load it again"))
        }
        return .graph(revision)
    }

    /// The graphs of files that have several, as somebody has chosen them: now, or since a revision was loaded from them.
    func chosenSources() throws(StoreError) -> [PythonSource] {
        let wished = folderState.withLock { $0.python.wishes.keys }
        let names = Set(wished).union(try store.loadedFiles().keys)
        return names.sorted().compactMap { PythonSource(chosen: $0) }
    }

    /// The wish for a source that makes this graph, if whoever has it may change that.
    func takeWish(_ name: String, _ id: String) -> PythonWish? {
        let wish = folderState.withLock { $0.python.wishes.removeValue(forKey: name) }
        guard let wish, wish.graphs?.contains(id) != false else { return nil }
        return wish
    }

    /// What a source's graph is called, and described as, where somebody has wished that: now, or when it was loaded.
    func words(
        for id: String, _ source: PythonSource, _ wish: PythonWish?, _ loaded: String?
    ) throws(StoreError) -> PythonWish? {
        var words = PythonWish()
        if let revision = current(id), try isAmended(revision, source, loaded) {
            let document = revision.graph.document
            words.name = document.source["name"]?.string
            words.description = document.source["description"]?.string
        }
        words.name = wish?.name ?? words.name
        words.description = wish?.description ?? words.description
        return words.name == nil && words.description == nil ? nil : words
    }

    /// Whether a revision was loaded from a source, and is not quite what that has made.
    private func isAmended(
        _ revision: GraphRevision, _ source: PythonSource, _ loaded: String?
    ) throws(StoreError) -> Bool {
        let identity = revision.identity
        let made = Fingerprint(document: revision.graph.document.source.bytes, files: identity.files).description
        guard let loaded, made != loaded else { return false }
        return try store.revisions(ofGraph: identity.id).first { $0.revision == identity.revision }?.fileName
            == source.name
    }
}

import Executions
import Graphs
import JSON
import Server

/// The graphs that a document runs within its nodes, in a run without a daemon: found by their ids among the documents that
/// lie beside it.
struct LocalGraphs: GraphRevisions {
    private let revisions: [String: GraphRevision]

    func current(_ id: String) -> GraphRevision? { revisions[id] }

    func revision(_ number: Int, of id: String) -> GraphRevision? {
        revisions[id].flatMap { $0.identity.revision == number ? $0 : nil }
    }

    func runnable(_ number: Int, of id: String) -> (GraphRevision, failure: String?)? {
        revision(number, of: id).map { ($0, nil) }
    }

    /// Reads those that a graph runs, and those that they run. One that is not there is no fault: its node fails.
    /// - Parameter compile: makes a revision of a document.
    init(
        of graph: Graph, in folder: String,
        _ compile: (_ text: GraphText, _ path: String) throws -> GraphRevision
    ) throws {
        var revisions: [String: GraphRevision] = [:]
        var open = graph.innerGraphs.map(\.id)
        let files = open.isEmpty ? [:] : try Self.files(in: folder)
        while let id = open.popLast() {
            guard id != graph.document.id else {
                throw CommandFailure("the graph \(id) would contain itself, through the documents beside it")
            }
            guard revisions[id] == nil, let file = files[id] else { continue }
            let revision = try compile(file.text, file.path)
            revisions[id] = revision
            open += revision.graph.innerGraphs.map(\.id)
        }
        for id in revisions.keys.sorted() where Self.contains(id, within: id, revisions) {
            throw CommandFailure("the graph \(id) would contain itself, through the documents beside it")
        }
        self.revisions = revisions
    }

    /// Whether a graph stands in another, through others too.
    private static func contains(_ id: String, within outer: String, _ revisions: [String: GraphRevision]) -> Bool {
        var seen: Set<String> = []
        var open = [outer]
        while let next = open.popLast() {
            for inner in revisions[next]?.graph.innerGraphs.map(\.id) ?? [] {
                if inner == id { return true }
                if seen.insert(inner).inserted { open.append(inner) }
            }
        }
        return false
    }

    /// By the id that stands in them; what cannot be read is not among them.
    private static func files(in folder: String) throws -> [String: (path: String, text: GraphText)] {
        var files: [String: (path: String, text: GraphText)] = [:]
        for name in try GraphFolder(path: folder).documentNames() {
            let path = "\(folder)/\(name)"
            guard let text = try? GraphFile.read(path),
                let id = (try? Graph.source(text.bytes, text.format))?["id"]?.string
            else { continue }
            if files[id] == nil { files[id] = (path, text) }
        }
        return files
    }
}

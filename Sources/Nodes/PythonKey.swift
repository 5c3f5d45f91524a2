import Executions
import Graphs
import Synchronization

/// What workers are kept apart by: a worker runs one graph's code of one content, and never anything else.
struct PythonKey: Hashable, Sendable {
    let graphID: String
    /// Nil: the document came from no folder.
    let folder: String?
    /// The folder of the node's file below the graph's: the first in which that file's imports are looked for.
    let ownFolder: String
    /// The Python to execute, or whose programs are found by name.
    let program: String
    /// What to execute in place of Python's worker.
    var command: WorkerCommand?
    /// Of all files of the revision, or of the command.
    let fingerprint: String
    /// The one call that its worker is for.
    var onlyCall: Int?
}

/// The keys of the revisions that run; the files of each are hashed once.
final class PythonKeys: Sendable {
    /// Revisions that are remembered.
    private static let revisionsMax = 64

    private struct Known {
        let graph: GraphIdentity
        let program: String
        let fingerprint: String

        /// A number may be another revision's, in a daemon that keeps no history, and an environment may come and go.
        func isOf(_ other: GraphIdentity) -> Bool {
            graph === other || graph.files == other.files && graph.interpreter == other.interpreter
        }
    }

    private let settings: PythonSettings
    private let known = Mutex<[String: Known]>([:])

    init(_ settings: PythonSettings) {
        self.settings = settings
    }

    func key(of graph: GraphIdentity, _ target: PythonTarget) -> PythonKey {
        let revision = revision(graph)
        return PythonKey(
            graphID: graph.id, folder: graph.folder, ownFolder: target.ownFolder, program: revision.program,
            fingerprint: revision.fingerprint)
    }

    func key(of graph: GraphIdentity, _ command: WorkerCommand) -> PythonKey {
        PythonKey(
            graphID: graph.id, folder: graph.folder, ownFolder: "", program: settings.program(graph.interpreter),
            command: command, fingerprint: command.fingerprint(in: graph.folder))
    }

    private func revision(_ graph: GraphIdentity) -> Known {
        let name = "\(graph.id) \(graph.revision)"
        if let known = known.withLock({ $0[name] }), known.isOf(graph) { return known }
        let found = Known(
            graph: graph, program: settings.program(graph.interpreter),
            fingerprint: Fingerprint(document: [], files: graph.files).description)
        known.withLock { known in
            if known.count >= Self.revisionsMax { known = [:] }
            known[name] = found
        }
        return found
    }
}

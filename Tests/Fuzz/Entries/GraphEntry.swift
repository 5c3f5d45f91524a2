import Executions
import Graphs
import JSON
import Nodes
import OrderedCollections
import Reactor
import ReactorServices

/// Reads a graph document, as YAML and as JSON, with the kinds of nodes that a daemon has. What is accepted compiles, can be
/// laid out, and means the same when it is written as YAML or JSON and read again.
package final class GraphFuzzer {
    /// Whatever file a document names is there.
    private struct AnyFile: GraphFileSource {
        func read(_ name: String) throws(GraphFileError) -> [UInt8] { Array("def f(state): return {}\n".utf8) }
    }

    private let kinds: NodeKinds
    private let reactor: Reactor

    package init() {
        guard let reactor = try? Reactor() else { preconditionFailure("there is a descriptor for epoll") }
        self.reactor = reactor
        let clock = ReactorClock(reactor)
        // Nothing is ever started: documents are only looked at.
        let launcher = ReactorProcessLauncher(Children(on: reactor, helperPath: "/nonexistent"), on: reactor)
        let python = PythonWorkers(
            settings: PythonSettings(), launcher: launcher, clock: clock, pool: WorkerPool(threads: 1),
            pythonFolder: "/nonexistent", runtimeFolder: "/nonexistent")
        kinds = NodeKinds.standard(NodeSettings(clock: clock, launcher: launcher, python: python))
    }

    package func run(_ bytes: UnsafeRawBufferPointer) {
        let bytes = Array(bytes)
        for format in [GraphFormat.yaml, .json] {
            guard let content = read(bytes, format) else { continue }
            check(content)
        }
    }

    private func check(_ content: GraphRevisionContent) {
        let document = content.graph.document
        let yaml = read(Array(document.source.yaml().utf8), .yaml)?.graph.document.source
        precondition(yaml?.isEquivalent(to: document.source) == true, "its YAML is another document")
        precondition(read(document.source.bytes, .json)?.graph.document == document, "its JSON is another document")
        let places = Layout.positions(of: content.graph)
        precondition(document.nodes.allSatisfy { places[$0.id] != nil }, "each node has a place")
        do {
            _ = try kinds.compile(
                content.graph, identity: GraphIdentity(id: document.id, revision: 1, files: content.files, folder: nil),
                createdAtMicroseconds: 0)
        } catch {
            preconditionFailure("it was accepted, but does not compile: \(error)")
        }
    }

    private func read(_ bytes: [UInt8], _ format: GraphFormat) -> GraphRevisionContent? {
        do throws(GraphFaults) {
            return try Graph.parse(bytes, format: format, vocabulary: kinds, files: AnyFile())
        } catch {
            precondition(!error.faults.isEmpty, "a refusal names a fault")
            return nil
        }
    }
}

import Executions
import Graphs
import JSON

/// Which graph a node runs: one that stands in its config, or another one by its id.
struct InnerChoice: Sendable {
    enum Finding {
        case found(GraphRevision)
        case failed(NodeFailure)
        case work(PlanWork)
    }

    /// Compiled; nil for a config that is only checked.
    let nested: GraphRevision?
    let id: String?
    let revision: Int?
    let graphs: (any InnerGraphs)?

    /// - Throws: what is wrong with a config that names a graph, and may have nodes of its own.
    init(_ config: JSONObject, nested: GraphRevision?, graphs: (any InnerGraphs)?) throws(GraphFaults) {
        self.nested = nested
        self.graphs = graphs
        id = config["graph"]?.string
        revision = config["revision"]?.int
        if let id, !GraphDocument.isID(id) { throw GraphFaults(pointer: "/graph", "is no id of a graph") }
        guard id == nil || config["nodes"] == nil else {
            throw GraphFaults(pointer: "/graph", "stands in the place of nodes; one of them is enough")
        }
        guard id == nil || config["edges"] == nil else {
            throw GraphFaults(pointer: "/edges", "belong to nodes, not to another graph")
        }
        guard id != nil || config["nodes"] != nil else { throw GraphFaults("needs a graph, or nodes") }
    }

    /// The graph, as it is now.
    func find() -> Finding {
        guard let id else {
            guard let nested else { return .failed(NodeFailure("the graph within the node was not compiled")) }
            return .found(nested)
        }
        guard let graphs else { return .failed(NodeFailure("there are no other graphs here")) }
        let current = graphs.current(id)
        guard let revision, revision != current?.identity.revision else {
            guard let current else { return .failed(NodeFailure("there is no graph \(id)")) }
            return .found(current)
        }
        return .work { await graphs.find(revision, of: id).map { $0 as any Sendable } }
    }

    func topology(_ revision: GraphRevision) -> ScopeTopology {
        id == nil ? .nested : .revision(graphID: revision.identity.id, number: revision.identity.revision)
    }
}

/// What a plan needs of the attempt that it belongs to. Not the call itself, whose output holds on to the run.
struct PlanInput: Sendable {
    let state: State
    /// Where files are found.
    let folder: String?
    let stateBytesMax: Int
    /// For what computes.
    let room: ProgramRoom?

    init(_ call: NodeCall) {
        state = call.state
        folder = call.graph.folder
        stateBytesMax = call.stateBytesMax
        room = call.room
    }
}

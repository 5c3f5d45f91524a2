// A graph may run others, and those others again, but never itself: that would not end.

import Executions
import Graphs

extension GraphCatalog {
    /// Throws what is wrong with a document that contains itself, through others too, as they stand now.
    func refuseSelf(_ graph: Graph) throws(GraphFaults) {
        let id = graph.document.id
        var faults: [GraphFault] = []
        for inner in graph.innerGraphs {
            guard let path = path(from: inner.id, to: id) else { continue }
            let way = ([id] + path).joined(separator: " → ")
            faults.append(GraphFault(pointer: inner.pointer, message: "the graph would contain itself: \(way)"))
        }
        guard faults.isEmpty else { throw GraphFaults(faults) }
    }

    /// The graphs from one to another that it runs, both included; nil if it does not.
    private func path(from first: String, to last: String) -> [String]? {
        var comesFrom: [String: String] = [first: ""]
        var open = [first]
        while let id = open.popLast() {
            if id == last {
                var path = [id]
                while let before = comesFrom[path[0]], !before.isEmpty { path.insert(before, at: 0) }
                return path
            }
            for inner in current(id)?.graph.innerGraphs ?? [] where comesFrom[inner.id] == nil {
                comesFrom[inner.id] = id
                open.append(inner.id)
            }
        }
        return nil
    }
}

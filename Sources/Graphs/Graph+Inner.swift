import JSON

/// A graph that a node runs.
package struct InnerGraph: Sendable, Equatable {
    /// Where the document names it: a JSON Pointer.
    package let pointer: String
    package let id: String
}

extension Graph {
    /// Kinds whose nodes run graphs. Told by name, so that whoever only reads documents knows it too.
    static let composedKinds: Set<String> = ["graph", "map", "repeat"]

    /// The graphs that nodes of the document run, those of nodes within nodes too, in document order.
    package var innerGraphs: [InnerGraph] {
        guard nodes.contains(where: { Self.composedKinds.contains($0.kind) }) else { return [] }
        var found: [InnerGraph] = []
        Self.collect(document.source["nodes"], at: JSONPointer(["nodes"]), &found)
        return found
    }

    private static func collect(_ nodes: JSONText?, at place: JSONPointer, _ found: inout [InnerGraph]) {
        for (index, node) in (nodes?.array ?? []).enumerated() {
            guard let kind = node["kind"]?.string, composedKinds.contains(kind), let config = node["config"] else {
                continue
            }
            let place = place.appending(index).appending("config")
            if let id = config["graph"]?.string {
                found.append(InnerGraph(pointer: place.appending("graph").description, id: id))
            }
            collect(config["nodes"], at: place.appending("nodes"), &found)
        }
    }
}

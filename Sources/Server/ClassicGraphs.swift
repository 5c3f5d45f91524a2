import Auth
import Executions
import Graphs
import HTTP
import JSON

/// Graphs in the words of the classic API.
enum ClassicGraphs {
    static func list(_ call: Call) throws(Problem) {
        let graphs = call.server.catalog.list.filter { call.access.allows(graph: $0.identity.id) }
        let store = call.server.store
        call.offload(Listing(graphs: graphs, catalog: call.server.catalog)) { (listing) throws(Problem) in
            try listing.step(store)
        }
    }

    /// Some graphs at a time, since each is asked for in the history.
    private struct Listing: Sendable {
        private static let pieceCount = 100

        let graphs: [GraphRevision]
        let catalog: GraphCatalog
        private var items: [JSONText] = []

        init(graphs: [GraphRevision], catalog: GraphCatalog) {
            self.graphs = graphs
            self.catalog = catalog
        }

        /// - Returns: the answer, once all were looked at.
        mutating func step(_ store: any ExecutionStore) throws(Problem) -> Response? {
            for revision in graphs[items.count...].prefix(Self.pieceCount) {
                let times = try ClassicGraphs.times(of: revision.identity.id, catalog, store)
                items.append(JSONText(ClassicGraphs.summary(of: revision, times)))
            }
            guard items.count == graphs.count else { return nil }
            return .json(["graphs": JSONText(array: items), "total": JSONText(items.count)] as JSONObject)
        }
    }

    static func read(_ call: Call) throws(Problem) {
        let id = call.parameter("id")
        guard let revision = call.server.catalog.current(id) else { return GraphRoutes.respondUnknown(call, id) }
        let (catalog, store) = (call.server.catalog, call.server.store)
        call.offload { () throws(Problem) in .json(try description(of: revision, catalog, store)) }
    }

    /// Answers with the graph as it was.
    static func delete(_ call: Call) throws(Problem) {
        let (catalog, store, id) = (call.server.catalog, call.server.store, call.parameter("id"))
        guard let revision = catalog.current(id) else { throw GraphRoutes.unknown(id) }
        call.then({ () throws(Problem) in try description(of: revision, catalog, store) }) { call, description in
            GraphRoutes.delete(id, expecting: nil, call, answer: .json(description))
        }
    }

    /// A graph that was loaded, as it came into being. Blocks.
    static func loaded(
        _ revision: GraphRevision, _ catalog: GraphCatalog, _ store: any ExecutionStore
    ) throws(Problem) -> JSONObject {
        var loaded = try description(of: revision, catalog, store)
        loaded["last_executed"] = nil
        return loaded
    }

    /// Blocks.
    private static func description(
        of revision: GraphRevision, _ catalog: GraphCatalog, _ store: any ExecutionStore
    ) throws(Problem) -> JSONObject {
        let document = revision.graph.document
        let times = try times(of: document.id, catalog, store)
        return [
            "graph_id": JSONText(document.id), "name": JSONText(document.name),
            "description": JSONText(document.description), "structure": JSONText(structure(of: revision.graph)),
            "created_at": times.created, "last_executed": times.lastExecuted,
        ]
    }

    private static func summary(
        of revision: GraphRevision, _ times: (created: JSONText, lastExecuted: JSONText)
    ) -> JSONObject {
        let document = revision.graph.document
        let drawing = drawing(of: document)
        let nodeCount = drawing.map { $0["nodes"]?.array?.count ?? 0 } ?? document.nodes.count
        let edgeCount = drawing.map { $0["edges"]?.array?.count ?? 0 } ?? document.edges.count
        return [
            "graph_id": JSONText(document.id), "name": JSONText(document.name),
            "description": JSONText(document.description),
            "node_count": JSONText(nodeCount),
            "edge_count": JSONText(edgeCount), "created_at": times.created,
            "last_executed": times.lastExecuted,
        ]
    }

    /// When a graph came into being, as far as its revisions are kept, and when it was executed last. Blocks.
    private static func times(
        of id: String, _ catalog: GraphCatalog, _ store: any ExecutionStore
    ) throws(Problem) -> (created: JSONText, lastExecuted: JSONText) {
        try ExecutionRoutes.read { () throws(StoreError) in
            let created = try catalog.revisions(of: id).prefix { !$0.isDeletion }.last?.createdAtMicroseconds
            let last = try store.executions(ExecutionQuery(graphID: id, limit: 1)).first
            let executed = last.map { $0.startedAtMicroseconds ?? $0.createdAtMicroseconds }
            return (created.map { JSONText(timestamp: $0) } ?? .null, executed.map { JSONText(timestamp: $0) } ?? .null)
        }
    }

    /// Nodes and edges in document order; of a graph that a library runs, what that has drawn.
    static func structure(of graph: Graph) -> JSONObject {
        let document = graph.document
        if let drawing = drawing(of: document) { return structure(ofDrawing: drawing) }
        var nodes = JSONObject()
        for node in document.nodes {
            nodes[JSONKey(node.id)] = [
                "id": JSONText(node.id), "name": JSONText(node.name), "node_type": JSONText(node.kind),
                "is_testing": false, "metadata": metadata(of: node),
            ]
        }
        let edges = document.edges.map { edge -> JSONText in
            [
                "source": JSONText(edge.from), "target": JSONText(edge.to), "conditional": JSONText(edge.when != nil),
                "metadata": edge.when.map { ["when": JSONText($0)] } ?? JSONText(JSONObject()),
            ]
        }
        return structure(nodes, edges, joining: document.edges.map { ($0.from, $0.to) })
    }

    private static func drawing(of document: GraphDocument) -> JSONText? {
        document.nodes.first?.kind == GraphRevision.hostedKind ? document.source["drawing"] : nil
    }

    /// What is not as a drawing is written is left out of it.
    private static func structure(ofDrawing drawing: JSONText) -> JSONObject {
        var nodes = JSONObject()
        for node in drawing["nodes"]?.array ?? [] {
            guard let id = node["id"]?.string else { continue }
            nodes[JSONKey(id)] = [
                "id": JSONText(id), "name": JSONText(node["name"]?.string ?? id),
                "node_type": JSONText(GraphRevision.hostedKind), "is_testing": false,
                "metadata": JSONText(JSONObject()),
            ]
        }
        var (edges, joined): ([JSONText], [(from: String, to: String)]) = ([], [])
        for edge in drawing["edges"]?.array ?? [] {
            guard let from = edge["from"]?.string, let to = edge["to"]?.string else { continue }
            joined.append((from, to))
            let label = edge["label"].flatMap { $0.kind == .null ? nil : $0 }
            edges.append([
                "source": JSONText(from), "target": JSONText(to),
                "conditional": JSONText(edge["conditional"]?.bool ?? false),
                "metadata": label.map { ["label": $0] } ?? JSONText(JSONObject()),
            ])
        }
        return structure(nodes, edges, joining: joined)
    }

    private static func structure(
        _ nodes: JSONObject, _ edges: [JSONText], joining joined: [(from: String, to: String)]
    ) -> JSONObject {
        let (sources, targets) = (Set(joined.map(\.from)), Set(joined.map(\.to)))
        let ids = nodes.keys.map(\.string)
        return [
            "nodes": JSONText(nodes), "edges": JSONText(array: edges),
            "start_nodes": JSONText(array: ids.filter { !targets.contains($0) }.map { JSONText($0) }),
            "end_nodes": JSONText(array: ids.filter { !sources.contains($0) }.map { JSONText($0) }),
        ]
    }

    private static func metadata(of node: GraphNode) -> JSONText {
        guard let position = node.position else { return JSONText(JSONObject()) }
        return ["position": ["x": JSONText(position.x), "y": JSONText(position.y)]]
    }
}

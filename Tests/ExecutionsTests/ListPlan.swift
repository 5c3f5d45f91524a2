import Executions
import Graphs
import JSON

/// A node that opens a scope for each number below `count`, and keeps what became of them in the order of index.
struct ListBody: ScopeBody {
    let count: Int
    let parallel: Int
    let revision: GraphRevision

    func start(_ call: NodeCall) -> NodeStart { .composed(emptyPlan(), call.state) }
    func emptyPlan() -> any ScopePlan { ListPlan(body: self) }
}

struct ListPlan: ScopePlan {
    let body: ListBody
    private var results: [Int: JSONText] = [:]
    private var again: Set<Int> = []
    private var nextIndex = 0

    init(body: ListBody) { self.body = body }

    mutating func takeOver(_ earlier: any ScopePlan) {
        guard let earlier = earlier as? ListPlan else { preconditionFailure("a node keeps its kind") }
        self = earlier
    }

    mutating func attemptEnded() {}

    mutating func next(openCount: Int) -> PlanStep {
        guard openCount < body.parallel else { return .wait }
        guard let index = again.min() ?? (nextIndex < body.count ? nextIndex : nil) else {
            guard openCount == 0 else { return .wait }
            let list = (0..<body.count).map { results[$0] ?? "missing" }
            return .done(update: ["list": JSONText(array: list)])
        }
        if again.remove(index) == nil { nextIndex += 1 }
        return .open(
            ScopeDraft(
                index: index, revision: body.revision, topology: .nested,
                state: ScopeState(hasInput: true, without: ["list"], values: ["index": JSONText(index)])))
    }

    mutating func learned(_ news: Result<any Sendable, NodeFailure>) { preconditionFailure("it asks for nothing") }

    func conclude(_ end: ScopeEnd) -> ScopeConclusion { .value(JSONText(end.changes)) }

    mutating func opened(_ opening: ScopeOpening, _ revision: GraphRevision) {
        let index = opening.index ?? 0
        again.remove(index)
        nextIndex = max(nextIndex, index + 1)
    }

    mutating func closed(_ closing: ScopeClosing) {
        let index = closing.index ?? 0
        switch closing.status {
        case .success: results[index] = closing.value
        case .error: results[index] = ["failed": JSONText(closing.failure?.message ?? "")]
        default: again.insert(index)
        }
    }
}

/// A random tree of graphs, whose nodes are functions of their place and what they see.
struct TreeScenario {
    let seed: UInt64
    let revision: GraphRevision

    init(seed: UInt64) throws {
        self.seed = seed
        var random = SeededGenerator(seed: seed)
        let nodes = Self.nodes(depth: 0, &random)
        let document =
            #"{"id":"g",\#(nodes),"limits":{"max_parallel_nodes":\#(Int.random(in: 1...4, using: &random))}}"#
        let content = try Graph.parse(
            Array(document.utf8), format: .json, vocabulary: TestVocabulary(), files: GraphFiles())
        revision = Self.compiled(content.graph)
    }

    private static func nodes(depth: Int, _ random: inout SeededGenerator) -> String {
        let count = Int.random(in: 1...3, using: &random)
        let nodes = (0..<count).map { place -> String in
            guard depth < 3, depth == 0 && place == 0 || random.oneIn(3) else {
                return #"{"id":"n\#(place)","kind":"test"}"#
            }
            let items = Int.random(in: 0...4, using: &random)
            let parallel = Int.random(in: 1...3, using: &random)
            return #"""
                {"id":"n\#(place)","kind":"map","config":{"count":\#(items),"parallel":\#(parallel),
                \#(self.nodes(depth: depth + 1, &random))}}
                """#
        }
        let edges = (1..<max(count, 1)).filter { _ in random.oneIn(2) }.map {
            #"{"from":"n\#($0 - 1)","to":"n\#($0)"}"#
        }
        return #""nodes":[\#(nodes.joined(separator: ","))],"edges":[\#(edges.joined(separator: ","))]"#
    }

    private static func compiled(_ graph: Graph) -> GraphRevision {
        let nested = graph.nested.map { $0.map(compiled) }
        let bodies = zip(graph.nodes, nested).map { node, inner -> any NodeBody in
            guard let inner else { return NoBody() }
            return ListBody(
                count: node.config["count"]?.int ?? 0, parallel: node.config["parallel"]?.int ?? 1, revision: inner)
        }
        return GraphRevision(
            graph: graph, identity: GraphIdentity(id: "g", revision: 1, files: GraphFiles(), folder: nil),
            createdAtMicroseconds: 0, bodies: bodies, nested: nested, conditions: graph.edges.map { _ in nil })
    }

    /// What a node comes to.
    func outcome(path: String, state: JSONText) -> NodeOutcome {
        var random = SeededGenerator(seed: mix(seed, stableHash(Array("\(path) \(state)".utf8))))
        if random.oneIn(5) { return .failure(NodeFailure("failed at \(path)")) }
        return .success(update: [JSONKey("k\(Int.random(in: 0..<3, using: &random))"): JSONText(path)])
    }
}
